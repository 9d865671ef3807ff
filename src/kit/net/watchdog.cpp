#include "kit/net/watchdog.hpp"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

namespace ferry::net {

void Watch::due(SteadyTime deadline, std::string_view reason) {
  rule_ = Rule::kDue;
  deadline_ = deadline;
  reason_ = reason;
}

void Watch::keep_pace(Milliseconds limit, std::uint64_t bytes_min) {
  rule_ = Rule::kPace;
  limit_ = limit;
  bytes_min_ = bytes_min;
  seen_moved_ = window_moved_ = moved_;
  silent_ = window_ = Milliseconds{0};
  swept_waiting_ = false;
}

void Watch::check(SteadyTime now) {
  if (rule_ == Rule::kPace) return check_pace(now);
  if (rule_ == Rule::kNone || now < deadline_) return;
  rule_ = Rule::kNone;
  expire(reason_);
}

void Watch::check_pace(SteadyTime now) {
  // A wait counts from the sweep that first saw it: a limit may take a tick longer, never a tick less.
  const auto waited =
      waiting_ && swept_waiting_ ? std::chrono::duration_cast<Milliseconds>(now - swept_) : Milliseconds{0};
  swept_waiting_ = waiting_;
  swept_ = now;
  window_ += waited;
  silent_ = moved_ == seen_moved_ ? silent_ + waited : Milliseconds{0};
  seen_moved_ = moved_;

  if (silent_ >= limit_) {
    rule_ = Rule::kNone;
    return expire("no byte moved in time");
  }
  if (window_ < limit_) return;
  if (moved_ - window_moved_ < bytes_min_) {
    rule_ = Rule::kNone;
    return expire("slower than the minimum speed");
  }
  window_ = Milliseconds{0};
  window_moved_ = moved_;
}

struct Watchdog::State {
  State(Executor e, Clock* c, Milliseconds t) : executor(e), clock(c), tick(t) {}
  Executor executor;
  Clock* clock;
  Milliseconds tick;
  boost::intrusive::list<Watch, boost::intrusive::constant_time_size<false>> watches;
  asio::cancellation_signal stop;
  bool running = false;
  bool closing = false;  ///< a look whether anything is left to watch is on its way
};

namespace {
constexpr Milliseconds kTickMin{5};
constexpr Milliseconds kTickMax{1'000};
}  // namespace

Watchdog::Watchdog(Executor executor, Clock* clock, Milliseconds shortest_limit)
    : state_(std::make_shared<State>(executor, clock, std::clamp(shortest_limit / 8, kTickMin, kTickMax))) {}

Watchdog::~Watchdog() {
  state_->watches.clear();
  if (state_->running) state_->stop.emit(asio::cancellation_type::terminal);
}

void Watchdog::add(Watch* watch) {
  state_->watches.push_back(*watch);
  if (!state_->running) start(state_);
}

void Watchdog::remove(Watch* watch) {
  watch->unlink();
  if (!state_->watches.empty() || state_->closing) return;
  // The next request follows at once, as a rule: look a moment later whether the sweeper is really out of work.
  state_->closing = true;
  asio::post(state_->executor, [state = state_] {
    state->closing = false;
    if (state->watches.empty() && state->running) state->stop.emit(asio::cancellation_type::terminal);
  });
}

void Watchdog::start(const std::shared_ptr<State>& state) {
  state->running = true;
  asio::co_spawn(state->executor, sweep(state),
                 asio::bind_cancellation_slot(state->stop.slot(), [state](std::exception_ptr) {
                   state->running = false;
                   if (!state->watches.empty()) start(state);  // came while the old sweeper was being stopped
                 }));
}

Task<> Watchdog::sweep(std::shared_ptr<State> state) {
  for (;;) {
    co_await state->clock->sleep(state->tick);
    const auto now = state->clock->now();
    for (auto watch = state->watches.begin(); watch != state->watches.end();) (watch++)->check(now);
  }
}

}  // namespace ferry::net
