#pragma once
// CRCs of parts joined to the CRC of the whole, as S3 does it for full-object checksums of multipart uploads.

#include <cstdint>
#include <string>
#include <string_view>

#include "kit/base/hash.hpp"

namespace ferry::sandbox {

[[nodiscard]] constexpr bool is_crc(HashKind kind) {
  return kind == HashKind::kCrc32 || kind == HashKind::kCrc32c || kind == HashKind::kCrc64nvme;
}

/// Of A+B, from the raw big-endian CRCs of A and B and the length of B. An empty `a` is the CRC of nothing.
[[nodiscard]] std::string join_crcs(HashKind kind, std::string_view a, std::string_view b, std::uint64_t length_b);

}  // namespace ferry::sandbox
