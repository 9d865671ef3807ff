#include "app/service_operator.hpp"

#include <algorithm>
#include <utility>

#include "app/help.hpp"
#include "app/service_notes.hpp"
#include "kit/base/hash.hpp"
#include "observe/metrics.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kLedgerPage = 1'000;
constexpr Milliseconds kWatchInterval{2'000};

using Totals = std::map<std::string, std::int64_t>;

std::uint64_t count_of(const Totals& totals, const std::string& name) {
  const auto found = totals.find(name);
  return found == totals.end() || found->second < 0 ? 0 : static_cast<std::uint64_t>(found->second);
}

std::uint64_t left_of(std::uint64_t wanted, std::uint64_t settled, std::int64_t settled_before) {
  const auto since = static_cast<std::int64_t>(settled) - settled_before;
  const auto done = static_cast<std::uint64_t>(std::max<std::int64_t>(0, since));
  return wanted - std::min(wanted, done);
}

/// Counters whose names begin with `prefix`, without it.
std::map<std::string, std::uint64_t> family_of(const Totals& totals, std::string_view prefix) {
  std::map<std::string, std::uint64_t> family;
  for (const auto& [name, count] : totals) {
    if (name.starts_with(prefix) && count > 0) family[name.substr(prefix.size())] = static_cast<std::uint64_t>(count);
  }
  return family;
}

/// What was to do when the newest complete scan ended (or so far, if there is none), less what was settled since it
/// began.
void fill_backlog(const ScanNotes& notes, const Totals& totals, admin::ServiceStatus* status) {
  const auto settled = status->copied + status->already_there + status->superseded + status->gave_up;
  const auto settled_bytes = status->copied_bytes + count_of(totals, "already_there_bytes") +
                             count_of(totals, "superseded_bytes") + count_of(totals, "failed_bytes");
  const auto complete = std::ranges::find(notes.scans, "complete", &admin::ScanState::outcome);
  const auto scan = complete == notes.scans.end() ? notes.scans.begin() : complete;
  if (scan == notes.scans.end()) return;
  status->backlog = left_of(scan->published + scan->waiting, settled, notes.settled_before);
  status->backlog_bytes = left_of(scan->published_bytes, settled_bytes, notes.settled_bytes_before);
}

void fill_speed(admin::ServiceStatus* status) {
  for (const auto& worker : status->workers) {
    status->bytes_per_second += worker.bytes_per_second;
    status->objects_per_second += worker.objects_per_second;
  }
  if (status->backlog == 0) return;
  double seconds = 0;
  if (status->objects_per_second > 0) seconds = static_cast<double>(status->backlog) / status->objects_per_second;
  if (status->bytes_per_second > 0)
    seconds = std::max(seconds, static_cast<double>(status->backlog_bytes) / status->bytes_per_second);
  if (seconds > 0) status->seconds_left = static_cast<std::uint64_t>(seconds);
}

}  // namespace

struct ServiceOperator::Notes {
  ScanNotes scans;
  std::vector<WorkerNote> workers;
  Totals totals;
  bool paused = false;
};

ServiceOperator::ServiceOperator(Job job, OperatorRooms rooms) : job_(std::move(job)), rooms_(std::move(rooms)) {}

Task<Result<RecordPage>> ServiceOperator::records(std::optional<std::string> cursor, std::size_t limit) {
  return rooms_.state->list(std::move(cursor), limit);
}

Task<Result<Record>> ServiceOperator::record(ObjectKey key) {
  std::vector<ObjectKey> keys{std::move(key)};
  auto records = co_await rooms_.state->lookup(std::move(keys));
  if (!records) co_return fail(std::move(records).error());
  co_return std::move(records->front());
}

Task<Result<std::uint64_t>> ServiceOperator::forget(Mark mark, ObjectKey key) {
  std::vector<ObjectKey> keys{std::move(key)};
  return rooms_.state->forget(mark, std::move(keys));
}

Task<Result<std::uint64_t>> ServiceOperator::forget_all(Mark mark) { return rooms_.state->forget_all(mark); }

Task<Result<admin::ScanRequest>> ServiceOperator::scan(bool audit) {
  auto control = co_await rooms_.board->read(kControlTopic);
  if (!control) co_return fail(std::move(control).error());
  const auto waiting = parse_scan_wish((*control)[kScanNote]);
  if (!waiting.id.empty() && waiting.id != (*control)[kScanSeenNote] && (waiting.audit || !audit)) {
    co_return admin::ScanRequest::kAlreadyQueued;
  }
  const ScanWish wish{hex(big_endian(rooms_.rng->next())), audit};
  auto posted = co_await rooms_.board->post(kControlTopic, kScanNote, to_note(wish), Milliseconds{0});
  if (!posted) co_return fail(std::move(posted).error());
  auto scans = co_await rooms_.board->read(kScansTopic);
  if (!scans) co_return fail(std::move(scans).error());
  const auto known = parse_scan_notes((*scans)[kScansNote]).scans;
  const bool running = !known.empty() && known.front().running;
  co_return running ? admin::ScanRequest::kQueued : admin::ScanRequest::kStarted;
}

Task<Status> ServiceOperator::set_paused(bool paused) {
  auto posted = co_await rooms_.board->post(kControlTopic, kPausedNote, paused ? "1" : "0", Milliseconds{0});
  if (posted) paused_ = paused;
  co_return posted;
}

Task<Result<ServiceOperator::Notes>> ServiceOperator::read_notes() {
  auto control = co_await rooms_.board->read(kControlTopic);
  if (!control) co_return fail(std::move(control).error());
  auto scans = co_await rooms_.board->read(kScansTopic);
  if (!scans) co_return fail(std::move(scans).error());
  auto workers = co_await rooms_.board->read(kWorkersTopic);
  if (!workers) co_return fail(std::move(workers).error());
  auto totals = co_await rooms_.board->totals(kWorkTotals);
  if (!totals) co_return fail(std::move(totals).error());
  Notes notes;
  notes.scans = parse_scan_notes((*scans)[kScansNote]);
  notes.totals = *std::move(totals);
  notes.paused = is_paused(*control, false);
  for (const auto& [name, text] : *workers) {
    if (auto note = parse_worker_note(text)) notes.workers.push_back(*std::move(note));
  }
  co_return notes;
}

Task<Result<admin::ServiceStatus>> ServiceOperator::status() {
  auto notes = co_await read_notes();
  if (!notes) co_return fail(std::move(notes).error());
  admin::ServiceStatus status;
  status.version = program_version();
  status.job = job_.describe();
  status.now = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall());
  status.paused = notes->paused;
  status.scans = notes->scans.scans;
  status.next_scan = notes->scans.next;
  const Totals& totals = notes->totals;
  status.copied = count_of(totals, "copied");
  status.copied_bytes = count_of(totals, "copied_bytes");
  status.already_there = count_of(totals, "already_there");
  status.superseded = count_of(totals, "superseded");
  status.gave_up = count_of(totals, "failed");
  status.adopted = count_of(totals, "adopted");
  status.deleted = count_of(totals, "deleted");
  status.retried = count_of(totals, "retried");
  status.rungs = family_of(totals, "rung.");
  status.losses = family_of(totals, "loss.");
  if (auto trouble = rooms_.trouble(); !trouble.empty()) status.troubles.push_back(std::move(trouble));
  for (auto& note : notes->workers) {
    if (!note.trouble.empty()) status.troubles.push_back(note.worker.name + ": " + note.trouble);
    status.workers.push_back(std::move(note.worker));
  }
  auto failures = co_await rooms_.state->failure_count();
  if (!failures) co_return fail(std::move(failures).error());
  status.failed = *failures;
  fill_backlog(notes->scans, totals, &status);
  fill_speed(&status);
  co_return status;
}

Task<Result<FailurePage>> ServiceOperator::failures(std::optional<ObjectKey> after, std::size_t limit) {
  return rooms_.state->failures(std::move(after), limit);
}

/// Published first, cleared then: dying in between leaves an entry too many, not one too few. Of a message that could
/// not be read nothing is known that could be published: its entry is only cleared.
Task<Result<std::uint64_t>> ServiceOperator::retry_page(const std::vector<Failure>* failures,
                                                        const std::vector<ObjectKey>* only) {
  std::vector<TransferPlan> plans;
  std::vector<ObjectKey> cleared;
  for (const Failure& failure : *failures) {
    if (!only->empty() && std::ranges::find(*only, failure.key) == only->end()) continue;
    cleared.push_back(failure.key);
    if (!failure.version) continue;
    auto& plan = plans.emplace_back();
    plan.key = failure.key;
    plan.etag = failure.version->etag;
    plan.scan = "retry";
  }
  const auto count = cleared.size();
  if (count == 0) co_return std::uint64_t{0};
  auto published = co_await rooms_.queue->publish(std::move(plans));
  if (!published) co_return fail(std::move(published).error());
  auto done = co_await rooms_.state->clear_failures(std::move(cleared));
  if (!done) co_return fail(std::move(done).error());
  co_return count;
}

Task<Result<std::uint64_t>> ServiceOperator::retry(std::vector<ObjectKey> keys) {
  std::uint64_t retried = 0;
  std::optional<ObjectKey> after;
  do {
    auto page = co_await rooms_.state->failures(after, kLedgerPage);
    if (!page) co_return fail(std::move(page).error());
    auto some = co_await retry_page(&page->failures, &keys);
    if (!some) co_return fail(std::move(some).error());
    retried += *some;
    after = page->next;
  } while (after);
  co_return retried;
}

Task<Result<std::string>> ServiceOperator::metrics() {
  auto status = co_await this->status();
  if (!status) co_return fail(std::move(status).error());
  MetricsPage page;
  const auto number = [](auto value) { return static_cast<double>(value); };
  page.gauge("ferry_build_info", "Version of the program", 1, {{"version", status->version}});
  const std::string objects = "ferry_objects_total", help = "Objects settled by all migrators, by result";
  page.counter(objects, help, number(status->copied), {{"result", "copied"}});
  page.counter(objects, help, number(status->already_there), {{"result", "already_there"}});
  page.counter(objects, help, number(status->superseded), {{"result", "superseded"}});
  page.counter(objects, help, number(status->gave_up), {{"result", "failed"}});
  page.counter("ferry_copied_bytes_total", "Bytes of copied objects", number(status->copied_bytes));
  page.counter("ferry_adopted_objects_total", "Of those already there: brought by another tool",
               number(status->adopted));
  page.counter("ferry_deleted_objects_total", "Deleted at the target because they left the source",
               number(status->deleted));
  page.gauge("ferry_failures", "Objects in the ledger now", number(status->failed));
  page.counter("ferry_retries_total", "Messages given back for another try", number(status->retried));
  for (const auto& [rung, count] : status->rungs) {
    page.counter("ferry_integrity_checks_total", "Copied objects by the check that held", number(count),
                 {{"check", rung}});
  }
  for (const auto& [loss, count] : status->losses) {
    page.counter("ferry_losses_total", "Copied objects by what of them did not arrive", number(count),
                 {{"what", loss}});
  }
  page.gauge("ferry_backlog_objects", "Published and not yet settled, as far as is known", number(status->backlog));
  page.gauge("ferry_backlog_bytes", "The same in bytes", number(status->backlog_bytes));
  page.gauge("ferry_workers", "Migrators heard of lately", number(status->workers.size()));
  page.gauge("ferry_paused", "1 while work is paused", status->paused ? 1 : 0);
  page.gauge("ferry_troubles", "Things that need somebody's attention", number(status->troubles.size()));
  if (!status->scans.empty()) {
    const auto& scan = status->scans.front();
    page.gauge("ferry_scan_running", "1 while a scan runs", scan.running ? 1 : 0);
    page.gauge("ferry_scan_listed_objects", "Objects seen by the newest scan", number(scan.listed));
    page.gauge("ferry_scan_published_objects", "Objects published by the newest scan", number(scan.published));
    page.gauge("ferry_scan_began_timestamp_seconds", "When the newest scan began",
               number(scan.began.time_since_epoch().count()));
  }
  page.process();
  co_return page.text();
}

bool ServiceOperator::ready() const { return reachable_ && rooms_.queue_ready(); }

Task<> ServiceOperator::watch() {
  for (;;) {
    const auto read = co_await rooms_.board->read(kControlTopic);
    reachable_ = read.has_value();
    if (read) co_await keep_pause(&*read);
    co_await rooms_.clock->sleep(kWatchInterval);
  }
}

/// If Redis was emptied, who comes new is to know, too.
Task<> ServiceOperator::keep_pause(const std::map<std::string, std::string>* control) {
  if (control->contains(kPausedNote)) {
    paused_ = is_paused(*control, paused_);
  } else if (paused_) {
    (void)co_await set_paused(true);  // the next look tries again
  }
}

}  // namespace ferry::app
