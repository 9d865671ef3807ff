#include "testing/base/simulated_clock.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <stdexcept>

#include "kit/async/timer.hpp"

namespace ferry::testing {

struct SimulatedClock::Sleeper {
  explicit Sleeper(Executor executor) : timer(executor, Timer::time_point::max()) {}
  Timer timer;
  bool due = false;
};

Task<> SimulatedClock::sleep(Milliseconds duration) {
  Sleeper sleeper{co_await asio::this_coro::executor};
  const auto place = sleepers_.emplace(elapsed_ + std::max(duration, Milliseconds{0}), &sleeper);
  boost::system::error_code woken;
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await sleeper.timer.async_wait(asio::redirect_error(use_task, woken));
  co_await asio::this_coro::throw_if_cancelled(throws);
  if (!sleeper.due) {
    sleepers_.erase(place);
    throw boost::system::system_error(asio::error::operation_aborted);
  }
}

void SimulatedClock::advance(Milliseconds duration) {
  elapsed_ += duration;
  while (!sleepers_.empty() && sleepers_.begin()->first <= elapsed_) {
    auto* sleeper = sleepers_.begin()->second;
    sleepers_.erase(sleepers_.begin());
    sleeper->due = true;
    sleeper->timer.cancel();
  }
}

bool SimulatedClock::advance_to_next() {
  if (sleepers_.empty()) return false;
  advance(std::max(Milliseconds{0}, sleepers_.begin()->first - elapsed_));
  return true;
}

namespace detail {
void drive(asio::io_context& context, const bool& done, SimulatedClock* clock) {
  context.restart();
  if (!clock) {
    while (!done && context.run_one() > 0) {
    }
    if (!done) throw std::logic_error("the task waits for something that nobody will do");
    return;
  }
  const auto patience = std::chrono::seconds{20};  // real time: for tests with real threads or sockets beside the clock
  while (!done) {
    if (context.poll() > 0) {
      context.restart();
      continue;
    }
    context.restart();
    if (clock->advance_to_next()) continue;
    if (context.run_one_for(patience) == 0) {
      throw std::logic_error("the task waits for something that nobody will do");
    }
  }
}
}  // namespace detail

}  // namespace ferry::testing
