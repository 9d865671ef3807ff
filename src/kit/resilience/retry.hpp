#pragma once
// The only retry loop in the tree. It decides nothing: Backoff and worth_retrying() do.

#include <string>
#include <utility>

#include "kit/async/clock.hpp"
#include "kit/resilience/backoff.hpp"

namespace ferry {

/// `attempt_once` is () -> Task<Result<T>>, a named callable (see kit/async/task.hpp). The error that caused the
/// surrender keeps its kind. Cancelled with its scope: shutdown never waits for a back-off.
template <class Operation>
auto retry(Backoff policy, Clock* clock, Rng* rng, Idempotency kind, Operation attempt_once)
    -> decltype(attempt_once()) {
  for (int attempt = 1;; ++attempt) {
    auto result = co_await attempt_once();
    if (result || !worth_retrying(result.error().kind, kind)) co_return result;
    const auto wait = policy.after(attempt, rng->unit(), result.error().retry_after);
    if (!wait) {
      if (attempt == 1) co_return result;
      co_return fail(std::move(result).error().during("gave up after " + std::to_string(attempt) + " attempts"));
    }
    co_await clock->sleep(*wait);
  }
}

}  // namespace ferry
