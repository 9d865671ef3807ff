#pragma once
// How any thread calls a coroutine that works in a loop.

#include <memory>
#include <mutex>

#include "kit/async/wake.hpp"

namespace ferry {

/// One coroutine waits, again and again; any thread rings. A ring while nobody waits is remembered, and is one ring
/// however often it was rung.
class Bell {
 public:
  void ring();
  Task<> wait();
  Task<> wait_at_most(Clock* clock, Milliseconds longest);

 private:
  class Listener;
  std::mutex mutex_;
  bool rung_ = false;
  std::shared_ptr<Wake> waiting_;
};

}  // namespace ferry
