#include "target/gcs/json.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace ferry::gcs {
namespace {

TEST(GcsJson, QuotesEveryTextSoThatAnyReaderGetsItBack_F044) {
  std::string all;
  for (int c = 0; c < 128; ++c) all.push_back(static_cast<char>(c));
  all += "\xc3\xa9\xf0\x9f\x9a\xa2\xe2\x80\xa8";
  for (const auto& text : {std::string{}, std::string{"plain"}, all, std::string(3, '\0'), std::string{"\"\\\""}}) {
    std::string out;
    append_quoted(&out, text);
    EXPECT_EQ(out.find_first_of(std::string_view{"\r\n\0", 3}), std::string::npos);
    const auto parsed = boost::json::parse(out);
    EXPECT_EQ(std::string_view(parsed.as_string()), text);
  }
}

TEST(GcsJson, ResourceSaysOnlyWhatIsKnown) {
  UploadSpec spec;
  spec.key = ObjectKey{"a\"b"};
  const auto bare = boost::json::parse(resource_json(spec, std::nullopt)).as_object();
  EXPECT_EQ(bare.size(), 2) << "name and contentType";
  spec.content.language = "de";
  spec.hash = Digest{HashKind::kCrc32c, std::string{"\x01\x02\x03\x04"}};
  spec.metadata = {{"k", "v"}};
  const auto full = boost::json::parse(resource_json(spec, std::nullopt)).as_object();
  EXPECT_EQ(full.at("contentLanguage").as_string(), "de");
  EXPECT_EQ(full.at("crc32c").as_string(), "AQIDBA==");
  EXPECT_EQ(full.at("metadata").as_object().at("k").as_string(), "v");
  EXPECT_FALSE(full.contains("storageClass") || full.contains("customTime") || full.contains("contexts"));
  spec.storage_class = "NEARLINE";
  spec.custom_time = Seconds{std::chrono::seconds{1'767'323'045}};
  spec.contexts = {{"a", "1"}, {"b", "x\"y"}};
  const auto chosen = boost::json::parse(resource_json(spec, std::nullopt)).as_object();
  EXPECT_EQ(chosen.at("storageClass").as_string(), "NEARLINE");
  EXPECT_EQ(chosen.at("customTime").as_string(), "2026-01-02T03:04:05Z");
  EXPECT_EQ(boost::json::serialize(chosen.at("contexts")), R"({"custom":{"a":{"value":"1"},"b":{"value":"x\"y"}}})");
  EXPECT_EQ(boost::json::parse(resource_json(spec, 0x0A0B0C0Du)).as_object().at("crc32c").as_string(), "CgsMDQ==");
}

TEST(GcsJson, ReadsNumbersAsTextAndAsNumbers) {
  const auto object = parse_object(
      R"({"name":"a","generation":"17","size":5,"crc32c":"AQIDBA==","md5Hash":"MDEyMzQ1Njc4OWFiY2RlZg=="})");
  ASSERT_TRUE(object) << object.error().what;
  EXPECT_EQ(object->generation.value, 17);
  EXPECT_EQ(object->size, 5);
  EXPECT_EQ(object->crc32c, 0x01020304u);
  EXPECT_EQ(object->md5, "0123456789abcdef");
  EXPECT_FALSE(object->provenance);
}

TEST(GcsJson, TokensThatDoNotFitAHeaderAreNone_F138) {
  EXPECT_TRUE(parse_token(R"({"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"})"));
  for (const auto* body : {"", "[]", "{}", R"({"access_token":"x"})", R"({"access_token":"","expires_in":1})",
                           R"({"access_token":"a b","expires_in":1})", R"({"access_token":"a\r\nb","expires_in":1})",
                           R"({"access_token":"x","expires_in":-1})", R"({"access_token":7,"expires_in":1})"}) {
    EXPECT_FALSE(parse_token(body)) << body;
  }
}

}  // namespace
}  // namespace ferry::gcs
