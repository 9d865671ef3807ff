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

class AttributeFilter : public ::testing::Test {
 protected:
  AttributeFilter() {
    entry_.key = ObjectKey{"logs/a.gz"};
    entry_.size = 1000;
    entry_.version.modified = at("2026-03-01T00:00:00Z");
    entry_.storage_class = "STANDARD_IA";
  }
  static Seconds at(std::string_view text) { return parse_rfc3339(text).value(); }
  bool accepts(const Filter& filter) const {
    return filter.accepts(Job{BucketName{"b"}, "logs/", BucketName{"t"}, ""}, entry_, at("2026-03-08T00:00:00Z"));
  }
  SourceEntry entry_;
};

TEST_F(AttributeFilter, SizesAreInclusiveOnBothSides) {
  Filter filter;
  filter.size_min = filter.size_max = 1000;
  EXPECT_TRUE(accepts(filter));
  filter.size_min = 1001;
  EXPECT_FALSE(accepts(filter));
  filter.size_min.reset();
  filter.size_max = 999;
  EXPECT_FALSE(accepts(filter));
}

TEST_F(AttributeFilter, TimesAreHalfOpenSoThatTwoRunsMeetWithoutAGap) {
  Filter filter;
  filter.modified_since = Moment{at("2026-03-01T00:00:00Z")};
  EXPECT_TRUE(accepts(filter));
  filter.modified_since = Moment{at("2026-03-01T00:00:01Z")};
  EXPECT_FALSE(accepts(filter));
  filter.modified_since.reset();
  filter.modified_before = Moment{at("2026-03-01T00:00:00Z")};
  EXPECT_FALSE(accepts(filter));
}

TEST_F(AttributeFilter, AgesCountFromTheBeginOfTheScan) {
  Filter filter;
  filter.modified_since = Moment{std::nullopt, std::chrono::days{7}};
  EXPECT_TRUE(accepts(filter)) << "seven days ago to the second";
  filter.modified_since->ago -= std::chrono::seconds{1};
  EXPECT_FALSE(accepts(filter));
}

TEST_F(AttributeFilter, OneOfTheStorageClassesMustBeTheObjects) {
  Filter filter;
  filter.storage_classes = {"STANDARD", "STANDARD_IA"};
  EXPECT_TRUE(accepts(filter));
  filter.storage_classes = {"STANDARD"};
  EXPECT_FALSE(accepts(filter));
}

TEST_F(AttributeFilter, PatternsStillSeeTheKeyWithoutThePrefix) {
  Filter filter;
  filter.include = {"a.*"};
  filter.size_min = 1;
  EXPECT_TRUE(accepts(filter));
  filter.include = {"logs/*"};
  EXPECT_FALSE(accepts(filter));
}

TEST_F(AttributeFilter, KnowsWhetherItLooksAtMoreThanNames) {
  Filter filter{{"a"}, {"b"}};
  EXPECT_TRUE(filter.by_name_only());
  filter.storage_classes = {"STANDARD"};
  EXPECT_FALSE(filter.by_name_only());
}

}  // namespace
}  // namespace ferry
