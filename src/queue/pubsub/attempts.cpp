#include "queue/pubsub/attempts.hpp"

namespace ferry::pubsub {

void Attempts::given_back(const std::string& message_id) {
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
  ++seen_.front().times;
}

std::uint32_t Attempts::times(const std::string& message_id) const {
  if (places_.empty()) return 0;  // the usual case, on the hot path
  const auto found = places_.find(message_id);
  return found == places_.end() ? 0 : found->second->times;
}

void Attempts::forget(const std::string& message_id) {
  if (places_.empty()) return;
  const auto found = places_.find(message_id);
  if (found == places_.end()) return;
  const auto place = found->second;
  places_.erase(found);
  seen_.erase(place);
}

}  // namespace ferry::pubsub
