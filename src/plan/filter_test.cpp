#include "plan/filter.hpp"

#include <gtest/gtest.h>

namespace ferry {
namespace {

TEST(Glob, MatchesAsShellsDoExceptThatStarCrossesSlashes) {
  EXPECT_TRUE(glob_matches("*.jpg", "a/b/c.jpg"));
  EXPECT_FALSE(glob_matches("*.jpg", "c.jpg.txt"));
  EXPECT_TRUE(glob_matches("logs/*", "logs/2026/01/a"));
  EXPECT_FALSE(glob_matches("logs/*", "old/logs/a"));
  EXPECT_TRUE(glob_matches("a?c", "abc"));
  EXPECT_FALSE(glob_matches("a?c", "ac"));
  EXPECT_TRUE(glob_matches("[a-c]x[!0-9]", "bxz"));
  EXPECT_FALSE(glob_matches("[a-c]x[!0-9]", "bx7"));
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_FALSE(glob_matches("", "a"));
  EXPECT_TRUE(glob_matches("**", ""));
}

TEST(Glob, TreatsSpecialCharactersOfKeysAsText_F037) {
  EXPECT_TRUE(glob_matches("\\*", "*"));
  EXPECT_FALSE(glob_matches("\\*", "x"));
  EXPECT_TRUE(glob_matches("a[b", "a[b")) << "an unclosed set is text";
  EXPECT_TRUE(glob_matches("[]]", "]"));
  EXPECT_TRUE(glob_matches("a\\", "a\\")) << "a backslash at the end is text";
  EXPECT_TRUE(glob_matches("*\n*", "x\ny"));
}

TEST(Glob, StaysFastOnPatternsThatInviteBacktracking) {
  std::string pattern;
  for (int i = 0; i < 64; ++i) pattern += "a*";
  pattern += "b";
  EXPECT_FALSE(glob_matches(pattern, std::string(1024, 'a')));
}

TEST(Filter, ExcludeWinsOverInclude) {
  const Filter filter{{"*.log", "data/*"}, {"*secret*"}};
  EXPECT_TRUE(filter.accepts("x.log"));
  EXPECT_TRUE(filter.accepts("data/x"));
  EXPECT_FALSE(filter.accepts("data/secret/x"));
  EXPECT_FALSE(filter.accepts("other"));
  EXPECT_TRUE(Filter{}.accepts("anything"));
}

}  // namespace
}  // namespace ferry
