// Which objects take part: filters, lists of keys, inventories, archived objects; and what becomes of those that don't.

#include <zlib.h>

#include <chrono>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

std::string md5(std::string_view bytes) {
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(bytes);
  return hash->digest().bytes;
}

/// As a gzip file.
std::string gzip_of(const std::string& text) {
  z_stream stream{};
  std::string out(text.size() + 1024, '\0');
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

class Scope : public SystemTest {
 protected:
  /// What the listing says of a key, as an inventory has it.
  struct Row {
    std::string key, etag, modified;
    std::size_t size;
  };
  Row row_of(const std::string& key) {
    const auto head = source_->request("HEAD", key, {}, {}, "");
    const auto modified = parse_http_date(head.headers.find("last-modified").value_or(""));
    return {key, std::string{head.headers.find("etag").value_or("")}, rfc3339(modified.value()),
            parse_u64(head.headers.find("content-length").value_or("")).value()};
  }
  void write_inventory(const std::vector<Row>& rows) {
    std::string text;
    for (const auto& row : rows) {
      text += "\"" + kSource + "\",\"" + percent_encode(row.key, "/") + "\",\"" + std::to_string(row.size) + "\",\"" +
              row.modified.substr(0, 19) + ".000Z\",\"" + row.etag.substr(1, row.etag.size() - 2) + "\"\n";
    }
    const auto bytes = gzip_of(text);
    reports_->put("daily/data/1.csv.gz", bytes);
    reports_->put("daily/manifest.json",
                  R"({"sourceBucket":")" + kSource +
                      R"(","fileFormat":"CSV","fileSchema":"Bucket, Key, Size, LastModifiedDate, ETag","files":[)"
                      R"({"key":"daily/data/1.csv.gz","size":)" +
                      std::to_string(bytes.size()) + R"(,"MD5checksum":")" + hex(md5(bytes)) + "\"}]}");
  }
  void make_reports() {
    reports_ = std::make_unique<S3Bucket>(http_.get(), source_->account(), "reports");
    reports_->create();
  }

  std::unique_ptr<S3Bucket> reports_;
  const std::string kInventory = "s3://reports/daily/manifest.json";
};

TEST_F(Scope, FiltersLeaveOutWithoutFailingOrForgetting) {
  start();
  source_->put("small", noise(10, 1));
  source_->put("large", noise(5000, 2));
  source_->put("large-rare", noise(5000, 3), {{"x-amz-storage-class", "STANDARD_IA"}});
  source_->put("huge", noise(50'000, 4));

  const auto outcome =
      copy({"--min-size", "1K", "--max-size", "10K", "--storage-class", "STANDARD", "--modified-since", "1d"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("listed"), 1);
  EXPECT_EQ(outcome.number("copied"), 1);
  EXPECT_EQ(outcome.number("filtered"), 3);
  EXPECT_TRUE(target_->get("large").has_value());
  EXPECT_EQ(target_->list().size(), 1u);

  ASSERT_EQ(copy().code(), 0);
  const auto verified = verify({"--min-size", "1K", "--max-size", "10K"});
  EXPECT_EQ(verified.code(), 0) << "what the filter leaves out is not extra: " << verified.describe();
  EXPECT_EQ(verified.number("listed"), 2);
  EXPECT_EQ(verified.number("filtered"), 2);
}

TEST_F(Scope, AgesCountFromNow) {
  start();
  source_->put("new", "bytes");
  EXPECT_EQ(copy({"--modified-before", "1d"}).number("filtered"), 1);
  EXPECT_EQ(copy({"--modified-since", "2020-01-01T00:00:00Z"}).number("copied"), 1);
}

TEST_F(Scope, AManifestNamesKeysAndVersions) {
  start();
  ASSERT_EQ(source_
                ->request("PUT", "", {{"versioning", ""}}, {},
                          "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
                .status,
            200);
  source_->put("a b", "old");
  const auto old = std::string{source_->request("HEAD", "a b", {}, {}, "").headers.find("x-amz-version-id").value()};
  source_->put("a b", "newest");
  source_->put("c", "bytes");
  source_->put("unnamed", "bytes");
  write_file(folder() / "keys.csv", kSource + ",c\n" + kSource + ",a%20b," + old + "\n" + kSource + ",no/such\n");

  const auto outcome = copy({"--manifest", (folder() / "keys.csv").native()});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("listed"), 3);
  EXPECT_EQ(outcome.number("copied"), 2);
  EXPECT_EQ(outcome.number("superseded"), 1) << "named, but not there";
  EXPECT_EQ(target_->get("a b"), "old");
  EXPECT_EQ(target_->get("c"), "bytes");
  EXPECT_EQ(target_->list().size(), 2u);
  EXPECT_EQ(target_->describe("a b")->at("metadata").at("ferry-version-id").as_string(), old);
  EXPECT_EQ(sandbox_->requests("s3", "ListObjectsV2"), 0);

  EXPECT_EQ(copy({"--manifest", (folder() / "keys.csv").native()}).number("unchanged"), 2);
  const auto verified = verify({"--manifest", (folder() / "keys.csv").native(), "--deep"});
  EXPECT_EQ(verified.summary.at("verdicts").at("ok"), 2) << verified.describe();
  EXPECT_EQ(verified.summary.at("verdicts").at("unverified"), 1);
  EXPECT_EQ(verified.summary.at("verdicts").at("extra"), 0);
}

TEST_F(Scope, AManifestMayStandInABucketAndBePlain) {
  start();
  make_reports();
  source_->put("logs/a", "a");
  source_->put("logs/b", "b");
  source_->put("other", "c");
  reports_->put("keys", "other\nlogs/b\nlogs/a\n");
  const auto outcome = ferry({"copy", "s3://" + kSource + "/logs", "gs://" + kTarget, "--json", "--state",
                              (folder() / "state").native(), "--manifest", "s3://reports/keys"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 2);
  EXPECT_EQ(target_->get("b"), "b");

  write_file(folder() / "bad.csv", kSource + ",a\nother-bucket,b\n");
  const auto refused = copy({"--manifest", (folder() / "bad.csv").native()});
  EXPECT_EQ(refused.code(), 3);
  EXPECT_NE(refused.ended.err.find("line 2"), std::string::npos) << refused.ended.err;
  rules_.source_prefix = "logs/";
}

TEST_F(Scope, AnInventoryReplacesTheListingAndMayBeOld) {
  start();
  make_reports();
  for (const auto* key : {"z", "a b+c", "same", "changed", "gone"}) source_->put(key, std::string{"old "} + key);
  std::vector<Row> rows;
  for (const auto* key : {"z", "a b+c", "same", "changed", "gone"}) rows.push_back(row_of(key));
  write_inventory(rows);
  source_->put("changed", "by now it is this");
  source_->remove("gone");
  source_->put("newer-than-the-inventory", "bytes");
  sandbox_->forget();

  const auto outcome = copy({"--inventory", kInventory});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("listed"), 5);
  EXPECT_EQ(outcome.number("copied"), 4);
  EXPECT_EQ(outcome.number("superseded"), 1) << "gone is not failed";
  EXPECT_EQ(target_->get("changed"), "by now it is this");
  EXPECT_EQ(target_->get("a b+c"), "old a b+c");
  EXPECT_EQ(sandbox_->requests("s3", "ListObjectsV2"), 0);

  const auto again = copy({"--inventory", kInventory});
  EXPECT_EQ(again.number("unchanged"), 4) << again.describe();
  EXPECT_EQ(again.number("copied"), 0);
  const auto verified = verify({"--inventory", kInventory});
  EXPECT_EQ(verified.summary.at("verdicts").at("extra"), 0) << verified.describe();
  EXPECT_EQ(verified.summary.at("verdicts").at("ok"), 3);
}

TEST_F(Scope, AnInventoryThatCannotBeReadIsRefusedWithTheReason) {
  start();
  make_reports();
  source_->put("a", "bytes");
  reports_->put("orc.json", R"({"sourceBucket":")" + kSource + R"(","fileFormat":"ORC","fileSchema":"x","files":[]})");
  const auto refused = copy({"--inventory", "s3://reports/orc.json"});
  EXPECT_EQ(refused.code(), 3) << refused.describe();
  EXPECT_NE(refused.ended.err.find("CSV"), std::string::npos) << refused.ended.err;
  EXPECT_EQ(copy({"--inventory", "s3://reports/none.json"}).code(), 3);
}

TEST_F(Scope, ArchivedObjectsAreAskedForOnceAndComeOverWhenTheyAreReady_F033) {
  start({"--restore-seconds", "3"});
  source_->put("frozen", "cold bytes", {{"x-amz-storage-class", "DEEP_ARCHIVE"}});
  source_->put("tiered", "tiered bytes",
               {{"x-amz-storage-class", "INTELLIGENT_TIERING"}, {"x-sandbox-archive-tier", "ARCHIVE_ACCESS"}});
  source_->put("warm", "bytes");

  const auto left = copy();
  EXPECT_EQ(left.code(), 1) << left.describe();
  EXPECT_EQ(left.number("failed"), 2);
  EXPECT_EQ(sandbox_->requests("s3", "RestoreObject"), 0) << "only who asks for it pays";

  const auto asked = copy({"--restore", "7", "--restore-tier", "standard"});
  EXPECT_EQ(asked.code(), 1) << asked.describe();
  EXPECT_EQ(asked.number("restores"), 2);
  EXPECT_EQ(asked.summary.at("failures").at(0).at("reason"), "archived");
  const auto waiting = copy({"--restore", "7"});
  EXPECT_EQ(waiting.number("restores"), 0) << "nothing is paid for twice: " << waiting.describe();
  EXPECT_EQ(sandbox_->requests("s3", "RestoreObject"), 2);

  EXPECT_TRUE(eventually([&] { return copy({"--restore", "7"}).code() == 0; }, Duration{60}));
  EXPECT_EQ(target_->get("frozen"), "cold bytes");
  EXPECT_EQ(target_->get("tiered"), "tiered bytes");
  EXPECT_EQ(sandbox_->requests("s3", "RestoreObject"), 2);
}

TEST_F(Scope, RequesterPaysIsSaidWithEveryRequest) {
  start({"--requester-pays", "paid-bucket"});
  S3Bucket paid{http_.get(), source_->account(), "paid-bucket"};
  paid.put("tagged", "bytes", {{"x-amz-tagging", "a=b"}});
  paid.put("plain", "bytes");
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"copy",   "s3://paid-bucket", "gs://" + kTarget,
                                   "--json", "--state",          (folder() / "paid").native()};
    words.insert(words.end(), more.begin(), more.end());
    return ferry(words);
  };
  EXPECT_EQ(run({}).code(), 3) << "nobody pays by accident";
  const auto outcome = run({"--s3-requester-pays"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 2);
  EXPECT_EQ(outcome.number("not_whole"), 0);
  rules_.source_bucket = "paid-bucket";
}

TEST_F(Scope, ObjectsWithACustomerKeyAreReadWithItBesideOthersWithout) {
  start();
  const std::string key = "0123456789abcdef0123456789abcdef";
  const HeaderList encrypted{{"x-amz-server-side-encryption-customer-algorithm", "AES256"},
                             {"x-amz-server-side-encryption-customer-key", base64(key)},
                             {"x-amz-server-side-encryption-customer-key-MD5", base64(md5(key))}};
  source_->put("secret-1", "one", encrypted);
  source_->put("plain", "bytes");
  source_->put("secret-2", "two", encrypted);
  source_->put_in_parts("secret-large", {noise(6 * kMiB, 1), noise(kMiB, 2)}, encrypted);

  const auto locked = copy();
  EXPECT_EQ(locked.code(), 1) << locked.describe();
  EXPECT_EQ(locked.number("failed"), 3);
  EXPECT_NE(locked.ended.out.find("--sse-c-key-file"), std::string::npos) << locked.ended.out;

  write_file(folder() / "key", base64(key) + "\n");
  const auto opened = copy({"--sse-c-key-file", (folder() / "key").native(), "--log-level", "debug"});
  EXPECT_EQ(opened.code(), 0) << opened.describe();
  EXPECT_EQ(opened.number("copied"), 3);
  EXPECT_EQ(target_->get("secret-1"), "one");
  EXPECT_EQ(target_->get("secret-large"), noise(6 * kMiB, 1) + noise(kMiB, 2));
  for (const auto& said : {opened.ended.out, opened.ended.err}) {
    EXPECT_EQ(said.find(base64(key)), std::string::npos);
    EXPECT_EQ(said.find(key), std::string::npos);
  }

  write_file(folder() / "wrong", "another key, also of 32 bytes ..");
  source_->put("secret-1", "three", encrypted);
  EXPECT_EQ(copy({"--sse-c-key-file", (folder() / "wrong").native()}).number("failed"), 1);
  write_file(folder() / "short", "too short");
  EXPECT_EQ(copy({"--sse-c-key-file", (folder() / "short").native()}).code(), 2);
}

}  // namespace
}  // namespace ferry::system_test
