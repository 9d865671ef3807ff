#include <gtest/gtest.h>

#include "kit/base/time.hpp"
#include "target/gcs/api.hpp"
#include "target/gcs/room_test.hpp"

namespace ferry::gcs {
namespace {

Reply reply_of(int status, std::string body, net::Headers headers = {}) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  reply.headers = std::move(headers);
  return reply;
}

std::string error_body(const std::string& reason, const std::string& message) {
  boost::json::object first{{"reason", reason}, {"message", message}};
  return boost::json::serialize(
      boost::json::object{{"error", boost::json::object{{"message", message}, {"errors", boost::json::array{first}}}}});
}

const WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};

TEST(GcsErrors, StatusAndReasonSayWhatTheCallerDoesNext_F059_F062_F065) {
  struct Case {
    int status;
    const char *reason, *message;
    Subject subject;
    ErrorKind kind;
  };
  using enum ErrorKind;
  const auto bucket = Subject::kBucket;
  const auto object = Subject::kObject;
  for (const auto& c :
       {Case{400, "invalid", "Provided MD5 hash \"x\" doesn't match calculated MD5 hash \"y\".", bucket, kCorrupt},
        Case{400, "invalid", "Provided CRC32C \"x\" doesn't match calculated CRC32C \"y\".", bucket, kCorrupt},
        Case{400, "invalid", "Invalid argument.", bucket, kInvalid},
        Case{401, "authError", "Invalid Credentials", bucket, kDenied},
        Case{403, "forbidden", "no storage.objects.delete access", object, kDenied},
        Case{403, "retentionPolicyNotMet", "retention", object, kDenied},
        Case{403, "rateLimitExceeded", "slow", object, kUnavailable},
        Case{403, "userRateLimitExceeded", "slow", object, kUnavailable},
        Case{404, "notFound", "The specified bucket does not exist.", object, kInvalid},
        Case{404, "notFound", "No such object: b/bucket does not exist", object, kGone},
        Case{404, "notFound", "Not Found", bucket, kInvalid},
        Case{404, "notFound", "Not Found", object, kGone},
        Case{408, "", "", object, kUnavailable},
        Case{409, "conflict", "", object, kConflict},
        Case{412, "conditionNotMet", "", object, kConflict},
        Case{413, "uploadTooLarge", "", bucket, kLimit},
        Case{418, "", "", object, kInvalid},
        Case{429, "rateLimitExceeded", "", object, kUnavailable},
        Case{500, "backendError", "", object, kUnavailable},
        Case{503, "", "", object, kUnavailable},
        Case{302, "", "", object, kInvalid},
        Case{204, "", "", object, kCorrupt}}) {
    const auto error = refusal(reply_of(c.status, error_body(c.reason, c.message)), "act", c.subject, kNow);
    EXPECT_EQ(error.kind, c.kind) << c.status << " " << c.reason << ": " << error.what;
    EXPECT_TRUE(error.what.starts_with("act: HTTP " + std::to_string(c.status))) << error.what;
  }
}

TEST(GcsErrors, RetryAfterIsClamped_F070) {
  const auto wish = [](const std::string& value) {
    return refusal(reply_of(503, "", {{"Retry-After", value}}), "act", Subject::kObject, kNow).retry_after;
  };
  const auto cap = std::chrono::minutes{10};
  EXPECT_EQ(wish("7"), std::chrono::seconds{7});
  EXPECT_EQ(wish(" 7 "), std::chrono::seconds{7});
  EXPECT_EQ(wish("0"), std::chrono::seconds{0});
  EXPECT_EQ(wish("86400"), cap);
  EXPECT_EQ(wish("18446744073709551615"), cap);
  EXPECT_EQ(wish("-5"), std::nullopt);
  EXPECT_EQ(wish("soon"), std::nullopt);
  EXPECT_EQ(wish(""), std::nullopt);
  EXPECT_EQ(wish("1.5"), std::nullopt);
  const auto now = std::chrono::floor<std::chrono::seconds>(kNow);
  EXPECT_EQ(wish(http_date(now + std::chrono::seconds{30})), std::chrono::seconds{30});
  EXPECT_EQ(wish(http_date(now + std::chrono::days{400})), cap);
  EXPECT_EQ(wish(http_date(now - std::chrono::days{400})), std::nullopt);
}

TEST(GcsErrors, HostileBodiesStayOneBoundedLine_F067) {
  for (const auto& body :
       {std::string{"<html>\r\nsecond line"}, std::string{"{\"error\":"}, std::string{"{\"error\":[1]}"},
        std::string{R"({"error":{"message":"a\nb\u001b[31m"}})"}, std::string{R"({"error":{"errors":{}}})"},
        std::string{R"({"error":{"message":7,"errors":[7]}})"}, std::string(100'000, 'x'), std::string(1000, '[')}) {
    const auto error = refusal(reply_of(500, body), "act", Subject::kObject, kNow);
    EXPECT_EQ(error.kind, ErrorKind::kUnavailable);
    EXPECT_LT(error.what.size(), 1500);
    EXPECT_EQ(error.what.find_first_of("\r\n\x1b"), std::string::npos) << error.what;
  }
}

}  // namespace
}  // namespace ferry::gcs
