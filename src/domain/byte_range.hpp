#pragma once

#include <cassert>
#include <cstdint>
#include <string>

namespace ferry {

/// Half-open [first, last) in bytes. HTTP's inclusive form exists only on the wire.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  ByteRange(std::uint64_t from, std::uint64_t to) : first(from), last(to) { assert(from <= to); }
  [[nodiscard]] std::uint64_t size() const { return last - first; }
  [[nodiscard]] bool empty() const { return first == last; }
  bool operator==(const ByteRange&) const = default;
};

[[nodiscard]] inline std::string to_string(const ByteRange& range) {
  return "[" + std::to_string(range.first) + ", " + std::to_string(range.last) + ")";
}

}  // namespace ferry
