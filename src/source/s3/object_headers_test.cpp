#include "source/s3/object_headers.hpp"

#include <gtest/gtest.h>

#include "source/s3/rfc2047.hpp"
#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {

ObjectMeta meta_of(net::Headers headers) { return parse_object_headers(headers, true).value(); }

net::Headers with(std::initializer_list<std::pair<std::string, std::string>> more) {
  auto headers = object_headers();
  for (const auto& [name, value] : more) headers.add(name, value);
  return headers;
}

TEST(S3ObjectHeaders, ReadsVersionContentAndClass) {
  const auto meta = meta_of(with({{"x-amz-version-id", "v1"},
                                  {"Content-Encoding", "gzip"},
                                  {"Cache-Control", "no-cache"},
                                  {"Content-Disposition", "inline"},
                                  {"Content-Language", "de"},
                                  {"Expires", "0"},
                                  {"x-amz-storage-class", "GLACIER_IR"},
                                  {"x-amz-missing-meta", "2"}}));
  EXPECT_EQ(meta.version.etag.str(), kHelloTag);
  EXPECT_EQ(rfc3339(meta.version.modified), "2026-01-02T03:04:05Z");
  EXPECT_EQ(meta.version.version_id->str(), "v1");
  EXPECT_EQ(meta.content.type, "text/plain");
  EXPECT_EQ(meta.content.encoding, "gzip");
  EXPECT_EQ(meta.content.disposition, "inline");
  EXPECT_EQ(meta.content.language, "de");
  EXPECT_EQ(meta.content.cache_control, "no-cache");
  EXPECT_EQ(meta.content.expires, "0");
  EXPECT_EQ(meta.storage_class, "GLACIER_IR");
  EXPECT_EQ(meta.missing_meta, 2);
}

TEST(S3ObjectHeaders, InventsNothing) {
  const auto meta = meta_of({{"ETag", kHelloTag}, {"Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT"}});
  EXPECT_EQ(meta.content, ContentHeaders{});
  EXPECT_EQ(meta.storage_class, "STANDARD");
  EXPECT_EQ(meta.encryption, Encryption::kNone);
  EXPECT_TRUE(meta.user.empty());
  EXPECT_TRUE(meta.checksums.empty());
  EXPECT_FALSE(meta.version.version_id);
}

TEST(S3ObjectHeaders, RefusesAReplyWithoutUsableTagOrTime_F018) {
  const std::string date = "Fri, 02 Jan 2026 03:04:05 GMT";
  for (const net::Headers& headers :
       {net::Headers{{"Last-Modified", date}}, net::Headers{{"ETag", ""}, {"Last-Modified", date}},
        net::Headers{{"ETag", kHelloTag}}, net::Headers{{"ETag", kHelloTag}, {"Last-Modified", "x"}}}) {
    const auto meta = parse_object_headers(headers, true);
    ASSERT_FALSE(meta);
    EXPECT_EQ(meta.error().kind, ErrorKind::kCorrupt);
  }
}

TEST(S3ObjectHeaders, SortsAndJoinsUserMetadataUnderLowerCaseNames) {
  const auto meta =
      meta_of(with({{"X-Amz-Meta-Owner", "b"}, {"x-amz-meta-Colour", "green"}, {"x-amz-meta-owner", "a"}}));
  EXPECT_EQ(meta.user, (UserMetadata{{"colour", "green"}, {"owner", "b,a"}}));
}

TEST(S3ObjectHeaders, DecodesUserMetadata_F041_F044) {
  const auto meta = meta_of(with({{"x-amz-meta-a", "=?UTF-8?B?Y2Fmw6k=?="},
                                  {"x-amz-meta-b", "caf\xe9"},
                                  {"x-amz-meta-c", "caf\xc3\xa9"},
                                  {"x-amz-meta-d", "=?UTF-8?Q?caf=C3=A9?="}}));
  for (const auto& [name, value] : meta.user) EXPECT_EQ(value, "caf\xc3\xa9") << name;
}

TEST(S3ObjectHeaders, TellsEncryptionsApart_F016) {
  const auto of = [](std::string method) {
    return meta_of(with({{"x-amz-server-side-encryption", std::move(method)}})).encryption;
  };
  EXPECT_EQ(of("AES256"), Encryption::kAes256);
  EXPECT_EQ(of("aws:kms"), Encryption::kKms);
  EXPECT_EQ(of("aws:kms:dsse"), Encryption::kKms);
  EXPECT_EQ(of("aws:fsx"), Encryption::kOther);
  EXPECT_EQ(meta_of(with({{"x-amz-server-side-encryption-customer-algorithm", "AES256"}})).encryption,
            Encryption::kCustomerKey);
}

TEST(S3ObjectHeaders, KeepsStoredChecksumsOfTheWholeObject) {
  const auto meta = meta_of(with({{"x-amz-checksum-crc32c", "4waSgw=="},
                                  {"x-amz-checksum-crc64nvme", "rosUhgp5mIg="},
                                  {"x-amz-checksum-sha1", "not base64"},
                                  {"x-amz-checksum-crc32", "rosUhgp5mIg="},
                                  {"x-amz-checksum-xxhash3", "rosUhgp5mIg="},
                                  {"x-amz-checksum-type", "FULL_OBJECT"}}));
  EXPECT_EQ(meta.checksums, (std::vector<Digest>{{HashKind::kCrc32c, "\xe3\x06\x92\x83"},
                                                 {HashKind::kCrc64nvme, "\xae\x8b\x14\x86\x0a\x79\x98\x88"}}));
}

TEST(S3ObjectHeaders, KeepsCompositeChecksumsApartFromThoseOfTheWhole) {
  const auto meta = meta_of(with({{"x-amz-checksum-crc32c", "gV37hw==-2"}, {"x-amz-checksum-type", "COMPOSITE"}}));
  EXPECT_TRUE(meta.checksums.empty());
  ASSERT_EQ(meta.composites.size(), 1U);
  EXPECT_EQ(meta.composites[0].digest.kind, HashKind::kCrc32c);
  EXPECT_EQ(base64(meta.composites[0].digest.bytes), "gV37hw==");
  EXPECT_EQ(meta.composites[0].count, 2U);
  EXPECT_EQ(meta_of(with({{"x-amz-checksum-crc32c", "gV37hw==-2"}})).composites, meta.composites);
}

TEST(S3ObjectHeaders, PassesOverCompositeChecksumsThatContradictThemselves) {
  const auto typed = meta_of(with({{"x-amz-checksum-crc32c", "gV37hw=="}, {"x-amz-checksum-type", "COMPOSITE"}}));
  EXPECT_TRUE(typed.checksums.empty());
  EXPECT_TRUE(typed.composites.empty());
  for (const auto* value : {"gV37hw==-0", "gV37hw==-10001", "gV37hw==-", "gV37hw==-x", "gV37-2", "-2"}) {
    const auto meta = meta_of(with({{"x-amz-checksum-crc32c", value}}));
    EXPECT_TRUE(meta.checksums.empty() && meta.composites.empty()) << value;
  }
}

TEST(S3ObjectHeaders, NoticesWhatCannotTravel) {
  const auto plain = meta_of(with({}));
  EXPECT_EQ(plain.tags, 0U);
  EXPECT_FALSE(plain.website_redirect || plain.object_lock || plain.expires_by_rule);
  EXPECT_EQ(meta_of(with({{"x-amz-tagging-count", "3"}})).tags, 3U);
  EXPECT_TRUE(meta_of(with({{"x-amz-website-redirect-location", "/other"}})).website_redirect);
  EXPECT_TRUE(meta_of(with({{"x-amz-object-lock-mode", "GOVERNANCE"}})).object_lock);
  EXPECT_TRUE(meta_of(with({{"x-amz-object-lock-legal-hold", "ON"}})).object_lock);
  EXPECT_FALSE(meta_of(with({{"x-amz-object-lock-legal-hold", "OFF"}})).object_lock);
  EXPECT_TRUE(meta_of(with({{"x-amz-expiration", "expiry-date=\"x\", rule-id=\"y\""}})).expires_by_rule);
}

TEST(S3ObjectHeaders, ReadsOnlyExactContentRanges_F017_F150) {
  const auto range = parse_content_range("bytes 7-9/10");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 7);
  EXPECT_EQ(range->last, 9);
  EXPECT_EQ(range->total, 10);
  for (const char* text : {"", "bytes", "bytes */10", "bytes 7-9/*", "bytes 9-7/10", "bytes 7-10/10", "bytes -7-9/10",
                           "items 7-9/10", "bytes 7-9/99999999999999999999", "bytes 7-9", "bytes 7/9-10"}) {
    EXPECT_FALSE(parse_content_range(text)) << text;
  }
}

TEST(EncodedWords, AreDecodedAndJoined_F044) {
  EXPECT_EQ(decode_encoded_words("plain"), "plain");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?="),
            "\xc3\x83\xc2\x84M\xc3\x83\xc2\x84Z\xc3\x83\xc2\x95\xc3\x83\xc2\x91 S3");
  EXPECT_EQ(decode_encoded_words("=?utf-8?q?a_b=20c?="), "a b c");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?Y2E=?= =?UTF-8?B?ZsOp?="), "caf\xc3\xa9");
  EXPECT_EQ(decode_encoded_words("=?UTF-8?B?Y2Fmww==?=  =?UTF-8?B?qQ==?="), "caf\xc3\xa9")
      << "a character split between words";
  EXPECT_EQ(decode_encoded_words("=?ISO-8859-1?Q?caf=E9?="), "caf\xc3\xa9");
  EXPECT_EQ(decode_encoded_words("a =?UTF-8?Q?b?= c =?UTF-8?Q?d?="), "a b c d");
  EXPECT_EQ(decode_encoded_words("=?UTF-8*de?Q?b?="), "b");
}

TEST(EncodedWords, StayAsTheyAreWhenMalformedOrUnknown_F044) {
  for (const char* value : {"=?", "=?UTF-8?B?", "=?UTF-8?B?*?=", "=?UTF-8?X?abc?=", "=?UTF-8?Q?=E9?=",
                            "=?koi8-r?Q?=C1?=", "a =?b", "=?UTF-8?Q?=Z?=", "=?UTF-8?Q?a b?="}) {
    EXPECT_EQ(decode_encoded_words(value), value);
  }
}

}  // namespace
}  // namespace ferry::s3
