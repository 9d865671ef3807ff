#include "target/gcs/token_sources.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "kit/base/text.hpp"
#include "target/gcs/json.hpp"

namespace ferry::gcs {
namespace {

constexpr std::size_t kTokenReplyMax = 64 << 10;

bool is_googles(const net::Origin& origin) {
  constexpr std::array<std::string_view, 5> kHosts{"oauth2.googleapis.com", "www.googleapis.com", "accounts.google.com",
                                                   "sts.googleapis.com", "iamcredentials.googleapis.com"};
  return origin.tls && origin.port == 443 && std::ranges::find(kHosts, origin.host) != kHosts.end();
}

bool passes(int status) { return status >= 500 || status == 429 || status == 408; }

}  // namespace

std::optional<std::string> text_field(std::string_view json, std::string_view name) {
  boost::system::error_code bad;
  const auto document = boost::json::parse(boost::json::string_view{json.data(), json.size()}, bad);
  const auto* object = bad ? nullptr : document.if_object();
  const auto* value = object ? object->if_contains(name) : nullptr;
  const auto* text = value ? value->if_string() : nullptr;
  if (!text || text->empty()) return std::nullopt;
  const auto unprintable = [](char c) { return c <= 0x20 || c == 0x7f; };
  if (std::ranges::any_of(*text, unprintable)) return std::nullopt;
  return std::string{text->data(), text->size()};
}

Result<net::Url> google_url(std::string_view text, std::string_view field, const std::optional<net::Origin>& allowed) {
  const auto name = "credentials file: \"" + std::string{field} + "\" ";
  auto url = net::Url::parse(text);
  if (!url || text.find('?') != std::string_view::npos) {
    return fail(ErrorKind::kInvalid, name + "is not a plain URL");
  }
  if (!is_googles(url->origin) && !(allowed && *allowed == url->origin)) {
    return fail(ErrorKind::kInvalid, name + "points to " + printable(url->origin.url()) +
                                         ", which is not one of Google's token servers: refused; allow that origin "
                                         "explicitly if it is meant");
  }
  return url;
}

Task<Result<net::WholeReply>> post_form(net::HttpClient* http, net::Url url, std::string form) {
  net::Headers headers;
  headers.add("Content-Type", "application/x-www-form-urlencoded");
  net::RequestHead head{"POST", url.target, std::move(headers)};
  co_return co_await net::exchange_whole(http, std::move(url.origin), std::move(head), std::move(form), kTokenReplyMax);
}

/// Garbage from a token endpoint is an outage, not a verdict about us.
Task<Result<TokenSource::Fetched>> exchange_token(net::HttpClient* http, net::Url url, std::string form,
                                                  std::string where, std::string_view remedy) {
  auto reply = co_await post_form(http, std::move(url), std::move(form));
  if (!reply) co_return fail(std::move(reply).error().during(where));
  if (reply->status != 200) co_return fail(token_refusal(*reply, where, remedy));
  auto body = parse_token(reply->body);
  if (!body || body->expires_in <= 0) {
    co_return fail(ErrorKind::kUnavailable, where + ": the reply holds no usable access_token and expires_in");
  }
  co_return TokenSource::Fetched{std::move(body->access_token), std::chrono::seconds{body->expires_in}};
}

Error token_refusal(const net::WholeReply& reply, const std::string& where, std::string_view remedy) {
  auto what = where + ": HTTP " + std::to_string(reply.status) + " " + parse_error(reply.body).reason;
  if (passes(reply.status)) return {ErrorKind::kUnavailable, std::move(what)};
  what.append("; ").append(remedy);
  return {reply.status == 404 ? ErrorKind::kInvalid : ErrorKind::kDenied, std::move(what)};
}

Result<std::shared_ptr<TokenSource>> file_source(std::string_view json, TokenSettings settings) {
  const auto type = text_field(json, "type").value_or("");
  if (type == "service_account") return service_account_source(json, std::move(settings));
  if (type == "authorized_user") return user_source(json, std::move(settings));
  if (type == "external_account") return external_source(json, std::move(settings));
  if (type == "impersonated_service_account") return impersonated_source(json, std::move(settings));
  return fail(ErrorKind::kInvalid,
              "credentials file: \"type\" " +
                  (type.empty() ? std::string{"is missing, or this is no JSON object"} : "'" + printable(type) + "'") +
                  "; supported are service_account, authorized_user, external_account and "
                  "impersonated_service_account");
}

}  // namespace ferry::gcs
