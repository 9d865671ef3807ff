// Ceph RADOS Gateway as the source: an S3 server that nobody here wrote. One for the whole program, because it needs a
// quarter of a minute to start; each test has a bucket of its own.

#include <map>

#include "kit/base/hash.hpp"
#include "testing/net/ports.hpp"
#include "tests/system/servers.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

const std::string kAccessKey = "CEPHTESTACCESSKEY", kSecretKey = "ceph-test-secret-access-key-0123456789";

class Ceph : public ::testing::Environment {
 public:
  void SetUp() override {
    folder_ = std::make_unique<testing::TemporaryFolder>();
    account_ = {"http://127.0.0.1:" + std::to_string(port_), kAccessKey, kSecretKey};
    const Command command{FERRY_CEPH_SCRIPT,
                          {(folder_->path() / "ceph").string(), std::to_string(port_),
                           std::to_string(testing::free_port()), kAccessKey, kSecretKey},
                          {}};
    process_ = std::make_unique<Process>(command, folder_->path(), "ceph");
    const auto settled = [&] { return process_->out().find('\n') != std::string::npos || !process_->running(); };
    ASSERT_TRUE(eventually(settled, Duration{120}) && process_->running()) << "Ceph didn't start: " << process_->err();
  }
  void TearDown() override {
    process_->close_input();
    process_->wait(Duration{30});
  }
  [[nodiscard]] S3Account account() const { return account_; }
  [[nodiscard]] std::string fresh_bucket() { return "bucket-" + std::to_string(++buckets_); }

 private:
  std::uint16_t port_ = testing::free_port();
  int buckets_ = 0;
  S3Account account_;
  std::unique_ptr<testing::TemporaryFolder> folder_;
  std::unique_ptr<Process> process_;
};

Ceph* const ceph = static_cast<Ceph*>(::testing::AddGlobalTestEnvironment(new Ceph));

class FromCeph : public SystemTest {
 protected:
  void SetUp() override {
    start();
    bucket_ = std::make_unique<S3Bucket>(http_.get(), ceph->account(), ceph->fresh_bucket());
    bucket_->create();
    rules_.source_bucket = bucket_->name();
    rules_.computed_crc32c = [this](const std::string& key) {
      return stored_.contains(key) ? std::optional{stored_[key]} : std::nullopt;
    };
  }
  void remember(const std::string& key, const std::string& bytes) {
    stored_[key] = base64(big_endian(crc32c(0, bytes)));
  }
  void put(const std::string& key, const std::string& bytes, const HeaderList& headers = {}) {
    bucket_->put(key, bytes, headers);
    remember(key, bytes);
  }
  Outcome migrate(const std::string& command = "copy") {
    std::vector<std::string> arguments{command, "s3://" + bucket_->name(), "gs://" + kTarget, "--json", "--progress",
                                       "none"};
    if (command == "copy") {
      arguments.insert(arguments.end(),
                       {"--state", (folder() / "state.sqlite").string(), "--report", report_file().string()});
    }
    return ferry(std::move(arguments), {{"AWS_ENDPOINT_URL_S3", ceph->account().endpoint},
                                        {"AWS_ACCESS_KEY_ID", kAccessKey},
                                        {"AWS_SECRET_ACCESS_KEY", kSecretKey}});
  }
  std::unique_ptr<S3Bucket> bucket_;
  std::map<std::string, std::string> stored_;  ///< CRC32C by key
};

TEST_F(FromCeph, WholeMigrationArrivesAndARescanMovesNothing) {
  const std::vector<std::string> awkward{"a//b",
                                         "a+b",
                                         "a b",
                                         "a%2Fb",
                                         "a&b=c",
                                         "a?b#c",
                                         "quote\"'<",
                                         "dir/",
                                         "..a",
                                         "/leading",
                                         "tab\t.",
                                         "\xc3\xbc",
                                         "\xf0\x9f\x9a\xa2",
                                         "u\xcc\x88",
                                         "~",
                                         "[*]?",
                                         "back\\",
                                         "case",
                                         "CASE",
                                         std::string(1024, 'k')};
  for (const auto& key : awkward) put(key, "of " + key);
  put("empty", "");
  put("headers", noise(70'000, 1),
      {{"content-type", "text/x-test"},
       {"content-encoding", "gzip"},
       {"cache-control", "no-cache"},
       {"x-amz-meta-colour", "green"}});
  for (const std::uint64_t size : {256 * kKiB, kMiB + 1, kChunk, kChunk + 1, 40 * kMiB}) {
    put("size/" + std::to_string(size), noise(size, size));
  }
  const std::vector<std::string> parts{noise(5 * kMiB, 1), noise(6 * kMiB, 2), noise(9 * kMiB, 3), noise(17, 4)};
  bucket_->put_in_parts("parts", parts);
  remember("parts", parts[0] + parts[1] + parts[2] + parts[3]);
  for (int i = 0; i < 1'100; ++i) put("many/" + std::to_string(i), "x" + std::to_string(i));

  const auto first = migrate();
  ASSERT_EQ(first.code(), 0) << first.describe();
  EXPECT_EQ(first.number("copied"), stored_.size());
  const auto listed = target_->list();
  EXPECT_EQ(listed.size(), stored_.size());
  for (const auto& object : listed) {
    const auto key = boost::json::value_to<std::string>(object.at("name"));
    EXPECT_EQ(boost::json::value_to<std::string>(object.at("crc32c")), stored_[key]) << key;
  }
  const auto headers = target_->describe("headers").value();
  EXPECT_EQ(headers.at("contentType"), "text/x-test");
  EXPECT_EQ(headers.at("contentEncoding"), "gzip");
  EXPECT_EQ(headers.at("cacheControl"), "no-cache");
  EXPECT_EQ(headers.at("metadata").at("colour"), "green");

  EXPECT_EQ(migrate("verify").code(), 0);
  put("many/late", "added");  // replaced content has tests of its own; here each key keeps one checksum for the checker
  const auto second = migrate();
  EXPECT_EQ(second.code(), 0) << second.describe();
  EXPECT_EQ(second.number("copied"), 1);
  EXPECT_EQ(second.number("unchanged"), stored_.size() - 1);
}

TEST_F(FromCeph, LargeObjectGoesOnInTheMiddleAfterTheTargetBroke) {
  const std::vector<std::string> parts{noise(20 * kMiB, 1), noise(20 * kMiB, 2), noise(20 * kMiB + 1, 3)};
  bucket_->put_in_parts("large", parts);
  remember("large", parts[0] + parts[1] + parts[2]);
  sandbox_->fault(
      {{"service", "gcs"}, {"op", "PutChunk"}, {"after", 1}, {"times", 1}, {"action", {{"reset_after", 5 * kMiB}}}});
  const auto outcome = migrate();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 1);
  EXPECT_LE(sum(sandbox_->events(), "gcs", "PutChunk", "in"), 60 * kMiB + 1 + kChunk);
}

TEST(CephSource, ConnectionThatFallsSilentAfterARefusalIsGivenUp) {
  // Ceph refuses a key of 1,025 bytes and then never answers again on that connection.
  net::ClientOptions impatient;
  impatient.progress_timeout = Milliseconds{1'500};
  S3Harness harness{ceph->account(), ceph->fresh_bucket(), impatient};
  harness.put("good", "bytes");
  const auto source = harness.make_source(1000);
  EXPECT_FALSE(testing::run(harness.context(), source->stat(ObjectKey{std::string(1025, 'k')})));
  const auto page = testing::run(harness.context(), source->list("", std::nullopt));
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_EQ(page->entries.size(), 1);
}

class CephHarness final : public S3Harness {
 public:
  CephHarness() : S3Harness(ceph->account(), ceph->fresh_bucket()) {}
};

const contract::SourceRoom kCeph{"ceph", [] { return std::make_unique<CephHarness>(); }};

}  // namespace
}  // namespace ferry::system_test

namespace ferry::contract {
INSTANTIATE_TEST_SUITE_P(S3OnCeph, ObjectSourceContract, ::testing::Values(system_test::kCeph), room_name);
}  // namespace ferry::contract
