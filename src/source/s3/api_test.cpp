#include "source/s3/api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kit/async/task_group.hpp"
#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class S3Api : public S3Test {
 protected:
  void use_amazon() { options_.endpoint.reset(); }
  std::string scope(std::size_t index) const {
    const auto text = request(index).header("authorization").value_or("");
    const auto at = text.find('/');
    return text.substr(at + 1, text.find(',') - at - 1);
  }
  std::vector<std::string> hosts() const {
    std::vector<std::string> all;
    for (const auto& request : http_.requests()) all.push_back(request.origin.host);
    return all;
  }
};

TEST_F(S3Api, SignsEveryRequest) {
  http_.push(object_reply("hello"));
  ASSERT_TRUE(read());
  EXPECT_EQ(request(0).origin, kLocal);
  EXPECT_EQ(request(0).header("x-amz-content-sha256"), kEmptyPayload);
  EXPECT_EQ(request(0).header("x-amz-date"), "20260101T000000Z");
  EXPECT_THAT(request(0).header("authorization").value(),
              StartsWith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders="
                         "host;if-match;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date, Signature="));
}

TEST_F(S3Api, SignsTheSessionTokenAndThePayer) {
  auto credentials = example_credentials();
  credentials.session_token = "token";
  credentials_ = static_credentials(credentials);
  options_.requester_pays = true;
  http_.push(object_reply("hello"));
  ASSERT_TRUE(read());
  EXPECT_EQ(request(0).header("x-amz-security-token"), "token");
  EXPECT_EQ(request(0).header("x-amz-request-payer"), "requester");
  EXPECT_THAT(request(0).header("authorization").value(),
              HasSubstr("x-amz-date;x-amz-request-payer;x-amz-security-token"));
}

TEST_F(S3Api, SendsNoCredentialsAsAnonymous) {
  credentials_ = anonymous_credentials();
  http_.push(object_reply("hello"));
  ASSERT_TRUE(read());
  EXPECT_EQ(request(0).header("authorization"), std::nullopt);
  EXPECT_EQ(request(0).header("x-amz-date"), std::nullopt);
}

TEST_F(S3Api, SignsARetryAnew) {
  http_.push(refusal(503, "SlowDown", {{"Retry-After", "30"}}));
  http_.push(object_reply("hello"));
  ASSERT_TRUE(read());
  EXPECT_NE(request(0).header("x-amz-date"), request(1).header("x-amz-date"));
  EXPECT_NE(request(0).header("authorization"), request(1).header("authorization"));
}

TEST_F(S3Api, FindsTheBucketsRegionAndRemembersIt_F032) {
  use_amazon();
  http_.push(
      refusal(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}, {"Location", "http://evil.example/"}}));
  http_.push(object_reply("hello"));
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_EQ(read().value(), "hello");
  EXPECT_THAT(hosts(), ::testing::ElementsAre("bucket.s3.us-east-1.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com",
                                              "bucket.s3.eu-west-1.amazonaws.com"));
  EXPECT_EQ(scope(1), "20260101/eu-west-1/s3/aws4_request");
}

TEST_F(S3Api, TakesTheRegionFromTheBodyOfAnError_F032) {
  use_amazon();
  for (const auto& [status, code] : {std::pair{400, "AuthorizationHeaderMalformed"},
                                     {301, "PermanentRedirect"},
                                     {400, "IllegalLocationConstraintException"}}) {
    source_.reset();
    http_.push(refusal(status, code, {}, "<Region>ap-south-1</Region>"));
    http_.push(object_reply("hello"));
    EXPECT_EQ(read().value(), "hello");
    EXPECT_EQ(http_.requests().back().origin.host, "bucket.s3.ap-south-1.amazonaws.com");
  }
}

TEST_F(S3Api, TakesTheRegionFromABareReplyToHead_F032) {
  use_amazon();
  http_.push(FakeReply{400, {{"x-amz-bucket-region", "eu-west-1"}}});
  http_.push(FakeReply{200, object_headers()}.announcing(5));
  EXPECT_TRUE(stat());
  EXPECT_EQ(request(1).origin.host, "bucket.s3.eu-west-1.amazonaws.com");
}

TEST_F(S3Api, FollowsOneRegionHintPerRequest_F032) {
  use_amazon();
  int hints = 0;
  http_.on_request([&hints](const FakeRequest&) {
    return refusal(301, "PermanentRedirect", {{"x-amz-bucket-region", ++hints % 2 ? "eu-west-1" : "eu-west-2"}});
  });
  const auto bytes = read();
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(http_.requests().size(), 2);
}

TEST_F(S3Api, KeepsACustomEndpointAndChangesOnlyTheSigningRegion_F141) {
  http_.push(refusal(301, "PermanentRedirect",
                     {{"x-amz-bucket-region", "RegionOne"}, {"Location", "http://127.0.0.1:9001/"}}));
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_EQ(request(1).origin, kLocal);
  EXPECT_EQ(scope(1), "20260101/RegionOne/s3/aws4_request");
}

TEST_F(S3Api, NeverFollowsAHintOutOfTheEndpoint_F141_F142) {
  for (const bool amazon : {true, false}) {
    if (amazon)
      use_amazon();
    else
      options_.endpoint = kLocal;
    for (const int status : {301, 302, 307, 308, 400}) {
      for (const char* region :
           {"evil.example/", "us-east-1.evil.example/#", "x@evil.example:80/", "169.254.169.254/latest", "", "a b"}) {
        source_.reset();
        http_.push(refusal(status, status == 400 ? "AuthorizationHeaderMalformed" : "Redirect",
                           {{"Location", "http://169.254.169.254/"}, {"x-amz-bucket-region", region}}));
        const auto bytes = read();
        ASSERT_FALSE(bytes);
        EXPECT_EQ(bytes.error().kind, ErrorKind::kInvalid);
        EXPECT_THAT(bytes.error().what, HasSubstr("AWS_REGION"));
      }
    }
  }
  EXPECT_EQ(http_.requests().size(), 2 * 5 * 6);
  EXPECT_THAT(hosts(), Each(::testing::AnyOf("bucket.s3.us-east-1.amazonaws.com", "127.0.0.1")));
}

TEST_F(S3Api, CorrectsItsClockOnceAndSignsParallelRequestsAgain_F135) {
  const auto server_time = std::chrono::floor<std::chrono::seconds>(clock_.wall()) + std::chrono::minutes{20};
  http_.on_request([&](const FakeRequest& request) {
    const bool right = request.header("x-amz-date") == amz_date(server_time);
    return right ? object_reply("hello") : refusal(403, "RequestTimeTooSkewed", {{"Date", http_date(server_time)}});
  });
  int read_well = 0;
  const auto one = [](ObjectSource* source, int* done) -> Task<> {
    auto reader = co_await source->open(ObjectKey{"a"}, ETag{kHelloTag});
    *done += reader.has_value();
  };
  const auto all = [](ObjectSource* source, int* done, auto one_read) -> Task<> {
    TaskGroup group{co_await asio::this_coro::executor};
    for (int i = 0; i < 5; ++i) group.spawn(one_read(source, done));
    co_await group.join();
  };
  run(all(source(), &read_well, one));
  EXPECT_EQ(read_well, 5);
  EXPECT_LE(http_.requests().size(), 10);
  EXPECT_EQ(read().value(), "hello");
  EXPECT_EQ(http_.requests().back().header("x-amz-date"), amz_date(server_time)) << "the correction stays";
}

TEST_F(S3Api, GivesUpWhenACorrectedClockIsStillRefused_F135) {
  http_.on_request([](const FakeRequest&) {
    return refusal(403, "RequestTimeTooSkewed", {{"Date", "Fri, 02 Jan 2026 03:04:05 GMT"}});
  });
  const auto bytes = read();
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::kDenied);
  EXPECT_THAT(bytes.error().what, HasSubstr("clock"));
  EXPECT_EQ(http_.requests().size(), 2);
}

TEST_F(S3Api, SaysOnceWhatIsWrongWithItsKeysAndNeverShowsThem_F031) {
  for (const char* code : {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken"}) {
    http_.push(refusal(code == std::string_view{"ExpiredToken"} ? 400 : 403, code));
    const auto page = list();
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind, ErrorKind::kDenied);
    EXPECT_THAT(page.error().what, AllOf(HasSubstr(code), HasSubstr("s3://bucket"), Not(HasSubstr("very-secret"))));
    EXPECT_EQ(page.error().what.find('\n'), std::string::npos);
  }
  EXPECT_EQ(http_.requests().size(), 4) << "the same keys again would not help";
}

TEST_F(S3Api, SaysThatABucketIsMissing_F032) {
  http_.push(refusal(404, "NoSuchBucket"));
  const auto page = list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(page.error().what, AllOf(HasSubstr("s3://bucket"), HasSubstr("bucket does not exist")));
}

TEST_F(S3Api, NamesKeysSafelyInErrors_F151_F152) {
  http_.push(refusal(403, "AccessDenied"));
  const auto reader = open(0, std::nullopt, "a\nb\x1b[31m\xff");
  ASSERT_FALSE(reader);
  EXPECT_THAT(reader.error().what, AllOf(Not(HasSubstr("\n")), Not(HasSubstr("\x1b")), HasSubstr("s3://bucket/a")));
  EXPECT_TRUE(is_utf8(reader.error().what));
}

TEST_F(S3Api, ReadsAtMost64KiBOfAnErrorBody_F149) {
  http_.push(FakeReply{503, {}, std::string(10 << 20, 'x')});
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_LE(http_.stats().bytes_received, 80 * 1024);
}

TEST_F(S3Api, CountsEveryRequestItSends) {
  http_.push(refusal(503, "SlowDown"));
  http_.push(object_reply("hello"));
  EXPECT_TRUE(read());
  EXPECT_EQ(source()->requests(), 2);
}

/// Hands out one set of keys after the other, each time it is told that the last one is no longer good.
class Rotating final : public CredentialProvider {
 public:
  Task<Result<std::optional<Credentials>>> get() override {
    co_return std::optional{Credentials{"AKIA" + std::to_string(generation), "secret", std::nullopt}};
  }
  void refused(const Credentials& credentials) override {
    if (credentials.access_key_id == "AKIA" + std::to_string(generation)) ++generation;
  }
  std::string describe() const override { return "rotating"; }
  int generation = 1;
};

TEST_F(S3Api, ReadsExpiredCredentialsAgainAndRetriesOnce_F139) {
  const auto rotating = std::make_shared<Rotating>();
  credentials_ = rotating;
  http_.push(refusal(400, "ExpiredToken"));
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_THAT(request(1).header("authorization").value(), HasSubstr("AKIA2/"));

  http_.push(refusal(400, "ExpiredToken"));
  http_.push(refusal(403, "InvalidAccessKeyId"));
  EXPECT_EQ(read().error().kind, ErrorKind::kDenied);
  EXPECT_EQ(http_.requests().size(), 4);
}

}  // namespace
}  // namespace ferry::s3
