#include "source/s3/restore_object.hpp"

#include "kit/resilience/retry.hpp"

namespace ferry::s3 {
namespace {

/// The words of a wish are our own settings', checked when they were read.
std::string restore_document(const RestoreWish& wish) {
  std::string xml = R"(<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)";
  if (wish.days) xml += "<Days>" + std::to_string(*wish.days) + "</Days>";
  return xml + "<GlacierJobParameters><Tier>" + wish.tier + "</Tier></GlacierJobParameters></RestoreRequest>";
}

Task<Result<RestoreAnswer>> restore_once(Api* api, const Call* call) {
  auto reply = co_await api->send(*call);
  if (reply) {
    (void)co_await reply->exchange->read_all(kErrorBodyMax);  // gives the connection back
    co_return reply->head.status == 202 ? RestoreAnswer::kStarted : RestoreAnswer::kReadable;
  }
  if (reply.error().kind == ErrorKind::kConflict) co_return RestoreAnswer::kUnderWay;
  // "Not allowed for the object's current storage class": somebody moved it back meanwhile.
  if (reply.error().kind == ErrorKind::kArchived) co_return RestoreAnswer::kReadable;
  co_return fail(std::move(reply).error());
}

}  // namespace

/// A repeat does no harm: it finds the first one under way.
Task<Result<RestoreAnswer>> restore_object(Api* api, ObjectKey key, RestoreWish wish,
                                           std::optional<VersionId> version) {
  Call call{"POST", std::move(key)};
  call.query = "restore=";
  call.version = std::move(version);
  call.headers.add("Content-Type", "application/xml");
  call.body = restore_document(wish);
  const auto once = [&] { return restore_once(api, &call); };
  co_return co_await retry(api->options().backoff, api->clock(), api->rng(), Idempotency::kIdempotent, once);
}

}  // namespace ferry::s3
