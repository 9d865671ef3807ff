#pragma once
// Back-pressure for publishers: how much may be on its way to the broker at a time.

#include <cstddef>
#include <list>
#include <mutex>

#include "kit/async/wake.hpp"

namespace ferry::pubsub {

/// Any thread. First come, first served.
class Gate {
 public:
  explicit Gate(std::size_t room) : room_(room), size_(room) {}

  /// What one publisher has taken of the room; gives it back at its end, also when it is cancelled.
  class Pass {
   public:
    explicit Pass(Gate* gate) : gate_(gate) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() { gate_->leave(this); }

   private:
    friend class Gate;
    Gate* gate_;
    Wake wake_;
    std::size_t amount_ = 0;
    bool listed_ = false, inside_ = false;
  };

  /// Suspends until there is room for `amount` (more than the whole room counts as the whole). @return false: closed
  Task<bool> enter(Pass* pass, std::size_t amount);
  void close();

 private:
  void leave(Pass* pass);
  void admit();

  std::mutex mutex_;
  std::size_t room_;
  const std::size_t size_;
  bool closed_ = false;
  std::list<Pass*> waiting_;
};

}  // namespace ferry::pubsub
