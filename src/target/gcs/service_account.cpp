// Access tokens for a service account (protocol-facts 4): a signed JWT is exchanged at the token endpoint, one refresh
// at a time, ahead of expiry. The old token serves as long as it is valid.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <list>

#include "kit/async/wake.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "kit/resilience/retry.hpp"
#include "target/gcs/api.hpp"
#include "target/gcs/json.hpp"

namespace ferry::gcs {
namespace {

using std::chrono::seconds;

constexpr seconds kAhead{225};  // how long before its end a token is replaced
constexpr seconds kJwtLife{3600};
constexpr std::size_t kTokenReplyMax = 64 << 10;

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, KeyDeleter>;

/// Instead of OpenSSL's own, which asks at the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) { return -1; }

PrivateKey read_private_key(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                       &BIO_free};
  PrivateKey key{text ? PEM_read_bio_PrivateKey(text.get(), nullptr, &no_passphrase, nullptr) : nullptr};
  ERR_clear_error();
  if (key && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  return key;
}

/// RSASSA-PKCS1-v1_5 with SHA-256; nothing if the library refuses.
std::optional<std::string> sign(EVP_PKEY* key, std::string_view text) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1) return std::nullopt;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t length = 0;
  if (EVP_DigestSign(context.get(), nullptr, &length, bytes, text.size()) != 1) return std::nullopt;
  std::string signature(length, '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (EVP_DigestSign(context.get(), out, &length, bytes, text.size()) != 1) return std::nullopt;
  signature.resize(length);
  return signature;
}

std::string base64url(std::string_view bytes) {
  auto text = base64(bytes);
  text.erase(text.find_last_not_of('=') + 1);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

struct Endpoint {
  net::Origin origin;
  std::string path;
};

bool is_googles(const net::Origin& origin) {
  constexpr std::array<std::string_view, 3> kHosts{"oauth2.googleapis.com", "www.googleapis.com",
                                                   "accounts.google.com"};
  return origin.tls && origin.port == 443 && std::find(kHosts.begin(), kHosts.end(), origin.host) != kHosts.end();
}

Result<Endpoint> token_endpoint(const std::string& uri, const std::optional<net::Origin>& allowed) {
  const auto scheme = uri.find("://");
  const auto path = scheme == std::string::npos ? scheme : uri.find('/', scheme + 3);
  auto origin = net::Origin::parse(std::string_view{uri}.substr(0, path));
  if (!origin || uri.find_first_of("?#\r\n ") != std::string::npos) {
    return fail(ErrorKind::kInvalid, "service-account key: \"token_uri\" is not a plain URL");
  }
  if (!is_googles(*origin) && !(allowed && *allowed == *origin)) {
    return fail(ErrorKind::kInvalid, "service-account key: \"token_uri\" points to " + printable(origin->url()) +
                                         ", which is not one of Google's token servers: refused; allow that origin "
                                         "explicitly if it is meant");
  }
  Endpoint endpoint;
  endpoint.origin = *std::move(origin);
  endpoint.path = path == std::string::npos ? "/" : uri.substr(path);
  return endpoint;
}

class ServiceAccount final : public TokenProvider {
 public:
  ServiceAccount(ServiceAccountKey key, PrivateKey private_key, Endpoint endpoint, std::string scope,
                 net::HttpClient* http, Clock* clock, Rng* rng, Backoff backoff)
      : key_(std::move(key)),
        private_key_(std::move(private_key)),
        endpoint_(std::move(endpoint)),
        scope_(std::move(scope)),
        http_(http),
        clock_(clock),
        rng_(rng),
        backoff_(backoff) {}

  Task<Result<std::optional<std::string>>> token() override {
    for (;;) {
      if (is_fresh()) co_return token_;
      if (!refreshing_) break;
      if (is_valid()) co_return token_;
      const auto refresh = refreshing_;
      Wake wake;
      const auto place = refresh->waiting.insert(refresh->waiting.end(), &wake);
      const Leave leave{&refresh->waiting, place};
      co_await wake.wait();
      if (refresh->failure && !is_valid()) co_return fail(*refresh->failure);
    }
    co_return co_await refresh();
  }

  void invalidate() override { token_.reset(); }

  std::string describe() const override { return "service account " + printable(key_.client_email); }

 private:
  /// One exchange at the token endpoint, and who waits for it. Everybody belongs to one thread.
  struct Refresh {
    std::list<Wake*> waiting;
    std::optional<Error> failure;
  };

  struct Leave {
    std::list<Wake*>* waiting;
    std::list<Wake*>::iterator place;
    ~Leave() { waiting->erase(place); }
  };

  /// Ends the refresh however its coroutine ends: if it was cancelled, one of those who wait goes on in its place.
  struct Turn {
    explicit Turn(ServiceAccount* owner) : account(owner) { account->refreshing_ = std::make_shared<Refresh>(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      for (Wake* wake : account->refreshing_->waiting) wake->set();
      account->refreshing_.reset();
    }
    ServiceAccount* account;
  };

  bool is_valid() const { return token_ && clock_->now() < expires_; }
  bool is_fresh() const { return is_valid() && clock_->now() < std::max(refresh_at_, retry_at_); }

  /// While the old token is valid, a refresh is one try: if it fails, the next one waits a little.
  Task<Result<std::optional<std::string>>> refresh() {
    const Turn turn{this};
    const auto once = [this] { return exchange(); };
    Backoff patience = backoff_;
    if (is_valid()) patience.attempts_max = 1;
    auto done = co_await retry(patience, clock_, rng_, Idempotency::kIdempotent, once);
    if (done) {
      failures_ = 0;
      co_return token_;
    }
    if (is_valid()) {
      failures_ = std::min(failures_ + 1, backoff_.attempts_max - 1);
      const auto wait = backoff_.after(failures_, rng_->unit(), done.error().retry_after);
      retry_at_ = clock_->now() + wait.value_or(backoff_.ceiling);
      co_return token_;
    }
    refreshing_->failure = done.error();
    co_return fail(std::move(done).error());
  }

  /// One signed request for one token.
  Task<Status> exchange() {
    const auto where = "token for " + describe() + " from " + endpoint_.origin.url();
    auto form = request_form();
    if (!form) co_return fail(ErrorKind::kInvalid, where + ": the private key can't sign");
    net::Headers headers;
    headers.add("Content-Type", "application/x-www-form-urlencoded");
    net::RequestHead head{"POST", endpoint_.path, std::move(headers)};
    const auto asked = clock_->now();
    auto exchange = co_await http_->open(endpoint_.origin, std::move(head), form->size());
    if (!exchange) co_return fail(std::move(exchange).error().during(where));
    auto sent = co_await (*exchange)->write(std::string_view{*form});
    if (!sent) co_return fail(std::move(sent).error().during(where));
    auto reply = co_await (*exchange)->response();
    if (!reply) co_return fail(std::move(reply).error().during(where));
    auto body = co_await (*exchange)->read_all(kTokenReplyMax);
    if (reply->status != 200) {
      Reply answer;
      answer.status = reply->status;
      answer.headers = std::move(reply->headers);
      if (body) answer.body = *std::move(body);
      co_return fail(refused(answer, where));
    }
    if (!body) co_return fail(ErrorKind::kUnavailable, where + ": " + body.error().what);
    co_return take(parse_token(*body), asked, where);
  }

  /// Garbage from a token endpoint is an outage, not a verdict about our key.
  Status take(std::optional<TokenBody> body, SteadyTime asked, const std::string& where) {
    if (!body || body->expires_in <= 0) {
      return fail(ErrorKind::kUnavailable, where + ": the reply holds no usable access_token and expires_in");
    }
    const seconds life{body->expires_in};
    token_ = std::move(body->access_token);
    expires_ = asked + life;
    refresh_at_ = expires_ - std::min<SteadyTime::duration>(kAhead, Milliseconds{life} / 4);
    retry_at_ = SteadyTime{};
    return Unit{};
  }

  Error refused(const Reply& reply, const std::string& where) const {
    auto error = refusal(reply, where, Subject::kBucket, clock_->wall());
    const auto body = parse_error(reply.body);
    if (error.kind != ErrorKind::kUnavailable)
      error.kind = reply.status == 404 ? ErrorKind::kInvalid : ErrorKind::kDenied;
    error.what = where + ": HTTP " + std::to_string(reply.status) + " " + body.reason;
    if (error.kind == ErrorKind::kDenied) {
      error.what += "; check that the key is still valid, that the account is enabled, and this machine's clock";
    }
    return error;
  }

  std::optional<std::string> request_form() const {
    std::string header = R"({"alg":"RS256","typ":"JWT")";
    if (!key_.private_key_id.empty()) {
      header += ",\"kid\":";
      append_quoted(&header, key_.private_key_id);
    }
    header += '}';
    const auto now = std::chrono::floor<seconds>(clock_->wall()).time_since_epoch();
    std::string claims = "{\"iss\":";
    append_quoted(&claims, key_.client_email);
    claims += ",\"scope\":";
    append_quoted(&claims, scope_);
    claims += ",\"aud\":";
    append_quoted(&claims, key_.token_uri);
    claims += ",\"iat\":" + std::to_string(now.count());
    claims += ",\"exp\":" + std::to_string((now + kJwtLife).count()) + "}";
    const auto signed_part = base64url(header) + "." + base64url(claims);
    const auto signature = sign(private_key_.get(), signed_part);
    if (!signature) return std::nullopt;
    return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + signed_part + "." +
           base64url(*signature);
  }

  ServiceAccountKey key_;
  PrivateKey private_key_;
  Endpoint endpoint_;
  std::string scope_;
  net::HttpClient* http_;
  Clock* clock_;
  Rng* rng_;
  Backoff backoff_;

  std::optional<std::string> token_;
  SteadyTime expires_{};     // not valid any more
  SteadyTime refresh_at_{};  // valid, but time for a new one
  SteadyTime retry_at_{};    // not before that: the last refresh failed
  int failures_ = 0;         // refreshes in a row
  std::shared_ptr<Refresh> refreshing_;
};

}  // namespace

Result<std::shared_ptr<TokenProvider>> service_account(std::string json, std::string scope,
                                                       std::optional<net::Origin> token_origin_allowed,
                                                       net::HttpClient* http, Clock* clock, Rng* rng, Backoff backoff) {
  auto key = parse_service_account(json);
  if (!key) return fail(std::move(key).error());
  auto endpoint = token_endpoint(key->token_uri, token_origin_allowed);
  if (!endpoint) return fail(std::move(endpoint).error());
  auto private_key = read_private_key(key->private_key);
  if (!private_key) {
    return fail(ErrorKind::kInvalid,
                "service-account key: \"private_key\" is not an RSA key in PEM form; create a new JSON key");
  }
  key->private_key.clear();
  return std::make_shared<ServiceAccount>(*std::move(key), std::move(private_key), *std::move(endpoint),
                                          std::move(scope), http, clock, rng, backoff);
}

}  // namespace ferry::gcs
