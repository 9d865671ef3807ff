#pragma once
// What every target behind this door can hold, and the granule in which sessions keep bytes (protocol-facts 3.2, 3.4).

#include <cstdint>

#include "target/object_target.hpp"

namespace ferry {

inline constexpr std::uint64_t kGranuleBytes = 256 << 10;  ///< unfinished uploads are kept in whole granules
inline constexpr std::size_t kNameBytesMax = 1024;
inline constexpr std::size_t kMetadataBytesMax = 8 << 10;  ///< names and values together
inline constexpr std::size_t kMetadataNameBytesMax = 1024;
inline constexpr std::size_t kMetadataValueBytesMax = 4 << 10;

/// Where the held-back tail of a streamed upload begins: the last granule boundary before `size`, so that the tail is
/// never empty unless the object is.
[[nodiscard]] constexpr std::uint64_t streamed_tail_begin(std::uint64_t size) {
  return size == 0 ? 0 : (size - 1) / kGranuleBytes * kGranuleBytes;
}

/// @error kLimit  name or metadata can't be held; names the entry and the limit
[[nodiscard]] Status within_limits(const ObjectKey& key, const UserMetadata& metadata);

}  // namespace ferry
