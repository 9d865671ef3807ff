#include "kit/async/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <cassert>
#include <chrono>

#include "kit/async/timer.hpp"

namespace ferry {

/// A timer that never fires: cancelling it is the wake-up call.
struct TaskGroup::Waiter {
  Waiter(Executor executor, std::size_t below) : limit(below), timer(executor, Timer::time_point::max()) {}
  std::size_t limit;
  Timer timer;
};

TaskGroup::TaskGroup(Executor executor) : executor_(executor) {}
TaskGroup::~TaskGroup() { assert(running_.empty() && "a TaskGroup must be joined"); }

void TaskGroup::spawn(Task<> task) {
  const auto child = running_.emplace(running_.end());
  asio::co_spawn(executor_, std::move(task),
                 asio::bind_cancellation_slot(
                     child->slot(), [this, child](std::exception_ptr error) { finished(child, std::move(error)); }));
}

void TaskGroup::cancel() {
  // A cancelled task may end at once and take itself off the list: step on before emitting.
  for (auto child = running_.begin(); child != running_.end();) (child++)->emit(asio::cancellation_type::terminal);
}

namespace {
[[noreturn]] void throw_cancelled() { throw boost::system::system_error(asio::error::operation_aborted); }

bool is_cancellation(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}
}  // namespace

void TaskGroup::finished(std::list<asio::cancellation_signal>::iterator child, std::exception_ptr error) {
  running_.erase(child);
  if (error && !first_error_ && !is_cancellation(error)) first_error_ = std::move(error);
  for (Waiter* waiter : waiters_) {
    if (running_.size() < waiter->limit) waiter->timer.cancel();
  }
}

Task<> TaskGroup::wait_below(std::size_t limit) {
  while (running_.size() >= limit) {
    Waiter waiter{executor_, limit};
    const auto place = waiters_.insert(waiters_.end(), &waiter);
    boost::system::error_code woken;
    co_await waiter.timer.async_wait(asio::redirect_error(use_task, woken));
    waiters_.erase(place);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
  }
}

/// True: cancelled, and the tasks with it; all have unwound.
/// The flag belongs to the whole chain of awaiting coroutines, so it is put back as it was found.
Task<bool> TaskGroup::wait_or_end(std::size_t limit) {
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await wait_below(limit);
  const auto state = co_await asio::this_coro::cancellation_state;
  const bool cancelled = state.cancelled() != asio::cancellation_type::none;
  if (cancelled) {
    cancel();
    co_await shield();
    co_await wait_below(1);
  }
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return cancelled;
}

Task<> TaskGroup::below(std::size_t limit) {
  if (co_await wait_or_end(limit)) throw_cancelled();
}

Task<> TaskGroup::join() {
  const bool cancelled = co_await wait_or_end(1);
  if (first_error_) std::rethrow_exception(std::exchange(first_error_, nullptr));
  if (cancelled) throw_cancelled();
}

}  // namespace ferry
