#include "domain/loss.hpp"

#include <gtest/gtest.h>

#include <set>

namespace ferry {
namespace {

TEST(Losses, AreNamedEachByAWordOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i < kLosses; ++i) names.insert(to_string(static_cast<Loss>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kLosses));
  EXPECT_FALSE(names.contains(""));
}

TEST(Losses, HoldWhatWasAddedOnce) {
  Losses losses;
  EXPECT_TRUE(losses.empty());
  losses.add(Loss::kExpiry);
  losses.add(Loss::kTags);
  losses.add(Loss::kTags);
  EXPECT_EQ(losses.all(), (std::vector{Loss::kTags, Loss::kExpiry}));
  EXPECT_TRUE(losses.has(Loss::kTags));
  EXPECT_FALSE(losses.has(Loss::kObjectLock));
}

}  // namespace
}  // namespace ferry
