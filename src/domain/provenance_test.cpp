#include "domain/provenance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

Provenance sample() {
  return {"s3://photos/2026/größe//a b.jpg",
          {ETag{"\"9b2cf535f27731c974343645a3985328-3\""}, *parse_rfc3339("2026-01-02T03:04:05Z"),
           VersionId{"3/L4kqtJl+r="}},
          1234567890123,
          Rung::kParts};
}

void expect_same(const std::optional<Provenance>& got, const Provenance& expected) {
  ASSERT_TRUE(got);
  EXPECT_EQ(got->source, expected.source);
  EXPECT_EQ(got->version.etag, expected.version.etag);
  EXPECT_EQ(got->version.modified, expected.version.modified);
  EXPECT_EQ(got->version.version_id, expected.version.version_id);
  EXPECT_EQ(got->size, expected.size);
  EXPECT_EQ(got->check, expected.check);
}

UserMetadata without(UserMetadata metadata, std::string_view name) {
  std::erase_if(metadata, [&](const auto& entry) { return entry.first == name; });
  return metadata;
}

UserMetadata with(UserMetadata metadata, std::string_view name, std::string value) {
  metadata = without(std::move(metadata), name);
  metadata.emplace_back(name, std::move(value));
  return metadata;
}

TEST(Provenance, IsWrittenUnderStableSortedNames) {
  const UserMetadata expected{
      {"ferry-check", "parts"},
      {"ferry-etag", "\"9b2cf535f27731c974343645a3985328-3\""},
      {"ferry-modified", "2026-01-02T03:04:05Z"},
      {"ferry-size", "1234567890123"},
      {"ferry-source", "s3://photos/2026/größe//a b.jpg"},
      {"ferry-version-id", "3/L4kqtJl+r="},
  };
  EXPECT_EQ(to_metadata(sample()), expected);
}

TEST(Provenance, LeavesTheVersionIdOutWhereThereIsNone) {
  auto provenance = sample();
  provenance.version.version_id.reset();
  const auto metadata = to_metadata(provenance);
  EXPECT_EQ(metadata.size(), 5U);
  expect_same(parse_provenance(metadata), provenance);
}

TEST(Provenance, EncodesASourceThatNoHeaderCanHold_F036_F152) {
  auto provenance = sample();
  provenance.source = "s3://photos/a b/100%\r\n\xff";
  const auto metadata = to_metadata(provenance);
  EXPECT_NE(std::ranges::find(metadata, std::pair<std::string, std::string>{"ferry-source-encoded",
                                                                            "s3://photos/a%20b/100%25%0D%0A%FF"}),
            metadata.end());
  expect_same(parse_provenance(metadata), provenance);
}

TEST(Provenance, IsNoneIfItsSourceIsThereInTwoFormsOrInTheWrongOne_F045) {
  EXPECT_FALSE(parse_provenance(with(to_metadata(sample()), "ferry-source-encoded", "s3://photos/a%0A")));
  EXPECT_FALSE(parse_provenance(with(to_metadata(sample()), "ferry-source", "s3://photos/a\n")));
  const auto bare = without(to_metadata(sample()), "ferry-source");
  EXPECT_TRUE(parse_provenance(with(bare, "ferry-source-encoded", "s3://photos/a%0A")));
  for (const auto* form : {"s3://photos/a%0a", "s3://photos/a", "s3://photos/%61%0A", "s3://photos/%0", "photos/%0A"}) {
    EXPECT_FALSE(parse_provenance(with(bare, "ferry-source-encoded", form))) << form;
  }
}

TEST(Provenance, IsFoundAmongTheUsersEntriesInAnyOrder) {
  auto metadata = to_metadata(sample());
  metadata.emplace_back("colour", "blue");
  metadata.emplace_back("ferry-later", "from a newer release");
  metadata.emplace_back("", "");
  std::reverse(metadata.begin(), metadata.end());
  expect_same(parse_provenance(metadata), sample());
}

TEST(Provenance, IsNoneUnlessEveryRequiredEntryIsThere_F045) {
  EXPECT_FALSE(parse_provenance({}));
  for (const auto* name : {"ferry-check", "ferry-etag", "ferry-modified", "ferry-size", "ferry-source"}) {
    EXPECT_FALSE(parse_provenance(without(to_metadata(sample()), name))) << name;
    EXPECT_FALSE(parse_provenance(with(to_metadata(sample()), name, ""))) << name;
  }
  EXPECT_FALSE(parse_provenance(with(to_metadata(sample()), "ferry-version-id", "")));
}

TEST(Provenance, IsNoneIfAnEntryIsNotInTheFormThatWeWrite_F045) {
  const std::initializer_list<std::pair<std::string_view, std::string_view>> forged{
      {"ferry-source", "photos/a"},
      {"ferry-source", "gs://photos/a"},
      {"ferry-source", "s3://photos"},
      {"ferry-source", "s3://photos/"},
      {"ferry-source", "s3:///a"},
      {"ferry-source", "s3://photos/\xff"},
      {"ferry-modified", "yesterday"},
      {"ferry-modified", "2026-01-02T03:04:05.000Z"},
      {"ferry-modified", "2026-01-02T03:04:05+00:00"},
      {"ferry-modified", "2026-02-30T03:04:05Z"},
      {"ferry-size", "-1"},
      {"ferry-size", "007"},
      {"ferry-size", "1.5"},
      {"ferry-size", "18446744073709551616"},
      {"ferry-check", "MD5"},
      {"ferry-check", "sha512"},
      {"ferry-etag", "\xc3("},
  };
  for (const auto& [name, value] : forged) {
    EXPECT_FALSE(parse_provenance(with(to_metadata(sample()), name, std::string{value}))) << name << "=" << value;
  }
}

TEST(Provenance, IsNoneIfAnEntryIsThereTwice_F045) {
  for (const auto& entry : to_metadata(sample())) {
    auto metadata = to_metadata(sample());
    metadata.push_back(entry);
    EXPECT_FALSE(parse_provenance(metadata)) << entry.first;
  }
}

TEST(Provenance, AnyVersionComesBackUnchanged) {
  testing::SeededRng rng{13};
  const auto text = [&rng](std::size_t least) {
    static constexpr std::array<std::string_view, 8> kPieces{"a", "/", "é", "\n", "\"", "🚢", " ", "%2F"};
    std::string result;
    for (auto count = least + rng.next() % 12; count > 0; --count) result += kPieces[rng.next() % kPieces.size()];
    return result;
  };
  for (int round = 0; round < 2000; ++round) {
    Provenance provenance{
        "s3://b/" + text(1),
        {ETag{text(1)}, Seconds{std::chrono::seconds{static_cast<std::int64_t>(rng.next() % (1ULL << 37))}}, {}},
        rng.next(),
        static_cast<Rung>(rng.next() % kRungs)};
    if (rng.next() % 2 == 0) provenance.version.version_id = VersionId{text(1)};
    expect_same(parse_provenance(to_metadata(provenance)), provenance);
  }
}

TEST(Rung, EveryNameComesBack) {
  for (int i = 0; i < kRungs; ++i) EXPECT_EQ(parse_rung(to_string(static_cast<Rung>(i))), static_cast<Rung>(i));
  EXPECT_EQ(to_string(Rung::kMd5), "md5");
  EXPECT_EQ(to_string(Rung::kCrc64nvme), "crc64nvme");
  EXPECT_EQ(to_string(Rung::kTransport), "transport");
  EXPECT_EQ(parse_rung(""), std::nullopt);
  EXPECT_EQ(parse_rung("md5 "), std::nullopt);
}

}  // namespace
}  // namespace ferry
