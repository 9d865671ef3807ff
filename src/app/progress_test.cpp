#include "app/progress.hpp"

#include <gtest/gtest.h>

namespace ferry::app {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

Progress halfway() {
  Progress progress;
  progress.verb = "copying";
  progress.trouble = "failed";
  progress.done = 12'345;
  progress.total = 28'900;
  progress.bytes_done = 1200 * kMiB;
  progress.bytes_total = 2400 * kMiB;
  progress.listing = false;
  progress.moved_bytes = 1200 * kMiB;
  return progress;
}

constexpr Pace kPace{85.0 * kMiB, 300, 42};

TEST(ProgressBar, ShowsObjectsBytesRateTimeLeftAndFailures) {
  auto progress = halfway();
  progress.troubles = 3;
  EXPECT_EQ(render_bar(progress, kPace, 130),
            "copying  [=================>                    ]  46%  12,345/28,900 objects  1.17 GiB/2.34 GiB  85 "
            "MiB/s  42 s left  3 failed");
}

TEST(ProgressBar, SaysThatTheTotalStillGrows) {
  auto progress = halfway();
  progress.listing = true;
  const auto line = render_bar(progress, Pace{85.0 * kMiB, 300, std::nullopt}, 120);
  EXPECT_NE(line.find("listing..."), std::string::npos) << line;
  EXPECT_NE(line.find("28,900+ objects"), std::string::npos) << line;
  EXPECT_EQ(line.find("left"), std::string::npos) << line;
  EXPECT_EQ(line.find('['), std::string::npos) << "a bar of an unknown whole would lie: " << line;
}

TEST(ProgressBar, FitsEveryWidthAndKeepsTheCountLongest) {
  auto progress = halfway();
  progress.troubles = 3;
  for (std::size_t width = 1; width < 200; ++width) {
    EXPECT_LE(render_bar(progress, kPace, width).size(), width);
  }
  EXPECT_EQ(render_bar(progress, kPace, 22), "12,345/28,900 objects");
}

TEST(ProgressBar, IsFullOnlyWhenAllIsDone) {
  auto progress = halfway();
  progress.done = progress.total;
  progress.bytes_done = progress.bytes_total;
  const auto full = render_bar(progress, kPace, 130);
  EXPECT_NE(full.find("=]  100%"), std::string::npos) << full;
}

TEST(ProgressLine, SaysTheSameWithoutABar) {
  EXPECT_EQ(render_line(halfway(), kPace),
            "copying: 12,345 of 28,900 objects, 1.17 GiB of 2.34 GiB, 85 MiB/s, 42 s left, 0 failed");
}

TEST(ProgressLine, OfAnEmptyBucketIsPlain) {
  Progress nothing;
  nothing.verb = "copying";
  nothing.trouble = "failed";
  nothing.listing = false;
  EXPECT_EQ(render_line(nothing, Pace{0, 0, 0}), "copying: 0 of 0 objects, 0 B of 0 B, 0 B/s, 0 s left, 0 failed");
}

TEST(Speedometer, SmoothsTheRateAndForetellsTheEnd) {
  const SteadyTime start{};
  Speedometer speed{start};
  Progress progress = halfway();
  progress.done = progress.bytes_done = progress.moved_bytes = 0;
  progress.total = 100;
  progress.bytes_total = 1000 * kMiB;
  auto pace = speed.measure(progress, start + std::chrono::seconds{1});
  EXPECT_FALSE(pace.seconds_left) << "nothing moved yet";
  for (int second = 2; second < 62; ++second) {
    progress.done += 1;
    progress.moved_bytes += 10 * kMiB;
    progress.bytes_done += 10 * kMiB;
    pace = speed.measure(progress, start + std::chrono::seconds{second});
  }
  EXPECT_NEAR(pace.bytes_per_second, 10 * kMiB, 0.1 * kMiB);
  ASSERT_TRUE(pace.seconds_left);
  EXPECT_NEAR(static_cast<double>(*pace.seconds_left), 40, 2);

  progress.listing = true;
  EXPECT_FALSE(speed.measure(progress, start + std::chrono::seconds{62}).seconds_left);
}

TEST(Speedometer, SurvivesTwoLooksAtOnce) {
  const SteadyTime start{};
  Speedometer speed{start};
  const auto pace = speed.measure(halfway(), start);
  EXPECT_EQ(pace.bytes_per_second, 0);
}

TEST(HumanSeconds, UsesTheTwoLargestUnits) {
  EXPECT_EQ(human_seconds(0), "0 s");
  EXPECT_EQ(human_seconds(59), "59 s");
  EXPECT_EQ(human_seconds(185), "3 min 05 s");
  EXPECT_EQ(human_seconds(7'620), "2 h 07 min");
  EXPECT_EQ(human_seconds(273'600), "3 d 4 h");
}

TEST(WithCommas, GroupsThousands) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1'000), "1,000");
  EXPECT_EQ(with_commas(12'345'678), "12,345,678");
}

}  // namespace
}  // namespace ferry::app
