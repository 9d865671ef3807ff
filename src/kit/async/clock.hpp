#pragma once
// Time and chance as seams: everything that waits, dates or draws takes these by pointer. Tests move time by hand
// (testing/base/simulated_clock.hpp); nothing else may call std::chrono::*_clock::now(), sleep, or std::random_device.

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "kit/async/task.hpp"

namespace ferry {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime now() const = 0;  ///< for durations, deadlines, back-off; any thread
  [[nodiscard]] virtual WallTime wall() const = 0;   ///< for signatures, tokens, records; may jump; any thread
  /// Suspends the calling coroutine on its own executor; cancelled with it.
  virtual Task<> sleep(Milliseconds duration) = 0;
};

class Rng {
 public:
  virtual ~Rng() = default;
  [[nodiscard]] virtual std::uint64_t next() = 0;  ///< uniform 64 bits; any thread
  [[nodiscard]] double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  ///< uniform in [0, 1)
};

/// The real ones: CLOCK_MONOTONIC and CLOCK_REALTIME; a generator seeded by the system. Live as long as the program.
[[nodiscard]] Clock* system_clock();
[[nodiscard]] Rng* system_rng();

}  // namespace ferry
