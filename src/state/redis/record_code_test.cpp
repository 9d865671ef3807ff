#include "state/redis/record_code.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "kit/base/hash.hpp"

namespace ferry::redis {
namespace {

constexpr const char* kTag = "\"5d41402abc4b2a76b9719d911017c592\"";

Seconds at(std::int64_t second) { return Seconds{std::chrono::seconds{second}}; }
Version version(std::string tag, std::int64_t modified = 0x60000001) {
  return {ETag{std::move(tag)}, at(modified), std::nullopt};
}
Receipt full_receipt(std::string tag = kTag) {
  return {ObjectKey{"k"}, version(std::move(tag)), Generation{0x1122334455667788}, Rung::kParts,
          0x1234,         at(0x70000002)};
}

/// A record with this half only, as a script would put it together.
std::string published_record(const Published& published) { return '\1' + encode_published(published); }
std::string consumed_record(const Receipt& consumed) {
  return '\2' + encode_tail(consumed) + encode_version(consumed.version);
}

void expect_same(const Version& a, const Version& b) {
  EXPECT_EQ(a.etag, b.etag);
  EXPECT_EQ(a.modified, b.modified);
  EXPECT_EQ(a.version_id, b.version_id);
}

TEST(RedisRecord, WritesTheCommonVersionInTwentyOneBytes) {
  EXPECT_EQ(hex(encode_version(version(kTag))), "005d41402abc4b2a76b9719d911017c59260000001");
}

TEST(RedisRecord, WritesOtherVersionsWithTheirLength) {
  EXPECT_EQ(hex(encode_version(version("\"5d41402abc4b2a76b9719d911017c592-3\""))),
            "16025d41402abc4b2a76b9719d911017c5920360000001");
  EXPECT_EQ(hex(encode_version(version("x"))),
            "07000178"
            "60000001");
  auto one = version(kTag, -1);
  one.version_id = VersionId{"v1"};
  EXPECT_EQ(hex(encode_version(one)), "1b0d5d41402abc4b2a76b9719d911017c592ffffffffffffffff7631");
}

TEST(RedisRecord, WritesHalvesByteForByte) {
  EXPECT_EQ(hex(encode_published({ObjectKey{"k"}, version(kTag), at(0x70000002)})),
            "005d41402abc4b2a76b9719d911017c592"
            "60000001"
            "70000002");
  EXPECT_EQ(hex(encode_tail(full_receipt())),
            "9122334455667788"
            "70000002"
            "22"
            "1234");
  auto empty = full_receipt();
  empty.size = 0;
  empty.generation.value = -1;
  EXPECT_EQ(hex(encode_tail(empty)),
            "7fffffffffffffff"
            "70000002"
            "20")
      << "no byte for no bytes; order as of numbers";
}

TEST(RedisRecord, BothHalvesOfOneVersionFitIntoFortyThreeBytes) {
  const auto size =
      1 + encode_published({ObjectKey{"k"}, version(kTag), at(1)}).size() + encode_tail(full_receipt()).size();
  EXPECT_LE(size, 43u);
}

TEST(RedisRecord, ReadsBackWhatItWrote) {
  std::vector<Version> versions;
  for (const char* tag : {kTag, "", "\"\"", "\"5D41402ABC4B2A76B9719D911017C592\"", "5d41402abc4b2a76b9719d911017c592",
                          "\"5d41402abc4b2a76b9719d911017c592-10000\"", "\"5d41402abc4b2a76b9719d911017c592-\"",
                          "\"5d41402abc4b2a76b9719d911017c592-03\"", "\"5d41402abc4b2a76b9719d911017c592-0\"",
                          "\"5d41402abc4b2a76b9719d911017c592-18446744073709551615\"",
                          "\"5d41402abc4b2a76b9719d911017c592-18446744073709551616\"", "W/\"x\""}) {
    for (const std::int64_t modified : {std::int64_t{0}, std::int64_t{-62'167'219'200}, std::int64_t{0xffffffff},
                                        std::int64_t{0x100000000}, std::int64_t{1'700'000'000}}) {
      versions.push_back(version(tag, modified));
      versions.push_back(versions.back());
      versions.back().version_id = VersionId{std::string("v\0", 2)};
    }
  }
  versions.push_back(version(std::string(70'000, 'x')));
  for (const auto& one : versions) {
    const auto published = decode_record(ObjectKey{"k"}, published_record({ObjectKey{"k"}, one, at(5)})).published;
    ASSERT_TRUE(published) << one.etag.str();
    expect_same(published->version, one);
    EXPECT_EQ(published->when, at(5));
    auto consumed = full_receipt();
    consumed.version = one;
    const auto got = decode_record(ObjectKey{"k"}, consumed_record(consumed)).consumed;
    ASSERT_TRUE(got) << one.etag.str();
    expect_same(got->version, one);
  }
}

TEST(RedisRecord, ReadsBackNumbersOfAllSizes) {
  for (const auto generation : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
                                std::int64_t{1'700'000'000'000'001}, std::numeric_limits<std::int64_t>::max()}) {
    for (int shift = 0; shift < 64; ++shift) {
      auto one = full_receipt();
      one.generation.value = generation;
      one.size = (std::uint64_t{1} << shift) - (shift % 2);
      const auto got = decode_record(ObjectKey{"k"}, consumed_record(one)).consumed;
      ASSERT_TRUE(got);
      EXPECT_EQ(got->generation, one.generation);
      EXPECT_EQ(got->size, one.size);
    }
  }
}

TEST(RedisRecord, TakesDamagedBytesAsAbsent_F112) {
  const auto whole = '\7' + encode_published({ObjectKey{"k"}, version(kTag), at(1)}) + encode_tail(full_receipt());
  ASSERT_TRUE(decode_record(ObjectKey{"k"}, whole).consumed);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto record = decode_record(ObjectKey{"k"}, whole.substr(0, size));
    EXPECT_FALSE(record.published) << size;
    EXPECT_FALSE(record.consumed) << size;
  }
  EXPECT_FALSE(decode_record(ObjectKey{"k"}, whole + "x").published);
  for (const char* text : {"hello", "\7", "\1\xff\xff\xff\xff\xff", "\6"}) {
    EXPECT_FALSE(decode_record(ObjectKey{"k"}, text).published) << text;
  }
}

TEST(RedisRecord, SurvivesRandomBytes_F112) {
  std::mt19937 chance{1};
  for (int round = 0; round < 100'000; ++round) {
    std::string bytes(chance() % 60, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(chance() % 4 == 0 ? chance() % 16 : chance());
    const auto record = decode_record(ObjectKey{"k"}, bytes);
    if (record.published) EXPECT_EQ(published_record(*record.published).size() > 1, true);
    static_cast<void>(decode_failure(ObjectKey{"k"}, bytes));
    static_cast<void>(decode_checkpoint(ObjectKey{"k"}, bytes));
  }
}

TEST(RedisRecord, TakesTruncatedFailuresAndCheckpointsAsAbsent_F112) {
  const Failure failure{ObjectKey{"k"}, version("x"), FailureReason::kDenied, "", 3, at(1)};
  const auto failed = encode_failure(failure);
  ASSERT_TRUE(decode_failure(ObjectKey{"k"}, failed));
  for (std::size_t size = 0; size < failed.size(); ++size) {
    EXPECT_FALSE(decode_failure(ObjectKey{"k"}, failed.substr(0, size))) << size;
  }
  const Checkpoint checkpoint{ObjectKey{"k"}, version("x"), "session", 1, {{"crc32c", "abcd"}}};
  const auto saved = encode_checkpoint(checkpoint);
  ASSERT_TRUE(decode_checkpoint(ObjectKey{"k"}, saved));
  EXPECT_FALSE(decode_checkpoint(ObjectKey{"k"}, saved.substr(0, saved.size() - 1)));
  EXPECT_FALSE(decode_checkpoint(ObjectKey{"k"}, "\2" + saved.substr(1))) << "of another format";
}

}  // namespace
}  // namespace ferry::redis
