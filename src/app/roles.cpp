#include "app/roles.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "app/cache_run.hpp"
#include "app/clients.hpp"
#include "app/copy_run.hpp"
#include "app/display.hpp"
#include "app/doctor_run.hpp"
#include "app/evidence_page.hpp"
#include "app/plan_html.hpp"
#include "app/plan_run.hpp"
#include "app/plan_text.hpp"
#include "app/price_file.hpp"
#include "app/report.hpp"
#include "app/service_state.hpp"
#include "app/summary.hpp"
#include "app/verify_run.hpp"
#include "kit/base/text.hpp"
#include "observe/log.hpp"
#include "state/sqlite/sqlite_state.hpp"

namespace ferry::app {
namespace {

/// Directories on the way are made for this user alone.
Status make_parents(const std::filesystem::path& file) {
  const auto folder = file.parent_path();
  if (folder.empty() || std::filesystem::exists(folder)) return Unit{};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (!error) return Unit{};
  return fail(ErrorKind::kInvalid, "--state: " + printable(folder.string()) + " can't be made: " + error.message());
}

Result<std::unique_ptr<StateStore>> open_state(Settings* settings, const Environment& environment) {
  if (!settings->state_file) {
    auto file = default_state_file(settings->job, environment);
    if (!file) return fail(std::move(file).error());
    if (auto made = make_parents(*file); !made) return fail(std::move(made).error());
    settings->state_file = *std::move(file);
  }
  return sqlite::open_state(*settings->state_file, settings->job, system_clock());
}

void print_lines(std::string_view page) {
  while (!page.empty()) {
    const auto line = page.substr(0, page.find('\n'));
    log::print(line);
    page.remove_prefix(std::min(page.size(), line.size() + 1));
  }
}

void print_json(const std::string& line) {
  std::fputs(line.c_str(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

Error output_error() {
  return Error{ErrorKind::kUnavailable, "stdout can't be written: " + std::generic_category().message(errno)};
}

/// For output that may be long: not flushed.
Status print_output(std::string_view line) {
  const bool whole = std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
  if (!whole || std::fputc('\n', stdout) == EOF) return fail(output_error());
  return Unit{};
}

/// Null where none is wanted.
Result<std::unique_ptr<LineFile>> open_file(const std::optional<std::string>& path, std::string_view option) {
  if (!path) return std::unique_ptr<LineFile>{};
  return LineFile::create(*path, option);
}

Result<std::unique_ptr<LineFile>> open_report(const Settings& settings) {
  return open_file(settings.report_file, "--report");
}

/// "user@host": whom an evidence page names.
std::string who_asks() {
  char host[HOST_NAME_MAX + 1] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = 0;
  passwd entry{};
  passwd* found = nullptr;
  char text[4096];
  const bool known = ::getpwuid_r(::getuid(), &entry, text, sizeof text, &found) == 0 && found != nullptr;
  return (known ? std::string{entry.pw_name} : "uid " + std::to_string(::getuid())) + "@" + host;
}

template <class Ending>
void close_report(const Settings& settings, LineFile* report, Ending* ending) {
  if (!report) return;
  ending->report_file = *settings.report_file;
  report->write(json_of(*ending));
  if (auto finished = report->finish(); !finished) ending->report = std::move(finished).error();
}

template <class Ending>
ExitCode present(const Settings& settings, const Ending& ending) {
  const ExitCode code = exit_code_of(ending);
  if (!settings.quiet || code != ExitCode::kDone) print_lines(page_of(ending));
  const std::string json = settings.json ? json_of(ending) : "";
  if (!json.empty()) print_json(json);
  return code;
}

void warn_of(const Settings& settings) {
  for (const auto& warning : settings.warnings) complain("warning: " + warning);
}

}  // namespace

void complain(const std::string& what) { log::print("bucketferry: " + what); }

ExitCode refuse(const Error& error) {
  complain(error.what);
  return ExitCode::kUsage;
}

Result<std::string> default_state_file(const Job& job, const Environment& environment) {
  std::string base = environment("XDG_STATE_HOME").value_or("");
  if (!base.starts_with('/')) {  // the XDG specification: a relative path is as good as none
    const std::string home = environment("HOME").value_or("");
    if (home.empty())
      return fail(ErrorKind::kInvalid, "no place for the state: set HOME or XDG_STATE_HOME, or give --state FILE");
    base = home + "/.local/state";
  }
  return base + "/bucketferry/" + job.id() + ".sqlite";
}

ExitCode copy(Settings settings, const Environment& environment) {
  auto clients = connect(&settings, environment, system_clock(), system_rng());
  if (!clients) return refuse(clients.error());

  std::unique_ptr<StateStore> state;
  if (!settings.dry_run) {
    auto opened = open_state(&settings, environment);
    if (!opened) return refuse(opened.error());
    state = *std::move(opened);
  }
  auto report = open_report(settings);
  if (!report) return refuse(report.error());
  warn_of(settings);

  Screen screen = standard_screen();
  CopyRooms rooms;
  rooms.make_clients = *std::move(clients);
  rooms.state = state.get();
  rooms.report = report->get();
  rooms.screen = &screen;
  rooms.progress = resolve_for_stderr(settings.progress, settings.quiet);
  rooms.clock = system_clock();
  rooms.rng = system_rng();
  CopyRun run{settings, std::move(rooms)};
  auto ended = run.run();
  if (!ended) return refuse(ended.error());

  CopyEnding ending = *std::move(ended);
  if (!settings.dry_run) ending.state_file = *settings.state_file;
  close_report(settings, report->get(), &ending);
  return present(settings, ending);
}

ExitCode verify(Settings settings, const Environment& environment) {
  auto clients = connect(&settings, environment, system_clock(), system_rng());
  if (!clients) return refuse(clients.error());
  auto report = open_report(settings);
  if (!report) return refuse(report.error());
  auto html = open_file(settings.html_file, "--html");
  if (!html) return refuse(html.error());
  warn_of(settings);

  Screen screen = standard_screen();
  VerifyRooms rooms;
  rooms.make_clients = *std::move(clients);
  rooms.report = report->get();
  rooms.screen = &screen;
  rooms.progress = resolve_for_stderr(settings.progress, settings.quiet);
  rooms.clock = system_clock();
  rooms.rng = system_rng();
  rooms.who = who_asks();
  auto ended = run_verify(settings, std::move(rooms));
  if (!ended) return refuse(ended.error());
  VerifyEnding ending = *std::move(ended);
  close_report(settings, report->get(), &ending);
  if (*html) {
    (*html)->write(evidence_page(ending));
    if (auto finished = (*html)->finish(); !finished) ending.report = std::move(finished).error();
  }
  return present(settings, ending);
}

ExitCode plan(Settings settings, const Environment& environment) {
  const auto prices = settings.plan.price_file ? read_price_file(*settings.plan.price_file) : default_prices();
  if (!prices) return refuse(prices.error());
  auto clients = connect(&settings, environment, system_clock(), system_rng());
  if (!clients) return refuse(clients.error());
  auto html = open_file(settings.html_file, "--html");
  if (!html) return refuse(html.error());
  warn_of(settings);

  Screen screen = standard_screen();
  PlanRooms rooms;
  rooms.make_clients = *std::move(clients);
  rooms.prices = *prices;
  rooms.screen = &screen;
  rooms.progress = resolve_for_stderr(settings.progress, settings.quiet);
  rooms.clock = system_clock();
  auto ended = run_plan(settings, std::move(rooms));
  if (!ended) return refuse(ended.error());
  if (*html) {
    (*html)->write(html_of(*ended));
    if (auto finished = (*html)->finish(); !finished) ended->output = std::move(finished).error();
  }
  return present(settings, *ended);
}

ExitCode cache(Settings settings, const Environment& environment) {
  MakeClients clients;
  if (settings.cache.action == CacheAction::kRebuild) {
    auto connected = connect(&settings, environment, system_clock(), system_rng());
    if (!connected) return refuse(connected.error());
    clients = *std::move(connected);
  }
  auto redis = open_redis(settings);
  if (!redis) return refuse(redis.error());
  const auto state = open_redis_state(*redis, settings);
  warn_of(settings);

  Screen screen = standard_screen();
  CacheRooms rooms;
  rooms.state = state.get();
  rooms.make_clients = std::move(clients);
  rooms.print = print_output;
  rooms.screen = &screen;
  rooms.progress = resolve_for_stderr(settings.progress, settings.quiet);
  rooms.clock = system_clock();
  auto ended = run_cache(settings, std::move(rooms));
  if (!ended) return refuse(ended.error());
  if (std::fflush(stdout) != 0 && !ended->output) ended->output = output_error();
  return present(settings, *ended);
}

ExitCode doctor(Settings settings, const Environment& environment) {
  DoctorRooms rooms;
  rooms.clock = system_clock();
  rooms.rng = system_rng();
  rooms.credentials = find_credentials(&settings, environment, rooms.clock, rooms.rng);
  if (!settings.json) {
    rooms.tell = [](const Check& check) {
      std::fputs(page_of(check).c_str(), stdout);
      std::fflush(stdout);
    };
  }
  for (const auto& warning : settings.warnings) complain("warning: " + warning);
  const auto checks = run_doctor(settings, std::move(rooms));
  if (!checks) {
    const ExitCode usage = refuse(checks.error());
    return checks.error().kind == ErrorKind::kCancelled ? ExitCode::kInterrupted : usage;
  }
  if (settings.json) print_json(json_of(*checks));
  return exit_code_of(*checks);
}

}  // namespace ferry::app
