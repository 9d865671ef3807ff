// DELETE b/BUCKET/o/OBJECT, and DELETE of an upload session.

#include <cassert>

#include "target/gcs/api.hpp"

namespace ferry::gcs {

Task<Status> Api::remove(ObjectKey key, Generation generation) {
  assert(!generation.absent());
  const auto once = [this, &key, generation] { return remove_once(key, generation); };
  co_return co_await repeat(once);
}

Task<Status> Api::remove_once(ObjectKey key, Generation generation) {
  auto target = object_target(key) + "?ifGenerationMatch=" + std::to_string(generation.value);
  auto reply = co_await call("DELETE", std::move(target), net::Headers{}, std::string_view{}, kObjectReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during("remove " + place(key)));
  if (reply->status == 200 || reply->status == 204) co_return Unit{};
  if (reply->status == 404 && !says_bucket_missing(*reply)) co_return Unit{};
  if (reply->status == 412) {  // also where nothing is there any more
    const auto live = co_await get_metadata_once(key);
    if (live && !*live) co_return Unit{};
  }
  co_return fail(refused(*reply, "remove " + place(key), Subject::kObject));
}

Task<Status> Api::cancel_session(std::string session_target) {
  const auto once = [this, &session_target] { return cancel_once(session_target); };
  co_return co_await repeat(once);
}

Task<Status> Api::cancel_once(std::string session_target) {
  const std::string action = "cancel an upload session at " + bucket_place();
  net::Headers headers{{"Content-Length", "0"}};  // which Cloud Storage asks for, unlike HTTP
  auto reply =
      co_await call("DELETE", std::move(session_target), std::move(headers), std::string_view{}, kObjectReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during(action));
  switch (reply->status) {
    case 499:  // how Cloud Storage confirms it
    case 200:
    case 204:
    case 404:
    case 410: co_return Unit{};
    default: co_return fail(refused(*reply, action, Subject::kObject));
  }
}

}  // namespace ferry::gcs
