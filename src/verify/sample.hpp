#pragma once
// Which objects of many are looked at more closely: chosen by a hash of their keys and a seed, so that the same seed
// chooses the same ones again, in whatever order they come. Pure.

#include <cstdint>
#include <string_view>

namespace ferry {

struct Sample {
  std::uint64_t objects = 0;  ///< exactly so many, if there are as many; 0: a share
  double share = 1;           ///< of all, above 0 up to 1
  std::uint64_t seed = 0;

  [[nodiscard]] bool is_all() const { return objects == 0 && share >= 1; }
};

/// The place of a key in the draw: evenly spread, another order for every seed.
[[nodiscard]] std::uint64_t draw(std::string_view key, std::uint64_t seed);
/// Whether a draw falls into `share` of all.
[[nodiscard]] bool falls_into(std::uint64_t drawn, double share);

}  // namespace ferry
