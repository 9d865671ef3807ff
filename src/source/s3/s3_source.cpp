#include "source/s3/s3_source.hpp"

#include <utility>

#include "kit/base/text.hpp"
#include "source/s3/api.hpp"
#include "source/s3/get_object.hpp"
#include "source/s3/get_tagging.hpp"
#include "source/s3/head_object.hpp"
#include "source/s3/list_objects.hpp"
#include "source/s3/restore_object.hpp"

namespace ferry::s3 {
namespace {

class S3Source final : public ObjectSource {
 public:
  explicit S3Source(std::shared_ptr<Api> api) : api_(std::move(api)) {}

  Task<Result<SourcePage>> list(std::string prefix, std::optional<std::string> token,
                                std::optional<ObjectKey> after) override {
    return list_objects(api_.get(), std::move(prefix), std::move(token), std::move(after));
  }
  Task<Result<std::unique_ptr<ObjectReader>>> open(ObjectKey key, std::optional<ETag> expected, std::uint64_t offset,
                                                   std::optional<VersionId> version) override {
    return get_object(api_, std::move(key), std::move(expected), offset, std::move(version));
  }
  Task<Result<ObjectMeta>> stat(ObjectKey key, std::optional<VersionId> version) override {
    return head_object(api_.get(), std::move(key), std::move(version));
  }
  Task<Result<std::optional<std::uint64_t>>> part_size(ObjectKey key, ETag expected, std::uint32_t number,
                                                       std::optional<VersionId> version) override {
    return head_part(api_.get(), std::move(key), std::move(expected), number, std::move(version));
  }
  Task<Result<Tags>> tags(ObjectKey key, std::optional<VersionId> version) override {
    return get_tagging(api_.get(), std::move(key), std::move(version));
  }
  Task<Result<RestoreAnswer>> restore(ObjectKey key, RestoreWish wish, std::optional<VersionId> version) override {
    return restore_object(api_.get(), std::move(key), std::move(wish), std::move(version));
  }
  std::uint64_t requests() const override { return api_->requests(); }

 private:
  std::shared_ptr<Api> api_;
};

constexpr std::size_t kCustomerKeyBytes = 32;

bool is_loopback(const net::Origin& origin) {
  return origin.host == "localhost" || origin.host == "::1" || origin.host.starts_with("127.");
}

}  // namespace

Result<std::unique_ptr<ObjectSource>> make_source(Options options, std::shared_ptr<CredentialProvider> credentials,
                                                  net::HttpClient* http, Clock* clock, Rng* rng) {
  if (auto checked = check_bucket(options); !checked) return fail(std::move(checked).error());
  if (!is_region(options.region, !options.endpoint)) {
    return fail(ErrorKind::kInvalid,
                "region '" + printable(options.region) + "' is not a region's name; check AWS_REGION");
  }
  if (!options.customer_key.empty() && options.customer_key.size() != kCustomerKeyBytes) {
    return fail(ErrorKind::kInvalid, "a customer key (SSE-C) has 32 bytes");
  }
  if (!options.customer_key.empty() && options.endpoint && !options.endpoint->tls && !is_loopback(*options.endpoint)) {
    return fail(ErrorKind::kInvalid, "a customer key (SSE-C) goes out with every request: use an https endpoint");
  }
  if (options.page_size < 1 || options.page_size > 1000) {
    return fail(ErrorKind::kInvalid, "a page of " + std::to_string(options.page_size) + " keys; S3 lists 1 to 1000");
  }
  return std::make_unique<S3Source>(
      std::make_shared<Api>(std::move(options), std::move(credentials), http, clock, rng));
}

}  // namespace ferry::s3
