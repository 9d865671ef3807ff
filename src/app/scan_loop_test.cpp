#include "app/scan_loop.hpp"

#include <gtest/gtest.h>

#include <list>

#include "app/service_operator.hpp"
#include "kit/async/task_group.hpp"
#include "state/memory/memory_board.hpp"
#include "testing/world.hpp"

namespace ferry::app {
namespace {

using ferry::testing::World;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// Publishers on one board, one queue and one state, on simulated time.
class Publishing : public ::testing::Test {
 protected:
  struct Publisher {
    std::unique_ptr<ObjectSource> source;
    std::unique_ptr<ObjectTarget> target;
    std::unique_ptr<ScanLoop> loop;
  };

  Publishing() { queue_ = memory::make_queue(100'000, &world_.clock); }
  ~Publishing() override {
    context().poll();
    tasks_.cancel();
    ferry::testing::run(context(), tasks_.join(), &world_.clock);
  }

  asio::io_context& context() { return world_.context; }

  void start(const std::string& name) {
    auto& one = publishers_.emplace_back();
    one.source = memory_source(world_.source);
    one.target = memory::make_target(world_.target, world_.target_options);
    ScanOptions scan;
    scan.republish_after = hours{1};
    one.loop = std::make_unique<ScanLoop>(world_.job, std::move(scan), prune_, ScanSchedule::Options{}, name,
                                          ScanLoopRooms{one.source.get(), one.target.get(), queue_.get(),
                                                        world_.state.get(), board_.get(), &world_.clock, &world_.rng});
    tasks_.spawn(one.loop->run());
  }

  /// Lets that much time pass, event by event.
  void pass(Milliseconds duration) {
    auto wait = [](Clock* clock, Milliseconds time) -> Task<> { co_await clock->sleep(time); };
    ferry::testing::run(context(), wait(&world_.clock, duration), &world_.clock);
  }

  ServiceOperator operate() {
    return {world_.job,
            {world_.state.get(), board_.get(), queue_.get(), &world_.clock, &world_.rng, [] { return std::string{}; },
             [] { return true; }}};
  }
  ServiceOperator& watch() {
    auto& watching = operators_.emplace_back(operate());
    tasks_.spawn(watching.watch());
    return watching;
  }
  template <class T>
  T run(Task<T> task) {
    return ferry::testing::run(context(), std::move(task), &world_.clock);
  }
  admin::ServiceStatus status() {
    auto asked = operate();
    return run(asked.status()).value();
  }
  std::size_t waiting() const { return queue_->waiting(); }

  World world_;
  std::unique_ptr<memory::MemoryBoard> board_ = memory::make_board(&world_.clock);
  std::unique_ptr<MessageQueue> queue_;
  std::vector<Publisher> publishers_;
  std::list<ServiceOperator> operators_;
  std::optional<PruneOptions> prune_;
  TaskGroup tasks_{world_.context.get_executor()};
};

TEST_F(Publishing, ScansAtOnceAndThenEveryIntervalForWhatChanged) {
  world_.source->put("a", "one");
  world_.source->put("b", "one");
  start("p1");
  pass(seconds{5});
  EXPECT_EQ(waiting(), 2u);
  world_.source->put("b", "two");
  pass(minutes{9});
  EXPECT_EQ(waiting(), 2u);
  pass(minutes{2});
  EXPECT_EQ(waiting(), 3u) << "just the changed one";
  const auto seen = status();
  ASSERT_EQ(seen.scans.size(), 2u);
  EXPECT_EQ(seen.scans[0].outcome, "complete");
  EXPECT_EQ(seen.scans[0].published, 1u);
  EXPECT_EQ(seen.scans[0].waiting, 1u);
  EXPECT_EQ(seen.backlog, 2u);
  ASSERT_TRUE(seen.next_scan);
}

TEST_F(Publishing, DeletesAfterACompleteScanWhatLeftTheSource) {
  for (int i = 0; i < 20; ++i) world_.source->put("k" + std::to_string(100 + i), "one");
  ASSERT_TRUE(world_.copy());
  world_.source->remove("k103");
  prune_ = PruneOptions{};
  start("p1");
  pass(seconds{5});
  EXPECT_FALSE(world_.has("k103"));
  auto seen = status();
  EXPECT_EQ(seen.scans[0].gone, 1u);
  EXPECT_EQ(seen.scans[0].deleted, 1u);
  EXPECT_EQ(seen.deleted, 1u);
  for (int i = 4; i < 9; ++i) world_.source->remove("k" + std::to_string(100 + i));
  pass(minutes{11});
  EXPECT_EQ(world_.target->keys().size(), 19u);
  seen = status();
  EXPECT_EQ(seen.scans[0].outcome, "complete") << "the scan itself is a good one";
  EXPECT_NE(seen.scans[0].deletions.find("5 of 19"), std::string::npos) << seen.scans[0].deletions;
  EXPECT_NE(publishers_[0].loop->trouble().find("--max-delete"), std::string::npos);
}

TEST_F(Publishing, AScanThatFailsDeletesNothing_F024) {
  for (int i = 0; i < 20; ++i) world_.source->put("k" + std::to_string(100 + i), "one");
  ASSERT_TRUE(world_.copy());
  world_.source->remove("k103");
  world_.source->fail_list(1, Error{ErrorKind::kUnavailable, "503"});
  prune_ = PruneOptions{};
  start("p1");
  pass(seconds{3});
  EXPECT_TRUE(world_.has("k103"));
  EXPECT_NE(status().scans[0].outcome, "complete");
}

TEST_F(Publishing, FailedAreAllInTheLedgerAlsoWhatNoScanCouldPublish) {
  world_.source->put("bad\nname", "x");
  world_.source->put("good", "x");
  start("p1");
  pass(seconds{5});
  EXPECT_EQ(status().failed, 1u);
  EXPECT_EQ(status().gave_up, 0u);
  pass(minutes{11});
  EXPECT_EQ(status().failed, 1u) << "not once per scan";
}

TEST_F(Publishing, AWallClockThatJumpsAnHourNeitherHurriesNorHoldsUpScans_F136) {
  start("p1");
  pass(seconds{5});
  EXPECT_EQ(world_.source->counts().lists, 1u);
  world_.clock.set_wall(world_.clock.wall() + std::chrono::hours{1});
  pass(minutes{9});
  EXPECT_EQ(world_.source->counts().lists, 1u) << "no burst";
  world_.clock.set_wall(world_.clock.wall() - std::chrono::hours{2});
  pass(minutes{2});
  EXPECT_EQ(world_.source->counts().lists, 2u) << "no freeze";
}

TEST_F(Publishing, OnlyOneOfSeveralPublishersScans_F125) {
  world_.source->put("a", "one");
  for (const char* name : {"p1", "p2", "p3"}) start(name);
  pass(minutes{35});
  EXPECT_EQ(world_.source->counts().lists, 4u);
  EXPECT_EQ(waiting(), 1u);
}

TEST_F(Publishing, AnotherPublisherGoesOnWhenTheScanningOneLetsGo) {
  start("p1");
  pass(seconds{2});
  start("p2");
  pass(seconds{5});
  run(publishers_[0].loop->let_go());
  pass(minutes{25});
  EXPECT_GE(world_.source->counts().lists, 3u);
}

TEST_F(Publishing, ScansOnRequestAndAnswersWhatBecomesOfIt_F126) {
  start("p1");
  pass(seconds{5});
  auto asked = operate();
  EXPECT_EQ(run(asked.scan(false)).value(), admin::ScanRequest::kStarted);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(run(asked.scan(false)).value(), admin::ScanRequest::kAlreadyQueued);
  pass(seconds{30});
  EXPECT_EQ(world_.source->counts().lists, 2u) << "a hundred requests are one scan";
}

TEST_F(Publishing, AnAuditPublishesWhatTheMarksWouldLeaveOut) {
  world_.source->put("a", "one");
  start("p1");
  pass(seconds{5});
  auto asked = operate();
  (void)run(asked.scan(false));
  pass(seconds{5});
  EXPECT_EQ(waiting(), 1u);
  (void)run(asked.scan(true));
  pass(seconds{5});
  EXPECT_EQ(waiting(), 2u);
  EXPECT_TRUE(status().scans.front().audit);
}

TEST_F(Publishing, ReportsAFailingScanAndTriesAgain) {
  world_.source->put("a", "one");
  world_.source->fail_list(1, Error{ErrorKind::kDenied, "403 AccessDenied"});
  start("p1");
  pass(seconds{2});
  EXPECT_NE(status().scans.front().outcome.find("403 AccessDenied"), std::string::npos);
  EXPECT_NE(publishers_[0].loop->trouble().find("403 AccessDenied"), std::string::npos);
  pass(seconds{20});
  EXPECT_EQ(waiting(), 1u);
  EXPECT_EQ(status().scans.front().outcome, "complete");
  EXPECT_TRUE(publishers_[0].loop->trouble().empty());
}

TEST_F(Publishing, WithoutTheBoardNothingIsScannedAndItSaysSo_F102) {
  world_.source->put("a", "one");
  board_->fail(true);
  start("p1");
  pass(minutes{5});
  EXPECT_EQ(world_.source->counts().lists, 0u);
  EXPECT_FALSE(publishers_[0].loop->trouble().empty());
  auto asked = operate();
  EXPECT_EQ(run(asked.status()).error().kind, ErrorKind::kUnavailable);
  board_->fail(false);
  pass(seconds{3});
  EXPECT_EQ(waiting(), 1u);
}

TEST_F(Publishing, NoScanBeginsWhilePaused) {
  world_.source->put("a", "one");
  auto asked = operate();
  ASSERT_TRUE(run(asked.set_paused(true)));
  start("p1");
  pass(minutes{30});
  EXPECT_EQ(waiting(), 0u);
  EXPECT_TRUE(status().paused);
  ASSERT_TRUE(run(asked.set_paused(false)));
  pass(seconds{3});
  EXPECT_EQ(waiting(), 1u);
  EXPECT_FALSE(status().paused);
}

TEST_F(Publishing, APauseOutlivesAnEmptiedBoard_F105) {
  world_.source->put("a", "one");
  auto& asked = watch();
  ASSERT_TRUE(run(asked.set_paused(true)));
  ASSERT_TRUE(run(board_->post(kControlTopic, kPausedNote, {}, Milliseconds{0})));  // before anybody else has read it
  EXPECT_FALSE(status().paused);
  pass(seconds{5});
  EXPECT_TRUE(status().paused);
  start("p1");
  auto& another = watch();
  pass(seconds{5});
  ASSERT_TRUE(run(another.set_paused(false)));
  pass(seconds{5});
  ASSERT_TRUE(run(board_->post(kControlTopic, kPausedNote, {}, Milliseconds{0})));
  pass(seconds{5});
  EXPECT_FALSE(status().paused) << "what another one said last counts";
  ASSERT_TRUE(run(another.set_paused(true)));
  pass(seconds{5});
  const auto had = waiting();
  world_.source->put("b", "two");
  ASSERT_TRUE(run(board_->post(kControlTopic, kPausedNote, {}, Milliseconds{0})));
  pass(minutes{30});
  EXPECT_EQ(waiting(), had);
  EXPECT_TRUE(status().paused);
}

TEST_F(Publishing, AScanWhosePublisherDiedIsNotCalledRunning_F122) {
  ScanNotes notes;
  notes.scans.emplace_back().id = "old";
  notes.scans.front().running = true;
  ASSERT_TRUE(run(board_->post(kScansTopic, kScansNote, to_note(notes), Milliseconds{0})));
  start("p1");
  pass(seconds{3});
  const auto scans = status().scans;
  ASSERT_EQ(scans.size(), 2u);
  EXPECT_FALSE(scans[1].running);
  EXPECT_NE(scans[1].outcome, "complete");
}

TEST_F(Publishing, BacklogIsWhatWasPublishedLessWhatWasSettledSince) {
  for (int i = 0; i < 10; ++i) world_.source->put("k" + std::to_string(i), "12345");
  ASSERT_TRUE(run(board_->add(kWorkTotals, {{"copied", 500}, {"copied_bytes", 5'000}})));
  start("p1");
  pass(seconds{5});
  EXPECT_EQ(status().backlog, 10u);
  EXPECT_EQ(status().backlog_bytes, 50u);
  ASSERT_TRUE(run(board_->add(kWorkTotals, {{"copied", 3}, {"copied_bytes", 15}, {"rung.md5", 3}, {"failed", 1}})));
  const auto seen = status();
  EXPECT_EQ(seen.backlog, 6u);
  EXPECT_EQ(seen.backlog_bytes, 35u);
  EXPECT_EQ(seen.copied, 503u);
  EXPECT_EQ(seen.rungs.at("md5"), 3u);
}

TEST_F(Publishing, WorkersAreShownWithTheirTroubles) {
  WorkerNote note;
  note.worker.name = "m1";
  note.worker.objects_per_second = 2;
  note.worker.transfers.push_back({"big", 100, 40, {}});
  note.trouble = "the target refuses every object: 403";
  ASSERT_TRUE(run(board_->post(kWorkersTopic, "m1", to_note(note), seconds{10})));
  ASSERT_TRUE(run(board_->post(kWorkersTopic, "strange", "not a note", seconds{10})));
  const auto seen = status();
  ASSERT_EQ(seen.workers.size(), 1u);
  EXPECT_EQ(seen.workers[0].transfers.at(0).done, 40u);
  ASSERT_EQ(seen.troubles.size(), 1u);
  EXPECT_EQ(seen.troubles[0], "m1: the target refuses every object: 403");
  EXPECT_EQ(seen.objects_per_second, 2);
}

TEST_F(Publishing, RetryPublishesFailuresAgainAndClearsThem) {
  std::vector<Failure> failures(3);
  failures[0].key = ObjectKey{"a"};
  failures[0].version = Version{ETag{"\"1\""}, {}, {}};
  failures[1].key = ObjectKey{"b"};
  failures[1].version = Version{ETag{"\"2\""}, {}, {}};
  failures[2].key = ObjectKey{"(message 7)"};
  ASSERT_TRUE(run(world_.state->record_failures(failures)));
  auto asked = operate();
  EXPECT_EQ(run(asked.retry({ObjectKey{"b"}, ObjectKey{"unknown"}})).value(), 1u);
  EXPECT_EQ(waiting(), 1u);
  EXPECT_EQ(run(asked.retry({})).value(), 2u);
  EXPECT_EQ(waiting(), 2u) << "of a message that can't be read nothing can be published";
  EXPECT_TRUE(world_.ledger().empty());
}

TEST_F(Publishing, AFailedPublishKeepsTheLedger) {
  std::vector<Failure> failures(1);
  failures[0].key = ObjectKey{"a"};
  failures[0].version = Version{ETag{"\"1\""}, {}, {}};
  ASSERT_TRUE(run(world_.state->record_failures(failures)));
  queue_->close();
  auto asked = operate();
  EXPECT_FALSE(run(asked.retry({})));
  EXPECT_EQ(world_.ledger().size(), 1u);
}

TEST_F(Publishing, MetricsAreOnePageOfTheSameNumbers) {
  ASSERT_TRUE(run(board_->add(kWorkTotals, {{"copied", 7}})));
  auto asked = operate();
  const auto text = run(asked.metrics()).value();
  EXPECT_NE(text.find("ferry_objects_total{result=\"copied\"} 7\n"), std::string::npos) << text;
}

TEST(ScanWishNote, SaysWhetherItIsAnAudit) {
  for (const bool audit : {false, true}) {
    const auto wish = parse_scan_wish(to_note(ScanWish{"0123", audit}));
    EXPECT_EQ(wish.id, "0123");
    EXPECT_EQ(wish.audit, audit);
  }
  EXPECT_TRUE(parse_scan_wish("").id.empty());
}

}  // namespace
}  // namespace ferry::app
