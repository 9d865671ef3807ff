#include "sandbox/token.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <boost/json.hpp>
#include <stdexcept>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {

std::string TokenBook::issue() {
  auto token = fmt::format("sandbox.{:016x}{:016x}", rng_->next(), rng_->next());
  const std::lock_guard lock(mutex_);
  std::erase_if(good_until_, [now = clock_->wall()](const auto& entry) { return entry.second <= now; });
  good_until_[token] = clock_->wall() + life_;
  return token;
}

bool TokenBook::accepts(std::string_view token) const {
  const std::lock_guard lock(mutex_);
  const auto found = good_until_.find(token);
  return found != good_until_.end() && clock_->wall() < found->second;
}

void TokenBook::revoke_all() {
  const std::lock_guard lock(mutex_);
  good_until_.clear();
}

struct ServiceAccount::Key {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair{nullptr, EVP_PKEY_free};
};

ServiceAccount::ServiceAccount(std::unique_ptr<Key> key, std::string email, std::string key_id)
    : key_(std::move(key)), email_(std::move(email)), key_id_(std::move(key_id)) {}
ServiceAccount::~ServiceAccount() = default;
ServiceAccount::ServiceAccount(ServiceAccount&&) noexcept = default;

ServiceAccount ServiceAccount::make(Rng* rng) {
  auto key = std::make_unique<Key>();
  constexpr std::size_t kBits = 2048;
  key->pair.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", kBits));
  if (!key->pair) throw std::runtime_error("OpenSSL can't make an RSA key");
  return ServiceAccount(std::move(key), "sandbox@sandbox-project.iam.gserviceaccount.com",
                        fmt::format("{:016x}{:016x}", rng->next(), rng->next()));
}

std::string ServiceAccount::key_file(std::string_view token_uri) const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PrivateKey(bio.get(), key_->pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  std::string out;
  JsonObject json(&out);
  json.text("type", "service_account").text("project_id", "sandbox-project").text("private_key_id", key_id_);
  json.text("private_key", std::string_view(text, static_cast<std::size_t>(size))).text("client_email", email_);
  json.text("client_id", "1").text("token_uri", token_uri).text("universe_domain", "googleapis.com");
  json.end();
  return out + "\n";
}

bool ServiceAccount::verify(std::string_view text, std::string_view signature) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pair.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

std::string ServiceAccount::sign(std::string_view text) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_->pair.get()));
  std::string signature(size, '\0');
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pair.get());
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                 reinterpret_cast<const unsigned char*>(text.data()), text.size());
  signature.resize(size);
  return signature;
}

namespace {

std::optional<std::string> from_base64url(std::string text) {
  for (auto& c : text) {
    if (c == '+' || c == '/' || c == '=') return std::nullopt;
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  text.append((4 - text.size() % 4) % 4, '=');
  return from_base64(text);
}

std::optional<boost::json::object> json_part(std::string_view part) {
  const auto text = from_base64url(std::string(part));
  if (!text) return std::nullopt;
  boost::system::error_code bad;
  auto value = boost::json::parse(*text, bad);
  if (bad || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string_view text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view{};
}

std::optional<std::int64_t> seconds_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_int64() ? std::optional(value->get_int64()) : std::nullopt;
}

bool has_known_scope(std::string_view scopes) {
  for (const std::string_view scope : {"cloud-platform", "devstorage.read_write", "devstorage.full_control"}) {
    const auto full = fmt::format("https://www.googleapis.com/auth/{}", scope);
    if ((" " + std::string(scopes) + " ").find(" " + full + " ") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> TokenService::refusal(std::string_view assertion) const {
  const auto first = assertion.find('.');
  const auto second = first == std::string_view::npos ? first : assertion.find('.', first + 1);
  if (second == std::string_view::npos) return "not a JWT";
  const auto head = json_part(assertion.substr(0, first));
  const auto claims = json_part(assertion.substr(first + 1, second - first - 1));
  const auto signature = from_base64url(std::string(assertion.substr(second + 1)));
  if (!head || !claims || !signature) return "a part of the JWT is not base64url of JSON";
  if (text_of(*head, "alg") != "RS256") return "alg must be RS256";
  const auto key_id = text_of(*head, "kid");
  if (!key_id.empty() && key_id != account_->key_id()) return "unknown kid";
  if (!account_->verify(assertion.substr(0, second), *signature)) return "Invalid JWT Signature.";
  if (text_of(*claims, "iss") != account_->email()) return "unknown iss";
  if (text_of(*claims, "aud") != audience_) return "aud must be " + audience_;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock_->wall().time_since_epoch()).count();
  const auto issued = seconds_of(*claims, "iat");
  const auto expires = seconds_of(*claims, "exp");
  constexpr std::int64_t kSkew = 300;
  constexpr std::int64_t kLifeMax = 3600;
  if (!issued || !expires || *issued > now + kSkew || *expires < now || *expires - *issued > kLifeMax) {
    return "Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp "
           "values.";
  }
  if (!has_known_scope(text_of(*claims, "scope"))) return "no scope that allows writing to storage";
  return std::nullopt;
}

Route TokenService::route(const net::ServerRequest& request) const {
  Route route;
  auto target = parse_target(request.target);
  if (!target) return route;
  route.target = *std::move(target);
  if (request.method == "POST" && route.target.raw_path == "/token") route.operation = "Token";
  return route;
}

Task<> TokenService::serve(Call* call) {
  net::Headers headers{{"Content-Type", "application/json; charset=UTF-8"}, {"Cache-Control", "no-store"}};
  if (call->route.operation != "Token") {
    (void)co_await call->wire->respond(404, std::move(headers), R"({"error":"not_found"})");
    co_return;
  }
  constexpr std::size_t kFormMax = 64 * 1024;
  const auto body = co_await call->wire->read_all(kFormMax);
  if (!body) co_return;
  const auto form = parse_target("/?" + *body);
  std::string error, why;
  if (!form || form->query.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer") {
    error = "unsupported_grant_type";
    why = "grant_type must be urn:ietf:params:oauth:grant-type:jwt-bearer";
  } else if (auto refused = refusal(form->query.get("assertion"))) {
    error = "invalid_grant";
    why = *std::move(refused);
  }
  std::string out;
  JsonObject json(&out);
  if (error.empty()) {
    json.text("access_token", book_->issue()).text("token_type", "Bearer");
    json.number("expires_in", static_cast<std::uint64_t>(book_->life().count()));
  } else {
    json.text("error", error).text("error_description", why);
  }
  json.end();
  (void)co_await call->wire->respond(error.empty() ? 200 : 400, std::move(headers), std::move(out));
}

}  // namespace ferry::sandbox
