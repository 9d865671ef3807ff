#include "observe/activity.hpp"

#include <algorithm>
#include <utility>

namespace ferry {

Activity::Entry::Entry(Activity* activity, std::string key, std::uint64_t size, Seconds began)
    : activity_(activity), key_(std::move(key)), size_(size), began_(began) {
  if (!activity_) return;
  const std::lock_guard lock{activity_->mutex_};
  place_ = activity_->entries_.insert(activity_->entries_.end(), this);
}

Activity::Entry::~Entry() {
  if (!activity_) return;
  const std::lock_guard lock{activity_->mutex_};
  activity_->entries_.erase(place_);
}

void Activity::Entry::at(std::uint64_t done) { done_.store(done, std::memory_order_relaxed); }

std::vector<TransferUnderWay> Activity::largest(std::size_t count) const {
  const std::lock_guard lock{mutex_};
  std::vector<const Entry*> some(std::min(count, entries_.size()));
  std::partial_sort_copy(entries_.begin(), entries_.end(), some.begin(), some.end(),
                         [](const Entry* a, const Entry* b) { return a->size_ > b->size_; });
  std::vector<TransferUnderWay> largest;
  largest.reserve(some.size());
  for (const Entry* entry : some) largest.push_back({entry->key_, entry->size_, entry->done_, entry->began_});
  return largest;
}

}  // namespace ferry
