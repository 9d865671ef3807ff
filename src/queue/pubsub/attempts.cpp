#include "queue/pubsub/attempts.hpp"

namespace ferry::pubsub {

std::uint32_t Attempts::count(const std::string& message_id) {
  const auto found = places_.find(message_id);
  if (found != places_.end()) {
    seen_.splice(seen_.begin(), seen_, found->second);
  } else {
    if (seen_.size() == capacity_) {
      places_.erase(seen_.back().message_id);
      seen_.pop_back();
    }
    seen_.push_front({message_id});
    places_.emplace(seen_.front().message_id, seen_.begin());
  }
  return ++seen_.front().times;
}

void Attempts::forget(const std::string& message_id) {
  const auto found = places_.find(message_id);
  if (found == places_.end()) return;
  const auto place = found->second;
  places_.erase(found);
  seen_.erase(place);
}

}  // namespace ferry::pubsub
