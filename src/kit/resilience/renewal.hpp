#pragma once
// One value that expires, shared by all threads of a process: whoever needs it first fetches it anew, ahead of time,
// while all others go on with the old one; who finds none that is valid waits for that one fetch.

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "kit/async/wake.hpp"
#include "kit/resilience/retry.hpp"

namespace ferry {

struct RenewalPolicy {
  Milliseconds ahead{225'000};  ///< how long before its end a value is replaced; at most the last quarter of its life
  Backoff backoff;
};

/// Any thread. `T` is compared and copied. Outlives every coroutine that is in get().
template <class T>
class Renewal {
 public:
  struct Fetched {
    T value;
    std::optional<Milliseconds> life;  ///< from when it was asked for; nothing: until refused or outdated
    explicit Fetched(T v, std::optional<Milliseconds> l = std::nullopt) : value(std::move(v)), life(l) {}
  };
  /// Makes the request on the thread of whoever calls get(). Called by one coroutine at a time.
  using Fetch = std::function<Task<Result<Fetched>>()>;

  Renewal(RenewalPolicy policy, Clock* clock, Rng* rng) : policy_(policy), clock_(clock), rng_(rng) {}

  /// The value; the old one while it is valid and `fetch` (which outlives the call) fails, at growing intervals.
  /// Without a valid one, kUnavailable is tried again within the back-off. @error of `fetch`, all that wait at the same
  /// time
  Task<Result<T>> get(const Fetch* fetch) {
    for (;;) {
      const Next next = look();
      if (next.value) co_return *next.value;
      if (!next.wake) co_return co_await renew(fetch);
      co_await next.wake->wait();
      if (auto failure = failure_of(*next.round)) co_return fail(*std::move(failure));
    }
  }

  /// A server said no to this value: unless there is another by now, the next get() fetches. A value that was only just
  /// fetched again, and came back the same, is kept for a while, so that a crowd that is refused does not fetch in
  /// turn.
  void refused(const T& value) {
    const std::lock_guard lock{mutex_};
    if (!value_ || !(*value_ == value)) return;
    if (refused_ == value && clock_->now() < asked_ + kSameAgain) return;
    refused_ = std::move(value_);
    value_.reset();
  }

  /// There is a newer one: the next get() fetches it, and makes do with the old one if that fails.
  void outdate() {
    const std::lock_guard lock{mutex_};
    refresh_at_ = retry_at_ = SteadyTime{};
  }

 private:
  static constexpr Milliseconds kSameAgain{10'000};

  /// One fetch, and who waits for it. Guarded by mutex_.
  struct Round {
    std::vector<std::shared_ptr<Wake>> waiting;
    std::optional<Error> failure;
  };

  /// What a caller does next: take the value, wait, or (neither) fetch.
  struct Next {
    std::optional<T> value;
    std::shared_ptr<Wake> wake;
    std::shared_ptr<Round> round;
  };

  /// Ends the round however its coroutine ends: if it was cancelled, one of those who wait goes on in its place.
  struct Turn {
    explicit Turn(Renewal* owner) : renewal(owner) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { renewal->end_round(); }
    Renewal* renewal;
  };

  bool is_valid() const { return value_ && clock_->now() < expires_; }

  Next look() {
    const std::lock_guard lock{mutex_};
    Next next;
    const bool fresh = is_valid() && clock_->now() < std::max(refresh_at_, retry_at_);
    if (fresh || (round_ && is_valid())) {
      next.value = value_;
    } else if (round_) {
      next.wake = round_->waiting.emplace_back(std::make_shared<Wake>());
      next.round = round_;
    } else {
      round_ = std::make_shared<Round>();
    }
    return next;
  }

  std::optional<Error> failure_of(const Round& round) {
    const std::lock_guard lock{mutex_};
    return is_valid() ? std::nullopt : round.failure;
  }

  /// While the old value is valid, this is one try: if it fails, the next one waits a little.
  Task<Result<T>> renew(const Fetch* fetch) {
    const Turn turn{this};
    Backoff patience = policy_.backoff;
    if (has_valid()) patience.attempts_max = 1;
    const auto once = [this, fetch] { return fetch_once(fetch); };
    auto done = co_await retry(patience, clock_, rng_, Idempotency::kIdempotent, once);
    co_return settle(std::move(done));
  }

  Task<Status> fetch_once(const Fetch* fetch) {
    const auto asked = clock_->now();
    auto fetched = co_await (*fetch)();
    if (!fetched) co_return fail(std::move(fetched).error());
    take(*std::move(fetched), asked);
    co_return Unit{};
  }

  bool has_valid() {
    const std::lock_guard lock{mutex_};
    return is_valid();
  }

  void take(Fetched fetched, SteadyTime asked) {
    const std::lock_guard lock{mutex_};
    value_ = std::move(fetched.value);
    asked_ = asked;
    expires_ = refresh_at_ = SteadyTime::max();
    retry_at_ = SteadyTime{};
    failures_ = 0;
    if (!fetched.life) return;
    expires_ = asked + *fetched.life;
    refresh_at_ = expires_ - std::min(policy_.ahead, *fetched.life / 4);
  }

  Result<T> settle(Status done) {
    const std::lock_guard lock{mutex_};
    if (done) return *value_;
    if (!is_valid()) {
      round_->failure = done.error();
      return fail(std::move(done).error());
    }
    failures_ = std::min(failures_ + 1, policy_.backoff.attempts_max - 1);
    const auto wait = policy_.backoff.after(failures_, rng_->unit(), done.error().retry_after);
    retry_at_ = clock_->now() + wait.value_or(policy_.backoff.ceiling);
    return *value_;
  }

  void end_round() {
    std::shared_ptr<Round> round;
    {
      const std::lock_guard lock{mutex_};
      round = std::exchange(round_, nullptr);
    }
    std::vector<Wake*> wakes;
    for (const auto& wake : round->waiting) wakes.push_back(wake.get());
    Wake::set_all(wakes);
  }

  const RenewalPolicy policy_;
  Clock* const clock_;
  Rng* const rng_;

  std::mutex mutex_;  // guards the rest
  std::optional<T> value_, refused_;
  SteadyTime asked_{};       // when value_ was
  SteadyTime expires_{};     // not valid any more
  SteadyTime refresh_at_{};  // valid, but time for a new one
  SteadyTime retry_at_{};    // not before that: the last fetch failed
  int failures_ = 0;         // in a row
  std::shared_ptr<Round> round_;
};

}  // namespace ferry
