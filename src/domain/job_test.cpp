#include "domain/job.hpp"

#include <gtest/gtest.h>

#include <set>

namespace ferry {
namespace {

Job job(std::string source_bucket, std::string source_prefix, std::string target_bucket, std::string target_prefix) {
  return {BucketName{std::move(source_bucket)}, std::move(source_prefix), BucketName{std::move(target_bucket)},
          std::move(target_prefix)};
}

TEST(Job, IdIsStableAndSixteenHexDigits) {
  // State files and Redis keys of earlier runs are found by this: it may never change.
  EXPECT_EQ(job("photos", "2026/", "archive", "old/").id(), "7822023142d6a1dc");
  EXPECT_EQ(job("photos", "", "archive", "").id(), "666e40859a19892e");
}

TEST(Job, IdDiffersWhereAnyFieldDiffers) {
  const std::set<std::string> ids{job("a", "b/", "c", "d/").id(), job("x", "b/", "c", "d/").id(),
                                  job("a", "x/", "c", "d/").id(), job("a", "b/", "x", "d/").id(),
                                  job("a", "b/", "c", "x/").id()};
  EXPECT_EQ(ids.size(), 5U);
}

TEST(Job, IdKeepsFieldsApart) {
  EXPECT_NE(job("ab", "", "c", "").id(), job("a", "b", "c", "").id());
  EXPECT_NE(job("a", "b", "c", "").id(), job("a", "", "bc", "").id());
  EXPECT_NE(job("a", "b/", "c", "").id(), job("a", "", "c", "b/").id());
}

TEST(Job, DescribesItselfOnOneLine) {
  EXPECT_EQ(job("photos", "2026/", "archive", "old/").describe(), "s3://photos/2026/ → gs://archive/old/");
  EXPECT_EQ(job("photos", "", "archive", "").describe(), "s3://photos → gs://archive");
  EXPECT_EQ(job("photos", "a\nb/", "archive", "").describe(), "s3://photos/a\\x0ab/ → gs://archive");
  EXPECT_EQ(job("photos", "", "", "").describe(), "s3://photos");
}

TEST(Job, CoversKeysBelowItsSourcePrefixOnly) {
  const auto moved = job("a", "logs/", "b", "old/logs/");
  EXPECT_TRUE(moved.covers(ObjectKey{"logs/"}));
  EXPECT_TRUE(moved.covers(ObjectKey{"logs/../x"}));
  EXPECT_FALSE(moved.covers(ObjectKey{"log/a"}));
  EXPECT_FALSE(moved.covers(ObjectKey{"logs"}));
}

TEST(Job, IdIsTheSameUnderEveryRuleForNames) {
  auto escaping = job("photos", "", "archive", "");
  escaping.names = {NamePolicy::kEscape, true};
  EXPECT_EQ(escaping.id(), job("photos", "", "archive", "").id());
}

TEST(Job, NamesTheSourceWithItsKeyAsItIs) {
  EXPECT_EQ(job("a", "", "b", "").source_uri(ObjectKey{"x//y %2F\n"}), "s3://a/x//y %2F\n");
  EXPECT_EQ(job("a", "", "b", "").source_uri(ObjectKey{"/x"}), "s3://a//x");
}

}  // namespace
}  // namespace ferry
