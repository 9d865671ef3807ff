#include "app/location.hpp"

#include <gtest/gtest.h>

namespace ferry::app {
namespace {

TEST(Location, APrefixMeansAFolder) {
  const auto job = parse_job("s3://photos/2024", "gs://archive-1/a/b/");
  ASSERT_TRUE(job) << job.error().what;
  EXPECT_EQ(job->source_bucket.str(), "photos");
  EXPECT_EQ(job->source_prefix, "2024/");
  EXPECT_EQ(job->target_bucket.str(), "archive-1");
  EXPECT_EQ(job->target_prefix, "a/b/");
}

TEST(Location, ABucketAloneHasNoPrefixWithOrWithoutSlash) {
  for (const auto* source : {"s3://photos", "s3://photos/"}) {
    const auto job = parse_job(source, "gs://archive");
    ASSERT_TRUE(job) << job.error().what;
    EXPECT_EQ(job->source_prefix, "");
    EXPECT_EQ(job->target_prefix, "");
  }
}

TEST(Location, TakesTheBytesOfAPrefixAsTheyAre) {
  const auto job = parse_job("s3://photos//a%20b/../c?x#y", "gs://archive");
  ASSERT_TRUE(job) << job.error().what;
  EXPECT_EQ(job->source_prefix, "/a%20b/../c?x#y/");
}

struct Wrong {
  const char* source;
  const char* target;
  const char* says;
};

TEST(Location, RefusesWhatIsNoPlaceInOneLineThatSaysWhy_F140) {
  const std::string long_prefix = "s3://photos/" + std::string(2000, 'x');
  const Wrong wrongs[] = {
      {"gs://archive", "s3://photos", "the source comes first"},
      {"s3://photos", "s3://photos", "the target comes second"},
      {"photos", "gs://archive", "doesn't begin with s3://"},
      {"", "gs://archive", "doesn't begin with s3://"},
      {"s3://", "gs://archive", "the bucket is missing"},
      {"s3:///key", "gs://archive", "the bucket is missing"},
      {"s3://ab", "gs://archive", "3 to 255"},
      {"s3://a b c", "gs://archive", "only letters"},
      {"s3://-abc", "gs://archive", "begins and ends"},
      {"s3://a..b", "gs://archive", "two dots"},
      {"s3://name--use1-az4--x-s3", "gs://archive", "directory buckets"},
      {long_prefix.c_str(), "gs://archive", "at most 1024"},
      {"s3://photos/\xff", "gs://archive", "UTF-8"},
      {"s3://photos", "gs://Archive", "lower-case"},
      {"s3://photos", "gs://google-things", "goog"},
      {"s3://photos", "gs://archive/a\nb", "line breaks"},
  };
  for (const auto& wrong : wrongs) {
    const auto job = parse_job(wrong.source, wrong.target);
    ASSERT_FALSE(job) << wrong.source << " " << wrong.target;
    EXPECT_EQ(job.error().kind, ErrorKind::kInvalid);
    EXPECT_NE(job.error().what.find(wrong.says), std::string::npos) << job.error().what;
    EXPECT_EQ(job.error().what.find('\n'), std::string::npos) << job.error().what;
    EXPECT_LT(job.error().what.size(), 400u);
  }
}

}  // namespace
}  // namespace ferry::app
