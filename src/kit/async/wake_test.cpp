#include "kit/async/wake.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "kit/async/task_group.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

struct Fixture {
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
  Fixture f;
  f.group.spawn(wait_then_count(&f.wake, &f.woken));
  f.settle();
  EXPECT_EQ(f.woken, 0);
  f.wake.set();
  EXPECT_EQ(f.woken, 0) << "resumed by its own executor, not inside of set()";
  f.settle();
  EXPECT_EQ(f.woken, 1);
}

TEST(Wake, GoesOnIfSetBeforeTheWait) {
  Fixture f;
  f.wake.set();
  f.wake.set();
  testing::run(f.context, wait_then_count(&f.wake, &f.woken));
  EXPECT_EQ(f.woken, 1);
}

TEST(Wake, CancellationEndsTheWait) {
  Fixture f;
  f.group.spawn(wait_then_count(&f.wake, &f.woken));
  f.settle();
  f.group.cancel();
  testing::run(f.context, f.group.join());
  EXPECT_EQ(f.woken, 0);
  f.wake.set();  // nobody is there: harmless
}

TEST(Wake, AWakeUpBeatsALaterCancellation) {
  Fixture f;
  f.group.spawn(wait_then_count(&f.wake, &f.woken));
  f.settle();
  auto set_and_cancel = [](Fixture* fixture) -> Task<> {
    fixture->wake.set();
    fixture->group.cancel();
    co_await fixture->group.join();
  };
  testing::run(f.context, set_and_cancel(&f));
  EXPECT_EQ(f.woken, 1) << "what was handed over with the wake-up must not be lost";
}

TEST(Wake, ResumesOnTheWaitersThread) {
  Fixture f;
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
