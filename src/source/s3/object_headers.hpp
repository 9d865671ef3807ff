#pragma once
// The headers of a GetObject or HeadObject reply, as our words.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/object_meta.hpp"
#include "kit/base/error.hpp"
#include "kit/net/http.hpp"

namespace ferry::s3 {

/// Quotes where a server left them out, so that tags from listings, replies and If-Match compare. Nothing for what
/// can't be a tag: empty, or with bytes that no header may hold.
[[nodiscard]] std::optional<ETag> parse_etag(std::string_view text);

/// Everything but `size`. Stored checksums only `with_checksums`: those of a reply to a range may be a part's.
/// @error kCorrupt: no ETag, no Last-Modified, or one that can't be read
[[nodiscard]] Result<ObjectMeta> parse_object_headers(const net::Headers& headers, bool with_checksums);

struct ContentRange {
  std::uint64_t first = 0, last = 0, total = 0;
};
/// "bytes 7-9/10"; nothing for other units, an unknown total, or numbers that contradict each other.
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view text);

}  // namespace ferry::s3
