#include "app/publisher_run.hpp"

#include <unistd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "app/exit_code.hpp"
#include "app/scan_loop.hpp"
#include "app/service_operator.hpp"
#include "app/unexpected.hpp"
#include "kit/async/task_group.hpp"
#include "kit/async/wake.hpp"
#include "observe/log.hpp"

namespace ferry::app {

/// Two threads: this one for people (API, signals), another for the scan, so that a large page delays no answer.
class PublisherRun::Crew {
 public:
  Crew(const Settings& settings, PublisherOptions options, ServiceRooms rooms)
      : settings_(settings),
        options_(options),
        rooms_(std::move(rooms)),
        scanning_(scan_context_.get_executor()),
        side_work_(control_.get_executor()),
        signals_(control_, SIGINT, SIGTERM, SIGHUP) {}

  Status run() {
    if (auto built = build(); !built) return built;
    wait_for_signal();
    side_work_.spawn(server_->run());
    side_work_.spawn(operator_->watch());
    scanning_.spawn(scan());
    log::info("publisher.started",
              {{"name", rooms_.name}, {"job", settings_.job.describe()}, {"port", std::uint64_t{server_->port()}}});
    scan_thread_ = std::thread{[this] { run_scan_thread(); }};
    control_.run();
    scan_thread_.join();
    Wake::quiesce();
    log::info("publisher.ended", {});
    return Unit{};
  }

 private:
  Status build() {
    auto clients = rooms_.make_clients(scan_context_.get_executor(), Patience::kWork);
    if (!clients) return fail(std::move(clients).error());
    clients_ = *std::move(clients);
    auto queue = rooms_.make_queue(scan_context_.get_executor(), clients_.authorization);
    if (!queue) return fail(std::move(queue).error());
    queue_ = *std::move(queue);

    ScanOptions scan;
    scan.policy = {settings_.on_foreign, settings_.adopt};
    scan.filter = Filter{settings_.include, settings_.exclude};
    scan.republish_after = options_.republish_after;
    loop_.emplace(settings_.job, std::move(scan), options_.schedule, rooms_.name,
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

  void run_scan_thread() {
    asio::co_spawn(scan_context_, scan_then_end(), [this](const std::exception_ptr& error) {
      if (error) log::error("scan.ended_badly", {{"error", unexpected(error).what}});
      scan_context_.stop();  // pooled connections and their timers are no reason to stay
    });
    scan_context_.run();
    asio::post(control_, [this] {
      server_->stop();
      signals_.cancel();
      side_work_.cancel();
      guard_.reset();
    });
  }

  Task<> scan_then_end() {
    co_await scanning_.join();
    co_await loop_->let_go();
    co_await queue_->shutdown(kShutdownGrace);
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      if (std::exchange(stopping_, true)) ::_exit(static_cast<int>(ExitCode::kInterrupted));
      log::info("publisher.stopping", {{"signal", number}});
      asio::post(scan_context_, [this] { scanning_.cancel(); });
      wait_for_signal();
    });
  }

  const Settings& settings_;
  PublisherOptions options_;
  ServiceRooms rooms_;
  std::atomic<bool> queue_ready_{false};
  bool stopping_ = false;  ///< control thread only

  asio::io_context scan_context_{1};
  TaskGroup scanning_;
  Clients clients_;  ///< on the scan thread, as the next two
  std::unique_ptr<pubsub::Queue> queue_;
  std::optional<ScanLoop> loop_;

  asio::io_context control_{1};
  asio::executor_work_guard<Executor> guard_{control_.get_executor()};
  TaskGroup side_work_;
  asio::signal_set signals_;
  std::optional<ServiceOperator> operator_;
  std::unique_ptr<admin::AdminServer> server_;
  std::thread scan_thread_;
};

PublisherRun::PublisherRun(const Settings& settings, PublisherOptions options, ServiceRooms rooms)
    : crew_(std::make_unique<Crew>(settings, options, std::move(rooms))) {}
PublisherRun::~PublisherRun() = default;
Status PublisherRun::run() { return crew_->run(); }

}  // namespace ferry::app
