#include "kit/resilience/renewal.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "kit/async/task_group.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

using Numbered = Renewal<int>;

/// Hands out 1, 2, 3, …
struct Numbers {
  Task<Result<Numbered::Fetched>> next() {
    ++asked;
    if (slow) co_await clock.sleep(Milliseconds{500});
    if (refuse) co_return fail(*refuse);
    co_return Numbered::Fetched{stuck ? 1 : ++last, life};
  }
  Result<int> get() { return testing::run(renewal.get(&fetch), &clock); }

  testing::SimulatedClock clock;
  testing::SeededRng rng;
  RenewalPolicy policy{.ahead = Milliseconds{10'000}, .backoff = {}};
  Numbered renewal{policy, &clock, &rng};
  std::optional<Milliseconds> life{100'000};
  std::optional<Error> refuse;
  bool slow = false, stuck = false;
  int last = 0, asked = 0;
  Numbered::Fetch fetch = [this] { return next(); };
};

TEST(Renewal, ReplacesAValueAheadOfItsEndAndNotBefore) {
  Numbers numbers;
  EXPECT_EQ(numbers.get(), 1);
  numbers.clock.advance(Milliseconds{89'000});
  EXPECT_EQ(numbers.get(), 1);
  numbers.clock.advance(Milliseconds{2'000});
  EXPECT_EQ(numbers.get(), 2);
}

TEST(Renewal, AValueWithoutALifeStaysUntilItIsRefusedOrOutdated) {
  Numbers numbers;
  numbers.life.reset();
  EXPECT_EQ(numbers.get(), 1);
  numbers.clock.advance(std::chrono::hours{10'000});
  EXPECT_EQ(numbers.get(), 1);
  numbers.renewal.outdate();
  EXPECT_EQ(numbers.get(), 2);
  numbers.renewal.refused(1);
  EXPECT_EQ(numbers.get(), 2) << "somebody was late";
  numbers.renewal.refused(2);
  EXPECT_EQ(numbers.get(), 3);
}

TEST(Renewal, TheOldValueServesWhileRenewalFailsAndIsValid) {
  Numbers numbers;
  EXPECT_EQ(numbers.get(), 1);
  numbers.clock.advance(Milliseconds{95'000});
  numbers.refuse = Error{ErrorKind::kDenied, "no"};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(numbers.get(), 1);
  EXPECT_LE(numbers.asked, 2) << "a failed renewal waits before the next one";
  numbers.clock.advance(Milliseconds{5'000});
  EXPECT_EQ(numbers.get().error().kind, ErrorKind::kDenied);
  numbers.refuse.reset();
  EXPECT_EQ(numbers.get(), 2);
}

TEST(Renewal, OthersTakeTheOldValueWhileOneRenews) {
  Numbers numbers;
  EXPECT_EQ(numbers.get(), 1);
  numbers.clock.advance(Milliseconds{95'000});
  numbers.slow = true;
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  const auto ask = [](Numbers* from) -> Task<> { (void)co_await from->renewal.get(&from->fetch); };
  group.spawn(ask(&numbers));
  context.poll();
  context.restart();
  EXPECT_EQ(numbers.get(), 1) << "without waiting for the other";
  EXPECT_EQ(numbers.asked, 2);
  testing::run(context, group.join(), &numbers.clock);
  EXPECT_EQ(numbers.get(), 2);
}

TEST(Renewal, ACrowdThatIsRefusedTheSameValueAgainDoesNotFetchInTurn) {
  Numbers numbers;
  numbers.stuck = true;
  EXPECT_EQ(numbers.get(), 1);
  for (int i = 0; i < 100; ++i) {
    numbers.renewal.refused(1);
    EXPECT_EQ(numbers.get(), 1);
  }
  EXPECT_EQ(numbers.asked, 2);
  numbers.clock.advance(Milliseconds{10'001});
  numbers.renewal.refused(1);
  EXPECT_EQ(numbers.get(), 1);
  EXPECT_EQ(numbers.asked, 3);
}

Task<> ask_often(Numbered* renewal, const Numbered::Fetch* fetch, std::atomic<int>* wrong) {
  for (int i = 0; i < 1'000; ++i) {
    const auto got = co_await renewal->get(fetch);
    if (!got || *got < 1) ++*wrong;
    if (got && i % 100 == 0) renewal->refused(*got);
  }
}

TEST(Renewal, ThreadsShareOneValueAndOneFetchAtATime) {
  Numbered renewal{RenewalPolicy{}, system_clock(), system_rng()};
  std::atomic<int> wrong = 0, inside = 0, last = 0;
  struct Shared {
    std::atomic<int>*wrong, *inside, *last;
  } const shared{&wrong, &inside, &last};
  const auto fetch_one = [](Shared with) -> Task<Result<Numbered::Fetched>> {
    if (++*with.inside != 1) ++*with.wrong;
    co_await system_clock()->sleep(Milliseconds{1});
    --*with.inside;
    co_return Numbered::Fetched{++*with.last, Milliseconds{60'000}};
  };
  const Numbered::Fetch fetch = [&] { return fetch_one(shared); };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { testing::run(ask_often(&renewal, &fetch, &wrong)); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(last, 2);
  EXPECT_LE(last, 4 * 10 + 1);
}

}  // namespace
}  // namespace ferry
