#include "kit/async/bell.hpp"

#include <utility>

namespace ferry {

/// The waiter's side, also when it is cancelled.
class Bell::Listener {
 public:
  explicit Listener(Bell* bell) : bell_(bell), wake_(std::make_shared<Wake>()) {
    const std::lock_guard lock{bell_->mutex_};
    rung_ = bell_->rung_;
    bell_->waiting_ = wake_;
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    const std::lock_guard lock{bell_->mutex_};
    bell_->waiting_.reset();
  }
  [[nodiscard]] bool rung() const { return rung_; }
  [[nodiscard]] Wake* wake() { return wake_.get(); }
  /// The coroutine goes on: what was rung so far is heard.
  void heard() {
    const std::lock_guard lock{bell_->mutex_};
    bell_->rung_ = false;
  }

 private:
  Bell* bell_;
  std::shared_ptr<Wake> wake_;
  bool rung_ = false;
};

void Bell::ring() {
  std::shared_ptr<Wake> waiting;
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(rung_, true)) return;
    waiting = waiting_;
  }
  if (waiting) waiting->set();
}

Task<> Bell::wait() {
  Listener listener{this};
  if (!listener.rung()) co_await listener.wake()->wait();
  listener.heard();
}

Task<> Bell::wait_at_most(Clock* clock, Milliseconds longest) {
  Listener listener{this};
  if (!listener.rung()) co_await ferry::wait_at_most(listener.wake(), clock, longest);
  listener.heard();
}

}  // namespace ferry
