#pragma once
// Structured concurrency: tasks are spawned into a scope that must be joined; none outlives it.

#include <boost/asio/cancellation_signal.hpp>
#include <cstddef>
#include <exception>
#include <list>
#include <memory>

#include "kit/async/task.hpp"

namespace ferry {

/// Runs tasks side by side on one executor. Not thread-safe: use it only on that executor's thread.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();  ///< the group must be empty: join() first (asserted)
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task` (queued, not run inline). A task that ends by cancellation ends quietly; any other exception is kept
  /// and rethrown by join().
  void spawn(Task<> task);

  /// Asks every running task to stop: its pending operation ends with operation_aborted. Later spawns are not affected.
  /// Call it from inside of the executor's run loop: from outside, Asio queues the request behind completions that are
  /// queued already, and a task that ends by one of them is gone when the request reaches it.
  void cancel();

  /// Suspends until no task is left, also while more are being spawned. Cancelling the joiner cancels the tasks, too,
  /// waits for them to unwind, and then ends the joiner by cancellation.
  Task<> join();

  /// Suspends until fewer than `limit` tasks run: how a loop bounds its own concurrency. Cancelled as join() is: the
  /// loop ends, and no task is left behind.
  Task<> below(std::size_t limit);

  [[nodiscard]] std::size_t size() const { return running_.size(); }

 private:
  struct Waiter;
  void finished(std::list<asio::cancellation_signal>::iterator child, std::exception_ptr error);
  Task<> wait_below(std::size_t limit);
  Task<bool> wait_or_end(std::size_t limit);

  Executor executor_;
  std::list<asio::cancellation_signal> running_;
  std::list<Waiter*> waiters_;
  std::exception_ptr first_error_;
};

}  // namespace ferry
