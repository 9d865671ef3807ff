#include "source/s3/object_headers.hpp"

#include <algorithm>

#include "kit/base/text.hpp"
#include "source/s3/rfc2047.hpp"

namespace ferry::s3 {
namespace {

constexpr std::string_view kMetaPrefix = "x-amz-meta-";
constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";

bool has_prefix(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() && iequals(name.substr(0, prefix.size()), prefix);
}

/// Header bytes as text: UTF-8 as it is, everything else is Latin-1, as HTTP has it.
std::string to_text(std::string_view bytes) { return is_utf8(bytes) ? std::string{bytes} : latin1_to_utf8(bytes); }

std::optional<std::string> text_of(const net::Headers& headers, std::string_view name) {
  const auto value = headers.find(name);
  return value ? std::optional{to_text(*value)} : std::nullopt;
}

ContentHeaders content_of(const net::Headers& headers) {
  ContentHeaders content;
  content.type = text_of(headers, "content-type");
  content.encoding = text_of(headers, "content-encoding");
  content.disposition = text_of(headers, "content-disposition");
  content.language = text_of(headers, "content-language");
  content.cache_control = text_of(headers, "cache-control");
  content.expires = text_of(headers, "expires");
  return content;
}

UserMetadata user_metadata_of(const net::Headers& headers) {
  UserMetadata user;
  for (const auto& [name, value] : headers) {
    if (!has_prefix(name, kMetaPrefix)) continue;
    user.emplace_back(to_lower(to_text(std::string_view{name}.substr(kMetaPrefix.size()))),
                      decode_encoded_words(to_text(value)));
  }
  std::sort(user.begin(), user.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  UserMetadata joined;
  for (auto& entry : user) {
    if (!joined.empty() && joined.back().first == entry.first) {
      joined.back().second += "," + entry.second;
    } else {
      joined.push_back(std::move(entry));
    }
  }
  return joined;
}

Encryption encryption_of(const net::Headers& headers) {
  if (headers.find("x-amz-server-side-encryption-customer-algorithm")) return Encryption::kCustomerKey;
  const auto method = headers.find("x-amz-server-side-encryption");
  if (!method || method->empty()) return Encryption::kNone;
  if (*method == "AES256") return Encryption::kAes256;
  return method->starts_with("aws:kms") ? Encryption::kKms : Encryption::kOther;
}

struct Algorithm {
  std::string_view name;
  HashKind kind;
  std::size_t size;
};
constexpr Algorithm kAlgorithms[] = {
    {"md5", HashKind::kMd5, 16},    {"crc32c", HashKind::kCrc32c, 4}, {"crc64nvme", HashKind::kCrc64nvme, 8},
    {"crc32", HashKind::kCrc32, 4}, {"sha1", HashKind::kSha1, 20},    {"sha256", HashKind::kSha256, 32},
};

constexpr std::uint64_t kPartsMax = 10'000;  // Amazon S3 User Guide, multipart upload limits

/// "BASE64" of the whole, or "BASE64-N", the hash of N hashes. A value that doesn't fit the stored type counts for
/// nothing.
void add_checksum(const Algorithm& algorithm, std::string_view value, bool composite, ObjectMeta* meta) {
  const auto dash = value.find('-');
  auto bytes = from_base64(value.substr(0, dash));
  if (!bytes || bytes->size() != algorithm.size) return;
  Digest digest{algorithm.kind, *std::move(bytes)};
  if (dash == std::string_view::npos) {
    if (!composite) meta->checksums.push_back(std::move(digest));
    return;
  }
  const auto count = parse_u64(value.substr(dash + 1));
  if (!count || *count < 1 || *count > kPartsMax) return;
  meta->composites.push_back({std::move(digest), static_cast<std::uint32_t>(*count)});
}

void read_checksums(const net::Headers& headers, ObjectMeta* meta) {
  const auto type = headers.find("x-amz-checksum-type");
  const bool composite = type && iequals(*type, "COMPOSITE");
  for (const auto& [name, value] : headers) {
    if (!has_prefix(name, kChecksumPrefix)) continue;
    const auto wanted = std::string_view{name}.substr(kChecksumPrefix.size());
    for (const auto& algorithm : kAlgorithms) {
      if (iequals(wanted, algorithm.name)) add_checksum(algorithm, value, composite, meta);
    }
  }
}

std::uint32_t missing_meta_of(const net::Headers& headers) {
  const auto count = headers.find("x-amz-missing-meta");
  return count ? static_cast<std::uint32_t>(std::min<std::uint64_t>(parse_u64(*count).value_or(1), UINT32_MAX)) : 0;
}

std::uint32_t tag_count_of(const net::Headers& headers) {
  const auto count = headers.find("x-amz-tagging-count");
  return count ? static_cast<std::uint32_t>(std::min<std::uint64_t>(parse_u64(*count).value_or(1), UINT32_MAX)) : 0;
}

bool is_locked(const net::Headers& headers) {
  const auto hold = headers.find("x-amz-object-lock-legal-hold");
  return headers.find("x-amz-object-lock-mode").has_value() || (hold && iequals(*hold, "ON"));
}

/// `ongoing-request="true"`, or `ongoing-request="false", expiry-date="…"`: a readable copy is there.
Access access_of(const net::Headers& headers, std::string_view storage_class) {
  const auto restore = headers.find("x-amz-restore");
  if (restore && restore->find("ongoing-request=\"true\"") != std::string_view::npos) return Access::kRestoring;
  if (restore) return Access::kReadable;
  const bool archived = is_archive_class(storage_class) || headers.find("x-amz-archive-status");
  return archived ? Access::kArchived : Access::kReadable;
}

}  // namespace

std::optional<ETag> parse_etag(std::string_view text) {
  constexpr std::size_t kMax = 1024;
  const bool printable_ascii = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (text.empty() || text.size() > kMax || !printable_ascii) return std::nullopt;
  if (text.ends_with('"') && (text.starts_with('"') || text.starts_with("W/\""))) return ETag{std::string{text}};
  if (text.find('"') != std::string_view::npos) return std::nullopt;
  return ETag{'"' + std::string{text} + '"'};
}

Result<ObjectMeta> parse_object_headers(const net::Headers& headers, bool with_checksums) {
  ObjectMeta meta;
  auto etag = parse_etag(headers.find("etag").value_or(""));
  if (!etag) return fail(ErrorKind::kCorrupt, "bad reply: no usable ETag");
  const auto modified = parse_http_date(headers.find("last-modified").value_or(""));
  if (!modified) return fail(ErrorKind::kCorrupt, "bad reply: no usable Last-Modified");
  meta.version.etag = *std::move(etag);
  meta.version.modified = *modified;
  if (const auto id = headers.find("x-amz-version-id")) meta.version.version_id = VersionId{to_text(*id)};
  meta.content = content_of(headers);
  meta.user = user_metadata_of(headers);
  if (auto storage_class = text_of(headers, "x-amz-storage-class"); storage_class && !storage_class->empty()) {
    meta.storage_class = *std::move(storage_class);
  }
  meta.encryption = encryption_of(headers);
  meta.access = access_of(headers, meta.storage_class);
  if (with_checksums) read_checksums(headers, &meta);
  meta.missing_meta = missing_meta_of(headers);
  meta.tags = tag_count_of(headers);
  meta.website_redirect = headers.find("x-amz-website-redirect-location").has_value();
  meta.object_lock = is_locked(headers);
  meta.expires_by_rule = headers.find("x-amz-expiration").has_value();
  return meta;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const auto dash = text.find('-'), slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) return std::nullopt;
  const auto first = parse_u64(text.substr(0, dash));
  const auto last = parse_u64(text.substr(dash + 1, slash - dash - 1));
  const auto total = parse_u64(text.substr(slash + 1));
  if (!first || !last || !total || *first > *last || *last >= *total) return std::nullopt;
  return ContentRange{*first, *last, *total};
}

}  // namespace ferry::s3
