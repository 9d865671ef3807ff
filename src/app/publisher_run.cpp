#include "app/publisher_run.hpp"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "app/lane.hpp"
#include "app/scan_loop.hpp"
#include "app/service_operator.hpp"
#include "app/stop_signals.hpp"
#include "kit/async/task_group.hpp"
#include "kit/async/wake.hpp"
#include "observe/log.hpp"

namespace ferry::app {

/// Two threads: this one for people (API, signals), a lane for the scan, so that a large page delays no answer.
class PublisherRun::Crew {
 public:
  Crew(const Settings& settings, PublisherOptions options, ServiceRooms rooms)
      : settings_(settings), options_(options), rooms_(std::move(rooms)) {}

  Status run() {
    if (auto built = build(); !built) return built;
    side_work_.spawn(server_->run());
    side_work_.spawn(operator_->watch());
    scans_.work().spawn(scan());
    log::info("publisher.started",
              {{"name", rooms_.name}, {"job", settings_.job.describe()}, {"port", std::uint64_t{server_->port()}}});
    scans_.start(scan_then_end(), [this](const std::optional<Error>& error) {
      if (error) log::error("scan.ended_badly", {{"error", error->what}});
      asio::post(control_, [this] { wind_up(); });
    });
    control_.run();
    scans_.join();
    Wake::quiesce();
    log::info("publisher.ended", {});
    return Unit{};
  }

 private:
  Status build() {
    auto clients = rooms_.make_clients(scans_.executor(), Patience::kWork);
    if (!clients) return fail(std::move(clients).error());
    clients_ = *std::move(clients);
    auto queue = rooms_.make_queue(scans_.executor(), clients_);
    if (!queue) return fail(std::move(queue).error());
    queue_ = *std::move(queue);

    ScanOptions scan;
    scan.policy = {settings_.on_foreign, settings_.adopt, settings_.restore_days.has_value()};
    scan.old_listing = settings_.listing.inventory.has_value();
    scan.filter = settings_.filter;
    scan.republish_after = options_.republish_after;
    std::optional<PruneOptions> prune;
    if (settings_.prune) prune = prune_options(settings_);
    loop_.emplace(settings_.job, std::move(scan), std::move(prune), options_.schedule, rooms_.name,
                  ScanLoopRooms{clients_.source.get(), clients_.target.get(), queue_.get(), rooms_.state, rooms_.board,
                                rooms_.clock, rooms_.rng});
    OperatorRooms wired{rooms_.state,
                        rooms_.board,
                        queue_.get(),
                        rooms_.clock,
                        rooms_.rng,
                        [this] { return loop_->trouble(); },
                        [this] { return queue_ready_.load(); }};
    operator_.emplace(settings_.job, std::move(wired));
    auto server = admin::make_admin_api(control_.get_executor(), rooms_.admin, &*operator_, rooms_.clock);
    if (!server) return fail(std::move(server).error());
    server_ = *std::move(server);
    return Unit{};
  }

  Task<> scan() {
    co_await await_state(&rooms_);
    for (;;) {
      auto prepared = co_await queue_->prepare();
      if (prepared) break;
      log::error("queue.refused", {{"error", prepared.error().what}});
      co_await rooms_.clock->sleep(kPauseAfterError);
    }
    queue_ready_ = true;
    log::info("publisher.ready", {{"name", rooms_.name}});
    co_await loop_->run();
  }

  Task<> scan_then_end() {
    co_await scans_.work().join();
    co_await loop_->let_go();
    co_await queue_->shutdown(kShutdownGrace);
  }

  void stop(int signal) {
    log::info("publisher.stopping", {{"signal", signal}});
    scans_.post([this] { scans_.work().cancel(); });
  }

  void wind_up() {
    server_->stop();
    signals_.cancel();
    side_work_.cancel();
    guard_.reset();
  }

  const Settings& settings_;
  PublisherOptions options_;
  ServiceRooms rooms_;
  std::atomic<bool> queue_ready_{false};

  Lane scans_;
  Clients clients_;  ///< on the lane, as the next two
  std::unique_ptr<pubsub::Queue> queue_;
  std::optional<ScanLoop> loop_;

  asio::io_context control_{1};
  asio::executor_work_guard<Executor> guard_{control_.get_executor()};
  TaskGroup side_work_{control_.get_executor()};
  StopSignals signals_{control_.get_executor(), [this](int signal) { stop(signal); }};
  std::optional<ServiceOperator> operator_;
  std::unique_ptr<admin::AdminServer> server_;
};

PublisherRun::PublisherRun(const Settings& settings, PublisherOptions options, ServiceRooms rooms)
    : crew_(std::make_unique<Crew>(settings, options, std::move(rooms))) {}
PublisherRun::~PublisherRun() = default;
Status PublisherRun::run() { return crew_->run(); }

}  // namespace ferry::app
