#include "kit/async/wake.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <thread>
#include <utility>
#include <vector>

namespace ferry {
namespace {

std::atomic<int> posts_under_way{0};

template <class Function>
void post_counted(const Executor& executor, Function function) {
  const struct Count {
    Count() { ++posts_under_way; }
    ~Count() { --posts_under_way; }
  } count;
  asio::post(executor, std::move(function));
}

}  // namespace

void Wake::quiesce() {
  while (posts_under_way != 0) std::this_thread::yield();
}

Task<> Wake::wait() {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void(boost::system::error_code)>(
      [](Handler handler, Wake* self) { self->park(std::move(handler)); }, use_task, this);
}

void Wake::set() {
  if (auto waiter = take(true)) resume(*std::move(waiter), {});
}

/// Coroutines of one executor, resumed by one post.
class Wake::Crowd {
 public:
  static constexpr std::size_t kMost = 64;  // then the executor gets a chance to do something else

  explicit Crowd(Executor executor) : executor_(executor) {}
  [[nodiscard]] const Executor& executor() const { return executor_; }
  [[nodiscard]] bool full() const { return waiters_.size() == kMost; }
  void add(Handler waiter) { waiters_.push_back(std::move(waiter)); }
  void post() && {
    const auto executor = executor_;
    post_counted(executor, std::move(*this));
  }

  void operator()() {
    while (next_ < waiters_.size()) {
      auto waiter = std::move(waiters_[next_++]);
      try {
        std::move(waiter)(boost::system::error_code{});
      } catch (...) {  // from a completion handler, on its way out of the run loop: the others must not go down with it
        std::move(*this).post();
        throw;
      }
    }
  }

 private:
  Executor executor_;
  std::vector<Handler> waiters_;
  std::size_t next_ = 0;
};

void Wake::set_all(std::span<Wake* const> wakes) {
  std::vector<Crowd> crowds;  // one per executor: few
  for (Wake* wake : wakes) {
    auto waiter = wake->take(true);
    if (!waiter) continue;
    const auto executor = asio::get_associated_executor(*waiter);
    auto crowd = std::find_if(crowds.begin(), crowds.end(), [&](const Crowd& c) { return c.executor() == executor; });
    if (crowd == crowds.end()) crowd = crowds.emplace(crowds.end(), executor);
    crowd->add(*std::move(waiter));
    if (crowd->full()) std::exchange(*crowd, Crowd{executor}).post();
  }
  for (auto& crowd : crowds) std::move(crowd).post();
}

/// On the waiter's thread, once its coroutine is suspended. Nothing can resume it before this returns: resuming is a
/// post to this very thread.
void Wake::park(Handler handler) {
  auto slot = asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) slot.assign([this](asio::cancellation_type) { cancel(); });
  {
    const std::lock_guard lock{mutex_};
    assert(!waiter_ && "a Wake is waited for by one coroutine");
    if (!set_) {
      waiter_.emplace(std::move(handler));
      return;
    }
  }
  resume(std::move(handler), {});
}

/// On the waiter's thread. After set() it finds nobody: the coroutine is on its way already.
void Wake::cancel() {
  if (auto waiter = take(false)) resume(*std::move(waiter), asio::error::operation_aborted);
}

std::optional<Wake::Handler> Wake::take(bool set) {
  const std::lock_guard lock{mutex_};
  if (set) set_ = true;
  if (!waiter_) return std::nullopt;
  std::optional<Handler> waiter{std::move(waiter_)};
  waiter_.reset();
  return waiter;
}

void Wake::resume(Handler handler, boost::system::error_code outcome) {
  const auto executor = asio::get_associated_executor(handler);
  post_counted(executor, [waiter = std::move(handler), outcome]() mutable { std::move(waiter)(outcome); });
}

Task<> wait_at_most(Wake* wake, Clock* clock, Milliseconds longest) {
  using namespace asio::experimental::awaitable_operators;
  try {
    co_await (wake->wait() || clock->sleep(longest));
  } catch (const asio::multiple_exceptions& both) {
    std::rethrow_exception(both.first_exception());  // both cancelled: one operation_aborted is enough
  }
}

}  // namespace ferry
