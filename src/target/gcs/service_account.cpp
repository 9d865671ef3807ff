// Tokens for a service account (protocol-facts 4): a JWT that its key has signed is exchanged at the token endpoint.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "target/gcs/json.hpp"
#include "target/gcs/token_sources.hpp"

namespace ferry::gcs {
namespace {

using std::chrono::seconds;

constexpr seconds kJwtLife{3600};
constexpr std::string_view kKeyRemedy =
    "check that the key is still valid, that the account is enabled, and this machine's clock";

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

/// A key that can sign, and where its signature is exchanged.
struct Account {
  ServiceAccountKey key;  ///< without private_key
  PrivateKey private_key;
  net::Url url;
  Clock* clock;
};

Result<std::shared_ptr<const Account>> read_account(std::string_view json, const TokenSettings& settings) {
  auto key = parse_service_account(json);
  if (!key) return fail(std::move(key).error());
  auto url = google_url(key->token_uri, "token_uri", settings.origin_allowed);
  if (!url) return fail(std::move(url).error());
  auto private_key = read_private_key(key->private_key);
  if (!private_key) {
    return fail(ErrorKind::kInvalid,
                "service-account key: \"private_key\" is not an RSA key in PEM form; create a new JSON key");
  }
  key->private_key.clear();
  Account account{*std::move(key), std::move(private_key), *std::move(url), settings.clock};
  return std::make_shared<const Account>(std::move(account));
}

/// `purpose`: the claim that says what the token is for. Nothing: the key can't sign.
std::optional<std::string> assertion_form(const Account& account, std::string_view purpose, std::string_view value) {
  std::string header = R"({"alg":"RS256","typ":"JWT")";
  if (!account.key.private_key_id.empty()) {
    header += ",\"kid\":";
    append_quoted(&header, account.key.private_key_id);
  }
  header += '}';
  const auto now = std::chrono::floor<seconds>(account.clock->wall()).time_since_epoch();
  std::string claims = "{";
  for (const auto& [name, text] : {std::pair<std::string_view, std::string_view>{"iss", account.key.client_email},
                                   {purpose, value},
                                   {"aud", account.key.token_uri}}) {
    append_quoted(&claims, name);
    claims += ':';
    append_quoted(&claims, text);
    claims += ',';
  }
  claims += "\"iat\":" + std::to_string(now.count());
  claims += ",\"exp\":" + std::to_string((now + kJwtLife).count()) + "}";
  const auto signed_part = base64url(header) + "." + base64url(claims);
  const auto signature = sign(account.private_key.get(), signed_part);
  if (!signature) return std::nullopt;
  return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + signed_part + "." +
         base64url(*signature);
}

std::string name_of(const Account& account) { return "service account " + printable(account.key.client_email); }

tl::unexpected<Error> cannot_sign(const Account& account) {
  return fail(ErrorKind::kInvalid, name_of(account) + ": the private key can't sign");
}

class ServiceAccountSource final : public TokenSource {
 public:
  ServiceAccountSource(std::shared_ptr<const Account> account, std::string scope)
      : account_(std::move(account)), scope_(std::move(scope)) {}

  Task<Result<Fetched>> fetch(net::Routes routes) override {
    auto form = assertion_form(*account_, "scope", scope_);
    if (!form) co_return cannot_sign(*account_);
    const auto where = "token for " + describe() + " from " + account_->url.origin.url();
    co_return co_await exchange_token(routes.far, account_->url, *std::move(form), where, kKeyRemedy);
  }
  std::string describe() const override { return name_of(*account_); }

 private:
  const std::shared_ptr<const Account> account_;
  const std::string scope_;
};

Task<Result<std::string>> fetch_identity(std::shared_ptr<const Account> account, std::string audience,
                                         net::Routes routes) {
  auto form = assertion_form(*account, "target_audience", audience);
  if (!form) co_return cannot_sign(*account);
  const auto where = "identity token for " + name_of(*account) + " from " + account->url.origin.url();
  auto reply = co_await post_form(routes.far, account->url, *std::move(form));
  if (!reply) co_return fail(std::move(reply).error().during(where));
  if (reply->status != 200) co_return fail(token_refusal(*reply, where, kKeyRemedy));
  auto token = text_field(reply->body, "id_token");
  if (!token) co_return fail(ErrorKind::kUnavailable, where + ": the reply holds no id_token");
  co_return *std::move(token);
}

}  // namespace

Result<std::shared_ptr<TokenSource>> service_account_source(std::string_view json, TokenSettings settings) {
  auto account = read_account(json, settings);
  if (!account) return fail(std::move(account).error());
  return std::make_shared<ServiceAccountSource>(*std::move(account), std::move(settings.scope));
}

Result<IdentityFetch> service_account_identity(std::string_view json, std::string audience, TokenSettings settings) {
  auto account = read_account(json, settings);
  if (!account) return fail(std::move(account).error());
  return IdentityFetch{[account = *std::move(account), audience = std::move(audience)](net::Routes routes) {
    return fetch_identity(account, audience, routes);
  }};
}

}  // namespace ferry::gcs
