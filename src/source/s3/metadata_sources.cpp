// Credentials from beside the process: the container's agent, and the instance's metadata service (protocol-facts 2).

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/json.hpp>

#include "kit/base/text.hpp"
#include "source/s3/credential_sources.hpp"
#include "source/s3/profile_file.hpp"

namespace ferry::s3 {
namespace {

using Fetched = CredentialSource::Fetched;

constexpr std::size_t kMetadataReplyMax = 64 << 10;
constexpr std::chrono::seconds kStaleLife{600};

Seconds seconds_of(Clock* clock) { return std::chrono::floor<std::chrono::seconds>(clock->wall()); }

std::string text_field(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string{text->data(), text->size()} : std::string{};
}

/// What has a say in its status; the body may say anything.
Error metadata_refusal(const net::WholeReply& reply, const std::string& where, std::string_view remedy) {
  const bool may_pass = reply.status >= 500 || reply.status == 429 || reply.status == 408;
  return {may_pass ? ErrorKind::kUnavailable : ErrorKind::kDenied,
          where + ": HTTP " + std::to_string(reply.status) + "; " + std::string{remedy}};
}

Task<Result<net::WholeReply>> ask(net::HttpClient* http, net::Origin origin, std::string method, std::string target,
                                  net::Headers headers) {
  net::RequestHead head{std::move(method), std::move(target), std::move(headers)};
  co_return co_await net::exchange_whole(http, std::move(origin), std::move(head), {}, kMetadataReplyMax);
}

// ---- containers

/// Amazon's rule: in the clear only to this machine and to its own link-local agents.
bool may_be_plain(const std::string& host) {
  constexpr std::array<std::string_view, 4> kHosts{"localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
  boost::system::error_code no_address;
  const auto address = asio::ip::make_address(host, no_address);
  return (!no_address && address.is_loopback()) || std::ranges::find(kHosts, host) != kHosts.end();
}

class ContainerSource final : public CredentialSource {
 public:
  ContainerSource(net::Url url, ContainerSettings settings, Clock* clock)
      : url_(std::move(url)), settings_(std::move(settings)), clock_(clock) {}

  Task<Result<Fetched>> fetch(net::Routes routes) override {
    const auto where = describe();
    auto token = authorization();
    if (!token) co_return fail(std::move(token).error());
    net::Headers headers;
    headers.add("Accept", "application/json");
    if (!token->empty()) headers.add("Authorization", *std::move(token));
    auto* const http = url_.origin.tls ? routes.far : routes.near;
    auto reply = co_await ask(http, url_.origin, "GET", url_.target, std::move(headers));
    if (!reply) co_return fail(std::move(reply).error().during(where));
    if (reply->status != 200) {
      co_return fail(metadata_refusal(*reply, where, "is a role linked to this task or service account?"));
    }
    co_return parse_credentials(reply->body, net::date_of(*reply, seconds_of(clock_)), where);
  }
  std::string describe() const override { return "container credentials of " + url_.origin.url(); }

 private:
  Result<std::string> authorization() const {
    std::string token = settings_.authorization;
    if (!settings_.authorization_file.empty()) {
      FileStamp stamp;
      auto text = read_small_file(settings_.authorization_file, &stamp);
      if (!text) return fail(std::move(text).error());
      token = trim(*text);
      if (token.empty()) {
        return fail(ErrorKind::kUnavailable,
                    printable(settings_.authorization_file) +
                        ": is missing or empty; AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names it");
      }
    }
    if (token.find_first_of("\r\n") == std::string::npos) return token;
    return fail(ErrorKind::kInvalid, "the container's authorization token has a line break in it");
  }

  const net::Url url_;
  const ContainerSettings settings_;
  Clock* const clock_;
};

// ---- instances

class InstanceSource final : public CredentialSource {
 public:
  InstanceSource(net::Origin origin, Clock* clock) : origin_(std::move(origin)), clock_(clock) {}

  Task<Result<Fetched>> fetch(net::Routes routes) override {
    const auto where = describe();
    auto token = co_await session(routes.near, where);
    if (!token) co_return fail(std::move(token).error());
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    auto listed = co_await get(routes.near, roles, *token, where);
    if (!listed) co_return fail(std::move(listed).error());
    const auto role = std::string{trim(std::string_view{listed->body}.substr(0, listed->body.find('\n')))};
    if (role.empty()) co_return fail(ErrorKind::kDenied, where + ": no role is attached to this instance");
    auto reply = co_await get(routes.near, roles + percent_encode(role), *token, where);
    if (!reply) co_return fail(std::move(reply).error());
    co_return read(*reply, where + ", role " + printable(role));
  }
  std::string describe() const override { return "instance metadata of " + origin_.url(); }

 private:
  Task<Result<std::string>> session(net::HttpClient* http, std::string where) {
    net::Headers headers;
    headers.add("X-aws-ec2-metadata-token-ttl-seconds", "21600");
    auto reply = co_await ask(http, origin_, "PUT", "/latest/api/token", std::move(headers));
    if (!reply) co_return fail(std::move(reply).error().during(where));
    const auto token = trim(reply->body);
    if (reply->status == 200 && !token.empty() && token.find_first_of("\r\n") == std::string_view::npos) {
      co_return std::string{token};
    }
    co_return fail(
        metadata_refusal(*reply, where, "it must offer IMDSv2 to this process (hop limit 2 for containers)"));
  }

  Task<Result<net::WholeReply>> get(net::HttpClient* http, std::string target, std::string token, std::string where) {
    net::Headers headers;
    headers.add("X-aws-ec2-metadata-token", std::move(token));
    auto reply = co_await ask(http, origin_, "GET", std::move(target), std::move(headers));
    if (!reply) co_return fail(std::move(reply).error().during(where));
    if (reply->status != 200) co_return fail(metadata_refusal(*reply, where, "is a role attached to this instance?"));
    co_return reply;
  }

  /// A 200 may carry an error. When the service behind it is away it hands out what has expired, and S3 goes on taking
  /// that: the server decides.
  Result<Fetched> read(const net::WholeReply& reply, const std::string& where) const {
    boost::system::error_code bad;
    const auto document = boost::json::parse(reply.body, bad);
    const auto* object = bad ? nullptr : document.if_object();
    const auto code = object ? text_field(*object, "Code") : std::string{};
    if (!code.empty() && code != "Success") {
      return fail(ErrorKind::kUnavailable, where + ": says " + printable(code.substr(0, 100)));
    }
    const auto now = net::date_of(reply, seconds_of(clock_));
    const auto end = object ? parse_rfc3339(text_field(*object, "Expiration")) : std::nullopt;
    const bool stale = end && *end <= now;
    return parse_credentials(reply.body, stale ? *end - kStaleLife : now, where);
  }

  const net::Origin origin_;
  Clock* const clock_;
};

}  // namespace

Result<Fetched> parse_credentials(std::string_view json, Seconds date, std::string_view where) {
  const auto wrong = [where](std::string_view why) {
    return fail(ErrorKind::kUnavailable, std::string{where} + ": " + std::string{why});
  };
  boost::system::error_code bad;
  const auto document = boost::json::parse(boost::json::string_view{json.data(), json.size()}, bad);
  const auto* object = bad ? nullptr : document.if_object();
  if (!object) return wrong("the answer is not JSON");
  Credentials credentials{text_field(*object, "AccessKeyId"), text_field(*object, "SecretAccessKey"), std::nullopt};
  if (credentials.access_key_id.empty()) return wrong("the answer has no AccessKeyId");
  if (credentials.secret_access_key.empty()) return wrong("the answer has no SecretAccessKey");
  for (const auto* name : {"Token", "SessionToken"}) {
    if (auto token = text_field(*object, name); !token.empty()) credentials.session_token = std::move(token);
  }
  const auto expiration = text_field(*object, "Expiration");
  if (expiration.empty()) return Fetched{std::move(credentials)};
  const auto end = parse_rfc3339(expiration);
  if (!end) return wrong("its Expiration is not a time");
  if (*end <= date) return wrong("what it hands out has expired");
  return Fetched{std::move(credentials), *end - date};
}

Result<std::shared_ptr<CredentialSource>> container_source(ContainerSettings settings, Clock* clock) {
  const bool relative = !settings.relative_uri.empty();
  const std::string name = relative ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" : "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  if (relative && !settings.relative_uri.starts_with('/')) {
    return fail(ErrorKind::kInvalid, name + ": does not begin with /");
  }
  auto url = net::Url::parse(relative ? "http://169.254.170.2" + settings.relative_uri : settings.full_uri);
  if (!url) return fail(std::move(url).error().during(name));
  if (!url->origin.tls && !may_be_plain(url->origin.host)) {
    return fail(ErrorKind::kInvalid, name + ": " + printable(url->origin.url()) +
                                         " is refused: http only to this machine, 169.254.170.2, 169.254.170.23 or "
                                         "[fd00:ec2::23], else https");
  }
  return std::make_shared<ContainerSource>(*std::move(url), std::move(settings), clock);
}

std::shared_ptr<CredentialSource> instance_source(std::optional<net::Origin> endpoint, Clock* clock) {
  const net::Origin amazons{false, "169.254.169.254", 80};
  return std::make_shared<InstanceSource>(endpoint.value_or(amazons), clock);
}

}  // namespace ferry::s3
