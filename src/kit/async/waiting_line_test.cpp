#include "kit/async/waiting_line.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

/// Something that coroutines wait for; on one thread, so without a mutex.
struct Counter {
  using Visitor = WaitingLine::Waiter<Counter>;
  void forget(WaitingLine::Place* place) {
    if (line.leave(place)) line.wake_one();
  }
  WaitingLine line;
};

bool is_awake(WaitingLine::Place* place) {
  bool awake = false;
  testing::SimulatedClock clock;
  testing::run(
      [](WaitingLine::Place* one, Clock* time, bool* woken) -> Task<> {
        const auto before = time->now();
        co_await wait_at_most(&one->wake, time, Milliseconds{10});
        *woken = time->now() - before < Milliseconds{10};
      }(place, &clock, &awake),
      &clock);
  return awake;
}

TEST(WaitingLine, WakesTheOneWhoCameFirst) {
  Counter counter;
  Counter::Visitor first{&counter}, second{&counter};
  counter.line.join(&first);
  counter.line.join(&second);
  counter.line.wake_one();
  EXPECT_TRUE(is_awake(&first));
  EXPECT_FALSE(is_awake(&second));
}

TEST(WaitingLine, WakesNobodyWhoHasLeft) {
  Counter counter;
  Counter::Visitor second{&counter};
  {
    Counter::Visitor first{&counter};
    counter.line.join(&first);
    counter.line.join(&second);
  }
  counter.line.wake_one();
  EXPECT_TRUE(is_awake(&second));
}

TEST(WaitingLine, AWakeUpThatNobodyHeedsIsTheNextOnes) {
  Counter counter;
  Counter::Visitor second{&counter};
  {
    Counter::Visitor first{&counter};
    counter.line.join(&first);
    counter.line.join(&second);
    counter.line.wake_one();
  }
  EXPECT_TRUE(is_awake(&second));
}

TEST(WaitingLine, AWakeUpThatWasHeededIsUsedUp) {
  Counter counter;
  Counter::Visitor second{&counter};
  {
    Counter::Visitor first{&counter};
    counter.line.join(&first);
    counter.line.join(&second);
    counter.line.wake_one();
    first.looks_again = true;
  }
  EXPECT_FALSE(is_awake(&second));
  counter.line.wake_all();
  EXPECT_TRUE(is_awake(&second));
}

}  // namespace
}  // namespace ferry
