#include "source/s3/get_tagging.hpp"

#include "kit/resilience/retry.hpp"
#include "source/s3/xml.hpp"

namespace ferry::s3 {
namespace {

constexpr std::size_t kTaggingBytesMax = 256 << 10;  // ten tags of 128 and 256 characters, every byte an entity

Result<Tags> parse_tagging(const Xml& document) {
  if (local_name(document.root()) != "Tagging") return fail(ErrorKind::kCorrupt, "bad reply: no Tagging document");
  Tags tags;
  for (const auto set : document.root().children()) {
    if (local_name(set) != "TagSet") continue;
    for (const auto tag : set.children()) {
      const auto name = child_text(tag, "Key"), value = child_text(tag, "Value");
      if (!name || !value) return fail(ErrorKind::kCorrupt, "bad reply: a tag without a key or value");
      tags.emplace_back(*name, *value);
    }
  }
  return tags;
}

Task<Result<Tags>> get_tagging_once(Api* api, const ObjectKey* key, const std::optional<VersionId>* version) {
  Call call{"GET", *key};
  call.version = *version;
  call.query = "tagging=";
  const auto place = api->place(call) + "?tagging";
  auto reply = co_await api->send(std::move(call));
  if (!reply) co_return fail(std::move(reply).error());
  auto body = co_await reply->exchange->read_all(kTaggingBytesMax);
  if (!body) co_return fail(std::move(body).error().during(place));
  const auto document = Xml::parse(*std::move(body));
  if (!document) co_return fail(Error{document.error()}.during(place));
  if (is_error_document(*document)) co_return fail(to_error(read_failure(reply->head, *document, api->now()), place));
  auto tags = parse_tagging(*document);
  if (!tags) co_return fail(std::move(tags).error().during(place));
  co_return tags;
}

}  // namespace

Task<Result<Tags>> get_tagging(Api* api, ObjectKey key, std::optional<VersionId> version) {
  const auto once = [api, &key, &version] { return get_tagging_once(api, &key, &version); };
  co_return co_await retry(api->options().backoff, api->clock(), api->rng(), Idempotency::kIdempotent, once);
}

}  // namespace ferry::s3
