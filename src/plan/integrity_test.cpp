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

}  // namespace
}  // namespace ferry
