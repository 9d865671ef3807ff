#include "kit/async/wake.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "kit/async/task_group.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

struct Sleepers {
  void settle() {
    context.restart();
    context.poll();
  }
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  Wake wake;
  int woken = 0;
};

Task<> wait_then_count(Wake* wake, int* count) {
  co_await wake->wait();
  ++*count;
}

TEST(Wake, SuspendsUntilSet) {
  Sleepers f;
  f.group.spawn(wait_then_count(&f.wake, &f.woken));
  f.settle();
  EXPECT_EQ(f.woken, 0);
  f.wake.set();
  EXPECT_EQ(f.woken, 0) << "resumed by its own executor, not inside of set()";
  f.settle();
  EXPECT_EQ(f.woken, 1);
}

TEST(Wake, GoesOnIfSetBeforeTheWait) {
  Sleepers f;
  f.wake.set();
  f.wake.set();
  testing::run(f.context, wait_then_count(&f.wake, &f.woken));
  EXPECT_EQ(f.woken, 1);
}

TEST(Wake, CancellationEndsTheWait) {
  Sleepers f;
  f.group.spawn(wait_then_count(&f.wake, &f.woken));
  f.settle();
  f.group.cancel();
  testing::run(f.context, f.group.join());
  EXPECT_EQ(f.woken, 0);
  f.wake.set();  // nobody is there: harmless
}

TEST(Wake, AWakeUpBeatsALaterCancellation) {
  Sleepers f;
  f.group.spawn(wait_then_count(&f.wake, &f.woken));
  f.settle();
  auto set_and_cancel = [](Sleepers* fixture) -> Task<> {
    fixture->wake.set();
    fixture->group.cancel();
    co_await fixture->group.join();
  };
  testing::run(f.context, set_and_cancel(&f));
  EXPECT_EQ(f.woken, 1) << "what was handed over with the wake-up must not be lost";
}

TEST(Wake, ResumesOnTheWaitersThread) {
  Sleepers f;
  std::thread::id resumed_on;
  auto wait = [](Wake* wake, std::thread::id* thread) -> Task<> {
    co_await wake->wait();
    *thread = std::this_thread::get_id();
  };
  std::thread setter{[&f] { f.wake.set(); }};
  testing::run(f.context, wait(&f.wake, &resumed_on));
  setter.join();
  EXPECT_EQ(resumed_on, std::this_thread::get_id());
}

TEST(Wake, SetAllResumesEveryWaiterInOrderOnItsOwnExecutor) {
  constexpr int kEach = 150;  // more than one post per executor takes along
  Sleepers first, second;
  std::vector<int> order_first, order_second;
  auto wait = [](Wake* wake, int number, std::vector<int>* order) -> Task<> {
    co_await wake->wait();
    order->push_back(number);
  };
  std::vector<std::unique_ptr<Wake>> wakes;
  std::vector<Wake*> all;
  for (int number = 0; number < kEach; ++number) {
    for (auto* side : {&first, &second}) {
      all.push_back(wakes.emplace_back(std::make_unique<Wake>()).get());
      side->group.spawn(wait(all.back(), number, side == &first ? &order_first : &order_second));
    }
  }
  first.settle();
  second.settle();
  Wake nobody_waits;
  all.push_back(&nobody_waits);
  Wake::set_all(all);

  std::vector<int> expected;
  for (int number = 0; number < kEach; ++number) expected.push_back(number);
  first.settle();
  EXPECT_EQ(order_first, expected);
  EXPECT_TRUE(order_second.empty()) << "the other executor has not run";
  second.settle();
  EXPECT_EQ(order_second, expected);
  testing::run(first.context, nobody_waits.wait());
}

TEST(Wake, AThrowingCompletionHandlerLeavesTheOthersOfItsCrowdToBeResumed) {
  Sleepers f;
  Wake throwing;
  asio::co_spawn(f.context.get_executor(), throwing.wait(),
                 [](const std::exception_ptr&) { throw std::runtime_error("planned"); });
  f.group.spawn(wait_then_count(&f.wake, &f.woken));
  f.settle();
  const std::vector<Wake*> both{&throwing, &f.wake};
  Wake::set_all(both);
  EXPECT_THROW(f.settle(), std::runtime_error);
  f.settle();
  EXPECT_EQ(f.woken, 1);
}

TEST(Wake, SurvivesSetAndCancelRacingFromTwoThreads) {
  constexpr int kRounds = 2000;
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  std::vector<std::shared_ptr<Wake>> wakes;
  for (int round = 0; round < kRounds; ++round) wakes.push_back(std::make_shared<Wake>());
  int woken = 0;
  auto wait = [](std::shared_ptr<Wake> wake, int* count) -> Task<> {
    co_await wake->wait();
    ++*count;
  };
  for (const auto& wake : wakes) group.spawn(wait(wake, &woken));
  context.poll();

  std::atomic<bool> go = false;
  std::thread setter{[&wakes, &go] {
    while (!go) std::this_thread::yield();
    for (const auto& wake : wakes) wake->set();
  }};
  auto cancel_and_join = [](TaskGroup* tasks, std::atomic<bool>* start) -> Task<> {
    *start = true;
    tasks->cancel();
    co_await tasks->join();
  };
  context.restart();
  testing::run(context, cancel_and_join(&group, &go));
  setter.join();
  EXPECT_EQ(group.size(), 0u) << "each ended exactly once";
  EXPECT_LE(woken, kRounds);
}

}  // namespace
}  // namespace ferry
