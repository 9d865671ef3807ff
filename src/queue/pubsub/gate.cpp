#include "queue/pubsub/gate.hpp"

#include <algorithm>
#include <utility>

namespace ferry::pubsub {

Task<bool> Gate::enter(Pass* pass, std::size_t amount) {
  {
    const std::lock_guard lock{mutex_};
    if (closed_) co_return false;
    pass->amount_ = std::min(amount, size_);
    pass->listed_ = true;
    waiting_.push_back(pass);
    admit();
  }
  co_await pass->wake_.wait();
  co_return pass->inside_;
}

void Gate::close() {
  const std::lock_guard lock{mutex_};
  closed_ = true;
  for (Pass* pass : std::exchange(waiting_, {})) {
    pass->listed_ = false;
    pass->wake_.set();
  }
}

void Gate::leave(Pass* pass) {
  const std::lock_guard lock{mutex_};
  if (pass->listed_) waiting_.remove(pass);
  if (pass->inside_) room_ += pass->amount_;
  admit();
}

void Gate::admit() {
  while (!waiting_.empty() && waiting_.front()->amount_ <= room_) {
    Pass* first = waiting_.front();
    waiting_.pop_front();
    room_ -= first->amount_;
    first->listed_ = false;
    first->inside_ = true;
    first->wake_.set();
  }
}

}  // namespace ferry::pubsub
