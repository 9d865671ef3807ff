#include "kit/resilience/backoff.hpp"

namespace ferry {

std::optional<std::chrono::milliseconds> Backoff::after(int attempt, double jitter,
                                                        std::optional<std::chrono::milliseconds> wish) const {
  using std::chrono::milliseconds;
  if (attempt >= attempts_max) return std::nullopt;
  const auto grown = std::min(ceiling, first * (1 << std::clamp(attempt - 1, 0, 16)));
  const auto drawn = std::chrono::duration_cast<milliseconds>(grown * jitter);
  return std::max(drawn, std::clamp(wish.value_or(milliseconds{0}), milliseconds{0}, wish_max));
}

}  // namespace ferry
