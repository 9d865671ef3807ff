#include "plan/metadata_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ferry {
namespace {

const Provenance kOurs{"s3://b/k", {ETag{"\"new\""}, Seconds{}, {}}, 7, Rung::kMd5};

TEST(MetadataMap, KeepsTheUsersEntriesBesideProvenance) {
  const auto mapped = target_metadata({{"owner", "ann"}, {"note", "caf\xC3\xA9"}}, kOurs);
  ASSERT_TRUE(mapped);
  EXPECT_NE(std::ranges::find(*mapped, UserMetadata::value_type{"note", "caf\xC3\xA9"}), mapped->end());
  EXPECT_TRUE(parse_provenance(*mapped));
}

TEST(MetadataMap, KeepsForgedProvenanceUnderAnotherName_F045) {
  const auto mapped = target_metadata({{"ferry-etag", "\"forged\""}, {"ferry-size", "99"}}, kOurs);
  ASSERT_TRUE(mapped);
  EXPECT_NE(std::ranges::find(*mapped, UserMetadata::value_type{"source-ferry-etag", "\"forged\""}), mapped->end());
  const auto back = parse_provenance(*mapped);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->version.etag, ETag{"\"new\""});
  EXPECT_EQ(back->size, 7u);
}

TEST(MetadataMap, RefusesWhatTheTargetCannotHold_F043) {
  UserMetadata many;
  for (int i = 0; i < 300; ++i) many.emplace_back("name-" + std::to_string(i), std::string(24, 'v'));
  for (const UserMetadata& user :
       {many, UserMetadata{{"n", std::string(5000, 'v')}}, UserMetadata{{std::string(1100, 'n'), "v"}}}) {
    const auto mapped = target_metadata(user, kOurs);
    ASSERT_FALSE(mapped);
    EXPECT_EQ(mapped.error().kind, ErrorKind::kLimit);
  }
}

TEST(MetadataMap, TwoKilobytesFromTheSourceAlwaysFit) {
  EXPECT_TRUE(target_metadata({{"n", std::string(2047, 'v')}}, kOurs));
}

}  // namespace
}  // namespace ferry
