#pragma once
// One suspended coroutine that any thread may wake.

#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>
#include <mutex>
#include <optional>
#include <span>

#include "kit/async/clock.hpp"
#include "kit/async/task.hpp"

namespace ferry {

/// Waited for by one coroutine, once; set from any thread. The coroutine is always resumed by a post to its own
/// executor, never inside of set().
///
/// Lifetime: whoever calls set() keeps the Wake alive until set() returns; a cancelled waiter may be gone at any
/// moment. Either share the ownership, or call set() under the lock under which the waiter takes itself off the list of
/// those to wake. The waiting coroutine must have ended before its io_context is destroyed.
class Wake {
 public:
  Wake() = default;
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  /// Suspends until set(); goes on at once (through a post) if it is set already. Returns normally if set() came before
  /// a cancellation, so that what was handed over with it isn't lost.
  Task<> wait();

  void set();  ///< any thread; further calls change nothing

  /// set() for many at once, with few posts to each executor instead of one per coroutine. Resumes in the order given.
  static void set_all(std::span<Wake* const> wakes);

  /// Call before an io_context is destroyed whose coroutines other threads woke: a thread that posts the very last
  /// resumption may still be inside of the io_context when that coroutine has long ended. Returns when none is.
  static void quiesce();

 private:
  using Handler = asio::async_result<asio::use_awaitable_t<Executor>, void(boost::system::error_code)>::handler_type;

  class Crowd;

  void park(Handler handler);
  void cancel();
  std::optional<Handler> take(bool set);
  static void resume(Handler handler, boost::system::error_code outcome);

  std::mutex mutex_;
  bool set_ = false;
  std::optional<Handler> waiter_;
};

/// Suspends until the Wake is set or `longest` has passed, whatever comes first. The Wake may be given up then.
Task<> wait_at_most(Wake* wake, Clock* clock, Milliseconds longest);

}  // namespace ferry
