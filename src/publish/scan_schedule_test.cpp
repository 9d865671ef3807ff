#include "publish/scan_schedule.hpp"

#include <gtest/gtest.h>

namespace ferry {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Answer = ScanSchedule::Answer;

class Schedule : public ::testing::Test {
 protected:
  bool run_for(Milliseconds duration, bool complete = true) {
    const bool audit = schedule_.begin(now_);
    now_ += duration;
    schedule_.end(now_, complete);
    return audit;
  }

  SteadyTime now_{hours{1'000}};
  ScanSchedule schedule_{{}, now_};
};

TEST_F(Schedule, TheFirstScanIsDueAtOnceAndFurtherOnesAnIntervalAfterItsBegin) {
  EXPECT_EQ(schedule_.due_in(now_), Milliseconds{0});
  EXPECT_FALSE(run_for(minutes{2}));
  EXPECT_EQ(schedule_.due_in(now_), minutes{8});
}

TEST_F(Schedule, AScanLongerThanTheIntervalIsFollowedByOneAtOnce_F127) {
  run_for(minutes{35});
  EXPECT_EQ(schedule_.due_in(now_), Milliseconds{0});
  run_for(minutes{1});
  EXPECT_EQ(schedule_.due_in(now_), minutes{9}) << "what was missed is not made up for";
}

TEST_F(Schedule, NothingIsDueWhileAScanRuns_F127) {
  schedule_.begin(now_);
  EXPECT_EQ(schedule_.due_in(now_ + hours{5}), std::nullopt);
}

TEST_F(Schedule, AHundredRequestsDuringAScanMakeOneMore_F126) {
  schedule_.begin(now_);
  EXPECT_EQ(schedule_.request(false), Answer::kAfterThisOne);
  for (int i = 0; i < 99; ++i) EXPECT_EQ(schedule_.request(false), Answer::kAlreadyWaiting);
  schedule_.end(now_, true);
  EXPECT_EQ(schedule_.due_in(now_), Milliseconds{0});
  run_for(seconds{1});
  EXPECT_GT(*schedule_.due_in(now_), minutes{9});
}

TEST_F(Schedule, ARequestBetweenScansIsDueAtOnce) {
  run_for(seconds{1});
  EXPECT_EQ(schedule_.request(false), Answer::kNow);
  EXPECT_EQ(schedule_.due_in(now_), Milliseconds{0});
}

TEST_F(Schedule, AnAuditIsDoneWhenAskedForAndWhenItsTimeHasCome) {
  EXPECT_FALSE(run_for(seconds{1}));
  schedule_.request(false);
  EXPECT_EQ(schedule_.request(true), Answer::kNow) << "more than the scan that waits";
  EXPECT_TRUE(run_for(seconds{1}));
  EXPECT_FALSE(run_for(seconds{1}));
  now_ += hours{24};
  EXPECT_TRUE(run_for(seconds{1}));
  EXPECT_FALSE(run_for(seconds{1}));
}

TEST_F(Schedule, AFailedScanIsTriedAgainSoonAndNeverLaterThanTheInterval) {
  run_for(seconds{1}, false);
  EXPECT_EQ(schedule_.due_in(now_), seconds{5});
  run_for(seconds{1}, false);
  EXPECT_EQ(schedule_.due_in(now_), seconds{10});
  for (int i = 0; i < 20; ++i) run_for(seconds{1}, false);
  EXPECT_EQ(schedule_.due_in(now_), seconds{60});
  run_for(seconds{1});
  EXPECT_GT(*schedule_.due_in(now_), minutes{9});

  ScanSchedule often{{.interval = seconds{3}}, now_};
  often.begin(now_);
  often.end(now_, false);
  EXPECT_EQ(often.due_in(now_), seconds{3});
}

TEST_F(Schedule, AFailedAuditIsStillWanted) {
  schedule_.request(true);
  run_for(seconds{1}, false);
  EXPECT_TRUE(run_for(seconds{1}));
}

}  // namespace
}  // namespace ferry
