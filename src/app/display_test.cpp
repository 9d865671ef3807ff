#include "app/display.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "kit/async/task_group.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::app {
namespace {

/// A display that runs for a while of simulated time.
struct Shown {
  void run_for(ProgressMode mode, Milliseconds duration) {
    Screen screen{[this](std::string line) { bars.push_back(std::move(line)); },
                  [this](std::string line) { lines.push_back(std::move(line)); }, [] { return std::size_t{100}; }};
    TaskGroup group{context.get_executor()};
    auto stop_later = [](Clock* clock, Milliseconds after, TaskGroup* whom) -> Task<> {
      co_await clock->sleep(after);
      whom->cancel();
      co_await whom->join();
    };
    group.spawn(show_progress(
        mode,
        [this] {
          ++looks;
          return now;
        },
        &screen, &clock));
    testing::run(context, stop_later(&clock, duration, &group), &clock);
  }

  testing::SimulatedClock clock;
  asio::io_context context{1};
  Progress now{.verb = "copying", .done = 3, .total = 4, .trouble = "failed"};
  std::vector<std::string> bars, lines;
  int looks = 0;
};

TEST(Display, WritesAPlainLineEveryTenSeconds) {
  Shown shown;
  shown.run_for(ProgressMode::kPlain, std::chrono::seconds{35});
  ASSERT_EQ(shown.lines.size(), 3u);
  EXPECT_TRUE(shown.lines.front().starts_with("copying: 3 of 4 objects")) << shown.lines.front();
}

TEST(Display, RedrawsTheBarAtMostFiveTimesASecondAndTakesItAway) {
  Shown shown;
  shown.run_for(ProgressMode::kBar, Milliseconds{2'100});
  EXPECT_LE(shown.bars.size(), 11u);
  EXPECT_GE(shown.bars.size(), 5u);
  EXPECT_TRUE(shown.bars.front().starts_with("copying  listing...")) << shown.bars.front();
  EXPECT_EQ(shown.bars.back(), "") << "the terminal is clean afterwards";
  EXPECT_TRUE(shown.lines.empty());
}

TEST(Display, ShowsNothingWhereNothingIsWanted) {
  Shown shown;
  shown.run_for(ProgressMode::kNone, std::chrono::seconds{60});
  EXPECT_EQ(shown.looks, 0);
}

TEST(Display, DrawsABarOnlyWhereATerminalCanRedrawIt) {
  EXPECT_EQ(resolve(ProgressMode::kAuto, false, true, false), ProgressMode::kBar);
  EXPECT_EQ(resolve(ProgressMode::kAuto, false, true, true), ProgressMode::kPlain);
  EXPECT_EQ(resolve(ProgressMode::kAuto, false, false, false), ProgressMode::kPlain);
  EXPECT_EQ(resolve(ProgressMode::kBar, false, false, true), ProgressMode::kBar);
  EXPECT_EQ(resolve(ProgressMode::kBar, true, true, false), ProgressMode::kNone);
}

}  // namespace
}  // namespace ferry::app
