#pragma once
// Coroutines that wait for something to be there for them, first come, first served.

#include <list>

#include "kit/async/wake.hpp"

namespace ferry {

/// Belongs to somebody who guards it with his mutex. Coroutines wait outside of that mutex, each in a place of its own.
class WaitingLine {
 public:
  /// `co_await wake.wait()`, then set looks_again and look again.
  class Place {
   public:
    Wake wake;
    bool looks_again = false;  ///< it heeds its wake-up; else the wake-up is the next one's

   private:
    friend class WaitingLine;
    bool listed_ = false, woken_ = false;
  };

  /// A place that leaves its line when it ends, however that comes: `owner->forget(place)` locks and calls leave().
  template <class Owner>
  class Waiter : public Place {
   public:
    explicit Waiter(Owner* owner) : owner_(owner) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() { owner_->forget(this); }

   private:
    Owner* owner_;
  };

  void join(Place* place) {
    place->listed_ = true;
    places_.push_back(place);
  }

  /// One is enough: each that takes its share and leaves some wakes the next.
  void wake_one() {
    if (places_.empty()) return;
    Place* first = places_.front();
    places_.pop_front();
    first->listed_ = false;
    first->woken_ = true;
    first->wake.set();
  }

  void wake_all() {
    while (!places_.empty()) wake_one();
  }

  /// True: it was woken and never looked, so that somebody else should.
  [[nodiscard]] bool leave(Place* place) {
    if (place->listed_) places_.remove(place);
    return place->woken_ && !place->looks_again;
  }

 private:
  std::list<Place*> places_;
};

}  // namespace ferry
