#pragma once
// Rooms of the product on real servers, as the contract suites want them.

#include <memory>
#include <optional>
#include <string>

#include "kit/net/http_client.hpp"
#include "source/object_source_contract.hpp"
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

}  // namespace ferry::system_test
