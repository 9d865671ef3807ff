#pragma once
// A board in memory, for tests: one object plays the board of all processes. Notes and leases run out by the clock.

#include <memory>

#include "kit/async/clock.hpp"
#include "state/shared_board.hpp"

namespace ferry::memory {

/// Thread-safe. Never suspends.
class MemoryBoard : public SharedBoard {
 public:
  /// Every operation changes nothing and fails with kUnavailable until this is called with false.
  virtual void fail(bool failing) = 0;
};

[[nodiscard]] std::unique_ptr<MemoryBoard> make_board(Clock* clock);

}  // namespace ferry::memory
