#include "target/gcs/gcs_target.hpp"

#include <algorithm>
#include <array>

#include "kit/base/text.hpp"
#include "target/gcs/api.hpp"

namespace ferry::gcs {
namespace {

constexpr std::size_t kPageSizeMax = 1000;
constexpr std::string_view kExpires = "expires";

/// Cloud Storage has no field for Expires: it is kept as custom metadata, unless the user has an entry of that name.
void keep_expires(UploadSpec* spec) {
  if (!spec->content.expires) return;
  const bool taken = std::any_of(spec->metadata.begin(), spec->metadata.end(),
                                 [](const auto& entry) { return entry.first == kExpires; });
  if (!taken) spec->metadata.emplace_back(kExpires, *spec->content.expires);
}

/// Name, metadata and content headers as JSON can carry them and the bucket can hold them.
Status within_limits(const UploadSpec& spec) {
  const auto& content = spec.content;
  const std::array fields{
      std::pair{"Content-Encoding", &content.encoding}, std::pair{"Content-Disposition", &content.disposition},
      std::pair{"Content-Language", &content.language}, std::pair{"Cache-Control", &content.cache_control}};
  for (const auto& [name, value] : fields) {
    if (*value && !is_utf8(**value))
      return fail(ErrorKind::kLimit, std::string{name} + " is not UTF-8: " + printable(**value));
  }
  return ferry::within_limits(spec.key, spec.metadata);
}

class GcsTarget final : public ObjectTarget {
 public:
  explicit GcsTarget(std::shared_ptr<Api> api) : api_(std::move(api)) {}

  Task<Result<TargetPage>> list(std::string prefix, std::optional<std::string> token, Detail detail) override {
    return api_->list_objects(std::move(prefix), std::move(token), detail);
  }

  Task<Result<std::optional<TargetObject>>> stat(ObjectKey key) override { return api_->get_metadata(std::move(key)); }

  Task<Result<std::unique_ptr<Upload>>> begin(UploadSpec spec) override {
    keep_expires(&spec);
    if (auto legal = within_limits(spec); !legal)
      co_return fail(std::move(legal).error().during("upload to " + place(spec)));
    if (spec.size <= api_->options().whole_bytes_max) co_return whole_upload(api_, std::move(spec));
    if (spec.hash && spec.size <= api_->options().single_bytes_max) co_return streamed_upload(api_, std::move(spec));
    co_return co_await begin_session(api_, std::move(spec));
  }

  Task<Result<std::unique_ptr<Upload>>> resume(UploadSpec spec, UploadSession session) override {
    keep_expires(&spec);
    if (auto legal = within_limits(spec); !legal)
      co_return fail(std::move(legal).error().during("upload to " + place(spec)));
    co_return co_await resume_session(api_, std::move(spec), std::move(session));
  }

  Task<Status> cancel(UploadSession session) override {
    auto target = api_->session_target(session.secret);
    if (!target) co_return fail(std::move(target).error().during("cancel an upload session"));
    co_return co_await api_->cancel_session(*std::move(target));
  }

  Task<Status> remove(ObjectKey key, Generation generation) override {
    return api_->remove(std::move(key), generation);
  }

  Task<Status> adopt(ObjectKey key, Generation generation, std::int64_t metageneration,
                     Provenance provenance) override {
    return api_->adopt(std::move(key), generation, metageneration, std::move(provenance));
  }

  std::uint64_t requests() const override { return api_->requests(); }

 private:
  std::string place(const UploadSpec& spec) const { return api_->place(spec.key); }

  std::shared_ptr<Api> api_;
};

bool is_bucket_name(std::string_view name) {
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return name.size() >= 3 && name.size() <= 222 && std::all_of(name.begin(), name.end(), legal);
}

}  // namespace

Result<std::unique_ptr<ObjectTarget>> make_target(Options options, std::shared_ptr<TokenProvider> tokens,
                                                  net::HttpClient* http, Clock* clock, Rng* rng) {
  const auto& bucket = options.bucket.str();
  if (!is_bucket_name(bucket)) {
    return fail(ErrorKind::kInvalid,
                "target bucket \"" + printable(bucket) + "\": a name has 3 to 222 of a-z, 0-9, \"-\", \"_\" and \".\"");
  }
  if (options.chunk_bytes == 0 || options.chunk_bytes % kGranuleBytes != 0) {
    return fail(ErrorKind::kInvalid,
                "chunk size " + std::to_string(options.chunk_bytes) + ": must be a multiple of 262144 bytes");
  }
  options.page_size = std::clamp<std::size_t>(options.page_size, 1, kPageSizeMax);
  auto api = std::make_shared<Api>(std::move(options), std::move(tokens), http, clock, rng);
  return std::make_unique<GcsTarget>(std::move(api));
}

}  // namespace ferry::gcs
