#include "app/copy_run.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "source/memory/memory_source.hpp"
#include "state/memory/memory_state.hpp"
#include "target/memory/memory_target.hpp"

namespace ferry::app {
namespace {

/// The wiring that ships, with real threads, around buckets in memory.
struct Harbour {
  Harbour() {
    settings.job = Job{BucketName{"src"}, "", BucketName{"dst"}, ""};
    settings.transfers = 8;
    settings.threads = 2;
    screen.show = [](const std::string&) {};
    screen.print = [this](const std::string& line) { printed.push_back(line); };
    screen.width = [] { return std::size_t{80}; };
  }

  CopyRooms rooms() {
    CopyRooms rooms;
    rooms.make_clients = [this](Executor, Patience) -> Result<Clients> {
      Clients clients;
      clients.source = memory_source(source);
      clients.target = memory::make_target(target);
      return clients;
    };
    rooms.state = settings.dry_run ? nullptr : state.get();
    rooms.screen = &screen;
    rooms.clock = system_clock();
    rooms.rng = system_rng();
    return rooms;
  }

  CopyEnding copy() {
    CopyRun run{settings, rooms()};
    auto ended = run.run();
    EXPECT_TRUE(ended) << ended.error().what;
    return ended ? *std::move(ended) : CopyEnding{};
  }

  std::shared_ptr<MemoryBucket> source = std::make_shared<MemoryBucket>(system_clock());
  std::shared_ptr<memory::TargetBucket> target = std::make_shared<memory::TargetBucket>();
  std::unique_ptr<memory::MemoryState> state = memory::make_state();
  Settings settings;
  std::vector<std::string> printed;
  Screen screen;
};

TEST(CopyRun, BringsEverythingOverOnSeveralThreadsAndNothingTwice) {
  Harbour harbour;
  for (int i = 0; i < 500; ++i) harbour.source->put("key/" + std::to_string(i), "body " + std::to_string(i));
  const auto first = harbour.copy();
  EXPECT_EQ(exit_code_of(first), ExitCode::kDone) << page_of(first);
  EXPECT_EQ(first.tally.listed, 500u);
  EXPECT_EQ(first.tally.copied, 500u);
  EXPECT_EQ(first.source_requests, 501u);
  EXPECT_EQ(harbour.target->text(ObjectKey{"key/77"}), "body 77");

  harbour.source->put("key/77", "changed");
  const auto second = harbour.copy();
  EXPECT_EQ(exit_code_of(second), ExitCode::kDone) << page_of(second);
  EXPECT_EQ(second.tally.copied, 1u);
  EXPECT_EQ(second.tally.unchanged, 499u);
}

TEST(CopyRun, ADryRunOnlySaysWhatItWouldDo) {
  Harbour harbour;
  harbour.settings.dry_run = true;
  harbour.source->put("a", "12345");
  harbour.source->put("bad\n", "x");
  const auto ending = harbour.copy();
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDifferent) << "one name can't be held";
  EXPECT_EQ(ending.tally.planned, 1u);
  EXPECT_EQ(ending.tally.planned_bytes, 5u);
  ASSERT_EQ(ending.examples.size(), 1u);
  EXPECT_EQ(ending.examples.front().str(), "a");
  EXPECT_TRUE(harbour.target->keys().empty());
  EXPECT_NE(page_of(ending).find("nothing was written"), std::string::npos) << page_of(ending);
}

TEST(CopyRun, SaysWhichObjectsFailedAndBringsTheOthers) {
  Harbour harbour;
  harbour.source->put("good", "x");
  harbour.source->put("locked", "x");
  harbour.source->deny("locked");
  const auto ending = harbour.copy();
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDifferent);
  EXPECT_EQ(ending.tally.copied, 1u);
  ASSERT_EQ(ending.failures.size(), 1u);
  EXPECT_EQ(ending.failures.front().key.str(), "locked");
}

TEST(CopyRun, AListingThatIsRefusedEndsItAsRefused) {
  Harbour harbour;
  harbour.source->put("a", "x");
  harbour.source->fail_list(1, Error{ErrorKind::kDenied, "403 AccessDenied"});
  const auto ending = harbour.copy();
  EXPECT_EQ(exit_code_of(ending), ExitCode::kRefused);
  ASSERT_TRUE(ending.broken);
  EXPECT_NE(ending.broken->what.find("list source: 403 AccessDenied"), std::string::npos) << ending.broken->what;
}

TEST(CopyRun, ATargetThatCantBeListedEndsItAsRefused) {
  Harbour harbour;
  harbour.source->put("a", "x");
  harbour.target->fail_next(memory::TargetOp::kList, Error{ErrorKind::kInvalid, "404 no such bucket"});
  const auto ending = harbour.copy();
  EXPECT_EQ(exit_code_of(ending), ExitCode::kRefused);
  EXPECT_TRUE(harbour.target->commits().empty());
}

TEST(CopyRun, ClientsThatCantBeMadeAreAMatterOfSettings) {
  Harbour harbour;
  auto rooms = harbour.rooms();
  rooms.make_clients = [](Executor, Patience) -> Result<Clients> {
    return fail(ErrorKind::kInvalid, "no such CA file");
  };
  CopyRun run{harbour.settings, std::move(rooms)};
  const auto ended = run.run();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().what, "no such CA file");
}

TEST(CopyRun, ASignalInMidTransferLetsItFinishAndEndsResumable_F129) {
  Harbour harbour;
  harbour.settings.transfers = 1;
  harbour.settings.threads = 1;
  for (int i = 0; i < 50; ++i) harbour.source->put("key/" + std::to_string(100 + i), "body");
  // While the eleventh object is being read, the signal arrives; the scan has planned all of them by then.
  harbour.source->when_read("key/110", 0, [] { ::kill(::getpid(), SIGTERM); });
  const auto ending = harbour.copy();
  if (!ending.interrupted) {
    EXPECT_EQ(ending.tally.copied, 50u) << "the rest was faster than the signal";
  } else {
    EXPECT_EQ(exit_code_of(ending), ExitCode::kInterrupted);
    EXPECT_GE(ending.tally.copied, 11u) << "what was under way has finished";
    EXPECT_EQ(harbour.target->commits().size(), ending.tally.copied);
  }
  EXPECT_EQ(ending.tally.active, 0u);
  const auto again = harbour.copy();
  EXPECT_EQ(exit_code_of(again), ExitCode::kDone);
  EXPECT_EQ(again.tally.copied + again.tally.unchanged, 50u);
  EXPECT_EQ(harbour.target->commits().size(), 50u) << "nothing was sent twice";
}

TEST(CopyRun, AfterTheGraceTimeTransfersThatHangAreAbandoned_F129_F130) {
  Harbour harbour;
  harbour.settings.grace = Milliseconds{0};
  harbour.source->put("stuck", "body");
  harbour.source->fail_open("stuck", Error{ErrorKind::kUnavailable, "503 SlowDown"}, MemoryBucket::kAlways);
  harbour.source->put("swift", "body");
  CopyRun run{harbour.settings, harbour.rooms()};
  harbour.source->when_read("swift", 4, [&run] { run.interrupt(); });
  const auto ended = run.run();
  ASSERT_TRUE(ended);
  EXPECT_EQ(exit_code_of(*ended), ExitCode::kInterrupted);
  EXPECT_EQ(ended->tally.active, 0u);
  EXPECT_NE(page_of(*ended).find("the same command goes on"), std::string::npos);
}

TEST(CopyRun, ASecondSignalEndsTheProcessAtOnce_F130) {
  EXPECT_EXIT(
      {
        Harbour harbour;
        harbour.settings.grace = std::chrono::hours{1};
        harbour.source->put("stuck", "body");
        harbour.source->when_read("stuck", 0, [] {
          // A transfer that never ends. Signals that come close together count as one, so the second is sent until it
          // works.
          for (;;) {
            ::kill(::getpid(), SIGINT);
            ::sched_yield();
          }
        });
        harbour.copy();
      },
      ::testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace ferry::app
