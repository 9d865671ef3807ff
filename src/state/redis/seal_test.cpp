#include "state/redis/seal.hpp"

#include <gtest/gtest.h>

#include "testing/base/simulated_clock.hpp"

namespace ferry::redis {
namespace {

struct RedisSeal : ::testing::Test {
  testing::SeededRng rng;
  Seal seal{"secret", "salt", &rng};
};

TEST_F(RedisSeal, OpensWhatItClosed_F168) {
  for (const std::string& plain : {std::string{}, std::string("a\0b", 3), std::string(100'000, 'x')}) {
    const auto sealed = seal.close(plain, "place");
    EXPECT_EQ(seal.open(sealed, "place"), plain);
    if (!plain.empty()) EXPECT_EQ(sealed.find(plain), std::string::npos);
  }
}

TEST_F(RedisSeal, ClosesTheSameTwiceInDifferentWays_F168) { EXPECT_NE(seal.close("x", "p"), seal.close("x", "p")); }

TEST_F(RedisSeal, OpensNothingFromElsewhereOrDamagedOrOfAnotherSecret_F168) {
  const auto sealed = seal.close("session", "place");
  EXPECT_FALSE(seal.open(sealed, "another place"));
  EXPECT_FALSE((Seal{"another secret", "salt", &rng}.open(sealed, "place")));
  EXPECT_FALSE((Seal{"secret", "another salt", &rng}.open(sealed, "place")));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto damaged = sealed;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(seal.open(damaged, "place")) << i;
    EXPECT_FALSE(seal.open(sealed.substr(0, i), "place")) << i;
  }
}

TEST_F(RedisSeal, TheSameSecretOpensInAnotherProcess_F168) {
  testing::SeededRng other_rng{7};
  EXPECT_EQ((Seal{"secret", "salt", &other_rng}.open(seal.close("session", "place"), "place")), "session");
}

}  // namespace
}  // namespace ferry::redis
