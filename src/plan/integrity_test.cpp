#include "plan/integrity.hpp"

#include <gtest/gtest.h>

namespace ferry {
namespace {

const ETag kPlain{"\"9e107d9d372bb6826bd81d3542a419d6\""};

ObjectMeta meta(ETag etag, Encryption encryption = Encryption::kNone, std::vector<Digest> checksums = {}) {
  ObjectMeta m;
  m.version.etag = std::move(etag);
  m.encryption = encryption;
  m.checksums = std::move(checksums);
  return m;
}

TEST(IntegrityLadder, UsesAPlainTagAsMd5OnlyWhereTheReplyAllowsIt_F016) {
  EXPECT_EQ(choose_check(meta(kPlain)).rung, Rung::kMd5);
  EXPECT_EQ(choose_check(meta(kPlain, Encryption::kAes256)).rung, Rung::kMd5);
  for (const auto encryption : {Encryption::kKms, Encryption::kCustomerKey, Encryption::kOther}) {
    const auto check = choose_check(meta(kPlain, encryption));
    EXPECT_EQ(check.rung, Rung::kTransport) << "32 hex digits are not always an MD5";
    EXPECT_FALSE(check.expected);
  }
}

TEST(IntegrityLadder, NeverReadsAMultipartOrForeignTagAsMd5) {
  for (const std::string tag : {"\"9e107d9d372bb6826bd81d3542a419d6-2\"", "9e107d9d372bb6826bd81d3542a419d6", "\"xyz\"",
                                "", "\"9e107d9d372bb6826bd81d3542a419dg\"", "W/\"9e107d9d372bb6826bd81d3542a419d6\""}) {
    EXPECT_FALSE(md5_of(ETag{tag}, Encryption::kNone)) << tag;
  }
}

TEST(IntegrityLadder, PrefersWhatTheTargetCanVerify) {
  const Digest crc{HashKind::kCrc32c, "abcd"}, nvme{HashKind::kCrc64nvme, "12345678"},
      sha{HashKind::kSha256, std::string(32, 'x')};
  const ETag multipart{"\"9e107d9d372bb6826bd81d3542a419d6-2\""};
  EXPECT_EQ(choose_check(meta(kPlain, Encryption::kNone, {crc})).rung, Rung::kMd5);
  EXPECT_EQ(choose_check(meta(multipart, Encryption::kNone, {nvme, crc})).rung, Rung::kCrc32c);
  EXPECT_TRUE(choose_check(meta(multipart, Encryption::kNone, {crc})).target_verifies());
  EXPECT_EQ(choose_check(meta(multipart, Encryption::kNone, {sha, nvme})).rung, Rung::kCrc64nvme);
  EXPECT_TRUE(choose_check(meta(multipart, Encryption::kKms, {sha})).verified_in_stream());
  EXPECT_EQ(choose_check(meta(multipart)).rung, Rung::kTransport);
}

TEST(PartsTag, IsReadUnderTheSameConditionsAsAnMd5) {
  const ETag tag{"\"9e107d9d372bb6826bd81d3542a419d6-12\""};
  const auto parts = parts_of(tag, Encryption::kNone);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->count, 12u);
  EXPECT_EQ(hex(parts->digest.bytes), "9e107d9d372bb6826bd81d3542a419d6");
  EXPECT_TRUE(parts_of(tag, Encryption::kAes256));
  EXPECT_FALSE(parts_of(tag, Encryption::kKms));
  EXPECT_FALSE(parts_of(tag, Encryption::kCustomerKey));
}

TEST(PartsTag, RefusesWhatIsNoTagOfParts) {
  const std::string digits = "9e107d9d372bb6826bd81d3542a419d6";
  for (const std::string& text :
       {'"' + digits + '"', '"' + digits + "-\"", '"' + digits + "-0\"", '"' + digits + "-10001\"",
        '"' + digits + "-+1\"", digits + "-1", '"' + digits + "-1", std::string{"\"-1\""}, '"' + digits + "-1-1\"",
        '"' + digits + "-99999999999999999999\""}) {
    EXPECT_FALSE(parts_of(ETag{text}, Encryption::kNone)) << text;
  }
}

TEST(EvenParts, MakeUpTheSizeOrNothing) {
  using Sizes = std::vector<std::uint64_t>;
  EXPECT_EQ(even_parts(10, 3, 4), (Sizes{4, 4, 2}));
  EXPECT_EQ(even_parts(12, 3, 4), (Sizes{4, 4, 4}));
  EXPECT_EQ(even_parts(9, 3, 4), (Sizes{4, 4, 1}));
  EXPECT_EQ(even_parts(4, 1, 4), (Sizes{4}));
  EXPECT_FALSE(even_parts(8, 3, 4)) << "the last part would be empty";
  EXPECT_FALSE(even_parts(13, 3, 4)) << "the last part would be larger";
  EXPECT_FALSE(even_parts(3, 1, 4));
  EXPECT_FALSE(even_parts(0, 0, 0));
  EXPECT_FALSE(even_parts(5, 10'000, UINT64_MAX / 2)) << "no overflow";
}

}  // namespace
}  // namespace ferry
