#include "app/scan_loop.hpp"

#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "kit/async/task_group.hpp"
#include "kit/base/hash.hpp"
#include "observe/log.hpp"

namespace ferry::app {
namespace {

constexpr Milliseconds kTick{1'000};
constexpr Milliseconds kLeaseTime{15'000};
constexpr std::size_t kScansKept = 20;

std::int64_t sum_of(const std::map<std::string, std::int64_t>& totals, std::initializer_list<const char*> names) {
  std::int64_t sum = 0;
  for (const char* name : names) {
    if (const auto found = totals.find(name); found != totals.end()) sum += found->second;
  }
  return sum;
}

}  // namespace

/// One scan under way.
struct ScanLoop::Running {
  Tally tally;
  bool lost = false;  ///< somebody else scans now
  std::int64_t settled_before = 0, settled_bytes_before = 0;
  std::uint64_t gone = 0;
  std::string deletions;
};

ScanLoop::ScanLoop(Job job, ScanOptions scan, std::optional<PruneOptions> prune, ScanSchedule::Options schedule,
                   std::string holder, ScanLoopRooms rooms)
    : job_(std::move(job)),
      scan_(std::move(scan)),
      prune_(std::move(prune)),
      holder_(std::move(holder)),
      rooms_(rooms),
      schedule_(schedule, rooms.clock->now()) {}

Task<> ScanLoop::run() {
  for (;;) {
    co_await tick();
    co_await rooms_.clock->sleep(kTick);
  }
}

Task<> ScanLoop::tick() {
  auto lease = co_await rooms_.board->hold_lease(kScanLease, holder_, kLeaseTime);
  if (!lease) {
    blocked_ = true;
    set_trouble("nothing is scanned: " + lease.error().what);
    co_return;
  }
  if (std::exchange(blocked_, false)) set_trouble({});
  if (!*lease) {
    leads_ = false;
    co_return;
  }
  if (!leads_) {
    if (auto taken = co_await take_notes_over(); !taken) co_return;
    leads_ = true;
    log::info("scan.lease_taken", {{"holder", holder_}});
  }
  if (auto read = co_await read_control(); !read) co_return;
  const auto due = schedule_.due_in(rooms_.clock->now());
  if (!paused_ && due && *due == Milliseconds{0}) co_await scan_once();
}

Task<> ScanLoop::scan_once() {
  Running running;
  const auto totals = co_await rooms_.board->totals(kWorkTotals);
  if (!totals) co_return;
  running.settled_before = sum_of(*totals, {"copied", "already_there", "superseded", "failed"});
  running.settled_bytes_before =
      sum_of(*totals, {"copied_bytes", "already_there_bytes", "superseded_bytes", "failed_bytes"});

  admin::ScanState state;
  state.id = hex(big_endian(rooms_.rng->next()));
  state.audit = schedule_.begin(rooms_.clock->now());
  state.running = true;
  state.began = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall());
  notes_.scans.insert(notes_.scans.begin(), state);
  if (notes_.scans.size() > kScansKept) notes_.scans.resize(kScansKept);
  notes_.next.reset();
  log::info("scan.began", {{"scan", state.id}, {"audit", state.audit}});

  const Status scanned = co_await scan_beside_reports(&running);
  schedule_.end(rooms_.clock->now(), scanned.has_value());
  conclude(&running, scanned);
  co_await post_notes();
}

Task<Status> ScanLoop::scan_beside_reports(Running* running) {
  ScanOptions options = scan_;
  options.scan_id = notes_.scans.front().id;
  options.audit = notes_.scans.front().audit;
  options.may_go_on = [running]() -> Status {
    if (!running->lost) return Unit{};
    return fail(ErrorKind::kCancelled, "another publisher scans now");
  };
  Publisher publisher{job_,         std::move(options), rooms_.source, rooms_.target, rooms_.queue,
                      rooms_.state, &running->tally,    nullptr,       rooms_.clock};
  TaskGroup reports{co_await asio::this_coro::executor};
  reports.spawn(report_while(running));
  Status scanned = Unit{};
  std::exception_ptr cancelled;
  try {
    scanned = co_await publisher.scan();
    if (scanned && prune_) co_await prune(running);
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (cancelled) co_await shield();
  reports.cancel();
  co_await reports.join();
  if (cancelled) std::rethrow_exception(cancelled);
  co_return scanned;
}

/// Only after a scan that saw everything. That it fails doesn't make the scan a failed one.
Task<> ScanLoop::prune(Running* running) {
  auto options = *prune_;
  options.may_go_on = [running]() -> Status {
    if (!running->lost) return Unit{};
    return fail(ErrorKind::kCancelled, "another publisher scans now");
  };
  Pruner pruner{job_, std::move(options), rooms_.source, rooms_.target, rooms_.state, &running->tally, nullptr};
  auto pruned = co_await pruner.run();
  const Pruned& outcome = pruner.outcome();
  running->gone = outcome.gone;
  running->deletions = pruned ? outcome.refused : pruned.error().what;
  if (pruned && outcome.failed > 0) {
    running->deletions = std::to_string(outcome.failed) + " could not be deleted; the first: " + outcome.trouble;
  }
  if (!running->deletions.empty()) log::warn("delete.refused", {{"why", running->deletions}});
  if (outcome.deleted == 0) co_return;
  log::info("delete.ended", {{"gone", outcome.gone}, {"deleted", outcome.deleted}, {"kept", outcome.kept}});
  std::map<std::string, std::int64_t> amounts{{"deleted", static_cast<std::int64_t>(outcome.deleted)}};
  (void)co_await rooms_.board->add(kWorkTotals, std::move(amounts));
}

/// Keeps the lease, hears requests for more scans, and lets others see how far this one is.
Task<> ScanLoop::report_while(Running* running) {
  SteadyTime held = rooms_.clock->now();
  for (;;) {
    conclude(running, fail(ErrorKind::kCancelled, {}));
    co_await post_notes();
    co_await rooms_.clock->sleep(kTick);
    auto lease = co_await rooms_.board->hold_lease(kScanLease, holder_, kLeaseTime);
    const auto now = rooms_.clock->now();
    if (lease && *lease) held = now;
    if ((lease && !*lease) || now - held > kLeaseTime) running->lost = true;
    (void)co_await read_control();
  }
}

/// Writes down what a scan came to; with kCancelled and no text: so far.
void ScanLoop::conclude(Running* running, const Status& scanned) {
  auto& scan = notes_.scans.front();
  const Tally& tally = running->tally;
  scan.listed = tally.listed;
  scan.listed_bytes = tally.listed_bytes;
  scan.published = tally.published;
  scan.published_bytes = tally.published_bytes;
  scan.unchanged = tally.unchanged;
  scan.waiting = tally.pending;
  scan.failed = tally.failed;
  scan.adopted = tally.adopted;
  scan.gone = running->gone;
  scan.deleted = tally.deleted;
  scan.deletions = running->deletions;
  scan.skipped = tally.skipped;
  const bool goes_on = !scanned && scanned.error().what.empty();
  const bool first = notes_.scans.size() == 1;
  if (scanned || (goes_on && first)) {
    notes_.settled_before = running->settled_before;
    notes_.settled_bytes_before = running->settled_bytes_before;
  }
  if (goes_on) return;
  const auto wall = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall());
  scan.running = false;
  scan.ended = wall;
  scan.outcome = scanned ? "complete" : scanned.error().what;
  if (const auto due = schedule_.due_in(rooms_.clock->now())) {
    notes_.next = wall + std::chrono::ceil<std::chrono::seconds>(*due);
  }
  if (scanned) {
    set_trouble(scan.deletions.empty() ? std::string{} : "not deleted what left the source: " + scan.deletions);
    log::info("scan.ended", {{"scan", scan.id},
                             {"listed", scan.listed},
                             {"published", scan.published},
                             {"waiting", scan.waiting},
                             {"unchanged", scan.unchanged},
                             {"failed", scan.failed},
                             {"skipped", scan.skipped}});
  } else {
    log::warn("scan.failed", {{"scan", scan.id}, {"error", scan.outcome}});
    set_trouble("the last scan failed: " + scan.outcome);
  }
}

/// Whoever led before may have died in the middle of a scan.
Task<Status> ScanLoop::take_notes_over() {
  auto notes = co_await rooms_.board->read(kScansTopic);
  if (!notes) co_return fail(std::move(notes).error());
  notes_ = parse_scan_notes((*notes)[kScansNote]);
  for (auto& scan : notes_.scans) {
    if (!std::exchange(scan.running, false)) continue;
    scan.outcome = "its publisher ended before the scan did";
  }
  co_return Unit{};
}

Task<Status> ScanLoop::read_control() {
  auto control = co_await rooms_.board->read(kControlTopic);
  if (!control) co_return fail(std::move(control).error());
  paused_ = is_paused(*control, paused_);
  const auto wish = parse_scan_wish((*control)[kScanNote]);
  if (seen_ == wish.id) co_return Unit{};
  if (seen_ || wish.audit) schedule_.request(wish.audit);  // at the first look a plain scan is due anyway
  seen_ = wish.id;
  co_return co_await rooms_.board->post(kControlTopic, kScanSeenNote, wish.id, Milliseconds{0});
}

/// The dashboard can do without: the next second brings another.
Task<> ScanLoop::post_notes() {
  (void)co_await rooms_.board->post(kScansTopic, kScansNote, to_note(notes_), Milliseconds{0});
}

Task<> ScanLoop::let_go() {
  if (leads_) (void)co_await rooms_.board->drop_lease(kScanLease, holder_);
}

std::string ScanLoop::trouble() const {
  const std::lock_guard lock{mutex_};
  return trouble_;
}

void ScanLoop::set_trouble(std::string trouble) {
  const std::lock_guard lock{mutex_};
  if (trouble_ != trouble && !trouble.empty()) log::warn("scan.blocked", {{"why", trouble}});
  trouble_ = std::move(trouble);
}

}  // namespace ferry::app
