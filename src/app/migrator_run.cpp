#include "app/migrator_run.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "app/exit_code.hpp"
#include "app/help.hpp"
#include "app/unexpected.hpp"
#include "app/work_report.hpp"
#include "kit/async/task_group.hpp"
#include "kit/async/wake.hpp"
#include "migrate/migrator.hpp"
#include "observe/log.hpp"

namespace ferry::app {
namespace {

constexpr Milliseconds kBeat{1'000};
constexpr Milliseconds kNoteLife{10'000};
constexpr Milliseconds kBoardPatience{15'000};
constexpr std::size_t kTransfersShown = 20;

/// One I/O thread: its own context, its own clients, its own share of the transfers.
struct Lane {
  asio::io_context context{1};
  Clients clients;
  std::unique_ptr<Migrator> migrator;
  TaskGroup work{context.get_executor()};
  std::thread thread;
};

}  // namespace

/// The main thread's side: probes, signals, notes on the board; starts the lanes and ends when the last lane has.
class MigratorRun::Crew final : public admin::Probe {
 public:
  Crew(const Settings& settings, ServiceRooms rooms)
      : settings_(settings),
        rooms_(std::move(rooms)),
        began_(std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall())),
        heard_board_(rooms_.clock->now()),
        preparing_(control_.get_executor()),
        side_work_(control_.get_executor()),
        signals_(control_, SIGINT, SIGTERM, SIGHUP) {}

  Status run() {
    if (auto built = build(); !built) return built;
    wait_for_signal();
    side_work_.spawn(server_->run());
    side_work_.spawn(prepare_in_scope());
    log::info("migrator.started", {{"name", rooms_.name},
                                   {"job", settings_.job.describe()},
                                   {"transfers", settings_.transfers},
                                   {"threads", lanes_.size()},
                                   {"port", std::uint64_t{server_->port()}}});
    control_.run();
    for (auto& lane : lanes_) {
      if (lane->thread.joinable()) lane->thread.join();
    }
    Wake::quiesce();
    log::info("migrator.ended", {{"copied", tally_.copied.load()}, {"failed", tally_.failed.load()}});
    return Unit{};
  }

  bool ready() const override {
    return started_ && !draining_ && board_reached_ && rooms_.clock->now() - heard_board_ < kBoardPatience &&
           log_.trouble().empty();
  }
  Task<Result<std::string>> metrics() override { co_return worker_metrics(look(tally_), settings_.transfers); }

 private:
  Status build() {
    auto clients = rooms_.make_clients(control_.get_executor(), Patience::kWork);
    if (!clients) return fail(std::move(clients).error());
    control_clients_ = *std::move(clients);
    auto queue = rooms_.make_queue(control_.get_executor(), control_clients_.authorization);
    if (!queue) return fail(std::move(queue).error());
    queue_ = *std::move(queue);
    const std::size_t threads = std::min<std::size_t>(
        settings_.threads.value_or(std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 2)),
        settings_.transfers);
    for (std::size_t i = 0; i < threads; ++i) {
      const std::size_t share = settings_.transfers / threads + (i < settings_.transfers % threads ? 1 : 0);
      if (auto added = add_lane(share); !added) return added;
    }
    auto server = admin::make_probe_server(control_.get_executor(), rooms_.admin, this, rooms_.clock);
    if (!server) return fail(std::move(server).error());
    server_ = *std::move(server);
    return Unit{};
  }

  Status add_lane(std::size_t transfers) {
    auto lane = std::make_unique<Lane>();
    auto clients = rooms_.make_clients(lane->context.get_executor(), Patience::kWork);
    if (!clients) return fail(std::move(clients).error());
    lane->clients = *std::move(clients);
    MigratorOptions options;
    options.policy = {settings_.on_foreign, settings_.adopt};
    options.choices = {settings_.integrity, settings_.metadata};
    options.transfers = transfers;
    options.patient = true;
    options.activity = &activity_;
    lane->migrator =
        std::make_unique<Migrator>(settings_.job, options, lane->clients.source.get(), lane->clients.target.get(),
                                   queue_.get(), rooms_.state, &tally_, &log_, rooms_.clock, rooms_.rng);
    lanes_.push_back(std::move(lane));
    return Unit{};
  }

  /// In a scope of its own: whoever is told to end while Redis or the broker is away need not wait for them.
  Task<> prepare_in_scope() {
    preparing_.spawn(prepare());
    co_await preparing_.join();
    if (draining_ && !started_) co_await wind_up();
  }

  Task<> prepare() {
    co_await await_state(&rooms_);
    while (!started_) {
      auto prepared = co_await queue_->prepare();
      if (prepared) break;
      log::error("queue.refused", {{"error", prepared.error().what}});
      co_await rooms_.clock->sleep(kPauseAfterError);
    }
    if (draining_) co_return;
    started_ = true;
    running_ = lanes_.size();
    for (auto& lane : lanes_) {
      lane->work.spawn(migrate(lane->migrator.get()));
      lane->thread = std::thread{[this, lane = lane.get()] { run_lane(lane); }};
    }
    side_work_.spawn(beat());
    log::info("migrator.ready", {{"name", rooms_.name}});
  }

  /// A refusal of the broker may be put right by somebody: it is reported and tried again.
  Task<> migrate(Migrator* migrator) {
    for (;;) {
      auto done = co_await migrator->run();
      if (done) co_return;
      log_.refused(done.error().what);
      co_await rooms_.clock->sleep(kPauseAfterError);
    }
  }

  /// On a lane's thread, until its work is done.
  void run_lane(Lane* lane) {
    asio::co_spawn(lane->context, lane->work.join(), [lane](const std::exception_ptr& error) {
      if (error) log::error("lane.ended", {{"error", unexpected(error).what}});
      lane->context.stop();  // pooled connections and their timers are no reason to stay
    });
    lane->context.run();
    asio::post(control_, [this] {
      if (--running_ == 0) side_work_.spawn(wind_up());
    });
  }

  /// Every second: what the board wants of us, and what we tell it.
  Task<> beat() {
    for (;;) {
      co_await heed_board();
      co_await tell_board();
      co_await rooms_.clock->sleep(kBeat);
    }
  }

  Task<> heed_board() {
    auto control = co_await rooms_.board->read(kControlTopic);
    board_reached_ = control.has_value();
    if (!control) co_return;
    heard_board_ = rooms_.clock->now();
    set_paused(is_paused(*control, paused_) && !draining_);
  }

  void set_paused(bool paused) {
    if (std::exchange(paused_, paused) == paused) return;
    log::info(paused ? "work.paused" : "work.resumed", {});
    for (auto& lane : lanes_) {
      asio::post(lane->context, [migrator = lane->migrator.get(), paused] { migrator->set_paused(paused); });
    }
  }

  Task<> tell_board() {
    const TallySnapshot now = look(tally_);
    speed_.sample(now, rooms_.clock->now());
    (void)co_await rooms_.board->post(kWorkersTopic, rooms_.name, to_note(note(now)), kNoteLife);
    co_await add_totals(now);
  }

  Task<> add_totals(TallySnapshot now) {
    auto amounts = difference(now, told_);
    if (amounts.empty()) co_return;
    auto added = co_await rooms_.board->add(kWorkTotals, std::move(amounts));
    if (added) told_ = now;
  }

  WorkerNote note(const TallySnapshot& now) const {
    WorkerNote note;
    auto& worker = note.worker;
    worker.name = rooms_.name;
    worker.version = program_version();
    worker.began = began_;
    worker.heard = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall());
    worker.draining = draining_;
    worker.active = now.active;
    worker.transfers_max = settings_.transfers;
    worker.copied = now.copied;
    worker.copied_bytes = now.copied_bytes;
    worker.failed = now.failed;
    worker.bytes_per_second = speed_.bytes_per_second();
    worker.objects_per_second = speed_.objects_per_second();
    for (auto& one : activity_.largest(kTransfersShown)) {
      worker.transfers.push_back({std::move(one.key), one.size, one.done, one.began});
    }
    note.trouble = log_.trouble();
    return note;
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      if (draining_) ::_exit(static_cast<int>(ExitCode::kInterrupted));
      drain(number);
      wait_for_signal();
    });
  }

  void drain(int signal) {
    draining_ = true;
    log::info("migrator.draining", {{"signal", signal}, {"active", tally_.active.load()}});
    queue_->close();
    set_paused(false);
    if (started_) {
      side_work_.spawn(abandon_after_grace());
    } else {
      preparing_.cancel();
    }
  }

  Task<> abandon_after_grace() {
    co_await rooms_.clock->sleep(settings_.grace);
    log::warn("migrator.gives_back", {{"transfers", tally_.active.load()}});
    for (auto& lane : lanes_) {
      asio::post(lane->context, [work = &lane->work] { work->cancel(); });
    }
  }

  Task<> wind_up() {
    co_await queue_->shutdown(kShutdownGrace);
    co_await add_totals(look(tally_));
    (void)co_await rooms_.board->post(kWorkersTopic, rooms_.name, {}, Milliseconds{0});
    server_->stop();
    signals_.cancel();
    guard_.reset();
    asio::post(control_, [this] { side_work_.cancel(); });  // not from inside: this task is one of them
  }

  const Settings& settings_;
  ServiceRooms rooms_;
  Tally tally_;
  WorkLog log_;
  Activity activity_;
  RateMeter speed_;
  TallySnapshot told_;  ///< what the board knows of
  Seconds began_;
  SteadyTime heard_board_;
  bool board_reached_ = false, started_ = false, draining_ = false, paused_ = false;

  asio::io_context control_{1};
  asio::executor_work_guard<Executor> guard_{control_.get_executor()};
  TaskGroup preparing_;
  TaskGroup side_work_;
  asio::signal_set signals_;
  Clients control_clients_;  ///< only for the queue's tokens
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<pubsub::Queue> queue_;
  std::unique_ptr<admin::AdminServer> server_;
  std::size_t running_ = 0;
};

MigratorRun::MigratorRun(const Settings& settings, ServiceRooms rooms)
    : crew_(std::make_unique<Crew>(settings, std::move(rooms))) {}
MigratorRun::~MigratorRun() = default;
Status MigratorRun::run() { return crew_->run(); }

}  // namespace ferry::app
