#pragma once
// Coroutines. One io_context per thread, no locks and no strands: an object that awaits belongs to one thread.
//
// Rules (see docs/adr/0002): parameters of coroutines are values or pointers, never references; a lambda that is itself
// a coroutine captures nothing; g++ 12 destroys a capturing lambda or an aggregate written as a temporary inside a
// co_await expression twice: name it, then move it, or give it a constructor.
//
// Cancellation: a cancelled Task unwinds with boost::system::system_error(operation_aborted). That is the only
// exception that crosses a room; every other failure is a Result. Clean-up is by destructor, and no destructor commits
// anything. After that exception nothing can be awaited any more, not even clean-up, until `co_await shield()`.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ferry {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;  // concrete: no type erasure per operation

template <class T = void>
using Task = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> use_task{};

/// `co_await shield()`: from here on this chain of coroutines can't be cancelled. For clean-up that has to wait.
[[nodiscard]] inline auto shield() { return asio::this_coro::reset_cancellation_state(asio::disable_cancellation()); }

}  // namespace ferry
