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

Rung rung(const ObjectMeta& meta, Integrity integrity = Integrity::kAuto) {
  return rung_of(choose_proofs(meta, integrity), integrity);
}

std::vector<Rung> rungs(const ObjectMeta& meta, Integrity integrity) {
  std::vector<Rung> all;
  for (const Proof& proof : choose_proofs(meta, integrity)) all.push_back(proof.rung);
  return all;
}

const ETag kInParts{"\"9e107d9d372bb6826bd81d3542a419d6-2\""};
const Digest kCrc{HashKind::kCrc32c, "abcd"}, kNvme{HashKind::kCrc64nvme, "12345678"},
    kSha{HashKind::kSha256, std::string(32, 'x')};

TEST(IntegrityLadder, UsesAPlainTagAsMd5OnlyWhereTheReplyAllowsIt_F016) {
  EXPECT_EQ(rung(meta(kPlain)), Rung::kMd5);
  EXPECT_EQ(rung(meta(kPlain, Encryption::kAes256)), Rung::kMd5);
  for (const auto encryption : {Encryption::kKms, Encryption::kCustomerKey, Encryption::kOther}) {
    EXPECT_EQ(rung(meta(kPlain, encryption)), Rung::kTransport) << "32 hex digits are not always an MD5";
    EXPECT_TRUE(choose_proofs(meta(kPlain, encryption), Integrity::kFull).empty());
  }
}

TEST(IntegrityLadder, NeverReadsAMultipartOrForeignTagAsMd5) {
  for (const std::string tag : {"\"9e107d9d372bb6826bd81d3542a419d6-2\"", "9e107d9d372bb6826bd81d3542a419d6", "\"xyz\"",
                                "", "\"9e107d9d372bb6826bd81d3542a419dg\"", "W/\"9e107d9d372bb6826bd81d3542a419d6\""}) {
    EXPECT_FALSE(md5_of(ETag{tag}, Encryption::kNone)) << tag;
  }
}

TEST(IntegrityLadder, PrefersWhatTheTargetCanVerify) {
  EXPECT_EQ(rung(meta(kPlain, Encryption::kNone, {kCrc})), Rung::kMd5);
  EXPECT_EQ(rung(meta(kInParts, Encryption::kNone, {kNvme, kCrc})), Rung::kCrc32c);
  EXPECT_TRUE(choose_proofs(meta(kInParts, Encryption::kNone, {kCrc}), Integrity::kAuto).front().target_verifies());
  EXPECT_EQ(rung(meta(kInParts, Encryption::kNone, {kSha, kNvme})), Rung::kCrc64nvme);
  EXPECT_TRUE(choose_proofs(meta(kInParts, Encryption::kKms, {kSha}), Integrity::kAuto).front().computed_in_stream());
}

TEST(IntegrityLadder, TakesPartsOnlyWhereNothingIsStoredOfTheWhole) {
  EXPECT_EQ(rung(meta(kInParts)), Rung::kParts);
  EXPECT_EQ(rung(meta(kInParts, Encryption::kKms)), Rung::kTransport);
  auto composite = meta(kInParts, Encryption::kKms);
  composite.composites = {{kSha, 2}};
  EXPECT_EQ(rung(composite), Rung::kSha256Parts);
  composite.composites.push_back({kCrc, 2});
  EXPECT_EQ(rung(composite), Rung::kCrc32cParts) << "what is cheap to compute";
  EXPECT_FALSE(choose_proofs(composite, Integrity::kAuto).front().target_verifies()) << "it is none of the whole";
  composite.checksums = {kNvme};
  EXPECT_EQ(rungs(composite, Integrity::kAuto), std::vector{Rung::kCrc64nvme});
}

TEST(IntegrityLadder, FullTakesEveryProofAndFastOnlyWhatTheTargetVerifies) {
  auto all = meta(kInParts, Encryption::kNone, {kSha, kNvme, kCrc});
  all.composites = {{kSha, 2}};
  EXPECT_EQ(rungs(all, Integrity::kFull),
            (std::vector{Rung::kCrc32c, Rung::kCrc64nvme, Rung::kSha256, Rung::kParts, Rung::kSha256Parts}));
  EXPECT_EQ(rungs(all, Integrity::kFast), std::vector{Rung::kCrc32c});
  EXPECT_EQ(rungs(meta(kPlain, Encryption::kNone, {kNvme}), Integrity::kFull),
            (std::vector{Rung::kMd5, Rung::kCrc64nvme}));
  EXPECT_EQ(rung(meta(kInParts, Encryption::kNone, {kNvme}), Integrity::kFast), Rung::kTransport);
  EXPECT_EQ(rung(meta(kPlain, Encryption::kKms), Integrity::kFull), Rung::kReadTwice);
}

TEST(IntegrityLadder, NeverMixesProofsOverDifferentNumbersOfParts) {
  auto strange = meta(kInParts);
  strange.composites = {{kCrc, 3}};
  EXPECT_EQ(rungs(strange, Integrity::kFull), std::vector{Rung::kCrc32cParts}) << "the tag is of two parts";
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
