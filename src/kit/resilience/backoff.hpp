#pragma once
// How long to wait, and what is worth another try. Arithmetic only: no clock, no sleep, no log.

#include <algorithm>
#include <chrono>
#include <optional>

#include "kit/base/error.hpp"

namespace ferry {

enum class Idempotency { kIdempotent, kOnce };  ///< kOnce: a repeat could do it twice

/// The one table of failures that time may cure.
[[nodiscard]] constexpr bool worth_retrying(ErrorKind kind, Idempotency operation) {
  return kind == ErrorKind::kUnavailable && operation == Idempotency::kIdempotent;
}

/// Exponential with full jitter; the server's wish is a floor, itself capped.
struct Backoff {
  std::chrono::milliseconds first{200};
  std::chrono::milliseconds ceiling{20'000};
  std::chrono::milliseconds wish_max{60'000};
  int attempts_max = 6;

  /// Wait after failed attempt `attempt` (1-based), or nothing: give up. `jitter` is uniform in [0, 1).
  [[nodiscard]] std::optional<std::chrono::milliseconds> after(int attempt, double jitter,
                                                               std::optional<std::chrono::milliseconds> wish) const;
};

}  // namespace ferry
