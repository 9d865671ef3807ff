#include "kit/net/pool.hpp"

namespace ferry::net {

std::unique_ptr<Conn> Pool::take(const Origin& origin) {
  drop_old(clock_->now());
  const auto found = idle_.find(origin);
  if (found == idle_.end()) return nullptr;
  auto& waiting = found->second;
  while (!waiting.empty()) {
    auto newest = std::move(waiting.back());
    waiting.pop_back();
    --size_;
    if (clock_->now() - newest.since < idle_timeout_ && newest.conn->peek() == Conn::Waiting::kNothing) {
      return std::move(newest.conn);
    }
  }
  return nullptr;
}

void Pool::put(const Origin& origin, std::unique_ptr<Conn> conn) {
  const auto now = clock_->now();
  drop_old(now);
  if (size_ >= idle_max_) return;
  idle_[origin].push_back(Idle{std::move(conn), now});
  ++size_;
}

/// Every now and then, not at each call.
void Pool::drop_old(SteadyTime now) {
  if (now - cleaned_ < idle_timeout_ / 4) return;
  cleaned_ = now;
  for (auto& [origin, waiting] : idle_) {
    while (!waiting.empty() && now - waiting.front().since >= idle_timeout_) {
      waiting.pop_front();
      --size_;
    }
  }
}

}  // namespace ferry::net
