// Roles: temporary credentials for a token of somebody else's, or for other credentials (protocol-facts 2).

#include <algorithm>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "source/s3/credential_sources.hpp"
#include "source/s3/endpoint.hpp"
#include "source/s3/errors.hpp"
#include "source/s3/profile_file.hpp"
#include "source/s3/sigv4.hpp"
#include "source/s3/xml.hpp"

namespace ferry::s3 {
namespace {

using Fetched = CredentialSource::Fetched;

constexpr std::size_t kStsReplyMax = 256 << 10;
constexpr std::size_t kTokenMax = 20'000;

Result<net::Origin> sts_origin(const Sts& sts) {
  if (sts.endpoint) return *sts.endpoint;
  if (!is_region(sts.region, true)) {
    return fail(ErrorKind::kInvalid, "region '" + printable(sts.region) + "' is not a region's name; check AWS_REGION");
  }
  const auto* domain = sts.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  return net::Origin{true, "sts." + sts.region + domain, 443};
}

std::string role_form(std::string_view action, const Role& role) {
  auto form = net::form_encode(
      {{"Action", action}, {"Version", "2011-06-15"}, {"RoleArn", role.arn}, {"RoleSessionName", role.session_name}});
  if (!role.external_id.empty()) form += "&" + net::form_encode({{"ExternalId", role.external_id}});
  if (role.duration_seconds) {
    form += "&" + net::form_encode({{"DurationSeconds", std::to_string(*role.duration_seconds)}});
  }
  return form;
}

pugi::xml_node child(pugi::xml_node node, std::string_view name) {
  for (const auto found : node.children()) {
    if (local_name(found) == name) return found;
  }
  return {};
}

std::string_view remedy_for(std::string_view code) {
  if (code == "AccessDenied") return "the role's trust policy does not let this identity take it on";
  if (code == "InvalidIdentityToken") {
    return "the token's issuer is no identity provider of that account, or its audience is another";
  }
  if (code == "ExpiredTokenException") return "the identity token has expired; is whoever writes it still doing so?";
  if (code == "IDPRejectedClaim") return "the identity provider says that the token is not valid any more";
  if (code == "ValidationError" || code == "MalformedPolicyDocument") return "check the role's ARN";
  return "check the role's ARN, and the credentials that take it on";
}

bool may_pass(int status, std::string_view code) {
  constexpr std::string_view kPassing[] = {"IDPCommunicationError", "ExpiredTokenException", "Throttling",
                                           "ThrottlingException", "RequestThrottled"};
  return status >= 500 || status == 429 || std::ranges::find(kPassing, code) != std::end(kPassing);
}

/// `secret` is what was sent: a server that quotes it must not bring it into our logs.
Error sts_refusal(const net::WholeReply& reply, const std::string& where, std::string_view secret) {
  std::string code, message;
  if (const auto document = Xml::parse(reply.body)) {
    auto error = child(document->root(), "Error");
    code = child_text(error, "Code").value_or("");
    message = child_text(error, "Message").value_or("");
  }
  constexpr std::size_t kShown = 200;
  auto what = where + ": HTTP " + std::to_string(reply.status);
  if (!code.empty()) what += " " + printable(code.substr(0, kShown));
  const bool quotes = !secret.empty() && message.find(secret) != std::string::npos;
  if (!message.empty() && !quotes) what += ": " + printable(message.substr(0, kShown));
  what.append("; ").append(remedy_for(code));
  return {may_pass(reply.status, code) ? ErrorKind::kUnavailable : ErrorKind::kDenied, std::move(what)};
}

Result<Fetched> read_role_reply(const net::WholeReply& reply, const std::string& action, Seconds now,
                                const std::string& where) {
  const auto unreadable = [&where](std::string_view why) {
    return fail(ErrorKind::kUnavailable, where + ": the reply " + std::string{why});
  };
  const auto document = Xml::parse(reply.body);
  if (!document) return unreadable("can't be read");
  const auto node = child(child(document->root(), action + "Result"), "Credentials");
  const auto field = [&node](std::string_view name) { return std::string{child_text(node, name).value_or("")}; };
  Credentials credentials{field("AccessKeyId"), field("SecretAccessKey"), field("SessionToken")};
  const auto end = parse_rfc3339(field("Expiration"));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty() ||
      credentials.session_token->empty() || !end) {
    return unreadable("lacks a field of Credentials");
  }
  const auto life = *end - net::date_of(reply, now);
  if (life.count() <= 0) return unreadable("holds credentials that have expired");
  return Fetched{std::move(credentials), life};
}

Seconds in_seconds(Clock* clock) { return std::chrono::floor<std::chrono::seconds>(clock->wall()); }

/// One POST. `base`: signs it; nothing: the form holds what proves who we are. `secret`: not to be quoted.
Task<Result<Fetched>> ask_sts(Sts sts, std::string action, std::string form, std::optional<Credentials> base,
                              std::string secret, std::string what, net::HttpClient* http) {
  auto origin = sts_origin(sts);
  if (!origin) co_return fail(std::move(origin).error());
  const auto where = what + " from " + origin->url();
  net::Headers headers;
  headers.add("Content-Type", "application/x-www-form-urlencoded");
  headers.add("Accept", "application/xml");
  net::RequestHead head{"POST", "/", std::move(headers)};
  if (base) {
    const auto hash = make_hash(HashKind::kSha256);
    hash->update(form);
    Signer signer{"sts"};
    signer.sign(&head, origin->host_header(), *base, sts.region, in_seconds(sts.clock), hex(hash->digest().bytes));
  }
  auto reply = co_await net::exchange_whole(http, *origin, std::move(head), std::move(form), kStsReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during(where));
  if (reply->status != 200) co_return fail(sts_refusal(*reply, where, secret));
  co_return read_role_reply(*reply, action, in_seconds(sts.clock), where);
}

class WebIdentitySource final : public CredentialSource {
 public:
  WebIdentitySource(Sts sts, Role role, IdentityToken token, std::string place)
      : sts_(std::move(sts)), role_(std::move(role)), token_(std::move(token)), place_(std::move(place)) {}

  Task<Result<Fetched>> fetch(net::Routes routes) override {
    auto token = co_await token_(routes);
    if (!token) co_return fail(std::move(token).error());
    co_return co_await assume_role_with_web_identity(sts_, role_, *std::move(token), routes.far);
  }
  std::string describe() const override { return "role " + printable(role_.arn) + " with " + place_; }

 private:
  const Sts sts_;
  const Role role_;
  const IdentityToken token_;
  const std::string place_;
};

Task<Result<std::string>> read_token(std::string path) {
  FileStamp stamp;
  auto text = read_small_file(path, &stamp);
  if (!text) co_return fail(std::move(text).error());
  const auto token = trim(*text);
  if (token.empty() || token.size() > kTokenMax) {
    co_return fail(ErrorKind::kUnavailable, "identity token " + printable(path) + ": " +
                                                (stamp.size < 0  ? "is not there"
                                                 : token.empty() ? "is empty"
                                                                 : "is longer than a token can be"));
  }
  co_return std::string{token};
}

}  // namespace

Task<Result<Fetched>> assume_role_with_web_identity(Sts sts, Role role, std::string token, net::HttpClient* http) {
  constexpr auto kAction = "AssumeRoleWithWebIdentity";
  auto form = role_form(kAction, role) + "&" + net::form_encode({{"WebIdentityToken", token}});
  auto what = "role " + printable(role.arn);
  co_return co_await ask_sts(std::move(sts), kAction, std::move(form), std::nullopt, std::move(token), std::move(what),
                             http);
}

Task<Result<Fetched>> assume_role(Sts sts, Role role, Credentials base, net::HttpClient* http) {
  constexpr auto kAction = "AssumeRole";
  auto form = role_form(kAction, role);
  auto what = "role " + printable(role.arn);
  auto secret = base.session_token.value_or(base.secret_access_key);
  std::optional<Credentials> signs{std::move(base)};
  co_return co_await ask_sts(std::move(sts), kAction, std::move(form), std::move(signs), std::move(secret),
                             std::move(what), http);
}

std::shared_ptr<CredentialSource> web_identity_source(Sts sts, Role role, IdentityToken token, std::string place) {
  return std::make_shared<WebIdentitySource>(std::move(sts), std::move(role), std::move(token), std::move(place));
}

IdentityToken token_file(std::string path) {
  return [path = std::move(path)](net::Routes) { return read_token(path); };
}

}  // namespace ferry::s3
