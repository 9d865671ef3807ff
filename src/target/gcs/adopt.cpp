// PATCH b/BUCKET/o/OBJECT: our provenance for an object that somebody else brought.

#include "target/gcs/api.hpp"

namespace ferry::gcs {

Task<Status> Api::adopt(ObjectKey key, Generation generation, std::int64_t metageneration, Provenance provenance) {
  const auto target = object_target(key) + "?ifGenerationMatch=" + std::to_string(generation.value) +
                      "&ifMetagenerationMatch=" + std::to_string(metageneration) + "&fields=generation";
  const auto body = adoption_json(provenance);
  const auto once = [this, &key, &target, &body] { return adopt_once(key, target, body); };
  co_return co_await repeat(once);
}

Task<Status> Api::adopt_once(ObjectKey key, std::string target, std::string body) {
  const auto action = "adopt " + place(key);
  net::Headers headers{{"Content-Type", "application/json; charset=UTF-8"}};
  auto reply = co_await call("PATCH", std::move(target), std::move(headers), std::string_view{body}, kObjectReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during(action));
  if (reply->status == 200) co_return Unit{};
  auto error = refused(*reply, action, Subject::kObject);
  // Of what we send, only its amount can be wrong, together with what the object has already.
  if (reply->status == 400) error.kind = ErrorKind::kLimit;
  if (reply->status == 404 && error.kind == ErrorKind::kGone) error.kind = ErrorKind::kConflict;
  if (error.kind == ErrorKind::kDenied) error.what += "; to adopt, storage.objects.update is needed";
  co_return fail(std::move(error));
}

}  // namespace ferry::gcs
