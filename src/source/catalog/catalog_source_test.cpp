#include "source/catalog/catalog_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "kit/base/gzip.hpp"
#include "kit/base/hash.hpp"
#include "source/memory/memory_source.hpp"
#include "testing/base/simulated_clock.hpp"
#include "testing/base/temporary_folder.hpp"

namespace ferry::catalog {
namespace {

std::string md5_hex(std::string_view bytes) {
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(bytes);
  return hex(hash->digest().bytes);
}

/// A source bucket, a bucket of reports, and a source that lists by one of them.
class CatalogTest : public ::testing::Test {
 protected:
  ObjectSource* source(Kind kind, std::string path, bool on_shelf = true) {
    Place place;
    place.kind = kind;
    place.bucket = BucketName{"photos"};
    place.name = "catalog " + path;
    place.path = std::move(path);
    place.on_shelf = on_shelf;
    place.sort_in = folder_.path();
    source_ = catalog_source(make_catalog(std::move(place)), memory_source(bucket_), memory_source(reports_));
    return source_.get();
  }
  template <class T>
  T run(Task<T> task) {
    return testing::run(context_, std::move(task), &clock_);
  }
  Result<std::vector<SourceEntry>> list(const std::string& prefix = {}) {
    std::vector<SourceEntry> all;
    std::optional<std::string> token;
    do {
      auto page = run(source_->list(prefix, std::move(token)));
      if (!page) return fail(std::move(page).error());
      for (auto& entry : page->entries) all.push_back(std::move(entry));
      token = std::move(page->next);
    } while (token);
    return all;
  }
  std::vector<std::string> keys(const std::string& prefix = {}) {
    std::vector<std::string> found;
    auto all = list(prefix);
    EXPECT_TRUE(all) << all.error().what;
    if (!all) return found;
    for (const auto& entry : *all) found.push_back(entry.key.str());
    return found;
  }
  /// An inventory of these rows ("key,size"), split into two files.
  void write_inventory(const std::vector<std::string>& rows) {
    std::string files;
    for (int i = 0; i < 2; ++i) {
      std::string text;
      for (std::size_t j = static_cast<std::size_t>(i); j < rows.size(); j += 2) {
        text += "\"photos\",\"" + rows[j] + "\",\"5\",\"2026-01-02T03:04:05.000Z\",\"abc\"\n";
      }
      const auto bytes = gzip(text);
      const auto key = "data/" + std::to_string(i) + ".csv.gz";
      reports_->put(key, bytes);
      files += (i > 0 ? "," : "") + (R"({"key":")" + key + R"(","size":)" + std::to_string(bytes.size()) +
                                     R"(,"MD5checksum":")" + md5_hex(bytes) + "\"}");
    }
    reports_->put("manifest.json", R"({"sourceBucket":"photos","fileFormat":"CSV",)"
                                   R"("fileSchema":"Bucket, Key, Size, LastModifiedDate, ETag","files":[)" +
                                       files + "]}");
  }

  testing::TemporaryFolder folder_;
  asio::io_context context_{1};
  testing::SimulatedClock clock_;
  std::shared_ptr<MemoryBucket> bucket_ = std::make_shared<MemoryBucket>(&clock_);
  std::shared_ptr<MemoryBucket> reports_ = std::make_shared<MemoryBucket>(&clock_);
  std::unique_ptr<ObjectSource> source_;
};

TEST_F(CatalogTest, ListsAnInventoryInKeyOrderWithoutAskingTheBucket) {
  std::vector<std::string> rows, expected;
  for (int i = 0; i < 2'500; ++i) {
    expected.push_back("k" + std::to_string(i));
    rows.push_back("k" + std::to_string(2'499 - i));
  }
  std::ranges::sort(expected);
  write_inventory(rows);
  source(Kind::kInventory, "manifest.json");
  EXPECT_EQ(keys(), expected);
  EXPECT_EQ(bucket_->counts().lists + bucket_->counts().stats, 0u);
  const auto all = list();
  EXPECT_EQ(all->front().size, 5u);
  EXPECT_EQ(all->front().version.etag, ETag{"\"abc\""});
  EXPECT_EQ(keys("k24").size(), 111u);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path())) << "nothing stays behind";
}

TEST_F(CatalogTest, ReadsAnInventoryOnceUntilThereIsAnother) {
  write_inventory({"a", "b"});
  source(Kind::kInventory, "manifest.json");
  EXPECT_EQ(keys().size(), 2u);
  const auto opens = reports_->counts().opens;
  EXPECT_EQ(keys().size(), 2u);
  EXPECT_EQ(reports_->counts().opens, opens + 1) << "a look at the manifest";
  clock_.advance(std::chrono::seconds{10});
  write_inventory({"a", "b", "c"});
  EXPECT_EQ(keys().size(), 3u);
}

TEST_F(CatalogTest, RefusesAnInventoryThatIsDamagedOrOfAnotherBucket_F170) {
  write_inventory({"a", "b"});
  source(Kind::kInventory, "manifest.json");
  reports_->put("data/1.csv.gz", gzip("\"photos\",\"evil\",\"5\",\"2026-01-02T03:04:05.000Z\",\"abc\"\n"));
  auto all = list();
  EXPECT_EQ(all.error().kind, ErrorKind::kCorrupt);
  EXPECT_NE(all.error().what.find("data/1.csv.gz: its MD5"), std::string::npos) << all.error().what;
  reports_->remove("data/1.csv.gz");
  EXPECT_EQ(list().error().kind, ErrorKind::kInvalid) << "not gone: nothing may be concluded";

  reports_->put("other.json", R"({"sourceBucket":"videos","fileFormat":"CSV",)"
                              R"("fileSchema":"Bucket, Key, Size, LastModifiedDate, ETag","files":[]})");
  source(Kind::kInventory, "other.json");
  EXPECT_NE(list().error().what.find("'videos'"), std::string::npos);
  source(Kind::kInventory, "missing.json");
  EXPECT_EQ(list().error().kind, ErrorKind::kInvalid);
}

TEST_F(CatalogTest, AFirstPageOnlyLooksWhetherTheFileIsThere) {
  write_inventory({"a"});
  const auto page = run(source(Kind::kInventory, "manifest.json")->list({}, std::nullopt));
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_TRUE(page->entries.empty());
  EXPECT_TRUE(page->next.has_value());
  EXPECT_EQ(reports_->counts().opens, 1u);
}

TEST_F(CatalogTest, GoesOnBehindAKnownKey) {
  write_inventory({"a", "b", "c"});
  const auto first = run(source(Kind::kInventory, "manifest.json")->list({}, std::nullopt, ObjectKey{"b"}));
  const auto page = run(source_->list({}, first->next));
  ASSERT_EQ(page->entries.size(), 1u);
  EXPECT_EQ(page->entries[0].key, ObjectKey{"c"});
}

TEST_F(CatalogTest, LooksUpTheKeysOfAManifestAndSaysWhatIsNotThere) {
  PutOptions versioned;
  versioned.version_id = VersionId{"v1"};
  bucket_->put("a b", "hello", std::move(versioned));
  bucket_->put("denied", "x");
  bucket_->deny("denied");
  reports_->put("keys.csv", "photos,missing\nphotos,a%20b,v1\nphotos,denied\nphotos,missing\n");
  source(Kind::kKeys, "keys.csv");
  const auto all = list();
  ASSERT_TRUE(all) << all.error().what;
  ASSERT_EQ(all->size(), 3u) << "the same row twice counts once";
  EXPECT_EQ(all->at(0).key, ObjectKey{"a b"});
  EXPECT_EQ(all->at(0).size, 5u);
  EXPECT_EQ(all->at(0).version.version_id, VersionId{"v1"});
  EXPECT_FALSE(all->at(0).trouble);
  ASSERT_TRUE(all->at(1).trouble);
  EXPECT_EQ(all->at(1).trouble->kind, ErrorKind::kDenied);
  ASSERT_TRUE(all->at(2).trouble);
  EXPECT_EQ(all->at(2).trouble->kind, ErrorKind::kGone);
  EXPECT_EQ(bucket_->counts().stats, 3u);
  EXPECT_EQ(bucket_->counts().lists, 0u);
}

TEST_F(CatalogTest, AManifestWithoutVersionsMeansTheNewest) {
  PutOptions versioned;
  versioned.version_id = VersionId{"v1"};
  bucket_->put("a", "hello", std::move(versioned));
  reports_->put("keys", "a\n");
  source(Kind::kKeys, "keys");
  EXPECT_EQ(list()->at(0).version.version_id, std::nullopt);
}

TEST_F(CatalogTest, ReadsAFileOfKeysOfThisMachine) {
  for (int i = 0; i < 600; ++i) bucket_->put("k" + std::to_string(i), "x");
  const auto file = folder_.path() / "keys.txt";
  {
    std::ofstream out{file};
    for (int i = 599; i >= 0; --i) out << "k" << i << "\n";
  }
  source(Kind::kKeys, file.native(), false);
  const auto found = keys();
  EXPECT_EQ(found.size(), 600u);
  EXPECT_TRUE(std::ranges::is_sorted(found));
  source(Kind::kKeys, (folder_.path() / "nothing").native(), false);
  EXPECT_EQ(list().error().kind, ErrorKind::kInvalid);
}

TEST_F(CatalogTest, TwoVersionsOfOneKeyHaveNoPlaceAtTheTarget) {
  reports_->put("keys.csv", "photos,a,v1\nphotos,a,v2\n");
  source(Kind::kKeys, "keys.csv");
  const auto all = list();
  EXPECT_EQ(all.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(all.error().what.find("key 'a'"), std::string::npos) << all.error().what;
}

TEST_F(CatalogTest, WhereEveryKeyIsRefusedTheSetUpIsAtFault) {
  for (const auto* key : {"a", "b"}) {
    bucket_->put(key, "x");
    bucket_->deny(key);
  }
  reports_->put("keys", "a\nb\n");
  source(Kind::kKeys, "keys");
  EXPECT_EQ(list().error().kind, ErrorKind::kDenied);
}

TEST_F(CatalogTest, AKeyThatCannotBeLookedUpNowEndsTheListing) {
  bucket_->put("a", "x");
  bucket_->fail_stat("a", Error{ErrorKind::kUnavailable, "503 SlowDown"}, MemoryBucket::kAlways);
  reports_->put("keys", "a\n");
  source(Kind::kKeys, "keys");
  EXPECT_EQ(list().error().kind, ErrorKind::kUnavailable) << "nothing may be concluded";
}

TEST_F(CatalogTest, EverythingElseIsAskedOfTheBucket) {
  bucket_->put("a", "hello");
  reports_->put("keys", "");
  source(Kind::kKeys, "keys");
  EXPECT_TRUE(keys().empty());
  EXPECT_EQ(run(source_->stat(ObjectKey{"a"}))->size, 5u);
  EXPECT_TRUE(run(source_->open(ObjectKey{"a"}, std::nullopt)));
  EXPECT_EQ(run(source_->restore(ObjectKey{"a"}, RestoreWish{1, "Bulk"})).value(), RestoreAnswer::kReadable);
}

}  // namespace
}  // namespace ferry::catalog
