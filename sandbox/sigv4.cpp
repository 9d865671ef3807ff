#include "sandbox/sigv4.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr auto kSkewMax = std::chrono::minutes{15};

struct Presented {
  std::string_view access_key_id, date, region, service, terminator;
  std::vector<std::string> signed_headers;
  std::string_view signature;
  [[nodiscard]] std::string scope() const { return fmt::format("{}/{}/{}/{}", date, region, service, terminator); }
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<Presented> parse_authorization(std::string_view value) {
  if (!value.starts_with(kAlgorithm) || value.size() <= kAlgorithm.size()) return std::nullopt;
  value.remove_prefix(kAlgorithm.size() + 1);
  Presented presented;
  for (const auto part : split(value, ',')) {
    const auto field = trim(part);
    const auto equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = field.substr(0, equals);
    const auto text = field.substr(equals + 1);
    if (name == "Credential") {
      const auto scope = split(text, '/');
      if (scope.size() != 5) return std::nullopt;
      presented.access_key_id = scope[0], presented.date = scope[1], presented.region = scope[2];
      presented.service = scope[3], presented.terminator = scope[4];
    } else if (name == "SignedHeaders") {
      for (const auto header : split(text, ';')) presented.signed_headers.emplace_back(header);
    } else if (name == "Signature") {
      presented.signature = text;
    } else {
      return std::nullopt;
    }
  }
  if (presented.access_key_id.empty() || presented.signed_headers.empty() || presented.signature.empty()) {
    return std::nullopt;
  }
  return presented;
}

void append_trimmed(std::string* out, std::string_view value) {
  bool space = false;
  for (const char c : trim(value)) {
    if (c == ' ' || c == '\t') {
      space = true;
      continue;
    }
    if (space) *out += ' ';
    space = false;
    *out += c;
  }
}

std::string canonical_query(const Query& query) {
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : query.pairs()) encoded.emplace_back(percent_encode(name), percent_encode(value));
  std::ranges::sort(encoded);
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text.append(name).append("=").append(value);
  }
  return text;
}

/// The signer encodes once; a client that left harmless characters as they are is right as well.
std::string canonical_path(std::string_view raw_path) {
  const auto decoded = percent_decode(raw_path);
  return percent_encode(decoded.value_or(std::string(raw_path)), "/");
}

std::string canonical_request(const std::string& method, std::string_view raw_path, const Query& query,
                              const net::Headers& headers, const std::vector<std::string>& signed_headers) {
  auto text = method + "\n" + canonical_path(raw_path) + "\n" + canonical_query(query) + "\n";
  std::string names;
  for (const auto& name : signed_headers) {
    text.append(name).append(":");
    bool first = true;
    for (const auto& [other, value] : headers) {
      if (!iequals(other, name)) continue;
      if (!std::exchange(first, false)) text += ',';
      append_trimmed(&text, value);
    }
    text += '\n';
    names.append(names.empty() ? "" : ";").append(name);
  }
  const auto payload = headers.find("x-amz-content-sha256");
  text.append("\n").append(names).append("\n").append(payload.value_or(""));
  return text;
}

std::string make_signing_key(const std::string& secret, std::string_view date, std::string_view region) {
  return hmac_sha256(hmac_sha256(hmac_sha256(hmac_sha256("AWS4" + secret, date), region), "s3"), "aws4_request");
}

/// The key changes once a day: the last one is kept per thread.
const std::string& signing_key(const std::string& secret, std::string_view date, std::string_view region) {
  thread_local std::string for_what, key;
  auto what = fmt::format("{}/{}/{}", date, region, secret);
  if (what != for_what) {
    key = make_signing_key(secret, date, region);
    for_what = std::move(what);
  }
  return key;
}

std::string sign(const std::string& key, std::string_view amz_date, std::string_view scope,
                 std::string_view canonical) {
  return hex(hmac_sha256(key, fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_date, scope, hex(sha256(canonical)))));
}

std::optional<Seconds> parse_amz_date(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  return parse_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2),
                                   text.substr(9, 2), text.substr(11, 2), text.substr(13, 2)));
}

S3Result<std::string> request_date(const net::Headers& headers, const Presented& presented,
                                   const SignatureRules& rules) {
  const auto date = headers.find("x-amz-date");
  const auto time = date ? parse_amz_date(*date) : std::nullopt;
  if (!time) {
    return tl::unexpected(
        S3Error(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"));
  }
  const auto skew = *time > rules.now ? *time - rules.now : rules.now - *time;
  if (skew > kSkewMax) {
    return tl::unexpected(S3Error(403, "RequestTimeTooSkewed",
                                  "The difference between the request time and the current time is too large.",
                                  {{"RequestTime", std::string(*date)},
                                   {"ServerTime", rfc3339(rules.now)},
                                   {"MaxAllowedSkewMilliseconds", "900000"}}));
  }
  if (presented.date != date->substr(0, 8)) {
    return tl::unexpected(S3Error(400, "AuthorizationHeaderMalformed",
                                  "The authorization header is malformed; Invalid credential date. Date is not the "
                                  "same as X-Amz-Date."));
  }
  return std::string(*date);
}

std::optional<S3Error> check_scope(const Presented& presented, const S3Keys& keys, const SignatureRules& rules) {
  const auto malformed = [](const std::string& what) {
    return S3Error(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; " + what);
  };
  if (presented.terminator != "aws4_request") return malformed("the scope must end in aws4_request.");
  if (presented.service != "s3") return malformed("incorrect service. This endpoint belongs to \"s3\".");
  if (presented.access_key_id != keys.access_key_id) {
    return S3Error(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
  }
  if (presented.region != rules.region) {
    auto error =
        malformed(fmt::format("the region '{}' is wrong; expecting '{}'", printable(presented.region), rules.region));
    error.details = {{"Region", rules.region}};
    return error;
  }
  return std::nullopt;
}

std::optional<S3Error> check_headers(const net::Headers& headers, const Presented& presented, const S3Keys& keys) {
  const auto is_signed = [&](std::string_view name) {
    return std::ranges::find(presented.signed_headers, name) != presented.signed_headers.end();
  };
  if (!is_signed("host")) return S3Error(403, "AccessDenied", "The header 'host' must be signed");
  for (const auto& [name, value] : headers) {
    const auto lower = to_lower(name);
    if (lower.starts_with("x-amz-") && !is_signed(lower)) {
      return S3Error(403, "AccessDenied", "There were headers present in the request which were not signed",
                     {{"HeadersNotSigned", lower}});
    }
  }
  if (!headers.find("x-amz-content-sha256")) {
    return S3Error(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  }
  const auto token = headers.find("x-amz-security-token");
  if (token.has_value() != keys.session_token.has_value() || (token && !same_secret(*token, *keys.session_token))) {
    return S3Error(400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
  }
  return std::nullopt;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  static EVP_MD* const kMethod = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, kMethod, nullptr);
  digest.resize(size);
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  constexpr std::size_t kBlock = 64;
  std::string padded(key.size() > kBlock ? sha256(key) : std::string(key));
  padded.resize(kBlock, '\0');
  auto inner = padded;
  auto outer = padded;
  for (auto& c : inner) c ^= 0x36;
  for (auto& c : outer) c ^= 0x5c;
  return sha256(outer + sha256(inner.append(text)));
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string chain_signature(const Signature& signature, std::string_view kind, std::string_view previous,
                            std::string_view digests) {
  return hex(hmac_sha256(signature.signing_key,
                         fmt::format("{}\n{}\n{}\n{}\n{}", kind, signature.date, signature.scope, previous, digests)));
}

S3Result<std::optional<Signature>> verify_signature(const std::string& method, std::string_view raw_path,
                                                    const Query& query, const net::Headers& headers, const S3Keys& keys,
                                                    const SignatureRules& rules) {
  const auto value = headers.find("authorization");
  if (!value) {
    if (!query.has("X-Amz-Signature")) return std::nullopt;
    return tl::unexpected(S3Error(501, "NotImplemented", "Presigned requests are not served here"));
  }
  const auto presented = parse_authorization(*value);
  if (!presented) {
    return tl::unexpected(
        S3Error(400, "AuthorizationHeaderMalformed", "The authorization header that you provided is not valid."));
  }
  if (auto error = check_scope(*presented, keys, rules)) return tl::unexpected(*std::move(error));
  auto date = request_date(headers, *presented, rules);
  if (!date) return tl::unexpected(std::move(date).error());
  if (auto error = check_headers(headers, *presented, keys)) return tl::unexpected(*std::move(error));

  const auto canonical = canonical_request(method, raw_path, query, headers, presented->signed_headers);
  Signature good{*std::move(date),
                 presented->scope(),
                 signing_key(keys.secret_access_key, presented->date, presented->region),
                 {}};
  good.signature = sign(good.signing_key, good.date, good.scope, canonical);
  if (!same_secret(good.signature, presented->signature)) {
    return tl::unexpected(S3Error(403, "SignatureDoesNotMatch",
                                  "The request signature we calculated does not match the signature you provided. "
                                  "Check your key and signing method.",
                                  {{"CanonicalRequest", canonical}}));
  }
  return good;
}

std::string authorization(const std::string& method, std::string_view raw_path, const Query& query,
                          const net::Headers& headers, const S3Keys& keys, const std::string& region) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers) names.push_back(to_lower(name));
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  const std::string date(headers.find("x-amz-date").value_or(""));
  const auto day = date.substr(0, 8);
  const auto scope = fmt::format("{}/{}/s3/aws4_request", day, region);
  const auto& key = signing_key(keys.secret_access_key, day, region);
  const auto signature = sign(key, date, scope, canonical_request(method, raw_path, query, headers, names));
  return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, keys.access_key_id, scope,
                     fmt::join(names, ";"), signature);
}

}  // namespace ferry::sandbox
