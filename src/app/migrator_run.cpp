#include "app/migrator_run.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "app/help.hpp"
#include "app/lane.hpp"
#include "app/stop_signals.hpp"
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

}  // namespace

/// The main thread's side: probes, signals, notes on the board; starts the lanes and ends when the last lane has.
class MigratorRun::Crew final : public admin::Probe {
 public:
  Crew(const Settings& settings, ServiceRooms rooms)
      : settings_(settings),
        rooms_(std::move(rooms)),
        began_(std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall())),
        heard_board_(rooms_.clock->now()) {}

  Status run() {
    if (auto built = build(); !built) return built;
    side_work_.spawn(server_->run());
    side_work_.spawn(prepare_in_scope());
    log::info("migrator.started", {{"name", rooms_.name},
                                   {"job", settings_.job.describe()},
                                   {"transfers", settings_.transfers},
                                   {"threads", lanes_.size()},
                                   {"port", std::uint64_t{server_->port()}}});
    control_.run();
    for (auto& lane : lanes_) lane->io.join();
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
    auto queue = rooms_.make_queue(control_.get_executor(), control_clients_);
    if (!queue) return fail(std::move(queue).error());
    queue_ = *std::move(queue);
    auto lanes = make_lanes(settings_, rooms_.make_clients);
    if (!lanes) return fail(std::move(lanes).error());
    lanes_ = *std::move(lanes);
    for (auto& lane : lanes_) lane->migrator = make_migrator(*lane);
    auto server = admin::make_probe_server(control_.get_executor(), rooms_.admin, this, rooms_.clock);
    if (!server) return fail(std::move(server).error());
    server_ = *std::move(server);
    return Unit{};
  }

  std::unique_ptr<Migrator> make_migrator(const TransferLane& lane) {
    MigratorOptions options = migrator_options(settings_, lane);
    options.patient = true;
    options.activity = &activity_;
    return std::make_unique<Migrator>(settings_.job, options, lane.clients.source.get(), lane.clients.target.get(),
                                      queue_.get(), rooms_.state, &tally_, &log_, rooms_.clock, rooms_.rng);
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
      lane->io.work().spawn(migrate(lane->migrator.get()));
      run_lane(lane.get());
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

  void run_lane(TransferLane* lane) {
    lane->io.start(lane->io.work().join(), [this](const std::optional<Error>& error) {
      if (error) log::error("lane.ended", {{"error", error->what}});
      asio::post(control_, [this] {
        if (--running_ == 0) side_work_.spawn(wind_up());
      });
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
      lane->io.post([migrator = lane->migrator.get(), paused] { migrator->set_paused(paused); });
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
      lane->io.post([work = &lane->io.work()] { work->cancel(); });
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
  TaskGroup preparing_{control_.get_executor()};
  TaskGroup side_work_{control_.get_executor()};
  StopSignals signals_{control_.get_executor(), [this](int signal) { drain(signal); }};
  Clients control_clients_;  ///< only for the queue's tokens
  std::vector<std::unique_ptr<TransferLane>> lanes_;
  std::unique_ptr<pubsub::Queue> queue_;
  std::unique_ptr<admin::AdminServer> server_;
  std::size_t running_ = 0;
};

MigratorRun::MigratorRun(const Settings& settings, ServiceRooms rooms)
    : crew_(std::make_unique<Crew>(settings, std::move(rooms))) {}
MigratorRun::~MigratorRun() = default;
Status MigratorRun::run() { return crew_->run(); }

}  // namespace ferry::app
