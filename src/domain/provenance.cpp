#include "domain/provenance.hpp"

#include <algorithm>
#include <array>

#include "kit/base/text.hpp"
#include "kit/base/time.hpp"

namespace ferry {
namespace {

constexpr std::string_view kAdopted = "ferry-adopted";
constexpr std::string_view kCheck = "ferry-check";
constexpr std::string_view kEtag = "ferry-etag";
constexpr std::string_view kModified = "ferry-modified";
constexpr std::string_view kSize = "ferry-size";
constexpr std::string_view kSource = "ferry-source";
constexpr std::string_view kSourceEncoded = "ferry-source-encoded";
constexpr std::string_view kVersionId = "ferry-version-id";
constexpr std::string_view kYes = "true";

constexpr std::array<std::string_view, kRungs> kRungNames{
    "md5",       "crc32c",       "parts",       "crc64nvme",  "crc32",        "sha1",      "sha256",
    "transport", "crc32c-parts", "crc32-parts", "sha1-parts", "sha256-parts", "read-twice"};

struct Entries {
  std::optional<std::string> adopted, check, etag, modified, size, source, source_encoded, version_id;
};

/// Ours out of all entries; nothing if one of our names is there twice.
std::optional<Entries> pick(const UserMetadata& metadata) {
  Entries entries;
  for (const auto& [name, value] : metadata) {
    auto* const entry = name == kCheck           ? &entries.check
                        : name == kEtag          ? &entries.etag
                        : name == kModified      ? &entries.modified
                        : name == kSize          ? &entries.size
                        : name == kSource        ? &entries.source
                        : name == kSourceEncoded ? &entries.source_encoded
                        : name == kVersionId     ? &entries.version_id
                        : name == kAdopted       ? &entries.adopted
                                                 : nullptr;
    if (entry == nullptr) continue;
    if (*entry || value.empty() || !is_utf8(value)) return std::nullopt;
    *entry = value;
  }
  return entries;
}

/// "s3://bucket/key", both not empty.
bool is_source_uri(std::string_view uri) {
  constexpr std::string_view kScheme = "s3://";
  if (!uri.starts_with(kScheme)) return false;
  uri.remove_prefix(kScheme.size());
  const auto slash = uri.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < uri.size();
}

bool fits_a_header(std::string_view uri) {
  return uri.find_first_of("\r\n") == std::string_view::npos && is_utf8(uri) &&
         uri.find("\xEF\xBF\xBE") == std::string_view::npos && uri.find("\xEF\xBF\xBF") == std::string_view::npos;
}

std::string encoded(std::string_view uri) { return percent_encode(uri, "/:"); }

/// The source in whichever form it is there; nothing if in both, or in a form that we don't write.
std::optional<std::string> source_of(Entries* entries) {
  if (entries->source.has_value() == entries->source_encoded.has_value()) return std::nullopt;
  if (entries->source) return fits_a_header(*entries->source) ? std::move(entries->source) : std::nullopt;
  auto source = percent_decode(*entries->source_encoded);
  if (!source || fits_a_header(*source) || encoded(*source) != *entries->source_encoded) return std::nullopt;
  return source;
}

}  // namespace

std::string_view to_string(Rung rung) { return kRungNames.at(static_cast<std::size_t>(rung)); }

std::optional<Rung> parse_rung(std::string_view text) {
  const auto* const name = std::find(kRungNames.begin(), kRungNames.end(), text);
  if (name == kRungNames.end()) return std::nullopt;
  return static_cast<Rung>(name - kRungNames.begin());
}

UserMetadata to_metadata(const Provenance& provenance) {
  const bool plain = fits_a_header(provenance.source);
  UserMetadata metadata{
      {std::string{kCheck}, std::string{to_string(provenance.check)}},
      {std::string{kEtag}, provenance.version.etag.str()},
      {std::string{kModified}, rfc3339(provenance.version.modified)},
      {std::string{kSize}, std::to_string(provenance.size)},
      {std::string{plain ? kSource : kSourceEncoded}, plain ? provenance.source : encoded(provenance.source)},
  };
  if (const auto& id = provenance.version.version_id) metadata.emplace_back(kVersionId, id->str());
  if (provenance.adopted) metadata.emplace_back(kAdopted, kYes);
  return metadata;
}

std::optional<Provenance> parse_provenance(const UserMetadata& metadata) {
  auto entries = pick(metadata);
  if (!entries) return std::nullopt;
  auto source = source_of(&*entries);
  auto& [adopted, check, etag, modified, size, plain_source, encoded_source, version_id] = *entries;
  if (!check || !etag || !modified || !size || !source || !is_source_uri(*source)) return std::nullopt;
  if (adopted && *adopted != kYes) return std::nullopt;

  const auto rung = parse_rung(*check);
  const auto when = parse_rfc3339(*modified);
  const auto bytes = parse_u64(*size);
  if (!rung || !when || !bytes) return std::nullopt;
  // We write one form only; any other was not written by us.
  if (rfc3339(*when) != *modified || std::to_string(*bytes) != *size) return std::nullopt;

  Provenance provenance{std::move(*source), Version{ETag{std::move(*etag)}, *when, std::nullopt}, *bytes, *rung};
  provenance.adopted = adopted.has_value();
  if (version_id) provenance.version.version_id = VersionId{std::move(*version_id)};
  return provenance;
}

}  // namespace ferry
