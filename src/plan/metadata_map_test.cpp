#include "plan/metadata_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ferry {
namespace {

const Provenance kOurs{"s3://b/k", {ETag{"\"new\""}, Seconds{}, {}}, 7, Rung::kMd5};

Result<MappedMetadata> map(const ObjectMeta& meta, const std::optional<Tags>& tags = std::nullopt,
                           const MetadataChoices& choices = {}) {
  return map_metadata(meta, tags, kOurs, choices);
}

ObjectMeta with_user(UserMetadata user) {
  ObjectMeta meta;
  meta.user = std::move(user);
  return meta;
}

ObjectMeta with_tags(const Tags& tags) {
  ObjectMeta meta;
  meta.tags = static_cast<std::uint32_t>(tags.size());
  return meta;
}

bool has(const UserMetadata& entries, const std::string& name, const std::string& value) {
  return std::ranges::count(entries, UserMetadata::value_type{name, value}) == 1;
}

TEST(MetadataMap, KeepsTheUsersEntriesBesideProvenance) {
  const auto mapped = map(with_user({{"owner", "ann"}, {"note", "caf\xC3\xA9"}}));
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(has(mapped->entries, "note", "caf\xC3\xA9"));
  EXPECT_TRUE(parse_provenance(mapped->entries));
  EXPECT_TRUE(mapped->losses.empty());
  EXPECT_FALSE(mapped->storage_class);
  EXPECT_FALSE(mapped->custom_time);
}

TEST(MetadataMap, KeepsForgedProvenanceUnderAnotherName_F045) {
  const auto mapped =
      map(with_user({{"ferry-etag", "\"forged\""}, {"ferry-size", "99"}, {"source-ferry-etag", "an older one"}}));
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(has(mapped->entries, "source-ferry-etag", "\"forged\""));
  EXPECT_TRUE(has(mapped->entries, "source-source-ferry-etag", "an older one")) << "no entry replaces another";
  const auto back = parse_provenance(mapped->entries);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->version.etag, ETag{"\"new\""});
  EXPECT_EQ(back->size, 7u);
}

TEST(MetadataMap, RefusesWhatTheTargetCannotHold_F043) {
  UserMetadata many;
  for (int i = 0; i < 300; ++i) many.emplace_back("name-" + std::to_string(i), std::string(24, 'v'));
  for (const UserMetadata& user :
       {many, UserMetadata{{"n", std::string(5000, 'v')}}, UserMetadata{{std::string(1100, 'n'), "v"}}}) {
    const auto mapped = map(with_user(user));
    ASSERT_FALSE(mapped);
    EXPECT_EQ(mapped.error().kind, ErrorKind::kLimit);
  }
}

TEST(MetadataMap, TwoKilobytesFromTheSourceAlwaysFit) { EXPECT_TRUE(map(with_user({{"n", std::string(2047, 'v')}}))); }

TEST(MetadataMap, ReplacesAnIllegalContentTypeByTheDefaultAndSaysSo_F046) {
  for (const std::string& type :
       {std::string{}, std::string{"text"}, std::string{"/plain"}, std::string{"text/"}, std::string{"text/\r\nplain"},
        std::string{"t\xC3\xA9xt/plain"}, "text/" + std::string(2000, 'x')}) {
    ObjectMeta meta;
    meta.content.type = type;
    const auto mapped = map(meta);
    ASSERT_TRUE(mapped);
    EXPECT_FALSE(mapped->content.type) << type;
    EXPECT_TRUE(mapped->losses.has(Loss::kContentType)) << type;
  }
  ObjectMeta good;
  good.content.type = "text/html; charset=utf-8";
  EXPECT_EQ(map(good)->content.type, "text/html; charset=utf-8");
  EXPECT_TRUE(map(good)->losses.empty());
  EXPECT_TRUE(map(ObjectMeta{})->losses.empty()) << "none was sent, none is missed";
}

TEST(MetadataMap, KeepsAContentHeaderThatIsNotAsciiAsAnEntry_F044) {
  ObjectMeta meta;
  meta.content.disposition = "attachment; filename=\"caf\xC3\xA9\"";
  meta.content.language = "de";
  const auto mapped = map(meta);
  ASSERT_TRUE(mapped);
  EXPECT_FALSE(mapped->content.disposition);
  EXPECT_TRUE(has(mapped->entries, "content-disposition", "attachment; filename=\"caf\xC3\xA9\""));
  EXPECT_TRUE(mapped->losses.has(Loss::kContentHeader));
  EXPECT_EQ(mapped->content.language, "de");
}

TEST(MetadataMap, KeepsExpiresBesideAnEntryOfThatName) {
  auto meta = with_user({{"expires", "the user's"}});
  meta.content.expires = "Thu, 01 Dec 1994 16:00:00 GMT";
  const auto mapped = map(meta);
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(has(mapped->entries, "expires", "the user's"));
  EXPECT_TRUE(has(mapped->entries, "source-expires", "Thu, 01 Dec 1994 16:00:00 GMT"));
  EXPECT_FALSE(mapped->content.expires);
}

TEST(MetadataMap, BringsTagsAsEntries) {
  const Tags tags{{"Project", "x"}, {"a b/\xC3\xA4", "= :\xC3\xA4"}, {"empty", ""}};
  const auto mapped = map(with_tags(tags), tags);
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(has(mapped->entries, "s3-tag-Project", "x"));
  EXPECT_TRUE(has(mapped->entries, "s3-tag-a%20b%2F%C3%A4", "= :\xC3\xA4"));
  EXPECT_TRUE(has(mapped->entries, "s3-tag-empty", ""));
  EXPECT_TRUE(mapped->losses.empty());
  EXPECT_TRUE(mapped->contexts.empty());
}

TEST(MetadataMap, BringsTagsAsContextsWhereThoseCanHoldThem) {
  const Tags tags{{"Project", "x"},
                  {"goog-x", "y"},
                  {"a/b", "y"},
                  {"path", "/srv"},
                  {"empty", ""},
                  {"quote", "it's"},
                  {"-dash", "y"},
                  {std::string(200, 'k'), std::string(256, 'v')},
                  {"long", std::string(257, 'v')}};
  MetadataChoices choices;
  choices.tags = TagsTo::kContexts;
  const auto mapped = map(with_tags(tags), tags, choices);
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->contexts, (Tags{{"Project", "x"}, {std::string(200, 'k'), std::string(256, 'v')}}));
  EXPECT_TRUE(has(mapped->entries, "s3-tag-path", "/srv"));
  EXPECT_EQ(mapped->entries.size(), to_metadata(kOurs).size() + tags.size() - 2);
  EXPECT_TRUE(mapped->losses.empty());
}

TEST(MetadataMap, NamesTagsThatStayBehind) {
  const Tags tags{{"Project", "x"}};
  MetadataChoices choices;
  choices.tags = TagsTo::kNowhere;
  EXPECT_TRUE(map(with_tags(tags), tags, choices)->losses.has(Loss::kTags));
  EXPECT_TRUE(map(with_tags(tags))->losses.has(Loss::kTags)) << "the source did not give them";
}

TEST(MetadataMap, TagsThatDoNotFitAreNoSilentLoss) {
  Tags tags;
  for (int i = 0; i < 10; ++i) tags.emplace_back("tag" + std::to_string(i), std::string(1000, 'v'));
  const auto mapped = map(with_tags(tags), tags);
  ASSERT_FALSE(mapped);
  EXPECT_NE(mapped.error().what.find("--tags"), std::string::npos) << mapped.error().what;
}

TEST(MetadataMap, MapsStorageClassesAndTimeByChoice) {
  ObjectMeta meta;
  meta.storage_class = "STANDARD_IA";
  meta.version.modified = Seconds{std::chrono::seconds{1'700'000'000}};
  MetadataChoices choices;
  choices.modified_as_custom_time = true;
  choices.storage_classes = {{"GLACIER_IR", "COLDLINE"}};
  EXPECT_FALSE(map(meta, {}, choices)->storage_class);
  EXPECT_EQ(map(meta, {}, choices)->custom_time, meta.version.modified);
  choices.storage_classes = {{"*", "STANDARD"}, {"STANDARD_IA", "NEARLINE"}};
  EXPECT_EQ(map(meta, {}, choices)->storage_class, "NEARLINE");
  meta.storage_class = "SOMETHING_NEW";
  EXPECT_EQ(map(meta, {}, choices)->storage_class, "STANDARD");
}

TEST(MetadataMap, NamesWhatStaysBehind) {
  ObjectMeta meta;
  meta.missing_meta = 2;
  meta.website_redirect = meta.object_lock = meta.expires_by_rule = true;
  EXPECT_EQ(map(meta)->losses.all(),
            (std::vector{Loss::kMissingMetadata, Loss::kWebsiteRedirect, Loss::kObjectLock, Loss::kExpiry}));
}

}  // namespace
}  // namespace ferry
