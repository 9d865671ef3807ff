#include "target/gcs/permissions.hpp"

#include <boost/json.hpp>

#include "target/gcs/api.hpp"

namespace ferry::gcs {
namespace {

constexpr std::size_t kPermissionsReplyMax = 64 << 10;

Task<Result<Reply>> ask_permissions(Api* api, std::string target) {
  auto reply = co_await api->call("GET", std::move(target), {}, std::string_view{}, kPermissionsReplyMax);
  if (!reply) co_return fail(std::move(reply).error());
  if (reply->ok()) co_return reply;
  auto error = api->refused(*reply, "permissions of " + api->bucket_place(), Subject::kBucket);
  if (reply->status == 404 && !says_bucket_missing(*reply)) error.kind = ErrorKind::kGone;
  co_return fail(std::move(error));
}

}  // namespace

Task<Result<std::vector<std::string>>> granted_permissions(Options options, std::shared_ptr<TokenProvider> tokens,
                                                           net::HttpClient* http, Clock* clock, Rng* rng,
                                                           std::vector<std::string> asked) {
  std::string target = "/storage/v1/b/" + options.bucket.str() + "/iam/testPermissions";
  for (std::size_t i = 0; i < asked.size(); ++i) target += (i == 0 ? "?permissions=" : "&permissions=") + asked[i];
  Api api{std::move(options), std::move(tokens), http, clock, rng};
  const auto once = [&api, &target] { return ask_permissions(&api, target); };
  auto reply = co_await api.repeat(once);
  if (!reply) co_return fail(std::move(reply).error());
  std::vector<std::string> granted;
  boost::system::error_code bad;
  const auto document = boost::json::parse(reply->body, bad);
  const auto* object = bad ? nullptr : document.if_object();
  if (!object) co_return fail(ErrorKind::kGone, api.bucket_place() + ": the answer about permissions is not JSON");
  const auto* list = object->if_contains("permissions");
  if (list && list->is_array()) {
    for (const auto& entry : list->get_array()) {
      if (const auto* text = entry.if_string()) granted.emplace_back(text->data(), text->size());
    }
  }
  co_return granted;
}

}  // namespace ferry::gcs
