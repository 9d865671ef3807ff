// The contract suites on the sandbox: what the rooms promise, they keep on real sockets, too.

#include "target/gcs/gcs_target.hpp"
#include "target/object_target_contract.hpp"
#include "testing/base/temporary_folder.hpp"
#include "tests/system/sandbox.hpp"
#include "tests/system/servers.hpp"

namespace ferry::system_test {
namespace {

/// A sandbox for as long as one test.
struct OwnSandbox {
  testing::TemporaryFolder folder;
  Http http;
  Sandbox sandbox{&http, folder.path()};
};

class SandboxSource final : private OwnSandbox, public S3Harness {
 public:
  SandboxSource() : S3Harness(sandbox.account(), "contract-bucket") {}
  void cut_next_body(std::string key, std::uint64_t offset) override {
    sandbox.fault(
        {{"service", "s3"}, {"op", "GetObject"}, {"key", key}, {"times", 1}, {"action", {{"cut_after", offset}}}});
  }
  void fail_next_listing() override {
    sandbox.fault({{"service", "s3"}, {"op", "ListObjectsV2"}, {"times", kAttempts}, {"action", {{"status", 500}}}});
  }
};

class SandboxTarget final : private OwnSandbox, public TargetHarness {
 public:
  SandboxTarget() : bucket_(&http, sandbox.gcs(), "contract-bucket") {
    bucket_.create();
    client_ = net::make_http_client(context_.get_executor(), {}, system_clock()).value();
    options_.bucket = BucketName{bucket_.name()};
    options_.endpoint = net::Origin::parse(sandbox.gcs()).value();
    options_.chunk_bytes = 4 * kGranuleBytes;
    options_.single_bytes_max = 2 * kGranuleBytes;
    options_.page_size = 5;
    options_.backoff = {.first = Milliseconds{1}, .ceiling = Milliseconds{5}, .attempts_max = 3};
    target_ = gcs::make_target(options_, gcs::no_token(), client_.get(), system_clock(), system_rng()).value();
  }
  ObjectTarget* target() override { return target_.get(); }
  std::uint64_t whole_bytes_max() const override { return options_.whole_bytes_max; }
  std::uint64_t chunk_bytes() const override { return options_.chunk_bytes; }
  std::size_t page_size() const override { return options_.page_size; }
  Generation put(const ObjectKey& key, const std::string& bytes, const UserMetadata& metadata) override {
    boost::json::object entries;
    for (const auto& [name, value] : metadata) entries[name] = value;
    return Generation{std::stoll(bucket_.put(key.str(), bytes, entries))};
  }
  std::optional<std::string> bytes(const ObjectKey& key) override { return bucket_.get(key.str()); }
  UserMetadata metadata(const ObjectKey& key) override {
    UserMetadata entries;
    const auto resource = bucket_.describe(key.str()).value();
    for (const auto& [name, value] : resource.at("metadata").as_object()) {
      entries.emplace_back(std::string{name}, boost::json::value_to<std::string>(value));
    }
    return entries;
  }
  ContentHeaders content(const ObjectKey& key) override {
    const auto resource = bucket_.describe(key.str()).value();
    const auto field = [&resource](const char* name) -> std::optional<std::string> {
      const auto* value = resource.if_contains(name);
      return value ? std::optional{boost::json::value_to<std::string>(*value)} : std::nullopt;
    };
    return {field("contentType"),     field("contentEncoding"), field("contentDisposition"),
            field("contentLanguage"), field("cacheControl"),    std::nullopt};
  }
  asio::io_context* context() override { return &context_; }
  ferry::testing::SimulatedClock* clock() override { return nullptr; }

 private:
  asio::io_context context_{1};
  GcsBucket bucket_;
  gcs::Options options_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<ObjectTarget> target_;
};

const contract::SourceRoom kSandboxSource{"sandbox", [] { return std::make_unique<SandboxSource>(); }};

}  // namespace
}  // namespace ferry::system_test

namespace ferry::contract {
INSTANTIATE_TEST_SUITE_P(S3OnTheSandbox, ObjectSourceContract, ::testing::Values(system_test::kSandboxSource),
                         room_name);
INSTANTIATE_TEST_SUITE_P(S3OnTheSandbox, ObjectSourceFaultContract, ::testing::Values(system_test::kSandboxSource),
                         room_name);
}  // namespace ferry::contract

namespace ferry {
INSTANTIATE_TEST_SUITE_P(GcsOnTheSandbox, ObjectTargetContract,
                         ::testing::Values(TargetMaker{"sandbox",
                                                       [] { return std::make_unique<system_test::SandboxTarget>(); }}));
}  // namespace ferry
