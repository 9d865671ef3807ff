// Other people's and machines' tokens: what `gcloud auth application-default login` left, the metadata server, and a
// service account that somebody else may act as (protocol-facts 4).

#include <boost/json.hpp>

#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "target/gcs/json.hpp"
#include "target/gcs/token_sources.hpp"

namespace ferry::gcs {
namespace {

constexpr std::string_view kTokenServer = "https://oauth2.googleapis.com/token";
constexpr std::size_t kMetadataReplyMax = 64 << 10;

tl::unexpected<Error> lacks(std::string_view field) {
  return fail(ErrorKind::kInvalid, "credentials file: \"" + std::string{field} + "\" is missing or empty");
}

// ---- a person

struct User {
  std::string client_id, client_secret, refresh_token;
};

class UserSource final : public TokenSource {
 public:
  UserSource(User user, net::Url url) : user_(std::move(user)), url_(std::move(url)) {}
  Task<Result<Fetched>> fetch(net::Routes routes) override {
    auto form = net::form_encode({{"grant_type", "refresh_token"},
                                  {"client_id", user_.client_id},
                                  {"client_secret", user_.client_secret},
                                  {"refresh_token", user_.refresh_token}});
    const auto where = "token for " + describe() + " from " + url_.origin.url();
    co_return co_await exchange_token(routes.far, url_, std::move(form), where,
                                      "log in again: gcloud auth application-default login");
  }
  std::string describe() const override { return "user credentials of gcloud"; }

 private:
  const User user_;
  const net::Url url_;
};

// ---- the metadata server

net::RequestHead metadata_head(std::string target) {
  net::Headers headers;
  headers.add("Metadata-Flavor", "Google");
  return {"GET", std::move(target), std::move(headers)};
}

/// Whatever does not say that it is Google's is somebody else, such as a hotel's login page.
Task<Result<net::WholeReply>> ask_metadata(net::HttpClient* http, net::Origin origin, std::string what,
                                           std::string where) {
  auto head = metadata_head("/computeMetadata/v1/instance/service-accounts/default/" + what);
  auto reply = co_await net::exchange_whole(http, std::move(origin), std::move(head), {}, kMetadataReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during(where));
  if (reply->headers.find("metadata-flavor") != "Google") {
    co_return fail(ErrorKind::kUnavailable, where + ": what answers there is not Google's metadata server");
  }
  if (reply->status == 200) co_return reply;
  co_return fail(token_refusal(*reply, where, "is a service account linked to this machine or pod?"));
}

class MetadataSource final : public TokenSource {
 public:
  explicit MetadataSource(net::Origin origin) : origin_(std::move(origin)) {}
  Task<Result<Fetched>> fetch(net::Routes routes) override {
    const auto where = "token from the " + describe();
    auto reply = co_await ask_metadata(routes.near, origin_, "token", where);
    if (!reply) co_return fail(std::move(reply).error());
    auto body = parse_token(reply->body);
    if (!body || body->expires_in <= 0) {
      co_return fail(ErrorKind::kUnavailable, where + ": the reply holds no usable access_token and expires_in");
    }
    co_return Fetched{std::move(body->access_token), std::chrono::seconds{body->expires_in}};
  }
  std::string describe() const override { return "metadata server " + origin_.url(); }

 private:
  const net::Origin origin_;
};

Task<Result<std::string>> ask_identity(net::Origin origin, std::string audience, net::Routes routes) {
  const auto where = "identity token from the metadata server " + origin.url();
  auto what = "identity?audience=" + percent_encode(audience) + "&format=full";
  auto reply = co_await ask_metadata(routes.near, std::move(origin), std::move(what), where);
  if (!reply) co_return fail(std::move(reply).error());
  const auto token = trim(reply->body);
  const bool jwt = std::count(token.begin(), token.end(), '.') == 2 && token.find_first_of("\r\n ") == token.npos;
  if (!jwt) co_return fail(ErrorKind::kUnavailable, where + ": the reply is not a token");
  co_return std::string{token};
}

// ---- acting as a service account

class ActingSource final : public TokenSource {
 public:
  ActingSource(std::shared_ptr<TokenSource> who, net::Url url, std::string request, Clock* clock)
      : who_(std::move(who)), url_(std::move(url)), request_(std::move(request)), clock_(clock) {}

  Task<Result<Fetched>> fetch(net::Routes routes) override {
    auto token = co_await who_->fetch(routes);
    if (!token) co_return fail(std::move(token).error());
    const auto where = "token for " + describe() + " from " + url_.origin.url();
    net::Headers headers;
    headers.add("Authorization", "Bearer " + token->token);
    headers.add("Content-Type", "application/json");
    net::RequestHead head{"POST", url_.target, std::move(headers)};
    auto reply = co_await net::exchange_whole(routes.far, url_.origin, std::move(head), request_, kMetadataReplyMax);
    if (!reply) co_return fail(std::move(reply).error().during(where));
    if (reply->status != 200) {
      co_return fail(
          token_refusal(*reply, where, "grant roles/iam.serviceAccountTokenCreator on that service account"));
    }
    co_return read(*reply, where);
  }
  std::string describe() const override { return printable(account()) + " as " + who_->describe(); }

 private:
  Result<Fetched> read(const net::WholeReply& reply, const std::string& where) const {
    auto token = text_field(reply.body, "accessToken");
    const auto end = parse_rfc3339(text_field(reply.body, "expireTime").value_or(""));
    const auto now = net::date_of(reply, std::chrono::floor<std::chrono::seconds>(clock_->wall()));
    if (!token || !end || *end <= now) {
      return fail(ErrorKind::kUnavailable, where + ": the reply holds no usable accessToken and expireTime");
    }
    return Fetched{*std::move(token), *end - now};
  }
  /// …/serviceAccounts/NAME:generateAccessToken
  std::string account() const {
    const auto begin = url_.target.rfind('/') + 1;
    const auto name = url_.target.substr(begin, url_.target.find(':', begin) - begin);
    return percent_decode(name).value_or(name);
  }

  const std::shared_ptr<TokenSource> who_;
  const net::Url url_;
  const std::string request_;
  Clock* const clock_;
};

}  // namespace

Result<std::shared_ptr<TokenSource>> user_source(std::string_view json, TokenSettings settings) {
  User user;
  for (const auto& [name, field] :
       {std::pair{"client_id", &user.client_id}, std::pair{"client_secret", &user.client_secret},
        std::pair{"refresh_token", &user.refresh_token}}) {
    auto text = text_field(json, name);
    if (!text) return lacks(name);
    *field = *std::move(text);
  }
  const auto server = text_field(json, "token_uri").value_or(std::string{kTokenServer});
  auto url = google_url(server, "token_uri", settings.origin_allowed);
  if (!url) return fail(std::move(url).error());
  return std::make_shared<UserSource>(std::move(user), *std::move(url));
}

Result<std::shared_ptr<TokenSource>> impersonated_source(std::string_view json, TokenSettings settings) {
  auto url = google_url(text_field(json, "service_account_impersonation_url").value_or(""),
                        "service_account_impersonation_url", settings.origin_allowed);
  if (!url) return fail(std::move(url).error());
  boost::system::error_code bad;
  const auto document = boost::json::parse(boost::json::string_view{json.data(), json.size()}, bad);
  const auto* object = document.if_object();
  const auto* base = object ? object->if_contains("source_credentials") : nullptr;
  if (!base || !base->is_object()) return lacks("source_credentials");
  const auto* delegates = object->if_contains("delegates");
  const bool list = delegates && delegates->is_array();
  auto of_base = settings;
  of_base.scope = kCloudScope;
  auto who = file_source(boost::json::serialize(*base), std::move(of_base));
  if (!who) return fail(std::move(who).error().during("source_credentials"));
  constexpr std::uint64_t kHour = 3600;
  return acting_as(*std::move(who), *std::move(url), list ? boost::json::serialize(*delegates) : "[]", kHour,
                   std::move(settings));
}

std::shared_ptr<TokenSource> metadata_source(net::Origin origin, TokenSettings /*settings*/) {
  return std::make_shared<MetadataSource>(std::move(origin));
}

IdentityFetch metadata_identity(net::Origin origin, std::string audience) {
  return [origin = std::move(origin), audience = std::move(audience)](net::Routes routes) {
    return ask_identity(origin, audience, routes);
  };
}

std::shared_ptr<TokenSource> acting_as(std::shared_ptr<TokenSource> who, net::Url url, std::string delegates_json,
                                       std::uint64_t life_seconds, TokenSettings settings) {
  std::string request = R"({"delegates":)" + delegates_json + R"(,"scope":[)";
  for (std::string_view rest = settings.scope; !rest.empty();) {
    const auto scope = rest.substr(0, rest.find(' '));
    append_quoted(&request, scope);
    rest.remove_prefix(std::min(rest.size(), scope.size() + 1));
    if (!rest.empty()) request += ',';
  }
  request += R"(],"lifetime":")" + std::to_string(life_seconds) + R"(s"})";
  return std::make_shared<ActingSource>(std::move(who), std::move(url), std::move(request), settings.clock);
}

}  // namespace ferry::gcs
