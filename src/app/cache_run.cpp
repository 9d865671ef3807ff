#include "app/cache_run.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "app/cache_text.hpp"
#include "app/first_page.hpp"
#include "app/page.hpp"
#include "app/solo_run.hpp"
#include "kit/async/task_group.hpp"
#include "kit/base/text.hpp"
#include "plan/decide.hpp"
#include "plan/names.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kPageRecords = 1'000;

class CacheCrew {
 public:
  CacheCrew(const Settings& settings, CacheRooms rooms) : settings_(settings), rooms_(std::move(rooms)) {
    ending_.asked = settings.cache;
    ending_.job = settings.job;
  }

  Result<CacheEnding> run() {
    const auto started = rooms_.clock->now();
    if (settings_.cache.action == CacheAction::kRebuild) {
      if (auto built = build_target(); !built) return fail(std::move(built).error());
      run_.beside().spawn(show_progress(rooms_.progress, [this] { return progress(); }, rooms_.screen, rooms_.clock));
    }
    auto ended = run_.run(act());
    ending_.broken = std::move(ended.broken);
    ending_.interrupted = ended.interrupted;
    ending_.seconds = std::chrono::duration<double>(rooms_.clock->now() - started).count();
    return std::move(ending_);
  }

 private:
  Status build_target() { return make_both_patiences(rooms_.make_clients, run_.executor(), &clients_, &first_page_); }

  Task<Status> act() {
    switch (settings_.cache.action) {
      case CacheAction::kList: return list();
      case CacheAction::kShow: return show();
      case CacheAction::kDelete: return forget();
      case CacheAction::kFailures: return failures();
      case CacheAction::kRebuild: return rebuild();
    }
    return list();
  }

  /// False: nobody can read it any more.
  bool print(const std::string& line) {
    auto printed = rooms_.print(line);
    if (!printed) ending_.output = std::move(printed).error();
    ++ending_.lines;
    return !ending_.output;
  }

  bool print(const Record& record) {
    const auto& type = settings_.cache.type;
    if (record.published && type != Mark::kConsumed && !print(cache_line(*record.published, settings_.json))) {
      return false;
    }
    return !record.consumed || type == Mark::kPublished || print(cache_line(*record.consumed, settings_.json));
  }

  Task<Status> list() {
    std::optional<std::string> cursor;
    do {
      auto page = co_await rooms_.state->list(std::move(cursor), kPageRecords);
      if (!page) co_return fail(std::move(page).error());
      for (const Record& record : page->records) {
        if (!print(record)) co_return Unit{};
      }
      cursor = std::move(page->next);
    } while (cursor);
    co_return Unit{};
  }

  Task<Status> show() {
    auto records = co_await rooms_.state->lookup(settings_.cache.keys);
    if (!records) co_return fail(std::move(records).error());
    for (const Record& record : *records) {
      if (!print(record)) break;
    }
    co_return Unit{};
  }

  Task<Status> failures() {
    std::optional<ObjectKey> after;
    do {
      auto page = co_await rooms_.state->failures(std::move(after), kPageRecords);
      if (!page) co_return fail(std::move(page).error());
      for (const Failure& failure : page->failures) {
        if (!print(cache_line(failure, settings_.json))) co_return Unit{};
      }
      after = std::move(page->next);
    } while (after);
    co_return Unit{};
  }

  Task<Status> forget() {
    for (const Mark mark : {Mark::kPublished, Mark::kConsumed}) {
      if (settings_.cache.type && *settings_.cache.type != mark) continue;
      if (auto done = co_await forget(mark); !done) co_return fail(std::move(done).error());
    }
    co_return Unit{};
  }

  Task<Status> forget(Mark mark) {
    const auto& keys = settings_.cache.keys;
    auto asked = keys.empty() ? rooms_.state->forget_all(mark) : rooms_.state->forget(mark, keys);
    auto forgotten = co_await std::move(asked);
    if (!forgotten) co_return fail(std::move(forgotten).error());
    (mark == Mark::kPublished ? ending_.published : ending_.consumed) = *forgotten;
    co_return Unit{};
  }

  /// What is forgotten first can't be what a listing begun later misses: a mark that somebody sets meanwhile is about
  /// an object that is there already.
  Task<Status> rebuild() {
    auto reachable = co_await first_page_->target()->list(settings_.job.target_prefix, std::nullopt);
    if (!reachable) co_return fail(std::move(reachable).error());
    if (auto done = co_await forget(Mark::kConsumed); !done) co_return fail(std::move(done).error());
    std::optional<std::string> token;
    do {
      auto page = co_await first_page_->target()->list(settings_.job.target_prefix, std::move(token));
      if (!page) co_return fail(std::move(page).error());
      if (auto done = co_await record(std::move(page->objects)); !done) co_return fail(std::move(done).error());
      token = std::move(page->next);
    } while (token);
    listing_ = false;
    co_return Unit{};
  }

  /// A page at once: what is written together costs the state one round trip.
  Task<Status> record(std::vector<TargetObject> objects) {
    TaskGroup writes{run_.executor()};
    for (const TargetObject& object : objects) {
      ++ending_.listed;
      ending_.listed_bytes += object.size;
      if (auto receipt = receipt_of(object)) writes.spawn(record(*std::move(receipt)));
    }
    co_await writes.join();
    if (write_error_) co_return fail(*std::move(write_error_));
    co_return Unit{};
  }

  Task<> record(Receipt receipt) {
    auto recorded = co_await rooms_.state->record_consumed(std::move(receipt));
    if (recorded) {
      ++ending_.recorded;
    } else {
      write_error_ = std::move(recorded).error();
    }
  }

  /// Nothing for objects that somebody else wrote, or that are not what their provenance says.
  std::optional<Receipt> receipt_of(const TargetObject& object) const {
    const auto key = origin_of(settings_.job, object);
    if (!key) return std::nullopt;
    const Provenance& said = *object.provenance;
    if (!holds(object, settings_.job, *key, said.version, said.size)) return std::nullopt;
    const auto now = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall());
    return Receipt{*key, said.version, object.generation, said.check, object.size, now};
  }

  Progress progress() const {
    Progress now;
    now.verb = "rebuilding";
    now.done = now.total = ending_.listed;
    now.bytes_done = now.bytes_total = ending_.listed_bytes;
    now.troubles = ending_.listed - ending_.recorded;
    now.trouble = "left out";
    now.listing = listing_;
    return now;
  }

  const Settings& settings_;
  CacheRooms rooms_;
  CacheEnding ending_;
  SoloRun run_;
  Clients clients_;
  std::unique_ptr<FirstPage> first_page_;
  std::optional<Error> write_error_;
  bool listing_ = true;
};

std::string forgotten_text(const CacheEnding& ending) {
  std::string what;
  if (ending.asked.type != Mark::kConsumed) what = with_commas(ending.published) + " published";
  if (ending.asked.type != Mark::kPublished) {
    what += (what.empty() ? "" : " and ") + with_commas(ending.consumed) + " consumed";
  }
  return "Forgotten: " + what + ". The next scan decides anew.\n";
}

std::string rebuilt_text(const CacheEnding& ending) {
  std::string page =
      "Rebuilt in " + precise_seconds(ending.seconds) + ".\n  " + printable(ending.job.describe()) + "\n";
  page += page_row("at the target", ending.listed, ending.listed_bytes);
  page += page_row("recorded", ending.recorded, std::nullopt, "instead of " + with_commas(ending.consumed));
  if (ending.recorded < ending.listed) {
    page += page_row("left out", ending.listed - ending.recorded, std::nullopt, "not written by this job");
  }
  return page;
}

}  // namespace

ExitCode exit_code_of(const CacheEnding& ending) {
  if (ending.interrupted) return ExitCode::kInterrupted;
  if (ending.broken) return ExitCode::kRefused;
  const bool unknown = ending.asked.action == CacheAction::kShow && ending.lines == 0;
  return ending.output || unknown ? ExitCode::kDifferent : ExitCode::kDone;
}

std::string page_of(const CacheEnding& ending) {
  if (ending.interrupted) return "Interrupted; the same command does it again.\n";
  if (ending.broken) return page_refused(*ending.broken);
  if (ending.output) return "bucketferry: " + printable(ending.output->what) + "\n";
  switch (ending.asked.action) {
    case CacheAction::kDelete: return forgotten_text(ending);
    case CacheAction::kRebuild: return rebuilt_text(ending);
    case CacheAction::kFailures: return ending.lines > 0 ? "" : "No failures.\n";
    case CacheAction::kList:
    case CacheAction::kShow: break;
  }
  return ending.lines > 0 ? "" : "Nothing is remembered of that.\n";
}

std::string json_of(const CacheEnding& ending) {
  const bool rebuilt = ending.asked.action == CacheAction::kRebuild;
  if (!rebuilt && ending.asked.action != CacheAction::kDelete) return {};
  boost::json::object object{{"forgotten", {{"published", ending.published}, {"consumed", ending.consumed}}}};
  if (rebuilt) {
    object["listed"] = ending.listed;
    object["bytes"] = ending.listed_bytes;
    object["recorded"] = ending.recorded;
  }
  object["job"] = ending.job.id();
  object["interrupted"] = ending.interrupted;
  if (ending.broken) object["error"] = printable(ending.broken->what);
  return json_line(object, ending.seconds);
}

Result<CacheEnding> run_cache(const Settings& settings, CacheRooms rooms) {
  return CacheCrew{settings, std::move(rooms)}.run();
}

}  // namespace ferry::app
