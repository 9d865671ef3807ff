#include "source/catalog/inventory.hpp"

#include <gtest/gtest.h>

namespace ferry::catalog {
namespace {

std::string manifest_text(const std::string& schema, const std::string& format = "CSV") {
  return R"({"sourceBucket":"photos","destinationBucket":"arn:aws:s3:::reports","version":"2016-11-30",)"
         R"("creationTimestamp":"1514944800000","fileFormat":")" +
         format + R"(","fileSchema":")" + schema +
         R"(","files":[{"key":"photos/all/data/1.csv.gz","size":2147483647,)"
         R"("MD5checksum":"f11166069f1990abeb9c97ace9cdfabc"}]})";
}
const std::string kSchema =
    "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass";

Result<std::vector<SourceEntry>> read_rows(const std::string& schema, const std::string& text,
                                           const std::string& prefix = {}) {
  const auto manifest = parse_inventory_manifest(manifest_text(schema));
  if (!manifest) return fail(manifest.error());
  InventoryRows rows{&*manifest, prefix};
  std::vector<SourceEntry> entries;
  if (auto fed = rows.feed(text, &entries); !fed) return fail(std::move(fed).error());
  if (auto done = rows.finish(&entries); !done) return fail(std::move(done).error());
  return entries;
}

TEST(Inventory, ManifestTellsColumnsAndFiles) {
  const auto manifest = parse_inventory_manifest(manifest_text(kSchema));
  ASSERT_TRUE(manifest) << manifest.error().what;
  EXPECT_EQ(manifest->source, BucketName{"photos"});
  EXPECT_EQ(manifest->columns.size(), 9u);
  EXPECT_EQ(manifest->columns[1], "Key");
  ASSERT_EQ(manifest->files.size(), 1u);
  EXPECT_EQ(manifest->files[0].key, ObjectKey{"photos/all/data/1.csv.gz"});
  EXPECT_EQ(manifest->files[0].size, 2147483647u);
}

TEST(Inventory, RefusesOtherFormatsAndMissingColumnsWithARemedy) {
  EXPECT_NE(parse_inventory_manifest(manifest_text(kSchema, "Parquet")).error().what.find("change its configuration"),
            std::string::npos);
  EXPECT_NE(parse_inventory_manifest(manifest_text(kSchema, "ORC")).error().what.find("ORC"), std::string::npos);
  EXPECT_NE(parse_inventory_manifest(manifest_text("Bucket, Key, Size")).error().what.find("LastModifiedDate"),
            std::string::npos);
  for (const auto* text : {"", "[]", "{}", "not json", R"({"fileFormat":"CSV"})"}) {
    EXPECT_EQ(parse_inventory_manifest(text).error().kind, ErrorKind::kInvalid) << text;
  }
}

TEST(Inventory, RowsAreReadInTheOrderOfTheSchema) {
  const auto entries = read_rows("Bucket, Key, ETag, StorageClass, LastModifiedDate, Size",
                                 "\"photos\",\"a+b%2F%C3%BC\",\"5d41402abc4b2a76b9719d911017c592-2\",\"STANDARD_IA\","
                                 "\"2026-01-02T03:04:05.678Z\",\"17\"\n");
  ASSERT_TRUE(entries) << entries.error().what;
  ASSERT_EQ(entries->size(), 1u);
  const auto& entry = entries->front();
  EXPECT_EQ(entry.key, ObjectKey{"a b/\xc3\xbc"});
  EXPECT_EQ(entry.version.etag, ETag{"\"5d41402abc4b2a76b9719d911017c592-2\""}) << "as listings have it";
  EXPECT_EQ(entry.version.modified, parse_rfc3339("2026-01-02T03:04:05Z"));
  EXPECT_EQ(entry.version.version_id, std::nullopt);
  EXPECT_EQ(entry.size, 17u);
  EXPECT_EQ(entry.storage_class, "STANDARD_IA");
}

TEST(Inventory, OldVersionsAndDeleteMarkersAreLeftOut) {
  const auto row = [](const std::string& key, const std::string& latest, const std::string& marker) {
    const std::string size = marker == "true" ? "" : "5";
    return "\"photos\",\"" + key + "\",\"v1\",\"" + latest + "\",\"" + marker + "\",\"" + size +
           "\",\"2026-01-02T03:04:05.000Z\",\"" + (marker == "true" ? "" : "abc") + "\",\"\"\n";
  };
  const auto entries = read_rows(kSchema, row("new", "true", "false") + row("old", "false", "false") +
                                              row("gone", "true", "true") + row("z/inside", "true", "false"));
  ASSERT_TRUE(entries) << entries.error().what;
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ(entries->at(0).key, ObjectKey{"new"});
  EXPECT_EQ(entries->at(0).version.version_id, std::nullopt) << "the newest is wanted, whichever that is by now";
  EXPECT_EQ(entries->at(0).storage_class, "STANDARD");
  EXPECT_EQ(read_rows(kSchema, row("new", "true", "false") + row("z/inside", "true", "false"), "z/")->size(), 1u);
}

TEST(Inventory, RefusesRowsThatDoNotFitWithTheirLine_F170) {
  const std::string schema = "Bucket, Key, Size, LastModifiedDate, ETag";
  const std::string good = "photos,a,5,2026-01-02T03:04:05.000Z,abc\n";
  for (const std::string bad :
       {"photos,a,5,2026-01-02T03:04:05.000Z\n", "photos,a,5,2026-01-02T03:04:05.000Z,abc,more\n",
        "videos,a,5,2026-01-02T03:04:05.000Z,abc\n", "photos,,5,2026-01-02T03:04:05.000Z,abc\n",
        "photos,50%,5,2026-01-02T03:04:05.000Z,abc\n", "photos,a,-1,2026-01-02T03:04:05.000Z,abc\n",
        "photos,a,99999999999999999999,2026-01-02T03:04:05.000Z,abc\n", "photos,a,5,yesterday,abc\n",
        "photos,a,5,2026-01-02T03:04:05.000Z,\n", "photos,a,5,2026-01-02T03:04:05.000Z,\"a\"\"b\"\n",
        "photos,\"a,5,2026-01-02T03:04:05.000Z,abc\n"}) {
    const auto read = read_rows(schema, good + bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt) << bad;
    EXPECT_TRUE(read.error().what.starts_with("line 2: ")) << read.error().what;
  }
}

}  // namespace
}  // namespace ferry::catalog
