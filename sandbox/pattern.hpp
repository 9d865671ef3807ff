#pragma once
// Buckets that are computed, not stored: millions of keys, terabytes of bytes, no memory.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sandbox/content.hpp"

namespace ferry::sandbox {

/// An endless stream of pseudo-random bytes with an odd period of about 4 MiB, so that a chunk in the wrong place is
/// never the right one by accident. Serving it costs nothing: it is one block of memory.
class Pattern {
 public:
  static constexpr std::uint64_t kPeriod = 4'194'319;
  static const Pattern& instance();

  /// 1 to `length` bytes at `position`.
  [[nodiscard]] std::span<const char> at(std::uint64_t position, std::uint64_t length) const;
  /// Of [first, first + length), in microseconds for any length.
  [[nodiscard]] std::uint32_t crc32c(std::uint64_t first, std::uint64_t length) const;

 private:
  static constexpr std::size_t kStride = 4096;
  Pattern();
  [[nodiscard]] std::uint32_t prefix_crc(std::uint64_t end) const;  ///< of [0, end), end ≤ kPeriod
  [[nodiscard]] std::uint32_t range_crc(std::uint64_t first, std::uint64_t end) const;
  std::string block_;
  std::vector<std::uint32_t> prefix_;
};

/// A well-mixed number that depends on every byte of `text` and on `seed`.
[[nodiscard]] std::uint64_t scatter(std::string_view text, std::uint64_t seed);

/// The computed part of a bucket: `count` keys "data/0000012/345" in listing order, `size` bytes each.
class SyntheticKeys {
 public:
  SyntheticKeys(std::uint64_t count, std::uint64_t size, std::string_view seed);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::string key(std::uint64_t index) const;
  [[nodiscard]] std::optional<std::uint64_t> index(std::string_view key) const;
  [[nodiscard]] std::uint64_t lower_bound(
      std::string_view key) const;  ///< first index whose key is ≥ `key`; or count()
  /// Quoted, of the form of a multipart upload with one part: nobody may take it for an MD5.
  [[nodiscard]] std::string etag(std::uint64_t index) const;
  [[nodiscard]] Content content(std::uint64_t index) const;
  [[nodiscard]] std::uint32_t crc32c(std::uint64_t index) const;

 private:
  [[nodiscard]] std::uint64_t shift(std::uint64_t index) const;
  std::uint64_t count_, size_, seed_;
};

/// "BUCKET:COUNT:SIZE"; SIZE may carry K, M, G or T (powers of 1024).
struct SyntheticSpec {
  std::string bucket;
  std::uint64_t count = 0, size = 0;
};
[[nodiscard]] Result<SyntheticSpec> parse_synthetic(std::string_view text);
/// A number with an optional K, M, G or T.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace ferry::sandbox
