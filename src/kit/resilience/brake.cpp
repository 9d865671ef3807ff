#include "kit/resilience/brake.hpp"

#include <algorithm>

namespace ferry {
namespace {

constexpr Milliseconds kScoutLost{10'000};  // neither answer nor refusal: cancelled, or stuck; another one goes

}  // namespace

Task<Status> Brake::turn() {
  const auto deadline = clock_->now() + policy_.patience;
  while (!open()) {
    const auto now = clock_->now();
    if (now >= scout_after_) {
      scout_after_ = now + kScoutLost;
      co_return Unit{};
    }
    if (now >= deadline) {
      co_return fail(ErrorKind::kUnavailable, "the server refuses everything, so nothing was sent; last: " + why_);
    }
    co_await wait_for(scout_after_, deadline);
  }
  co_return Unit{};
}

/// And a little longer, each a different while: when the server is back, they are no herd.
Task<> Brake::wait_for(SteadyTime until, SteadyTime deadline) {
  const auto spread = std::chrono::duration_cast<Milliseconds>(pause_ * rng_->unit());
  const auto wait = std::chrono::ceil<Milliseconds>(std::min(until, deadline) - clock_->now()) + spread;
  co_await clock_->sleep(std::max(wait, Milliseconds{1}));
}

void Brake::answered() {
  refusals_ = 0;
  pause_ = Milliseconds{0};
}

void Brake::refused(const std::string& why) {
  ++refusals_;
  if (open()) return;
  // Requests that were under way when the brake closed say nothing new: only a scout's refusal makes the pause longer.
  const auto now = clock_->now();
  if (pause_ > Milliseconds{0} && now < scout_after_ && scout_after_ - now <= pause_) return;
  pause_ = pause_ == Milliseconds{0} ? policy_.first : std::min(policy_.ceiling, pause_ * 2);
  scout_after_ = now + pause_;
  why_ = why;
}

}  // namespace ferry
