#include "verify/sample.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ferry {
namespace {

std::size_t drawn_of(int keys, double share, std::uint64_t seed) {
  std::size_t count = 0;
  for (int i = 0; i < keys; ++i) count += falls_into(draw("logs/2026/" + std::to_string(i), seed), share) ? 1 : 0;
  return count;
}

TEST(Sample, DrawsItsShareOfKeysThatHardlyDiffer) {
  for (const std::uint64_t seed : {0U, 1U, 2U, 77U}) {
    EXPECT_NEAR(static_cast<double>(drawn_of(100'000, 0.05, seed)), 5'000, 300) << seed;
    EXPECT_NEAR(static_cast<double>(drawn_of(100'000, 0.5, seed)), 50'000, 1'000) << seed;
  }
}

TEST(Sample, AShareOfOneIsEverything) { EXPECT_EQ(drawn_of(1'000, 1, 5), 1'000u); }

TEST(Sample, TheSameSeedDrawsTheSameAndAnotherSeedOthers) {
  EXPECT_EQ(draw("a", 1), draw("a", 1));
  int both = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto key = std::to_string(i);
    both += falls_into(draw(key, 1), 0.1) && falls_into(draw(key, 2), 0.1) ? 1 : 0;
  }
  EXPECT_NEAR(both, 100, 50) << "independent of each other";
}

}  // namespace
}  // namespace ferry
