#include "source/s3/s3_source.hpp"

#include <gtest/gtest.h>

#include "source/object_source_contract.hpp"
#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {

class S3Harness final : public contract::SourceHarness {
 public:
  Version put(std::string key, std::string bytes, ContentHeaders content, UserMetadata user) override {
    ScriptedS3::Object object;
    const auto hash = make_hash(HashKind::kMd5);
    hash->update(bytes);
    object.etag = '"' + hex(hash->digest().bytes) + '"';
    object.modified = std::chrono::floor<std::chrono::seconds>(clock_.wall());
    object.bytes = std::move(bytes);
    if (content.type) object.headers.add("Content-Type", *content.type);
    if (content.encoding) object.headers.add("Content-Encoding", *content.encoding);
    if (content.disposition) object.headers.add("Content-Disposition", *content.disposition);
    if (content.language) object.headers.add("Content-Language", *content.language);
    if (content.cache_control) object.headers.add("Cache-Control", *content.cache_control);
    for (const auto& [name, value] : user) object.headers.add("X-Amz-Meta-" + name, value);
    Version version;
    version.etag = ETag{object.etag};
    version.modified = object.modified;
    server_.objects.insert_or_assign(std::move(key), std::move(object));
    return version;
  }
  void remove(std::string key) override { server_.objects.erase(key); }
  std::unique_ptr<ObjectSource> make_source(std::size_t page_size) override {
    Options options;
    options.bucket = BucketName{"bucket"};
    options.endpoint = kLocal;
    options.page_size = page_size;
    return s3::make_source(std::move(options), static_credentials(example_credentials()), &http_, &clock_, &rng_)
        .value();
  }
  asio::io_context& context() override { return context_; }
  ferry::testing::SimulatedClock* clock() override { return &clock_; }
  void cut_next_body(std::string key, std::uint64_t offset) override { server_.cuts[key] = offset; }
  void fail_next_listing() override { server_.listings_to_fail = Backoff{}.attempts_max; }

 private:
  asio::io_context context_{1};
  ferry::testing::SimulatedClock clock_;
  ferry::testing::SeededRng rng_;
  FakeHttp http_;
  ScriptedS3 server_{&http_};
};

std::unique_ptr<contract::SourceHarness> make_harness() { return std::make_unique<S3Harness>(); }

}  // namespace
}  // namespace ferry::s3

namespace ferry::contract {
INSTANTIATE_TEST_SUITE_P(S3, ObjectSourceContract, ::testing::Values(SourceRoom{"scripted", s3::make_harness}),
                         room_name);
INSTANTIATE_TEST_SUITE_P(S3, ObjectSourceFaultContract, ::testing::Values(SourceRoom{"scripted", s3::make_harness}),
                         room_name);
}  // namespace ferry::contract

namespace ferry::s3 {
namespace {

ErrorKind refused_with(Options options) {
  FakeHttp http;
  ferry::testing::SimulatedClock clock;
  ferry::testing::SeededRng rng;
  const auto source = make_source(std::move(options), anonymous_credentials(), &http, &clock, &rng);
  return source ? ErrorKind::kCancelled : source.error().kind;
}

TEST(S3Source, RefusesSettingsThatCantFormAnAddress_F140) {
  Options options;
  options.bucket = BucketName{"bucket"};
  options.region = "us-east-1.evil.example/";
  EXPECT_EQ(refused_with(options), ErrorKind::kInvalid);
  options.region = "us-east-1";
  options.bucket = BucketName{"a/b"};
  EXPECT_EQ(refused_with(options), ErrorKind::kInvalid);
}

TEST(S3Source, RefusesPageSizesThatS3DoesNotHave_F150) {
  Options options;
  options.bucket = BucketName{"bucket"};
  for (const std::size_t size : {0UL, 1001UL, 1'000'000UL}) {
    options.page_size = size;
    EXPECT_EQ(refused_with(options), ErrorKind::kInvalid);
  }
}

}  // namespace
}  // namespace ferry::s3
