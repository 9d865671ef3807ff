#pragma once
// State in memory, for tests: it keeps nothing, and fails when told to.

#include <memory>

#include "state/state_store.hpp"

namespace ferry::memory {

/// The operations of a StateStore, to name the one that shall fail.
enum class StateOp {
  kMarkPublished,
  kLookup,
  kRecordConsumed,
  kList,
  kForget,
  kRecordFailures,
  kClearFailures,
  kFailures,
  kSaveCheckpoint,
  kLoadCheckpoint,
  kDropCheckpoint,
  kCheckpoints,
};

/// Thread-safe. Never suspends.
class MemoryState : public StateStore {
 public:
  /// The next operation of that kind changes nothing and fails. Calls add up: two of them fail the next two.
  virtual void fail_next(StateOp operation, ErrorKind kind) = 0;
};

[[nodiscard]] std::unique_ptr<MemoryState> make_state();

}  // namespace ferry::memory
