#include "app/copy_run.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <optional>
#include <utility>

#include "app/first_page.hpp"
#include "app/lane.hpp"
#include "app/stop_signals.hpp"
#include "kit/async/task_group.hpp"
#include "kit/async/wake.hpp"
#include "kit/base/hash.hpp"
#include "migrate/migrator.hpp"
#include "migrate/tidy.hpp"
#include "observe/log.hpp"
#include "publish/pruner.hpp"
#include "publish/publisher.hpp"
#include "queue/memory/memory_queue.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kQueueMin = 2'000;

std::string make_scan_id(Rng* rng) { return hex(big_endian(rng->next())); }

}  // namespace

/// The main thread's side: starts the lanes, watches signals and progress, and ends when the last lane has.
class CopyRun::Crew {
 public:
  Crew(const Settings& settings, CopyRooms rooms)
      : settings_(settings),
        rooms_(std::move(rooms)),
        outcomes_(rooms_.report),
        queue_(memory::make_queue(std::max(kQueueMin, 4 * settings.transfers), rooms_.clock)),
        filter_(settings.filter),
        scan_id_(make_scan_id(rooms_.rng)),
        began_(std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall())) {}

  Result<CopyEnding> run() {
    const auto started = rooms_.clock->now();
    if (auto built = build(); !built) return fail(std::move(built).error());
    start();
    control_.run();
    for (auto& lane : lanes_) lane->io.join();
    Wake::quiesce();
    return ending(std::chrono::duration<double>(rooms_.clock->now() - started).count());
  }

  void interrupt() {
    asio::post(control_, [this] { stop(Why::kInterrupted); });
  }

 private:
  enum class Why { kInterrupted, kBroken };

  /// Nothing is spawned before all of it could be built: what is spawned must be joined.
  void start() {
    side_work_.spawn(show_progress(rooms_.progress, [this] { return progress(); }, rooms_.screen, rooms_.clock));
    lanes_.front()->io.work().spawn(scan());
    for (auto& lane : lanes_) {
      if (lane->migrator) lane->io.work().spawn(migrate(lane->migrator.get()));
    }
    running_ = lanes_.size();
    for (auto& lane : lanes_) run_lane(lane.get());
  }

  Status build() {
    auto lanes = make_lanes(settings_, rooms_.make_clients);
    if (!lanes) return fail(std::move(lanes).error());
    lanes_ = *std::move(lanes);
    for (auto& lane : lanes_) {
      if (!settings_.dry_run) lane->migrator = make_migrator(*lane);
    }
    TransferLane& first = *lanes_.front();
    auto first_page = make_first_page(rooms_.make_clients, first.io.executor(), first.clients);
    if (!first_page) return fail(std::move(first_page).error());
    first_page_ = *std::move(first_page);

    ScanOptions options;
    options.policy = {settings_.on_foreign, settings_.adopt, settings_.restore_days.has_value()};
    options.filter = filter_;
    options.old_listing = settings_.listing.inventory.has_value();
    options.scan_id = scan_id_;
    options.dry_run = settings_.dry_run;
    publisher_.emplace(settings_.job, std::move(options), first_page_->source(), first_page_->target(), queue_.get(),
                       rooms_.state, &tally_, &outcomes_, rooms_.clock);
    scanning_.emplace(first.io.executor());
    return Unit{};
  }

  std::unique_ptr<Migrator> make_migrator(const TransferLane& lane) {
    return std::make_unique<Migrator>(settings_.job, migrator_options(settings_, lane), lane.clients.source.get(),
                                      lane.clients.target.get(), queue_.get(), rooms_.state, &tally_, &outcomes_,
                                      rooms_.clock, rooms_.rng);
  }

  /// In a scope of its own: an interrupted run ends its scan at once, but not its transfers.
  Task<> scan() {
    scanning_->spawn(scan_once());
    co_await scanning_->join();
  }

  Task<> scan_once() {
    auto scanned = co_await publisher_->scan();
    queue_->close();
    if (!scanned) broken(std::move(scanned).error());
  }

  Task<> migrate(Migrator* migrator) {
    auto done = co_await migrator->run();
    if (!done) broken(std::move(done).error());
  }

  void run_lane(TransferLane* lane) {
    lane->io.start(lane->io.work().join(), [this](std::optional<Error> error) {
      if (error) broken(*std::move(error));
      asio::post(control_, [this] { lane_over(); });
    });
  }

  void lane_over() {
    if (--running_ > 0) return;
    if (may_tidy()) {
      tidy_up(lanes_.front().get());
    } else {
      wind_up();
    }
  }

  /// Once, after a scan that saw everything and transfers that all settled.
  bool may_tidy() {
    const std::lock_guard lock{mutex_};
    if (settings_.listing.from_file()) return false;  // not all that is in scope was seen
    if (stopping_ || broken_ || tidied_) return false;
    const TallySnapshot seen = look(tally_);
    if (settings_.dry_run) return seen.listing_done && settings_.prune;
    return seen.listing_done && seen.settled() == seen.listed;
  }

  void tidy_up(TransferLane* lane) {
    tidied_ = true;
    lane->io.join();
    lane->io.work().spawn(tidy_after(lane));
    running_ = 1;
    run_lane(lane);
  }

  Task<> tidy_after(TransferLane* lane) {
    if (!settings_.dry_run) co_await forget_what_is_settled(lane->clients.target.get());
    if (settings_.prune) co_await delete_what_is_gone(lane);
  }

  Task<> delete_what_is_gone(TransferLane* lane) {
    auto options = prune_options(settings_);
    options.dry_run = settings_.dry_run;
    options.may_go_on = [this]() -> Status {
      const std::lock_guard lock{mutex_};
      if (!stopping_) return Unit{};
      return fail(ErrorKind::kCancelled, "stopped");
    };
    pruner_.emplace(settings_.job, std::move(options), lane->clients.source.get(), lane->clients.target.get(),
                    rooms_.state, &tally_, &outcomes_);
    auto pruned = co_await pruner_->run();
    pruned_ = pruned.has_value();
    if (!pruned) broken(std::move(pruned).error().during("delete what left the source"));
  }

  /// Leftovers cost nothing but room: a failure here doesn't make the run a failed one.
  Task<> forget_what_is_settled(ObjectTarget* target) {
    auto tidied = co_await tidy(&settings_.job, &filter_, rooms_.state, target, began_);
    if (!tidied) log::warn("tidy.failed", {{"error", tidied.error().what}});
  }

  /// The first reason counts. What follows from stopping (a closed queue) is none. Any thread.
  void broken(Error error) {
    {
      const std::lock_guard lock{mutex_};
      if (stopping_ || broken_) return;
      broken_ = std::move(error);
    }
    asio::post(control_, [this] { stop(Why::kBroken); });
  }

  /// Takes nothing new; what is under way may finish within the grace time. On the control thread.
  void stop(Why why) {
    {
      const std::lock_guard lock{mutex_};
      if (stopping_) return;
      stopping_ = true;
      interrupted_ = why == Why::kInterrupted;
    }
    if (why == Why::kInterrupted && rooms_.progress != ProgressMode::kNone) {
      rooms_.screen->print("stopping: " + with_commas(tally_.active) + " objects under way have " +
                           human_seconds(static_cast<std::uint64_t>(settings_.grace.count() / 1000)) +
                           " to finish; once more to stop at once");
    }
    queue_->abort();
    lanes_.front()->io.post([this] { scanning_->cancel(); });
    side_work_.spawn(abandon_after_grace());
  }

  Task<> abandon_after_grace() {
    co_await rooms_.clock->sleep(settings_.grace);
    for (auto& lane : lanes_) {
      lane->io.post([work = &lane->io.work()] { work->cancel(); });
    }
  }

  void wind_up() {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;  // whoever asks to stop from now on comes too late
    }
    signals_.cancel();
    side_work_.cancel();
    guard_.reset();
  }

  Progress progress() const {
    const TallySnapshot seen = look(tally_);
    Progress now;
    now.verb = settings_.dry_run ? "scanning" : "copying";
    now.done = seen.settled() + (settings_.dry_run ? seen.planned : 0);
    now.total = seen.listed;
    const std::uint64_t settled =
        seen.copied_bytes + seen.unchanged_bytes + seen.superseded_bytes + seen.failed_bytes + seen.skipped_bytes;
    // What is under way counts, too: a terabyte object would look like a standstill. Repeats may count twice.
    const std::uint64_t under_way = seen.moved_bytes - std::min(seen.moved_bytes, seen.copied_bytes);
    now.bytes_done = std::min(seen.listed_bytes, settled + (seen.active > 0 ? under_way : 0));
    now.bytes_total = seen.listed_bytes;
    now.troubles = seen.failed;
    now.trouble = "failed";
    now.listing = !seen.listing_done;
    now.moved_bytes = seen.moved_bytes;
    return now;
  }

  CopyEnding ending(double seconds) {
    CopyEnding ending;
    ending.job = settings_.job;
    ending.tally = look(tally_);
    ending.seconds = seconds;
    ending.source_requests = first_page_->source()->requests();  // the first lane's are among them
    ending.target_requests = first_page_->target()->requests();
    for (std::size_t i = 1; i < lanes_.size(); ++i) {
      ending.source_requests += lanes_[i]->clients.source->requests();
      ending.target_requests += lanes_[i]->clients.target->requests();
    }
    ending.failures = outcomes_.failures();
    ending.examples = outcomes_.examples();
    ending.broken = broken_;
    const bool settled = ending.tally.listing_done && ending.tally.settled() == ending.tally.listed;
    ending.interrupted = interrupted_ && !(settled && (pruned_ || !settings_.prune));
    if (pruner_) ending.pruned = pruner_->outcome();
    ending.dry_run = settings_.dry_run;
    ending.scan = scan_id_;
    return ending;
  }

  const Settings& settings_;
  CopyRooms rooms_;
  Tally tally_;
  Outcomes outcomes_;
  std::unique_ptr<MessageQueue> queue_;
  Filter filter_;
  std::string scan_id_;
  Seconds began_;

  asio::io_context control_{1};
  asio::executor_work_guard<Executor> guard_{control_.get_executor()};
  TaskGroup side_work_{control_.get_executor()};
  StopSignals signals_{control_.get_executor(), [this](int) { stop(Why::kInterrupted); }};
  std::size_t running_ = 0;  ///< lanes; control thread only
  bool tidied_ = false;      ///< control thread only

  std::mutex mutex_;  // guards the next three
  std::optional<Error> broken_;
  bool stopping_ = false;
  bool interrupted_ = false;

  std::vector<std::unique_ptr<TransferLane>> lanes_;
  std::unique_ptr<FirstPage> first_page_;  ///< on the first lane, as all below
  std::optional<Publisher> publisher_;
  std::optional<TaskGroup> scanning_;
  std::optional<Pruner> pruner_;
  bool pruned_ = false;
};

CopyRun::CopyRun(const Settings& settings, CopyRooms rooms)
    : crew_(std::make_unique<Crew>(settings, std::move(rooms))) {}
CopyRun::~CopyRun() = default;
Result<CopyEnding> CopyRun::run() { return crew_->run(); }
void CopyRun::interrupt() { crew_->interrupt(); }

}  // namespace ferry::app
