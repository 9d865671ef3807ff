#include "kit/async/task_group.hpp"

#include <gtest/gtest.h>

#include <boost/system/system_error.hpp>

#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

using std::chrono::milliseconds;
using testing::run;
using testing::SimulatedClock;

Task<> sleep_then_count(Clock* clock, milliseconds duration, int* count) {
  co_await clock->sleep(duration);
  ++*count;
}

Task<> fail_after(Clock* clock, milliseconds duration) {
  co_await clock->sleep(duration);
  throw std::runtime_error("planned");
}

struct Fixture {
  asio::io_context context{1};
  SimulatedClock clock;
  TaskGroup group{context.get_executor()};
  int count = 0;
};

TEST(TaskGroup, JoinWaitsForEveryTask) {
  Fixture f;
  for (int i = 0; i < 10; ++i) f.group.spawn(sleep_then_count(&f.clock, milliseconds{i * 100}, &f.count));
  run(f.context, f.group.join(), &f.clock);
  EXPECT_EQ(f.count, 10);
  EXPECT_EQ(f.clock.elapsed(), milliseconds{900}) << "side by side, not one after the other";
}

TEST(TaskGroup, CancelEndsSleepingTasksQuietly) {
  Fixture f;
  f.group.spawn(sleep_then_count(&f.clock, std::chrono::hours{1}, &f.count));
  f.context.poll();
  f.group.cancel();
  run(f.context, f.group.join(), &f.clock);
  EXPECT_EQ(f.count, 0);
  EXPECT_EQ(f.clock.elapsed(), milliseconds{0});
}

TEST(TaskGroup, JoinRethrowsTheFirstRealError) {
  Fixture f;
  f.group.spawn(fail_after(&f.clock, milliseconds{10}));
  f.group.spawn(sleep_then_count(&f.clock, milliseconds{20}, &f.count));
  EXPECT_THROW(run(f.context, f.group.join(), &f.clock), std::runtime_error);
  EXPECT_EQ(f.count, 1) << "the others are not left behind";
}

TEST(TaskGroup, BelowBoundsConcurrency) {
  Fixture f;
  static constexpr std::size_t kLimit = 3;
  auto loop = [](Fixture* fixture) -> Task<> {
    for (int i = 0; i < 9; ++i) {
      co_await fixture->group.below(kLimit);
      EXPECT_LT(fixture->group.size(), kLimit);
      fixture->group.spawn(sleep_then_count(&fixture->clock, milliseconds{100}, &fixture->count));
    }
    co_await fixture->group.join();
  };
  run(f.context, loop(&f), &f.clock);
  EXPECT_EQ(f.count, 9);
  EXPECT_EQ(f.clock.elapsed(), milliseconds{300});
}

TEST(TaskGroup, CancellingTheJoinerCancelsItsTasks) {
  Fixture f;
  auto parent = [](Fixture* fixture) -> Task<> {
    fixture->group.spawn(sleep_then_count(&fixture->clock, std::chrono::hours{1}, &fixture->count));
    co_await fixture->group.join();
  };
  TaskGroup outer{f.context.get_executor()};
  outer.spawn(parent(&f));
  f.context.poll();
  outer.cancel();
  f.context.restart();
  run(f.context, outer.join(), &f.clock);
  EXPECT_EQ(f.count, 0);
  EXPECT_EQ(f.group.size(), 0u);
  EXPECT_EQ(f.clock.elapsed(), milliseconds{0});
}

TEST(TaskGroup, CancelledWhileWaitingForRoomLeavesNothingBehind) {
  Fixture f;
  auto parent = [](Fixture* fixture) -> Task<> {
    fixture->group.spawn(sleep_then_count(&fixture->clock, milliseconds{50}, &fixture->count));
    try {
      co_await fixture->group.below(1);
    } catch (const boost::system::system_error&) {
      fixture->count += 100;
    }
    EXPECT_EQ(fixture->group.size(), 0U) << "whoever waited may go without a further word";
  };
  TaskGroup outer{f.context.get_executor()};
  outer.spawn(parent(&f));
  f.context.poll();
  outer.cancel();
  f.context.restart();
  run(f.context, outer.join(), &f.clock);
  EXPECT_EQ(f.count, 100) << "the sleeper was taken along, and its end touched no dead waiter";
}

}  // namespace
}  // namespace ferry
