#pragma once
// Which check can vouch for the bytes of an object: the integrity ladder of design §5.

#include <cstdint>
#include <optional>
#include <vector>

#include "domain/object_meta.hpp"
#include "domain/provenance.hpp"

namespace ferry {

struct Check {
  Rung rung = Rung::kTransport;
  std::optional<Digest> expected;      ///< nothing for kTransport: our CRC32C against the target's is all there is
  std::vector<std::uint64_t> parts{};  ///< kParts only: the sizes over which `expected` is the MD5 of MD5s

  /// The target can verify it by itself (MD5, CRC32C): handed over with the upload.
  [[nodiscard]] bool target_verifies() const {
    return expected && rung != Rung::kParts &&
           (expected->kind == HashKind::kMd5 || expected->kind == HashKind::kCrc32c);
  }
  /// We must compute it while the bytes pass.
  [[nodiscard]] bool verified_in_stream() const { return expected && !target_verifies(); }
};

/// The MD5 that a plain ETag is: 32 hex digits in quotes, and a reply that says no encryption or AES256. Never a guess.
[[nodiscard]] std::optional<Digest> md5_of(const ETag& etag, Encryption encryption);

/// The best check that `meta` (of a whole-object reply, not of a range) allows.
[[nodiscard]] Check choose_check(const ObjectMeta& meta);

/// What the tag of an object that was uploaded in parts says: the MD5 of the parts' MD5s, and how many there are.
struct PartsTag {
  Digest digest;
  std::uint32_t count;
};
/// Under the same conditions as md5_of().
[[nodiscard]] std::optional<PartsTag> parts_of(const ETag& etag, Encryption encryption);

/// The sizes of `count` parts if all but the last are as large as the first; nothing if those can't make up `size`.
[[nodiscard]] std::optional<std::vector<std::uint64_t>> even_parts(std::uint64_t size, std::uint32_t count,
                                                                   std::uint64_t first);

}  // namespace ferry
