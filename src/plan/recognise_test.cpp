#include "plan/recognise.hpp"

#include <gtest/gtest.h>

namespace ferry {
namespace {

constexpr std::string_view kBytes = "hello";

std::string md5_bytes(std::string_view text) {
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(text);
  return hash->digest().bytes;
}

SourceEntry listed(std::string_view bytes) {
  SourceEntry entry;
  entry.key = ObjectKey{"a"};
  entry.version.etag = ETag{"\"" + hex(md5_bytes(bytes)) + "\""};
  entry.size = bytes.size();
  return entry;
}

ObjectMeta told(std::string_view bytes) {
  ObjectMeta meta;
  meta.version = listed(bytes).version;
  meta.size = bytes.size();
  return meta;
}

TargetObject brought(std::string_view bytes) {
  TargetObject there;
  there.key = ObjectKey{"a"};
  there.generation = Generation{7};
  there.size = bytes.size();
  there.md5 = md5_bytes(bytes);
  there.crc32c = crc32c(0, bytes);
  return there;
}

TEST(Recognise, EqualMd5sOfListingsAreProof_F045) {
  const auto seen = recognise(listed(kBytes), brought(kBytes));
  EXPECT_EQ(seen.likeness, Likeness::kSame);
  EXPECT_EQ(seen.rung, Rung::kMd5);
}

TEST(Recognise, DifferentMd5sOfListingsProveNothing_F016) {
  EXPECT_EQ(recognise(listed("hellO"), brought(kBytes)).likeness, Likeness::kUnknown) << "it may be encrypted with KMS";
  auto composed = brought(kBytes);
  composed.md5.reset();
  EXPECT_EQ(recognise(listed(kBytes), composed).likeness, Likeness::kUnknown);
}

TEST(Recognise, AnotherSizeIsAnotherObject) {
  EXPECT_EQ(recognise(listed("hello!"), brought(kBytes)).likeness, Likeness::kOther);
  EXPECT_EQ(recognise(told("hello!"), brought(kBytes)).likeness, Likeness::kOther);
}

TEST(Recognise, AReplySaysWhetherTheTagIsAnMd5_F016) {
  EXPECT_EQ(recognise(told("hellO"), brought(kBytes)).likeness, Likeness::kOther);
  auto encrypted = told("hellO");
  encrypted.encryption = Encryption::kKms;
  EXPECT_EQ(recognise(encrypted, brought(kBytes)).likeness, Likeness::kUnknown);
}

TEST(Recognise, AStoredCrc32cIsComparedWithTheTargets) {
  auto meta = told(kBytes);
  meta.version.etag = ETag{"\"0561a0fc7fa0356324d20074221dd473-2\""};
  auto there = brought(kBytes);
  there.md5.reset();
  EXPECT_EQ(recognise(meta, there).likeness, Likeness::kUnknown);
  meta.checksums.push_back({HashKind::kCrc32c, big_endian(crc32c(0, kBytes))});
  const auto seen = recognise(meta, there);
  EXPECT_EQ(seen.likeness, Likeness::kSame);
  EXPECT_EQ(seen.rung, Rung::kCrc32c);
  there.crc32c = 1;
  EXPECT_EQ(recognise(meta, there).likeness, Likeness::kOther);
}

TEST(Recognise, OneDisagreeingChecksumOutweighsAnAgreeingOne) {
  auto meta = told(kBytes);
  meta.checksums.push_back({HashKind::kCrc32c, big_endian(crc32c(0, "hellO"))});
  EXPECT_EQ(recognise(meta, brought(kBytes)).likeness, Likeness::kOther);
}

TEST(Recognise, AChecksumThatTheTargetDoesNotKeepIsNoProof) {
  auto meta = told(kBytes);
  meta.encryption = Encryption::kKms;
  meta.checksums.push_back({HashKind::kCrc64nvme, std::string(8, 'x')});
  EXPECT_EQ(recognise(meta, brought(kBytes)).likeness, Likeness::kUnknown);
}

}  // namespace
}  // namespace ferry
