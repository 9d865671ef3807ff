#include "verify/metadata.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "plan/metadata_map.hpp"

namespace ferry {
namespace {

const Job kBothSides{BucketName{"src"}, "", BucketName{"dst"}, ""};
const ObjectKey kKey{"a"};

ObjectMeta page() {
  ObjectMeta meta;
  meta.version.etag = ETag{"\"9b2c\""};
  meta.size = 4;
  meta.content.type = "text/html";
  meta.content.expires = "Fri, 24 May 2030 00:00:00 GMT";
  meta.user = {{"colour", "green"}, {"ferry-etag", "forged"}};
  return meta;
}

/// As a copy leaves it.
TargetObject copied(const ObjectMeta& meta) {
  const Provenance provenance{kBothSides.source_uri(kKey), meta.version, meta.size};
  const auto mapped = map_metadata(meta, std::nullopt, provenance, {});
  TargetObject there;
  there.key = kKey;
  there.size = meta.size;
  there.provenance = provenance;
  auto metadata = std::make_shared<TargetMetadata>(TargetMetadata{mapped->content, mapped->entries});
  if (meta.content.expires) metadata->entries.emplace_back("expires", *meta.content.expires);
  metadata->content.expires.reset();
  if (!metadata->content.type) metadata->content.type = "application/octet-stream";
  there.metadata = std::move(metadata);
  return there;
}

TargetObject with(TargetObject there, const std::function<void(TargetMetadata*)>& change) {
  auto metadata = std::make_shared<TargetMetadata>(*there.metadata);
  change(metadata.get());
  there.metadata = std::move(metadata);
  return there;
}

std::string compare(const ObjectMeta& meta, const TargetObject& there) {
  return metadata_difference(kBothSides, meta, kKey, there);
}

TEST(VerifyMetadata, ACopyIsWhole) {
  EXPECT_EQ(compare(page(), copied(page())), "");
  ObjectMeta bare;
  EXPECT_EQ(compare(bare, copied(bare)), "") << "no type at the source is octet-stream at the target";
}

TEST(VerifyMetadata, NamesHeadersAndEntriesThatDiffer) {
  EXPECT_EQ(compare(page(), with(copied(page()), [](auto* m) { m->content.type = "text/plain"; })),
            "Content-Type is 'text/html' at the source, 'text/plain' at the target");
  EXPECT_EQ(compare(page(), with(copied(page()), [](auto* m) { m->content.cache_control = "no-store"; })),
            "Cache-Control is not there at the source, 'no-store' at the target");
  EXPECT_EQ(compare(page(), with(copied(page()),
                                 [](auto* m) {
                                   std::erase_if(m->entries, [](const auto& e) { return e.first == "colour"; });
                                 })),
            "metadata 'colour' is 'green' at the source, not there at the target");
  EXPECT_NE(compare(page(), with(copied(page()), [](auto* m) { m->entries.emplace_back("new", "x"); })), "");
}

TEST(VerifyMetadata, LeavesTagsToWhoeverCopies) {
  EXPECT_EQ(compare(page(), with(copied(page()), [](auto* m) { m->entries.emplace_back("s3-tag-team", "ferry"); })),
            "");
}

TEST(VerifyMetadata, OtherToolsMayAddWhatTheyLike) {
  auto there = with(copied(page()), [](auto* m) { m->entries.emplace_back("mtime", "1700000000"); });
  EXPECT_NE(compare(page(), there), "");
  there.provenance->adopted = true;
  EXPECT_EQ(compare(page(), there), "");
  there.provenance.reset();
  EXPECT_EQ(compare(page(), there), "");
  there = with(std::move(there), [](auto* m) { m->content.type = "text/plain"; });
  EXPECT_NE(compare(page(), there), "") << "what the source has must be there all the same";
}

TEST(VerifyMetadata, OfManyDifferencesTheFirstFewAreNamed) {
  auto meta = page();
  for (int i = 0; i < 10; ++i) meta.user.emplace_back("name-" + std::to_string(i), std::string(100, 'x'));
  const auto text = compare(meta, copied(page()));
  EXPECT_NE(text.find("; and 7 more"), std::string::npos) << text;
  EXPECT_LT(text.size(), 600u);
}

}  // namespace
}  // namespace ferry
