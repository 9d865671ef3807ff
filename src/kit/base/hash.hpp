#pragma once
// Digests of byte streams, and their text forms. CRC32C is free (ISA-L); MD5 costs more than a TLS relay: compute it
// only when nothing else can vouch for the bytes. Parameters and vectors: protocol-facts 1.5.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ferry {

/// CRC-32C (Castagnoli). Start with 0 and chain freely; crc32c(0, "123456789") == 0xe3069283.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, std::span<const char> bytes);
/// The CRC of A+B, from crc(A), crc(B) and the length of B.
[[nodiscard]] std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b);

/// The raw bytes of a CRC in network order; S3 and GCS write them as base64 of these.
[[nodiscard]] std::string big_endian(std::uint32_t value);
[[nodiscard]] std::string big_endian(std::uint64_t value);
/// The way back of the first; nothing unless there are exactly four bytes.
[[nodiscard]] std::optional<std::uint32_t> from_big_endian(std::string_view bytes);

enum class HashKind { kMd5, kCrc32c, kCrc32, kCrc64nvme, kSha1, kSha256 };
[[nodiscard]] std::string_view to_string(HashKind kind);  ///< "md5", "crc32c", "crc32", "crc64nvme", "sha1", "sha256"

/// A digest as it travels: raw bytes, CRCs big-endian.
struct Digest {
  HashKind kind;
  std::string bytes;
  bool operator==(const Digest&) const = default;
};

/// One running digest. Movable.
class StreamHash {
 public:
  virtual ~StreamHash() = default;
  virtual void update(std::span<const char> bytes) = 0;
  [[nodiscard]] virtual Digest digest() const = 0;  ///< of what was seen so far; updating may go on
  /// The state to go on from in another process; nothing where the library can't export it (MD5, SHA).
  [[nodiscard]] virtual std::optional<std::string> save() const = 0;
};
[[nodiscard]] std::unique_ptr<StreamHash> make_hash(HashKind kind);
/// From save(); null if `state` isn't one of this kind's.
[[nodiscard]] std::unique_ptr<StreamHash> restore_hash(HashKind kind, std::string_view state);

/// The digest of the digests of consecutive pieces of these lengths, as servers tag what was uploaded in parts. Bytes
/// beyond the last piece make the digest differ. save() holds something only between two pieces.
[[nodiscard]] std::unique_ptr<StreamHash> make_pieces_hash(HashKind kind, std::vector<std::uint64_t> lengths);
/// From save(); null if `state` isn't one of such a hash of this kind over these lengths.
[[nodiscard]] std::unique_ptr<StreamHash> restore_pieces_hash(HashKind kind, std::vector<std::uint64_t> lengths,
                                                              std::string_view state);

[[nodiscard]] std::string base64(std::string_view bytes);
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);  ///< strict: padding, alphabet
[[nodiscard]] std::string hex(std::string_view bytes);                        ///< lower case
[[nodiscard]] std::optional<std::string> from_hex(std::string_view text);

}  // namespace ferry
