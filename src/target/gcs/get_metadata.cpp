// GET b/BUCKET/o/OBJECT

#include "target/gcs/api.hpp"

namespace ferry::gcs {

Task<Result<std::optional<TargetObject>>> Api::get_metadata(ObjectKey key) {
  const auto once = [this, &key] { return get_metadata_once(key); };
  co_return co_await repeat(once);
}

Task<Result<std::optional<TargetObject>>> Api::get_metadata_once(ObjectKey key) {
  auto target =
      object_target(key) + "?projection=noAcl&fields=name,generation,metageneration,size,md5Hash,crc32c,metadata";
  auto reply = co_await call("GET", std::move(target), net::Headers{}, std::string_view{}, kObjectReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during("stat " + place(key)));
  if (reply->status == 404 && !says_bucket_missing(*reply)) co_return std::optional<TargetObject>{};
  if (reply->status != 200) co_return fail(refused(*reply, "stat " + place(key), Subject::kObject));
  auto object = parse_object(reply->body);
  if (!object) co_return fail(std::move(object).error().during("stat " + place(key)));
  if (object->key != key) {
    co_return fail(ErrorKind::kCorrupt, "stat " + place(key) + ": the reply is about another object");
  }
  co_return std::optional<TargetObject>{*std::move(object)};
}

}  // namespace ferry::gcs
