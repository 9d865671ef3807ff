#pragma once
// What each object that we wrote says of itself, as custom metadata on the target (design §3). It is the truth about
// what was copied; every other state is a cache.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/object_meta.hpp"
#include "domain/version.hpp"

namespace ferry {

/// Which integrity check held (design §5). State stores keep the numbers: never reordered.
enum class Rung {
  kMd5,
  kCrc32c,
  kParts,  ///< the ETag of an upload in parts
  kCrc64nvme,
  kCrc32,
  kSha1,
  kSha256,
  kTransport,
  kCrc32cParts,  ///< this and the next three: the stored checksum of the checksums of the parts
  kCrc32Parts,
  kSha1Parts,
  kSha256Parts,
  kReadTwice,  ///< nothing was stored; two readings agreed
};
inline constexpr int kRungs = 13;
[[nodiscard]] std::string_view to_string(Rung rung);  ///< "md5", "crc32c", "parts", … "crc32c-parts", … "read-twice"
[[nodiscard]] std::optional<Rung> parse_rung(std::string_view text);

struct Provenance {
  std::string source;  ///< s3://bucket/key, the key as it is
  Version version;
  std::uint64_t size = 0;
  Rung check = Rung::kTransport;
  bool adopted = false;  ///< somebody else brought the bytes; we recognised them by `check`
};

/// Metadata names: ferry-source, ferry-etag, ferry-modified, ferry-version-id, ferry-size, ferry-check, ferry-adopted.
/// Metadata travels as headers, too: a source that no header can hold (line breaks, no UTF-8) is
/// "ferry-source-encoded" instead, percent-encoded.
inline constexpr std::string_view kProvenancePrefix = "ferry-";
/// Those of them that not every provenance has.
inline constexpr std::string_view kProvenanceOptional[] = {"ferry-adopted", "ferry-source", "ferry-source-encoded",
                                                           "ferry-version-id"};
[[nodiscard]] UserMetadata to_metadata(const Provenance& provenance);
/// Nothing unless every required entry is there and well-formed: half a provenance is none.
[[nodiscard]] std::optional<Provenance> parse_provenance(const UserMetadata& metadata);

}  // namespace ferry
