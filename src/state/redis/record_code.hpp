#pragma once
// Records as bytes. A record is kept in its halves, which the scripts put together without understanding them:
//
//   record    = flags, [published], [tail], [version of tail]      flags: 1 published · 2 tail · 4 both have one
//   version published = version, when                                       when: 4 bytes, seconds since 1970 tail =
//   generation (8, order of bytes = order of numbers), when (4), rung × 16 + n, size (n bytes) version   = 0, MD5-like
//   tag (16), modified (4)                  the common case: 21 bytes
//             | length (1, or 255 and 4), kind, tag, modified (4 or 8), [version id]
//
// All numbers have their high byte first. Anything else in a reply counts as absent.

#include <optional>
#include <string>
#include <string_view>

#include "state/record.hpp"
#include "state/state_store.hpp"

namespace ferry::redis {

[[nodiscard]] std::string encode_version(const Version& version);
[[nodiscard]] std::string encode_published(const Published& published);
[[nodiscard]] std::string encode_tail(const Receipt& receipt);

/// What `value` says of `key`; an empty record if it is damaged.
[[nodiscard]] Record decode_record(ObjectKey key, std::string_view value);

[[nodiscard]] std::string encode_failure(const Failure& failure);
[[nodiscard]] std::optional<Failure> decode_failure(ObjectKey key, std::string_view value);

[[nodiscard]] std::string encode_checkpoint(const Checkpoint& checkpoint);
[[nodiscard]] std::optional<Checkpoint> decode_checkpoint(ObjectKey key, std::string_view value);

}  // namespace ferry::redis
