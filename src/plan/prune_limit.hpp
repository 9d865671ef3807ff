#pragma once
// How much may be deleted at once.

#include <cmath>
#include <cstdint>
#include <optional>

namespace ferry {

/// A number, or a share of this job's objects at the target, rounded up.
struct PruneLimit {
  std::optional<std::uint64_t> objects;  ///< nothing: the share counts
  double share = 0.1;

  [[nodiscard]] std::uint64_t of(std::uint64_t ours) const {
    return objects.value_or(static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(ours))));
  }
};

}  // namespace ferry
