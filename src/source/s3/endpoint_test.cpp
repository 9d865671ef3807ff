#include "source/s3/endpoint.hpp"

#include <gtest/gtest.h>

namespace ferry::s3 {
namespace {

Options options(std::string bucket, std::optional<net::Origin> endpoint = std::nullopt) {
  Options result;
  result.bucket = BucketName{std::move(bucket)};
  result.endpoint = std::move(endpoint);
  return result;
}

const net::Origin kLocal{false, "127.0.0.1", 9000};

TEST(S3Endpoint, PutsTheBucketIntoAmazonsHostName) {
  const auto address = address_of(options("photos"), "eu-west-1");
  EXPECT_EQ(address.origin, (net::Origin{true, "photos.s3.eu-west-1.amazonaws.com", 443}));
  EXPECT_EQ(address.path_prefix, "/");
  EXPECT_EQ(address.bucket_path, "/");
}

TEST(S3Endpoint, PutsADottedBucketIntoThePath) {
  const auto address = address_of(options("my.photos"), "eu-west-1");
  EXPECT_EQ(address.origin.host, "s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(address.path_prefix, "/my.photos/");
  EXPECT_EQ(address.bucket_path, "/my.photos");
}

TEST(S3Endpoint, PutsTheBucketIntoThePathOnRequest) {
  auto wanted = options("photos");
  wanted.path_style = true;
  EXPECT_EQ(address_of(wanted, "us-east-1").origin.host, "s3.us-east-1.amazonaws.com");
}

TEST(S3Endpoint, KnowsTheSuffixOfChina) {
  EXPECT_EQ(address_of(options("photos"), "cn-north-1").origin.host, "photos.s3.cn-north-1.amazonaws.com.cn");
}

TEST(S3Endpoint, KeepsACustomHostInEveryRegion) {
  for (const char* region : {"us-east-1", "eu-west-1", "RegionOne"}) {
    const auto address = address_of(options("photos", kLocal), region);
    EXPECT_EQ(address.origin, kLocal);
    EXPECT_EQ(address.path_prefix, "/photos/");
  }
}

TEST(S3Endpoint, RefusesBucketNamesThatFormAnotherAddress_F142) {
  for (const char* name : {"", "ab", "a/b", "a?b", "a#b", "a@b.example", "Photos", "a_b", "-ab", "ab-", ".ab", "a..b",
                           "169.254.169.254", "a b", "a\nb", "a:80",
                           "b\xc3\xbc"
                           "cher"}) {
    const auto status = check_bucket(options(name));
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(status.error().what.find('\n'), std::string::npos);
  }
  EXPECT_FALSE(check_bucket(options(std::string(64, 'a'))));
  EXPECT_TRUE(check_bucket(options("my.photos-2026")));
}

TEST(S3Endpoint, RefusesLessOnACustomEndpointButKeepsToOneSegment) {
  EXPECT_TRUE(check_bucket(options("Old_Bucket", kLocal)));
  for (const char* name : {"", ".", "..", "a/b", "a?b", "a%2Fb", "a b"})
    EXPECT_FALSE(check_bucket(options(name, kLocal))) << name;
}

TEST(S3Endpoint, RefusesDirectoryBucketsClearly) {
  const auto status = check_bucket(options("logs--use1-az4--x-s3"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(status.error().what.find("directory bucket"), std::string::npos);
}

TEST(S3Endpoint, AcceptsOnlyRegionsThatStayOneLabel_F141) {
  for (const char* region :
       {"us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1", "me-south-1", "us-isob-east-1"}) {
    EXPECT_TRUE(is_region(region, true)) << region;
  }
  for (const char* region : {"", "evil.example", "us-east-1.evil.example", "us-east-1/", "a@b-1", "us-east-1\r\n",
                             "US-EAST-1", "x#-1", "127.0.0.1", "-us-1", "us", "1-1"}) {
    EXPECT_FALSE(is_region(region, true)) << region;
  }
  EXPECT_TRUE(is_region("RegionOne", false));
  EXPECT_TRUE(is_region("garage", false));
  for (const char* region : {"", "a/b", "a b", "a\nb", "a,b", "a;b"}) EXPECT_FALSE(is_region(region, false)) << region;
}

}  // namespace
}  // namespace ferry::s3
