#pragma once
// What every room of the shared board must prove. A room's test instantiates it:
//   INSTANTIATE_TEST_SUITE_P(Memory, SharedBoardContract, ::testing::Values(BoardRoom{…}), …)

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kit/async/task_group.hpp"
#include "state/shared_board.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {

struct BoardRoom {
  /// A fresh, empty board; what it needs goes with it.
  std::function<std::shared_ptr<SharedBoard>(Clock* clock)> make;
  /// Lets so much time pass for the board: by the clock it was made with, or by its own.
  std::function<void(testing::SimulatedClock* clock, Milliseconds duration)> pass;
};

class SharedBoardContract : public ::testing::TestWithParam<BoardRoom> {
 protected:
  using Notes = std::map<std::string, std::string>;
  using Totals = std::map<std::string, std::int64_t>;
  static constexpr Milliseconds kLong{3'600'000};
  static constexpr Milliseconds kShort{40};
  static constexpr Milliseconds kForGood{0};

  void SetUp() override { board_ = GetParam().make(&clock_); }

  template <class T>
  T must(Task<Result<T>> task) {
    auto result = testing::run(context_, std::move(task));
    if (!result) throw std::runtime_error(result.error().what);
    return *std::move(result);
  }
  std::optional<std::uint64_t> hold(std::string holder, Milliseconds ttl = kLong, std::string name = "scan") {
    return must(board_->hold_lease(std::move(name), std::move(holder), ttl));
  }
  void drop(std::string holder) { must(board_->drop_lease("scan", std::move(holder))); }
  void post(std::string topic, std::string name, std::string text, Milliseconds ttl = kForGood) {
    must(board_->post(std::move(topic), std::move(name), std::move(text), ttl));
  }
  Notes read(std::string topic) { return must(board_->read(std::move(topic))); }
  void add(std::string topic, Totals amounts) { must(board_->add(std::move(topic), std::move(amounts))); }
  Totals totals(std::string topic) { return must(board_->totals(std::move(topic))); }
  void pass(Milliseconds duration) { GetParam().pass(&clock_, duration); }

  testing::SimulatedClock clock_;
  asio::io_context context_{1};
  std::shared_ptr<SharedBoard> board_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SharedBoardContract);

TEST_P(SharedBoardContract, GivesALeaseToOneHolderAtATime) {
  EXPECT_TRUE(hold("a"));
  EXPECT_FALSE(hold("b"));
  EXPECT_TRUE(hold("b", kLong, "audit")) << "another lease";
}

TEST_P(SharedBoardContract, ProlongsALeaseForItsHolderUnderTheSameNumber) {
  const auto first = hold("a", kShort);
  EXPECT_EQ(hold("a", kLong), first);
  pass(2 * kShort);
  EXPECT_FALSE(hold("b")) << "it runs as long as it was prolonged";
  EXPECT_EQ(hold("a"), first);
}

TEST_P(SharedBoardContract, GivesALeaseOnWhenItRunsOutAndTheNumberGrows) {
  const auto first = hold("a", kShort);
  pass(2 * kShort);
  const auto second = hold("b", kShort);
  ASSERT_TRUE(second);
  EXPECT_GT(*second, *first);
  EXPECT_FALSE(hold("a")) << "a slept, and can tell";
  pass(2 * kShort);
  const auto third = hold("a");
  ASSERT_TRUE(third);
  EXPECT_GT(*third, *second);
}

TEST_P(SharedBoardContract, LetsGoOfALeaseEarly) {
  const auto first = hold("a");
  drop("a");
  const auto second = hold("b");
  ASSERT_TRUE(second);
  EXPECT_GT(*second, *first);
}

TEST_P(SharedBoardContract, NobodyLetsGoOfTheLeaseOfAnother) {
  EXPECT_TRUE(hold("b"));
  drop("a");
  EXPECT_FALSE(hold("a"));
  drop("b");
  drop("b");
  EXPECT_TRUE(hold("a"));
}

TEST_P(SharedBoardContract, ShowsTheNotesOfATopicByName) {
  EXPECT_TRUE(read("workers").empty());
  post("workers", "one", "copies a");
  post("workers", "two", "copies b");
  post("control", "paused", "yes");
  EXPECT_EQ(read("workers"), (Notes{{"one", "copies a"}, {"two", "copies b"}}));
  post("workers", "one", "idle");
  EXPECT_EQ(read("workers"), (Notes{{"one", "idle"}, {"two", "copies b"}}));
}

TEST_P(SharedBoardContract, AnEmptyTextTakesANoteAway) {
  post("workers", "one", "text");
  post("workers", "one", "");
  post("workers", "never there", "");
  EXPECT_TRUE(read("workers").empty());
}

TEST_P(SharedBoardContract, NotesRunOutUnlessTheyArePostedAgain) {
  post("workers", "dead", "text", kShort);
  post("workers", "alive", "text", kShort);
  post("workers", "alive", "text", kLong);
  post("workers", "for good", "text", kForGood);
  pass(2 * kShort);
  EXPECT_EQ(read("workers"), (Notes{{"alive", "text"}, {"for good", "text"}}));
}

TEST_P(SharedBoardContract, ANoteForGoodStaysBesideOthersThatRunOut) {
  post("control", "paused", "yes", kForGood);
  post("control", "hint", "text", kShort);
  pass(2 * kShort);
  EXPECT_EQ(read("control"), (Notes{{"paused", "yes"}}));
}

TEST_P(SharedBoardContract, AShortNoteDoesNotShortenTheLifeOfALongOne) {
  post("workers", "long", "text", kLong);
  post("workers", "short", "text", kShort);
  pass(2 * kShort);
  EXPECT_EQ(read("workers"), (Notes{{"long", "text"}}));
}

TEST_P(SharedBoardContract, AddsToCounters) {
  EXPECT_TRUE(totals("done").empty());
  add("done", {{"copied", 2}, {"bytes", 5'000'000'000}});
  add("done", {{"copied", 3}, {"failed", 1}});
  add("done", {});
  add("other", {{"copied", 100}});
  EXPECT_EQ(totals("done"), (Totals{{"bytes", 5'000'000'000}, {"copied", 5}, {"failed", 1}}));
  add("done", {{"failed", -3}});
  EXPECT_EQ(totals("done").at("failed"), -2);
}

TEST_P(SharedBoardContract, CountsUpToTheLimits) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  add("done", {{"most", kMost}, {"least", kLeast}});
  EXPECT_EQ(totals("done"), (Totals{{"least", kLeast}, {"most", kMost}}));
}

TEST_P(SharedBoardContract, TakesNamesAndTextsAsBytes_F153) {
  const std::vector<std::string> awkward{"*?[a-z]", "\r\n", std::string("a\0b", 3), "{tag}", "1:x", " ", "\xff", ":"};
  for (const auto& text : awkward) {
    post("notes" + text, text, text);
    add("totals" + text, {{text, 1}});
    EXPECT_TRUE(hold(text, kLong, text));
  }
  for (const auto& text : awkward) {
    EXPECT_EQ(read("notes" + text), (Notes{{text, text}}));
    EXPECT_EQ(totals("totals" + text), (Totals{{text, 1}}));
    EXPECT_FALSE(hold("somebody else", kLong, text));
  }
}

TEST_P(SharedBoardContract, ResumesEachCallerOnItsOwnThread) {
  constexpr int kThreads = 3;
  constexpr int kEach = 100;
  auto add_many = [](SharedBoard* board) -> Task<> {
    const auto self = std::this_thread::get_id();
    for (int i = 0; i < kEach; ++i) {
      std::map<std::string, std::int64_t> one{{"n", 1}};
      const auto added = co_await board->add("done", std::move(one));
      EXPECT_TRUE(added);
      EXPECT_EQ(std::this_thread::get_id(), self);
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([this, add_many] { testing::run(add_many(board_.get())); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(totals("done").at("n"), kThreads * kEach);
}

}  // namespace ferry
