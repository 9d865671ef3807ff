#include "source/s3/errors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Seconds kNow = std::chrono::sys_days{std::chrono::year{2026} / 1 / 2};

net::ResponseHead head_of(int status, net::Headers headers = {}) { return {status, std::move(headers), std::nullopt}; }

Failure failure_of(int status, std::string_view code, net::Headers headers = {}, std::string_view message = "said so") {
  return read_failure(head_of(status, std::move(headers)), error_xml(code, message), kNow);
}

ErrorKind kind_of(int status, std::string_view code = {}) {
  const auto failure = code.empty() ? read_failure(head_of(status), std::string{}, kNow) : failure_of(status, code);
  return to_error(failure, "GET s3://b/k").kind;
}

TEST(S3Errors, AreNamedByWhatTheCallerDoesNext_F030_F031_F032_F033) {
  EXPECT_EQ(kind_of(404, "NoSuchKey"), ErrorKind::kGone);
  EXPECT_EQ(kind_of(404, "NoSuchBucket"), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of(403, "AccessDenied"), ErrorKind::kDenied);
  EXPECT_EQ(kind_of(403, "InvalidAccessKeyId"), ErrorKind::kDenied);
  EXPECT_EQ(kind_of(403, "SignatureDoesNotMatch"), ErrorKind::kDenied);
  EXPECT_EQ(kind_of(400, "ExpiredToken"), ErrorKind::kDenied);
  EXPECT_EQ(kind_of(403, "InvalidObjectState"), ErrorKind::kArchived);
  EXPECT_EQ(kind_of(412, "PreconditionFailed"), ErrorKind::kChanged);
  EXPECT_EQ(kind_of(400, "KeyTooLongError"), ErrorKind::kLimit);
  EXPECT_EQ(kind_of(301, "PermanentRedirect"), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of(501, "NotImplemented"), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of(400, "InvalidArgument"), ErrorKind::kInvalid);
}

TEST(S3Errors, ThatTimeMayCureAreUnavailable_F047) {
  EXPECT_EQ(kind_of(400, "RequestTimeout"), ErrorKind::kUnavailable);
  EXPECT_EQ(kind_of(503, "SlowDown"), ErrorKind::kUnavailable);
  EXPECT_EQ(kind_of(409, "OperationAborted"), ErrorKind::kUnavailable);
  EXPECT_EQ(kind_of(400, "ThrottlingException"), ErrorKind::kUnavailable);
  for (const int status : {408, 429, 500, 502, 503, 504, 599})
    EXPECT_EQ(kind_of(status), ErrorKind::kUnavailable) << status;
}

TEST(S3Errors, WithoutABodyAreReadFromTheStatus) {
  EXPECT_EQ(kind_of(404), ErrorKind::kGone);
  EXPECT_EQ(kind_of(401), ErrorKind::kDenied);
  EXPECT_EQ(kind_of(403), ErrorKind::kDenied);
  EXPECT_EQ(kind_of(412), ErrorKind::kChanged);
  EXPECT_EQ(kind_of(416), ErrorKind::kChanged);
  EXPECT_EQ(kind_of(400), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of(302), ErrorKind::kInvalid);
}

TEST(S3Errors, WithAnUnreadableBodyAreReadFromTheStatus_F145) {
  for (const char* body :
       {"<html>", "\xff\xfe", "<!DOCTYPE x [<!ENTITY a 'b'>]><Error><Code>NoSuchKey</Code></Error>"}) {
    const auto failure = read_failure(head_of(503), body, kNow);
    EXPECT_EQ(failure.code, "");
    EXPECT_EQ(to_error(failure, "x").kind, ErrorKind::kUnavailable);
  }
}

TEST(S3Errors, NameTheRemedyForCustomerKeys) {
  const auto error =
      to_error(failure_of(400, "InvalidRequest", {},
                          "The object was stored using a form of Server Side Encryption. The correct parameters "
                          "must be provided to retrieve the object."),
               "GET s3://b/k");
  EXPECT_EQ(error.kind, ErrorKind::kDenied);
  EXPECT_THAT(error.what, HasSubstr("SSE-C"));
}

TEST(S3Errors, AreOneLineWithPlaceRemedyAndRequestId_F041_F151) {
  const auto error =
      to_error(failure_of(403, "AccessDenied", {{"x-amz-request-id", "ID\x1b[31m"}}, "no\n\x7f%s%n \xe2\x80\xae"),
               "GET s3://b/k");
  EXPECT_THAT(error.what, HasSubstr("GET s3://b/k: 403 AccessDenied"));
  EXPECT_THAT(error.what, HasSubstr("s3:GetObject"));
  EXPECT_THAT(error.what, HasSubstr("[request ID"));
  EXPECT_THAT(error.what, HasSubstr("%s%n"));
  for (const char* unsafe : {"\n", "\x1b", "\x7f", "\xe2\x80\xae"}) EXPECT_THAT(error.what, Not(HasSubstr(unsafe)));
}

TEST(S3Errors, CutAMessageWithoutEnd_F149) {
  EXPECT_LT(to_error(failure_of(403, "AccessDenied", {}, std::string(50'000, 'x')), "x").what.size(), 1000);
}

TEST(S3Errors, CarryTheServersWishOnlyWhereItHelps_F070) {
  EXPECT_EQ(to_error(failure_of(503, "SlowDown", {{"Retry-After", "7"}}), "x").retry_after, std::chrono::seconds{7});
  EXPECT_EQ(to_error(failure_of(403, "AccessDenied", {{"Retry-After", "7"}}), "x").retry_after, std::nullopt);
}

TEST(S3Errors, ClampRetryAfter_F070) {
  using std::chrono::hours, std::chrono::seconds;
  EXPECT_EQ(parse_retry_after("7", kNow), seconds{7});
  EXPECT_EQ(parse_retry_after("86400", kNow), hours{1});
  EXPECT_EQ(parse_retry_after("18446744073709551615", kNow), hours{1});
  EXPECT_EQ(parse_retry_after(http_date(kNow + seconds{9}), kNow), seconds{9});
  EXPECT_EQ(parse_retry_after(http_date(kNow + hours{48}), kNow), hours{1});
  EXPECT_EQ(parse_retry_after(http_date(kNow - hours{48}), kNow), seconds{0});
  for (const char* text : {"", "-1", "1.5", "soon", "18446744073709551616"})
    EXPECT_EQ(parse_retry_after(text, kNow), std::nullopt);
}

TEST(S3Errors, SayWhatWouldRepairTheRequest_F032_F135_F139) {
  const net::Headers same_time{{"Date", http_date(kNow + std::chrono::minutes{1})}};
  const net::Headers other_time{{"Date", http_date(kNow + std::chrono::minutes{20})}};
  for (const int status : {301, 302, 307, 308}) EXPECT_EQ(repair_for(failure_of(status, "X"), kNow), Repair::kRegion);
  EXPECT_EQ(repair_for(failure_of(400, "AuthorizationHeaderMalformed"), kNow), Repair::kRegion);
  EXPECT_EQ(repair_for(failure_of(400, "IllegalLocationConstraintException"), kNow), Repair::kRegion);
  EXPECT_EQ(repair_for(read_failure(head_of(400, {{"x-amz-bucket-region", "eu-west-1"}}), "", kNow), kNow),
            Repair::kRegion);
  EXPECT_EQ(repair_for(failure_of(400, "ExpiredToken"), kNow), Repair::kCredentials);
  EXPECT_EQ(repair_for(failure_of(403, "InvalidAccessKeyId"), kNow), Repair::kCredentials);
  EXPECT_EQ(repair_for(failure_of(403, "SignatureDoesNotMatch"), kNow), Repair::kCredentials);
  EXPECT_EQ(repair_for(failure_of(403, "RequestTimeTooSkewed", other_time), kNow), Repair::kClock);
  EXPECT_EQ(repair_for(failure_of(403, "RequestTimeTooSkewed"), kNow), Repair::kNone) << "nothing to correct by";
  EXPECT_EQ(repair_for(read_failure(head_of(403, other_time), "", kNow), kNow), Repair::kClock) << "HEAD has no body";
  EXPECT_EQ(repair_for(read_failure(head_of(403, same_time), "", kNow), kNow), Repair::kNone);
  EXPECT_EQ(repair_for(failure_of(403, "AccessDenied", other_time), kNow), Repair::kNone);
  EXPECT_EQ(repair_for(failure_of(404, "NoSuchKey"), kNow), Repair::kNone);
}

}  // namespace
}  // namespace ferry::s3
