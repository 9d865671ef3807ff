#include "source/s3/sigv4.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>
#include <new>
#include <tuple>
#include <utility>
#include <vector>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::s3 {
namespace {

struct Field {
  std::string_view name, value;
};

bool is_signed(std::string_view name) {
  static constexpr std::string_view kAmazon = "x-amz-";
  if (name.size() > kAmazon.size() && iequals(name.substr(0, kAmazon.size()), kAmazon)) return true;
  for (const std::string_view also : {"host", "content-type", "content-md5", "date", "range", "if-match",
                                      "if-none-match", "x-goog-cloud-target-resource"}) {
    if (iequals(name, also)) return true;
  }
  return false;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool name_before(const Field& a, const Field& b) {
  return std::lexicographical_compare(a.name.begin(), a.name.end(), b.name.begin(), b.name.end(),
                                      [](char x, char y) { return lower(x) < lower(y); });
}

void append_lower(std::string_view name, std::string* out) {
  const auto begin = static_cast<std::ptrdiff_t>(out->size());
  out->append(name);
  std::transform(out->begin() + begin, out->end(), out->begin() + begin, lower);
}

/// Without white space at the ends, runs of it inside as one space.
void append_collapsed(std::string_view value, std::string* out) {
  value = trim(value);
  if (value.find_first_of(" \t") == std::string_view::npos) {
    out->append(value);
    return;
  }
  bool space = false;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank) out->push_back(c);
    if (blank && !space) out->push_back(' ');
    space = blank;
  }
}

void append_query(std::string_view query, std::string* out) {
  if (query.empty()) return;
  std::vector<Field> parameters;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = std::min(pair.find('='), pair.size());
    parameters.push_back({pair.substr(0, equals), pair.substr(std::min(pair.size(), equals + 1))});
  }
  // As pairs: joined to "a=" and "a-b=" they would sort the other way round.
  std::sort(parameters.begin(), parameters.end(),
            [](const Field& a, const Field& b) { return std::tie(a.name, a.value) < std::tie(b.name, b.value); });
  for (const auto& [name, value] : parameters) {
    if (&name != &parameters.front().name) out->push_back('&');
    out->append(name).append("=").append(value);
  }
}

void append_headers(const net::RequestHead& head, std::string_view host, std::string* out, std::string* names) {
  std::vector<Field> fields;
  fields.reserve(head.headers.size() + 1);
  const auto insert = [&fields](Field field) {  // there are few, and those of one name keep their order
    fields.insert(std::upper_bound(fields.begin(), fields.end(), field, name_before), field);
  };
  insert({"host", host});
  for (const auto& [name, value] : head.headers) {
    if (is_signed(name) && !iequals(name, "host")) insert({name, value});
  }

  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0 && iequals(fields[i].name, fields[i - 1].name)) {
      out->back() = ',';  // one line for all of a name
    } else {
      if (!names->empty()) names->push_back(';');
      append_lower(fields[i].name, names);
      append_lower(fields[i].name, out);
      out->push_back(':');
    }
    append_collapsed(fields[i].value, out);
    out->push_back('\n');
  }
}

}  // namespace

void append_canonical_request(const net::RequestHead& head, std::string_view host, std::string_view payload_hash,
                              std::string* out, std::string* signed_headers) {
  const std::string_view target{head.target};
  const auto mark = std::min(target.find('?'), target.size());
  out->append(head.method).append("\n").append(target.substr(0, mark)).append("\n");
  append_query(target.substr(std::min(target.size(), mark + 1)), out);
  out->push_back('\n');
  append_headers(head, host, out, signed_headers);
  out->append("\n").append(*signed_headers).append("\n").append(payload_hash);
}

/// One digest context for the life of the signer: looking the algorithm up costs more than hashing a request.
class Signer::Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex2(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc{};
  }
  void start() { EVP_DigestInit_ex2(context_.get(), nullptr, nullptr); }
  void update(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  Block finish() {
    Block digest;
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

Signer::Signer(std::string service) : service_(std::move(service)), sha256_(std::make_unique<Sha256>()) {}
Signer::~Signer() = default;
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;

/// RFC 2104.
Signer::Block Signer::hmac(std::string_view key, std::string_view text) {
  std::array<char, 64> inner{}, outer{};
  if (key.size() > inner.size()) {
    sha256_->start();
    sha256_->update(key);
    const auto hashed = sha256_->finish();
    std::copy(hashed.begin(), hashed.end(), inner.begin());
  } else {
    std::copy(key.begin(), key.end(), inner.begin());
  }
  for (std::size_t i = 0; i < inner.size(); ++i) {
    outer[i] = static_cast<char>(inner[i] ^ 0x5c);
    inner[i] = static_cast<char>(inner[i] ^ 0x36);
  }
  sha256_->start();
  sha256_->update({inner.data(), inner.size()});
  sha256_->update(text);
  const auto digest = sha256_->finish();
  sha256_->start();
  sha256_->update({outer.data(), outer.size()});
  sha256_->update({digest.data(), digest.size()});
  return sha256_->finish();
}

void Signer::prepare_key(const Credentials& credentials, std::string_view day, std::string_view region) {
  if (key_secret_ == credentials.secret_access_key && key_day_ == day && key_region_ == region) return;
  key_secret_ = credentials.secret_access_key;
  key_day_ = day;
  key_region_ = region;
  key_ = hmac("AWS4" + key_secret_, day);
  for (const std::string_view part : {region, std::string_view{service_}, std::string_view{"aws4_request"}}) {
    key_ = hmac({key_.data(), key_.size()}, part);
  }
}

void Signer::sign(net::RequestHead* head, std::string_view host, const Credentials& credentials,
                  std::string_view region, Seconds now, std::string_view payload_hash) {
  assert(!head->headers.find("authorization"));
  auto date = amz_date(now);
  const std::string day = date.substr(0, 8);
  text_.assign("AWS4-HMAC-SHA256\n").append(date).append("\n");
  const auto scope_at = text_.size();
  text_.append(day).append("/").append(region).append("/").append(service_).append("/aws4_request");
  const auto scope_size = text_.size() - scope_at;

  head->headers.add("x-amz-date", std::move(date));
  if (credentials.session_token) head->headers.add("x-amz-security-token", *credentials.session_token);
  canonical_.clear();
  signed_headers_.clear();
  append_canonical_request(*head, host, payload_hash, &canonical_, &signed_headers_);
  sha256_->start();
  sha256_->update(canonical_);
  const auto hashed = sha256_->finish();
  text_.append("\n").append(hex({hashed.data(), hashed.size()}));

  prepare_key(credentials, day, region);
  const auto signature = hmac({key_.data(), key_.size()}, text_);
  std::string authorization;
  authorization.reserve(160 + credentials.access_key_id.size() + scope_size + signed_headers_.size());
  authorization.append("AWS4-HMAC-SHA256 Credential=").append(credentials.access_key_id).append("/");
  authorization.append(text_, scope_at, scope_size).append(", SignedHeaders=").append(signed_headers_);
  authorization.append(", Signature=").append(hex({signature.data(), signature.size()}));
  head->headers.add("Authorization", std::move(authorization));
}

}  // namespace ferry::s3
