#include "sandbox/content.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "sandbox/crc.hpp"
#include "sandbox/pattern.hpp"

namespace ferry::sandbox {
namespace {

TEST(Content, CutsAndJoinsWithoutCopying) {
  Content content = string_content("hello ");
  content.append(string_content("world"));
  EXPECT_EQ(content.size(), 11u);
  EXPECT_EQ(content.text(), "hello world");
  EXPECT_EQ(content.text(4, 4), "o wo");
  EXPECT_EQ(content.slice(4, 4).text(), "o wo");
  EXPECT_EQ(content.slice(20, 5).size(), 0u);
  EXPECT_EQ(Content{}.text(), "");
}

TEST(Intake, KeepsWholeQuantaAsTheyCome) {
  const auto store = memory_store();
  Digests digests;
  digests.want(HashKind::kMd5);
  Intake intake(store.get(), std::move(digests));
  const std::string bytes(kQuantum + 3, 'x');
  ASSERT_TRUE(intake.add(bytes));
  EXPECT_EQ(intake.size(), kQuantum);
  ASSERT_TRUE(intake.end());
  EXPECT_EQ(intake.content().text(), bytes);
  const auto whole = make_hash(HashKind::kMd5);
  whole->update(bytes);
  EXPECT_EQ(intake.digests().get(HashKind::kMd5), whole->digest().bytes);
  EXPECT_EQ(intake.digests().crc32c(), crc32c(0, bytes));
}

TEST(DiscardingStore, CountsButForgets) {
  const auto store = discarding_store();
  Intake intake(store.get(), Digests{});
  ASSERT_TRUE(intake.keep("gone"));
  EXPECT_EQ(intake.content().size(), 4u);
  EXPECT_EQ(intake.content().text(), "");
}

TEST(FileStore, ReadsBackAfterBeingOpenedAgain) {
  const auto path = std::filesystem::temp_directory_path() / ("ferry-file-store-" + std::to_string(::getpid()));
  std::uint64_t place = 0;
  {
    auto store = file_store(path);
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->keep("first"));
    place = *(*(*store)->keep("second"))->file_offset();
  }
  auto store = file_store(path);
  Content content;
  content.append((*store)->restore(place), 0, 6);
  EXPECT_EQ(content.text(), "second");
  std::filesystem::remove(path);
}

TEST(Pattern, ComputesTheCrcOfAnyRangeWithoutReadingIt) {
  const auto& pattern = Pattern::instance();
  const auto read = [&](std::uint64_t first, std::uint64_t length) {
    std::uint32_t crc = 0;
    while (length > 0) {
      const auto bytes = pattern.at(first, length);
      crc = crc32c(crc, bytes);
      first += bytes.size();
      length -= bytes.size();
    }
    return crc;
  };
  const std::pair<std::uint64_t, std::uint64_t> kRanges[] = {
      {0, 0}, {0, 1}, {4095, 2}, {17, 100'000}, {Pattern::kPeriod - 5, 10}, {123, 3 * Pattern::kPeriod + 7}};
  for (const auto& [first, length] : kRanges)
    EXPECT_EQ(pattern.crc32c(first, length), read(first, length)) << first << "+" << length;
}

TEST(SyntheticKeys, AreInListingOrderAndFoundAgain) {
  const SyntheticKeys keys(12'345, 10, "bucket");
  for (std::uint64_t i = 1; i < keys.count(); ++i) ASSERT_LT(keys.key(i - 1), keys.key(i));
  EXPECT_EQ(keys.index(keys.key(9'876)), 9'876u);
  EXPECT_EQ(keys.index("data/0000009/87"), std::nullopt);
  EXPECT_EQ(keys.lower_bound(""), 0u);
  EXPECT_EQ(keys.lower_bound("zzz"), keys.count());
  EXPECT_NE(keys.content(1).text(), keys.content(2).text());
}

TEST(SyntheticSpec, ReadsUnitsAndRefusesNonsense) {
  const auto spec = parse_synthetic("b:10M:4K");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->count, 10u << 20);
  EXPECT_EQ(spec->size, 4096u);
  for (const auto* text : {"b", "b:1", "b:x:1", "b:1:-1", "b:1:99999999999T"})
    EXPECT_FALSE(parse_synthetic(text)) << text;
}

TEST(JoinCrcs, GivesTheVectorsOfTwoParts) {
  const std::string a(1024, 'A'), b(100, 'B');
  const auto crc = [](HashKind kind, const std::string& bytes) {
    const auto hash = make_hash(kind);
    hash->update(bytes);
    return hash->digest().bytes;
  };
  const auto joined = [&](HashKind kind) { return base64(join_crcs(kind, crc(kind, a), crc(kind, b), b.size())); };
  EXPECT_EQ(joined(HashKind::kCrc32c), "4EhHrQ==");
  EXPECT_EQ(joined(HashKind::kCrc32), "PX41IA==");
  EXPECT_EQ(joined(HashKind::kCrc64nvme), "7lFjfFWNY0o=");
}

}  // namespace
}  // namespace ferry::sandbox
