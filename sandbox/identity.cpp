#include "sandbox/identity.hpp"

#include <fmt/format.h>

#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::string_view kSessionToken = "sandbox-metadata-session";
constexpr std::string_view kContainerToken = "sandbox-container-token";
constexpr std::string_view kIdentity = "sandbox-identity.";
constexpr std::string_view kInstanceRoles = "/latest/meta-data/iam/security-credentials/";
constexpr std::string_view kInstanceRole = "sandbox-role";
constexpr std::string_view kGoogle = "/computeMetadata/v1/instance/service-accounts/default/";

bool is_identity(std::string_view token) {
  return token.starts_with(kIdentity) && token.substr(kIdentity.size()).find('.') != std::string_view::npos;
}

std::string until(const KeyBook::Entry& entry) {
  return rfc3339(std::chrono::floor<std::chrono::seconds>(entry.good_until));
}

std::string sts_error(std::string_view code, std::string_view message) {
  std::string body = R"(<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>)";
  append_element(&body, "Code", code);
  append_element(&body, "Message", message);
  return body + "</Error><RequestId>sandbox</RequestId></ErrorResponse>";
}

}  // namespace

KeyBook::Entry KeyBook::issue() {
  // Servers speak of whole seconds: what is promised must be kept.
  const auto end = std::chrono::ceil<std::chrono::seconds>(clock_->wall() + life_);
  Entry entry{
      {fmt::format("ASIA{:016X}", rng_->next()), fmt::format("secret-{:016x}{:016x}", rng_->next(), rng_->next()),
       fmt::format("session-{:016x}{:016x}", rng_->next(), rng_->next())},
      end};
  const std::lock_guard lock(mutex_);
  entries_.emplace(entry.keys.access_key_id, entry);
  return entry;
}

std::optional<KeyBook::Entry> KeyBook::find(std::string_view access_key_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(access_key_id);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

void KeyBook::expire_all() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, entry] : entries_) entry.good_until = WallTime::min();
}

Route IdentityService::route(const net::ServerRequest& request) const {
  Route route;
  auto target = parse_target(request.target);
  if (!target) return route;
  route.target = *std::move(target);
  const auto path = route.target.raw_path;
  if (path.starts_with("/latest/")) route.operation = "InstanceMetadata";
  if (path == "/container") route.operation = "ContainerCredentials";
  if (path.starts_with("/computeMetadata/")) route.operation = "GoogleMetadata";
  if (request.method == "POST" && path == "/") route.operation = "AssumeRole";
  if (request.method == "POST" && path == "/v1/token") route.operation = "ExchangeToken";
  return route;
}

Task<> IdentityService::serve(Call* call) {
  const auto operation = call->route.operation;
  constexpr std::size_t kFormMax = 64 << 10;
  auto body = co_await call->wire->read_all(kFormMax);
  if (!body) co_return;
  const auto form = parse_target("/?" + *body);
  const Query fields = form ? form->query : Query{};
  Answer answer{404, R"({"error":"not_found"})"};
  if (operation == "InstanceMetadata") answer = instance(*call);
  if (operation == "ContainerCredentials") answer = container(*call);
  if (operation == "GoogleMetadata") answer = google_metadata(*call);
  if (operation == "AssumeRole") answer = assume_role(fields);
  if (operation == "ExchangeToken") answer = exchange(fields);
  net::Headers headers{{"Content-Type", answer.type}, {"Date", date()}};
  if (operation == "GoogleMetadata") headers.add("Metadata-Flavor", "Google");
  (void)co_await call->wire->respond(answer.status, std::move(headers), std::move(answer.body));
}

IdentityService::Answer IdentityService::instance(const Call& call) {
  const auto& request = call.wire->request();
  const auto path = call.route.target.raw_path;
  if (path == "/latest/api/token") {
    const bool asked = request.method == "PUT" && call.wire->header("x-aws-ec2-metadata-token-ttl-seconds");
    return asked ? Answer{200, std::string(kSessionToken), "text/plain"} : Answer{400, "", "text/plain"};
  }
  if (call.wire->header("x-aws-ec2-metadata-token") != kSessionToken) return {401, "", "text/plain"};
  if (path == kInstanceRoles) return {200, std::string(kInstanceRole), "text/plain"};
  if (path == std::string(kInstanceRoles) + std::string(kInstanceRole)) return {200, keys_json()};
  return {404, "", "text/plain"};
}

IdentityService::Answer IdentityService::container(const Call& call) {
  if (call.wire->header("authorization") != kContainerToken) return {403, R"({"message":"no"})"};
  return {200, keys_json()};
}

IdentityService::Answer IdentityService::google_metadata(const Call& call) {
  const auto path = call.route.target.raw_path;
  if (call.wire->header("metadata-flavor") != "Google") return {403, "Missing Metadata-Flavor:Google header."};
  if (path == std::string(kGoogle) + "token") return {200, token_json()};
  const auto audience = call.route.target.query.get("audience");
  if (path == std::string(kGoogle) + "identity" && !audience.empty()) {
    return {200, fmt::format("{}{:016x}.{:016x}", kIdentity, rng_->next(), rng_->next()), "text/plain"};
  }
  return {404, R"({"error":"not found"})"};
}

IdentityService::Answer IdentityService::assume_role(const Query& form) {
  if (form.get("Action") != "AssumeRoleWithWebIdentity" || form.get("Version") != "2011-06-15") {
    return {400, sts_error("InvalidAction", "only AssumeRoleWithWebIdentity is served here"), "text/xml"};
  }
  if (!form.get("RoleArn").starts_with("arn:aws:iam::")) {
    return {400, sts_error("ValidationError", "RoleArn is not one"), "text/xml"};
  }
  if (!is_identity(form.get("WebIdentityToken"))) {
    return {400, sts_error("InvalidIdentityToken", "The token is not one that this sandbox knows"), "text/xml"};
  }
  const auto entry = keys_->issue();
  std::string body = R"(<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">)"
                     "<AssumeRoleWithWebIdentityResult><Credentials>";
  append_element(&body, "AccessKeyId", entry.keys.access_key_id);
  append_element(&body, "SecretAccessKey", entry.keys.secret_access_key);
  append_element(&body, "SessionToken", *entry.keys.session_token);
  append_element(&body, "Expiration", until(entry));
  body += "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
  return {200, std::move(body), "text/xml"};
}

IdentityService::Answer IdentityService::exchange(const Query& form) {
  const bool good = form.get("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange" &&
                    form.get("requested_token_type") == "urn:ietf:params:oauth:token-type:access_token" &&
                    !form.get("audience").empty() && !form.get("scope").empty() &&
                    is_identity(form.get("subject_token"));
  if (!good) return {400, R"({"error":"invalid_grant","error_description":"not a token of this sandbox"})"};
  return {200, token_json()};
}

std::string IdentityService::keys_json() {
  const auto entry = keys_->issue();
  std::string body;
  JsonObject json(&body);
  json.text("Code", "Success").text("AccessKeyId", entry.keys.access_key_id);
  json.text("SecretAccessKey", entry.keys.secret_access_key).text("Token", *entry.keys.session_token);
  json.text("Expiration", until(entry)).end();
  return body;
}

std::string IdentityService::token_json() {
  std::string body;
  JsonObject json(&body);
  json.text("access_token", tokens_->issue()).text("token_type", "Bearer");
  json.number("expires_in", static_cast<std::uint64_t>(tokens_->life().count())).end();
  return body;
}

std::string IdentityService::date() const {
  return http_date(std::chrono::floor<std::chrono::seconds>(clock_->wall()));
}

}  // namespace ferry::sandbox
