#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/cli.hpp"
#include "app/roles.hpp"
#include "app/settings_check.hpp"
#include "app/unexpected.hpp"
#include "observe/log.hpp"

namespace ferry::app {
namespace {

/// The soft limit is low for the sake of programs that use select(). @return what we have now
std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  const auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

/// Credentials live in our memory: no core file, and none through a pipe, for which the limit does not count (core(5)).
void forbid_core_files() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

/// Every state that we can be in is one that a kill could have left: ending here is as safe as going on is not.
[[noreturn]] void end_for_want_of_memory() {
  constexpr std::string_view kWhy =
      "bucketferry: out of memory (or of threads); nothing is lost: run the same command again with fewer --transfers "
      "or "
      "more memory\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kWhy.data(), kWhy.size());
  ::_exit(static_cast<int>(ExitCode::kRefused));
}

ExitCode run(std::vector<std::string> words, std::uint64_t descriptors) {
  const Environment environment = process_environment();
  auto invocation = parse_command_line(std::move(words), environment);
  if (!invocation) {
    complain(invocation.error().what);
    return ExitCode::kUsage;
  }
  if (invocation->print)
    return std::fputs(invocation->print->c_str(), stdout) < 0 ? ExitCode::kDifferent : ExitCode::kDone;
  Settings settings = std::move(invocation->settings);
  fit_to_descriptors(&settings, descriptors);
  log::configure(settings.log_level, settings.log_format);
  switch (settings.command) {
    case Command::kCopy: return copy(std::move(settings), environment);
    case Command::kVerify: return verify(std::move(settings), environment);
    case Command::kPublisher: return publisher(std::move(settings), environment);
    case Command::kMigrator: return migrator(std::move(settings), environment);
    case Command::kCache: return cache(std::move(settings), environment);
    case Command::kPlan: return plan(std::move(settings), environment);
    case Command::kDoctor: return doctor(std::move(settings), environment);
  }
  return ExitCode::kUsage;
}

}  // namespace
}  // namespace ferry::app

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write(), not the end of a migration
  const auto descriptors = ferry::app::raise_descriptor_limit();
  ferry::app::forbid_core_files();
  std::set_new_handler(ferry::app::end_for_want_of_memory);
  try {
    return static_cast<int>(ferry::app::run({words + 1, words + count}, descriptors));
  } catch (...) {
    ferry::app::complain(ferry::app::unexpected(std::current_exception()).what);
    return static_cast<int>(ferry::app::ExitCode::kDifferent);
  }
}
