#pragma once
// Rooms of the product on real servers, as the contract suites want them. All of it is inline: a contract suite defines
// its tests in whatever file includes it, so that each program may do so once only.

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "kit/base/time.hpp"
#include "kit/net/http_client.hpp"
#include "source/object_source_contract.hpp"
#include "source/s3/s3_source.hpp"
#include "tests/system/clouds.hpp"

namespace ferry::system_test {

/// The S3 room on one bucket of one server; what it holds is put there by the test's own client.
class S3Harness : public contract::SourceHarness {
 public:
  S3Harness(S3Account account, std::string bucket, net::ClientOptions options = {});
  Version put(std::string key, std::string bytes, ContentHeaders content = {}, UserMetadata user = {}) override;
  void remove(std::string key) override { bucket_.remove(key); }
  std::unique_ptr<ObjectSource> make_source(std::size_t page_size) override;
  asio::io_context& context() override { return context_; }
  [[nodiscard]] S3Bucket& bucket() { return bucket_; }

 protected:
  static constexpr int kAttempts = 3;

 private:
  asio::io_context context_{1};
  std::unique_ptr<net::HttpClient> client_;
  Http http_;
  S3Bucket bucket_;
};

template <class T>
T need_room(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  return *std::move(result);
}

inline S3Harness::S3Harness(S3Account account, std::string bucket, net::ClientOptions options)
    : client_(need_room(net::make_http_client(context_.get_executor(), std::move(options), system_clock()))),
      bucket_(&http_, std::move(account), std::move(bucket)) {
  bucket_.create();
}

inline Version S3Harness::put(std::string key, std::string bytes, ContentHeaders content, UserMetadata user) {
  HeaderList headers;
  const auto add = [&headers](const char* name, const std::optional<std::string>& value) {
    if (value) headers.emplace_back(name, *value);
  };
  add("content-type", content.type);
  add("content-encoding", content.encoding);
  add("content-disposition", content.disposition);
  add("content-language", content.language);
  add("cache-control", content.cache_control);
  for (const auto& [name, value] : user) headers.emplace_back("x-amz-meta-" + name, value);

  Version version;
  version.etag = ETag{bucket_.put(key, bytes, headers)};
  const auto head = bucket_.request("HEAD", key, {}, {}, "");
  version.modified = parse_http_date(head.headers.find("last-modified").value()).value();
  return version;
}

inline std::unique_ptr<ObjectSource> S3Harness::make_source(std::size_t page_size) {
  s3::Options options;
  options.bucket = BucketName{bucket_.name()};
  options.endpoint = need_room(net::Origin::parse(bucket_.account().endpoint));
  options.page_size = page_size;
  options.backoff = {.first = Milliseconds{1}, .ceiling = Milliseconds{5}, .attempts_max = kAttempts};
  s3::Credentials keys{bucket_.account().access_key, bucket_.account().secret_key, std::nullopt};
  return need_room(s3::make_source(std::move(options), s3::static_credentials(std::move(keys)), client_.get(),
                                   system_clock(), system_rng()));
}

}  // namespace ferry::system_test
