#include "source/s3/head_object.hpp"

#include "kit/resilience/retry.hpp"
#include "source/s3/object_headers.hpp"

namespace ferry::s3 {

Task<Result<ObjectMeta>> head_object_once(Api* api, const ObjectKey* key, const std::optional<ETag>* expected,
                                          const std::optional<VersionId>* version) {
  Call call{"HEAD", *key};
  call.version = *version;
  call.of_content = true;
  if (*expected) call.headers.add("If-Match", (*expected)->str());
  call.headers.add("x-amz-checksum-mode", "ENABLED");
  call.headers.add("Accept-Encoding", "identity");
  auto reply = co_await api->send(call);
  if (!reply) co_return fail(std::move(reply).error());
  // The end of the (empty) body gives the connection back; what goes wrong there takes nothing from the head.
  char none = 0;
  (void)co_await reply->exchange->read(std::span{&none, 1});

  auto meta = parse_object_headers(reply->head.headers, true);
  if (!meta) co_return fail(std::move(meta).error().during(api->place(call)));
  if (!reply->head.content_length) {
    co_return fail(ErrorKind::kCorrupt, api->place(call) + ": bad reply: no Content-Length");
  }
  meta->size = *reply->head.content_length;
  co_return meta;
}

Task<Result<ObjectMeta>> head_object(Api* api, ObjectKey key, std::optional<VersionId> version) {
  const std::optional<ETag> any;
  const auto once = [&] { return head_object_once(api, &key, &any, &version); };
  co_return co_await retry(api->options().backoff, api->clock(), api->rng(), Idempotency::kIdempotent, once);
}

namespace {

using PartSize = std::optional<std::uint64_t>;

Task<Result<PartSize>> head_part_once(Api* api, const ObjectKey* key, const ETag* expected, std::uint32_t number,
                                      const std::optional<VersionId>* version) {
  Call call{"HEAD", *key};
  call.version = *version;
  call.of_content = true;
  call.query = "partNumber=" + std::to_string(number);
  call.headers.add("If-Match", expected->str());
  call.headers.add("Accept-Encoding", "identity");
  auto reply = co_await api->send(call);
  if (!reply) co_return fail(std::move(reply).error());
  char none = 0;
  (void)co_await reply->exchange->read(std::span{&none, 1});
  // Servers that know parts say how many there are; others answer for the whole object.
  if (!reply->head.headers.find("x-amz-mp-parts-count")) co_return PartSize{};
  if (!reply->head.content_length) {
    co_return fail(ErrorKind::kCorrupt, api->place(call) + ": bad reply: no Content-Length");
  }
  co_return PartSize{*reply->head.content_length};
}

}  // namespace

Task<Result<PartSize>> head_part(Api* api, ObjectKey key, ETag expected, std::uint32_t number,
                                 std::optional<VersionId> version) {
  const auto once = [&] { return head_part_once(api, &key, &expected, number, &version); };
  co_return co_await retry(api->options().backoff, api->clock(), api->rng(), Idempotency::kIdempotent, once);
}

}  // namespace ferry::s3
