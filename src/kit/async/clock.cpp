#include "kit/async/clock.hpp"

#include <boost/asio/this_coro.hpp>
#include <random>

#include "kit/async/timer.hpp"

namespace ferry {
namespace {

class SystemClock final : public Clock {
 public:
  SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
  Task<> sleep(Milliseconds duration) override {
    Timer timer{co_await asio::this_coro::executor, duration};
    co_await timer.async_wait(use_task);
  }
};

class SystemRng final : public Rng {
 public:
  std::uint64_t next() override {
    thread_local std::mt19937_64 engine{[] {
      std::random_device device;
      return (std::uint64_t{device()} << 32) ^ device();
    }()};
    return engine();
  }
};

}  // namespace

Clock* system_clock() {
  static SystemClock clock;
  return &clock;
}

Rng* system_rng() {
  static SystemRng rng;
  return &rng;
}

}  // namespace ferry
