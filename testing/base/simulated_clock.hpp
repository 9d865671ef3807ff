#pragma once
// Time that a test moves by hand, and a runner that moves it by itself: whenever nothing can run, time jumps to the
// next sleeper. A test with hours of back-off ends in microseconds and never sleeps.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "kit/async/clock.hpp"
#include "kit/async/wake.hpp"

namespace ferry::testing {

class SimulatedClock final : public Clock {
 public:
  SteadyTime now() const override { return SteadyTime{} + std::chrono::hours{1} + elapsed_; }
  WallTime wall() const override { return wall_start_ + elapsed_; }
  Task<> sleep(Milliseconds duration) override;

  void set_wall(WallTime wall) { wall_start_ = wall - elapsed_; }
  void advance(Milliseconds duration);  ///< wakes every sleeper that is due
  bool advance_to_next();               ///< false: nobody sleeps
  [[nodiscard]] Milliseconds elapsed() const { return elapsed_; }

 private:
  struct Sleeper;
  Milliseconds elapsed_{0};
  WallTime wall_start_{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  std::multimap<Milliseconds, Sleeper*> sleepers_;
};

class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed = 1) : engine_(seed) {}
  std::uint64_t next() override { return engine_(); }
  std::string bytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(next());
    return bytes;
  }

 private:
  std::mt19937_64 engine_;
};

/// Runs until `task` is done and returns its value; rethrows what it throws. With a clock: jumps over idle time, and
/// throws std::logic_error when nothing is left that could finish the task.
template <class T>
T run(asio::io_context& context, Task<T> task, SimulatedClock* clock = nullptr);

/// The same on a context of its own.
template <class T>
T run(Task<T> task, SimulatedClock* clock = nullptr) {
  asio::io_context context{1};
  struct Quiesce {
    ~Quiesce() { Wake::quiesce(); }
  } const before_the_context_ends;
  return run(context, std::move(task), clock);
}

namespace detail {
void drive(asio::io_context& context, const bool& done, SimulatedClock* clock);
}

template <class T>
T run(asio::io_context& context, Task<T> task, SimulatedClock* clock) {
  bool done = false;
  std::exception_ptr error;
  if constexpr (std::is_void_v<T>) {
    asio::co_spawn(context.get_executor(), std::move(task), [&](std::exception_ptr e) {
      error = e;
      done = true;
    });
    detail::drive(context, done, clock);
    if (error) std::rethrow_exception(error);
  } else {
    std::optional<T> value;
    asio::co_spawn(context.get_executor(), std::move(task), [&](std::exception_ptr e, T v) {
      error = e;
      if (!e) value.emplace(std::move(v));
      done = true;
    });
    detail::drive(context, done, clock);
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
}

}  // namespace ferry::testing
