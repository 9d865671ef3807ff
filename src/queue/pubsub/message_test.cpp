#include "queue/pubsub/message.hpp"

#include <gtest/gtest.h>

#include "kit/base/text.hpp"

namespace ferry::pubsub {
namespace {

constexpr const char* kSecret = "s3cret-text";

Decoded read(std::string_view data) { return decode(data, "77"); }

TEST(PubsubMessage, WritesTheDocumentedForm) {
  TransferPlan plan{ObjectKey{"a/\"b\"\\\n"},
                    ETag{"\"tag\""},
                    7u,
                    Seconds{std::chrono::seconds{1'767'323'045}},
                    VersionId{"v1"},
                    "STANDARD_IA",
                    Generation{0},
                    "scan-1"};
  EXPECT_EQ(encode(plan).value(),
            R"({"key":"a/\"b\"\\\u000a","etag":"\"tag\"","size":7,"last_modified":"2026-01-02T03:04:05Z",)"
            R"("version_id":"v1","storage_class":"STANDARD_IA","target_generation":"0","scan":"scan-1"})");
}

TEST(PubsubMessage, WritesOnlyWhatIsKnown) {
  EXPECT_EQ(encode(TransferPlan{ObjectKey{"k"}, ETag{"\"t\""}}).value(), R"({"key":"k","etag":"\"t\""})");
}

TEST(PubsubMessage, CarriesThatTheListingWasOld) {
  TransferPlan plan{ObjectKey{"k"}, ETag{"\"t\""}};
  plan.or_newest = true;
  const auto encoded = encode(plan).value();
  EXPECT_EQ(encoded, R"({"key":"k","etag":"\"t\"","or_newest":true})");
  EXPECT_TRUE(read(encoded).plan.or_newest);
  EXPECT_FALSE(read(R"({"key":"k","etag":"t"})").plan.or_newest);
  EXPECT_NE(read(R"({"key":"k","etag":"t","or_newest":"yes"})").defect.find("or_newest"), std::string::npos);
  EXPECT_NE(read(R"({"key":true,"etag":"t"})").defect, "");
}

TEST(PubsubMessage, RefusesAKeyThatIsNoUtf8AndNamesIt) {
  const auto encoded = encode(TransferPlan{ObjectKey{"a\xff"}, ETag{"\"t\""}});
  ASSERT_FALSE(encoded);
  EXPECT_EQ(encoded.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(encoded.error().what.find("a\\xff"), std::string::npos) << encoded.error().what;
}

TEST(PubsubMessage, ReadsTheSmallestFormAndGivesABareTagItsQuotes) {
  const auto quoted = read(R"({"key":"k","etag":"\"t\""})");
  EXPECT_EQ(quoted.defect, "");
  EXPECT_EQ(quoted.plan.key.str(), "k");
  EXPECT_EQ(quoted.plan.etag.str(), "\"t\"");
  EXPECT_EQ(read(R"({"key":"k","etag":"t"})").plan.etag.str(), "\"t\"");
  EXPECT_EQ(read(R"({"etag":"W/\"t\"","key":"k"})").plan.etag.str(), "W/\"t\"");
}

TEST(PubsubMessage, ReadsBackWhatItWroteWhateverTheKeyHolds) {
  std::string awkward;
  for (int c = 0; c < 128; ++c) awkward += static_cast<char>(c);
  for (const std::string& key : {awkward, std::string("ü/🚢/\u2028"), std::string(1024, 'k')}) {
    const auto back = read(encode(TransferPlan{ObjectKey{key}, ETag{"\"t\""}}).value());
    EXPECT_EQ(back.defect, "");
    EXPECT_EQ(back.plan.key.str(), key);
  }
}

TEST(PubsubMessage, IgnoresUnknownFieldsAtAnyDepthOfReason_F091) {
  const auto decoded =
      read(R"({"new":{"key":"x","list":[1,-2.5e3,null,true,{"etag":9}]},"key":"k","etag":"t","size":null,"more":"y"})");
  EXPECT_EQ(decoded.defect, "");
  EXPECT_EQ(decoded.plan.key.str(), "k");
  EXPECT_FALSE(decoded.plan.size);
}

TEST(PubsubMessage, NamesWhatIsWrongAndKeepsTheKeyWhereItCan_F089) {
  const struct {
    const char* data;
    const char* key;
    const char* why;
  } cases[] = {
      {R"(s3cret-text)", "(message 77)", "not JSON"},
      {R"()", "(message 77)", "not JSON"},
      {R"({"key":"k","etag":"s3cret-text")", "k", "not JSON"},
      {R"({"key":"k","etag":"t"} s3cret-text)", "k", "not JSON"},
      {R"(["key","s3cret-text"])", "(message 77)", "key is missing"},
      {R"("s3cret-text")", "(message 77)", "not a JSON object"},
      {R"(5)", "(message 77)", "not a JSON object"},
      {R"(null)", "(message 77)", "not a JSON object"},
      {R"({"etag":"t","s3cret-text":1})", "(message 77)", "key is missing"},
      {R"({"key":"k"})", "k", "etag is missing"},
      {R"({"key":"","etag":"t"})", "(message 77)", "key is missing"},
      {R"({"key":null,"etag":"t"})", "(message 77)", "key is missing"},
      {R"({"key":5,"etag":"t"})", "(message 77)", "key has the wrong type"},
      {R"({"key":["s3cret-text"],"etag":"t"})", "(message 77)", "key has the wrong type"},
      {R"({"key":{"key":"s3cret-text"},"etag":"t"})", "(message 77)", "key has the wrong type"},
      {R"({"etag":7,"key":"k"})", "k", "etag has the wrong type"},
      {R"({"etag":"a\r\nHost: x","key":"k"})", "k", "etag has control characters"},
      {R"({"size":"7","etag":"t","key":"k"})", "k", "size has the wrong type"},
      {R"({"size":-7,"etag":"t","key":"k"})", "k", "size has the wrong type"},
      {R"({"size":7.5,"etag":"t","key":"k"})", "k", "size has the wrong type"},
      {R"({"last_modified":"s3cret-text","etag":"t","key":"k"})", "k", "last_modified is no time"},
      {R"({"target_generation":"s3cret-text","etag":"t","key":"k"})", "k", "target_generation is no number"},
      {"{\"key\":\"\xff\",\"etag\":\"t\"}", "(message 77)", "not JSON"},
      {R"({"key":"\ud800","etag":"t"})", "(message 77)", "not JSON"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.data);
    const auto decoded = read(one.data);
    EXPECT_EQ(decoded.plan.key.str(), one.key);
    EXPECT_NE(decoded.defect.find(one.why), std::string::npos) << decoded.defect;
    EXPECT_TRUE(decoded.defect.starts_with("message 77 of ")) << decoded.defect;
    EXPECT_NE(decoded.defect.find("sha256 "), std::string::npos) << decoded.defect;
    EXPECT_EQ(decoded.defect.find(kSecret), std::string::npos) << decoded.defect;
  }
}

TEST(PubsubMessage, BoundsWhatItReads_F093) {
  const std::string start = R"({"key":"k","etag":"t","x":)";
  const auto huge = read(start + '"' + std::string(10'000'000, 'x') + "\"}");
  EXPECT_NE(huge.defect.find("10000029 bytes"), std::string::npos) << huge.defect;
  EXPECT_NE(huge.defect.find("too long"), std::string::npos) << huge.defect;
  const auto deep = read(start + std::string(10'000, '[') + std::string(10'000, ']') + "}");
  EXPECT_NE(deep.defect.find("nested too deeply"), std::string::npos) << deep.defect;
  const auto twice = read(R"({"key":"k","etag":"t","key":"other"})");
  EXPECT_NE(twice.defect.find("key is there twice"), std::string::npos) << twice.defect;
  EXPECT_EQ(twice.plan.key.str(), "(message 77)");
  const auto large = read(R"({"key":"k","etag":"t","size":1e400})");
  EXPECT_NE(large.defect.find("size has the wrong type"), std::string::npos) << large.defect;
  const auto larger = read(R"({"key":"k","etag":"t","target_generation":18446744073709551615})");
  EXPECT_NE(larger.defect.find("target_generation is too large"), std::string::npos) << larger.defect;
  const auto key = read("{\"etag\":\"t\",\"key\":\"" + std::string(1025, 'k') + "\"}");
  EXPECT_NE(key.defect.find("key is too long"), std::string::npos) << key.defect;
}

TEST(PubsubMessage, MakesStrangeMessageIdsSafeToPrint) {
  const auto decoded = decode("x", "a\nb" + std::string(1'000, 'c'));
  EXPECT_TRUE(is_utf8(decoded.plan.key.str()));
  EXPECT_EQ(decoded.plan.key.str().find('\n'), std::string::npos);
  EXPECT_LT(decoded.plan.key.str().size(), 100u);
}

TEST(PubsubMessage, LeavesNewerSchemasAndOtherJobsAlone_F091) {
  EXPECT_EQ(addressee(std::nullopt, std::nullopt, "j"), Addressee::kUs);
  EXPECT_EQ(addressee("1", "j", "j"), Addressee::kUs);
  EXPECT_EQ(addressee("1.7", std::nullopt, "j"), Addressee::kUs);
  EXPECT_EQ(addressee("2", "j", "j"), Addressee::kNewerSchema);
  EXPECT_EQ(addressee("10", "j", "j"), Addressee::kNewerSchema);
  EXPECT_EQ(addressee("", "j", "j"), Addressee::kNewerSchema);
  EXPECT_EQ(addressee("1", "other", "j"), Addressee::kOtherJob);
}

}  // namespace
}  // namespace ferry::pubsub
