// The publisher's API and dashboard in front of an operator that only pretends: its state moves by itself, and it
// writes down what it is told. For the test in the browser, and for looking at the page while working on it.
//
//   ferry_dashboard_demo USER PASSWORD      prints {"port":…}, then one line per command; ends when stdin does

#include <algorithm>
#include <array>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cmath>
#include <cstdio>
#include <exception>
#include <map>

#include "admin/api_server.hpp"
#include "kit/async/task_group.hpp"

namespace ferry::system_test {
namespace {

using admin::ScanState;
using std::chrono::seconds;

constexpr Seconds kBegan{std::chrono::sys_days{std::chrono::year{2026} / 3 / 14} + std::chrono::hours{9}};
constexpr std::int64_t kPast =
    580;  ///< seconds that pass at once when somebody first looks, so that charts have a past
constexpr std::uint64_t kMiB = 1024 * 1024;

/// The system's, but in the beginning nobody sleeps for long.
class HastyClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime now() const override { return system_clock()->now(); }
  [[nodiscard]] WallTime wall() const override { return system_clock()->wall(); }
  Task<> sleep(Milliseconds duration) override {
    return system_clock()->sleep(hasty ? std::min(duration, Milliseconds{1}) : duration);
  }
  bool hasty = true;
};

Failure failure(std::string key, FailureReason reason, std::string what, std::uint32_t attempts) {
  return {ObjectKey{std::move(key)}, std::nullopt, reason, std::move(what), attempts, kBegan + seconds{60 * attempts}};
}

class DemoOperator final : public admin::Operator {
 public:
  explicit DemoOperator(HastyClock* clock) : clock_(clock) {
    for (auto each :
         {failure("backups/2019/full.tar", FailureReason::kTooLarge,
                  "6.2 TiB: the target takes at most 5 TiB per object", 1),
          failure("logs/<img src=x onerror=document.title='owned'>.txt", FailureReason::kDenied,
                  "GET answered 403 AccessDenied: allow s3:GetObject for this key", 3),
          failure("photos/line\nbreak.jpg", FailureReason::kName, "the target refuses line feeds in names", 1),
          failure("raw/\xff\xfe.bin", FailureReason::kName, "the target takes only UTF-8 names", 1),
          failure("video/archive/1998-07-04 fireworks over the harbour, second camera, uncut and unedited.mov",
                  FailureReason::kArchived, "in GLACIER: restore it, the next scan takes it along", 1)}) {
      failures_.emplace(each.key, std::move(each));
    }
    admin::ScanState scan;
    scan.id = "scan-1";
    scan.outcome = "complete";
    scan.began = kBegan - seconds{900};
    scan.ended = kBegan - seconds{808};
    scan.listed = 1'204'332;
    scan.listed_bytes = 6'420'000 * kMiB;
    scan.published = 412'207;
    scan.unchanged = 792'125;
    scan.failed = 5;
    status_.scans = {scan};
    scan.id = "scan-0";
    scan.began -= seconds{660};
    *scan.ended -= seconds{700};
    scan.outcome = "list s3://photos-eu: 503 SlowDown: gave up after 6";
    scan.listed = 418'000;
    scan.failed = scan.published = 0;
    status_.scans.push_back(scan);
    status_.version = "0.1.0";
    status_.job = "s3://photos-eu/originals → gs://photos-archive/originals";
    status_.backlog = 320'500;
    status_.backlog_bytes = 1'480'000 * kMiB;
    status_.copied = 83'407;
    status_.copied_bytes = 402'000 * kMiB;
    status_.already_there = 792'125;
    status_.superseded = 12;
    status_.rungs = {{"md5", 78'002}, {"parts", 4'911}, {"crc64nvme", 482}, {"transport", 12}};
    status_.troubles = {"Redis at 10.0.0.7:6379 answers slowly (1.2 s): scans wait, transfers go on"};
    add_workers();
  }

  Task<Result<RecordPage>> records(std::optional<std::string>, std::size_t) override { co_return RecordPage{}; }
  Task<Result<Record>> record(ObjectKey) override { co_return Record{}; }
  Task<Result<std::uint64_t>> forget(Mark, ObjectKey) override { co_return 0; }
  Task<Result<std::uint64_t>> forget_all(Mark) override { co_return 0; }

  Task<Result<admin::ScanRequest>> scan(bool audit) override {
    std::printf("scan audit=%d\n", audit ? 1 : 0);
    if (status_.scans.front().running) co_return admin::ScanRequest::kQueued;
    ScanState fresh;
    fresh.id = "scan-" + std::to_string(status_.scans.size() + 1);
    fresh.audit = audit;
    fresh.running = true;
    fresh.began = now();
    status_.scans.insert(status_.scans.begin(), fresh);
    co_return admin::ScanRequest::kStarted;
  }
  Task<Status> set_paused(bool paused) override {
    std::printf("%s\n", paused ? "pause" : "resume");
    status_.paused = paused;
    co_return Unit{};
  }
  Task<Result<admin::ServiceStatus>> status() override {
    clock_->hasty = ++elapsed_ < kPast;
    move_on();
    co_return status_;
  }
  Task<Result<FailurePage>> failures(std::optional<ObjectKey> after, std::size_t limit) override {
    FailurePage page;
    auto at = after ? failures_.upper_bound(*after) : failures_.begin();
    for (; at != failures_.end() && page.failures.size() < limit; ++at) page.failures.push_back(at->second);
    if (at != failures_.end()) page.next = page.failures.back().key;
    co_return page;
  }
  Task<Result<std::uint64_t>> retry(std::vector<ObjectKey> keys) override {
    const auto before = failures_.size();
    std::printf("retry %zu\n", keys.size());
    if (keys.empty()) failures_.clear();
    for (const auto& key : keys) failures_.erase(key);
    status_.retried += before - failures_.size();
    co_return before - failures_.size();
  }
  Task<Result<std::string>> metrics() override {
    co_return "ferry_backlog_objects " + std::to_string(status_.backlog) + "\n";
  }
  [[nodiscard]] bool ready() const override { return true; }

 private:
  [[nodiscard]] Seconds now() const { return kBegan + seconds{elapsed_}; }

  void add_workers() {
    const std::array<std::string, 3> names{"migrator-7c9f-2xk4d", "migrator-7c9f-p8v6q", "migrator-7c9f-zz10m"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      admin::WorkerState worker;
      worker.name = names[i];
      worker.version = "0.1.0";
      worker.began = kBegan - seconds{4000 * (i + 1)};
      worker.transfers_max = 128;
      worker.copied = 26'000 + 900 * i;
      worker.copied_bytes = 130'000 * kMiB;
      worker.failed = i;
      worker.draining = i == 2;
      for (int n = 0; i < 2 && n < 4; ++n) {
        worker.transfers.push_back(
            {"originals/2024/" + std::to_string(4001 + n) + "/<b>RAW</b> " + std::to_string(n) + ".nef",
             (90 + 37U * static_cast<unsigned>(n)) * kMiB, 0, kBegan});
      }
      status_.workers.push_back(worker);
    }
  }

  /// One second later.
  void move_on() {
    status_.now = now();
    status_.failed = failures_.size();
    const auto t = static_cast<double>(elapsed_);
    const double wave =
        status_.paused ? 0 : 1 + 0.25 * std::sin(t / 17) + 0.08 * std::sin(t / 3) - (elapsed_ % 190 < 22 ? 0.7 : 0);
    status_.objects_per_second = 410 * wave;
    status_.bytes_per_second = 1'890.0 * kMiB * wave;
    const auto moved = std::min<std::uint64_t>(static_cast<std::uint64_t>(status_.objects_per_second), status_.backlog);
    status_.backlog -= moved;
    status_.backlog_bytes -=
        std::min<std::uint64_t>(status_.backlog_bytes, static_cast<std::uint64_t>(status_.bytes_per_second));
    status_.copied += moved;
    status_.copied_bytes += static_cast<std::uint64_t>(status_.bytes_per_second);
    status_.rungs["md5"] += moved;
    status_.seconds_left = status_.paused ? std::nullopt : std::optional(status_.backlog / 410);
    status_.next_scan = kBegan + seconds{(elapsed_ / 600 + 1) * 600};
    for (auto& worker : status_.workers) move_on(&worker);
    auto& scan = status_.scans.front();
    if (scan.running) move_on(&scan);
  }

  void move_on(admin::WorkerState* worker) {
    worker->heard = now();
    worker->active = worker->draining ? 3 : status_.paused ? 0 : 128;
    const double share = worker->draining ? 0.02 : 0.49;
    worker->bytes_per_second = status_.bytes_per_second * share;
    worker->objects_per_second = status_.objects_per_second * share;
    for (auto& transfer : worker->transfers) {
      transfer.done = (transfer.done + 7 * kMiB) % transfer.size;
      transfer.began = now() - seconds{transfer.done / (7 * kMiB)};
    }
  }

  void move_on(ScanState* scan) {
    scan->listed += 602'166;
    scan->listed_bytes += 3'210'000 * kMiB;
    scan->unchanged = scan->listed;
    if (scan->listed < 1'204'332) return;
    scan->running = false;
    scan->outcome = "complete";
    scan->ended = now();
  }

  HastyClock* clock_;
  std::int64_t elapsed_ = 0;
  admin::ServiceStatus status_;
  std::map<ObjectKey, Failure> failures_;
};

Task<> stop_at_end_of_input(Executor executor, admin::AdminServer* server) {
  asio::posix::basic_stream_descriptor<Executor> input{executor, 0};
  std::array<char, 64> bytes;
  boost::system::error_code end;
  while (!end) co_await input.async_read_some(asio::buffer(bytes), asio::redirect_error(use_task, end));
  server->stop();
}

int serve(std::string user, std::string password) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  asio::io_context context{1};
  HastyClock clock;
  DemoOperator service{&clock};
  admin::AdminOptions options;
  options.user = std::move(user);
  options.password = std::move(password);
  const auto server = admin::make_admin_api(context.get_executor(), options, &service, &clock);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().what.c_str());
    return 2;
  }
  std::printf("{\"port\":%u}\n", (*server)->port());
  TaskGroup tasks{context.get_executor()};
  tasks.spawn((*server)->run());
  tasks.spawn(stop_at_end_of_input(context.get_executor(), server->get()));
  context.run();
  return 0;
}

}  // namespace
}  // namespace ferry::system_test

int main(int argc, char** argv) {
  if (argc == 3) return ferry::system_test::serve(argv[1], argv[2]);
  std::fprintf(stderr, "usage: ferry_dashboard_demo USER PASSWORD\n");
  return 2;
}
