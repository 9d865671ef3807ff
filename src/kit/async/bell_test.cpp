#include "kit/async/bell.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <thread>

#include "kit/async/task_group.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

TEST(Bell, IsHeardByWhoWaitsAndByWhoComesLater) {
  asio::io_context context{1};
  Bell bell;
  TaskGroup group{context.get_executor()};
  int heard = 0;
  group.spawn([](Bell* to, int* count) -> Task<> {
    for (;;) {
      co_await to->wait();
      ++*count;
    }
  }(&bell, &heard));
  context.poll();
  EXPECT_EQ(heard, 0);
  bell.ring();
  bell.ring();
  context.restart();
  context.poll();
  EXPECT_EQ(heard, 1) << "two rings are one, and it waits again";
  bell.ring();
  context.restart();
  context.poll();
  EXPECT_EQ(heard, 2);
  asio::post(context, [&] { group.cancel(); });
  testing::run(context, group.join());
  bell.ring();
  testing::run(context, bell.wait());
}

TEST(Bell, GivesUpAtTheEndOfTheTimeAndMayBeWaitedForAgain) {
  testing::SimulatedClock clock;
  Bell bell;
  testing::run(bell.wait_at_most(&clock, std::chrono::seconds{5}), &clock);
  EXPECT_EQ(clock.elapsed(), std::chrono::seconds{5});
  bell.ring();
  testing::run(bell.wait_at_most(&clock, std::chrono::seconds{5}), &clock);
  EXPECT_EQ(clock.elapsed(), std::chrono::seconds{5});
}

TEST(Bell, IsRungByOtherThreads) {
  asio::io_context context{1};
  Bell bell;
  std::atomic<int> rung{0};
  std::thread other{[&] {
    for (int i = 0; i < 1000; ++i) {
      ++rung;
      bell.ring();
    }
  }};
  testing::run(context, [](Bell* to, std::atomic<int>* count) -> Task<> {
    while (*count < 1000) co_await to->wait();
  }(&bell, &rung));
  other.join();
}

}  // namespace
}  // namespace ferry
