#pragma once
// Which checks can vouch for the bytes of an object: the integrity ladder of design §5.

#include <cstdint>
#include <optional>
#include <vector>

#include "domain/object_meta.hpp"
#include "domain/provenance.hpp"

namespace ferry {

/// How much may be spent on proof.
enum class Integrity {
  kAuto,  ///< the cheapest proof that there is; the source is asked for part sizes only where nothing else can vouch
  kFull,  ///< all of them; what has none is read twice
  kFast,  ///< what the target verifies by itself: no request and no digest but CRC32C
};

/// One checksum that the source holds.
struct Proof {
  Rung rung;
  Digest expected;
  std::uint32_t parts = 0;  ///< 0: of the whole object; else the digest of the digests of so many parts

  /// The target can verify it by itself (MD5, CRC32C): handed over with the upload.
  [[nodiscard]] bool target_verifies() const {
    return parts == 0 && (expected.kind == HashKind::kMd5 || expected.kind == HashKind::kCrc32c);
  }
  /// We must compute it while the bytes pass, besides CRC32C.
  [[nodiscard]] bool computed_in_stream() const { return !target_verifies(); }
};

/// The MD5 that a plain ETag is: 32 hex digits in quotes, and a reply that says no encryption or AES256. Never a guess.
[[nodiscard]] std::optional<Digest> md5_of(const ETag& etag, Encryption encryption);

/// What the tag of an object that was uploaded in parts says: the MD5 of the parts' MD5s. Conditions as md5_of().
[[nodiscard]] std::optional<PartsDigest> parts_of(const ETag& etag, Encryption encryption);

/// The proofs to check of what `meta` (of a whole-object reply, not of a range) offers, the one to record first: of the
/// whole before those over parts, all of which are over as many parts. Those count only if the sizes of the parts can
/// be had. Empty: nothing can vouch for the bytes but what the target counted itself.
[[nodiscard]] std::vector<Proof> choose_proofs(const ObjectMeta& meta, Integrity integrity);

/// What is recorded if all of `proofs` agree.
[[nodiscard]] Rung rung_of(const std::vector<Proof>& proofs, Integrity integrity);

/// The sizes of `count` parts if all but the last are as large as the first; nothing if those can't make up `size`.
[[nodiscard]] std::optional<std::vector<std::uint64_t>> even_parts(std::uint64_t size, std::uint32_t count,
                                                                   std::uint64_t first);

}  // namespace ferry
