#pragma once
// Which check can vouch for the bytes of an object: the integrity ladder of design §5.

#include <optional>

#include "domain/object_meta.hpp"
#include "domain/provenance.hpp"

namespace ferry {

struct Check {
  Rung rung = Rung::kTransport;
  std::optional<Digest> expected;  ///< nothing for kTransport: our CRC32C against the target's is all there is

  /// The target can verify it by itself (MD5, CRC32C): handed over with the upload.
  [[nodiscard]] bool target_verifies() const {
    return expected && (expected->kind == HashKind::kMd5 || expected->kind == HashKind::kCrc32c);
  }
  /// We must compute it while the bytes pass.
  [[nodiscard]] bool verified_in_stream() const { return expected && !target_verifies(); }
};

/// The MD5 that a plain ETag is: 32 hex digits in quotes, and a reply that says no encryption or AES256. Never a guess.
[[nodiscard]] std::optional<Digest> md5_of(const ETag& etag, Encryption encryption);

/// The best check that `meta` (of a whole-object reply, not of a range) allows.
[[nodiscard]] Check choose_check(const ObjectMeta& meta);

}  // namespace ferry
