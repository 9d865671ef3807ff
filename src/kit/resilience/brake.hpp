#pragma once
// What all requests to one server have in common when it refuses everything: they stop together and send one of them
// ahead, instead of each finding out for itself, again and again. A few refusals among answers are no reason to brake:
// those are each request's own affair (retry.hpp).

#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/base/error.hpp"

namespace ferry {

struct BrakePolicy {
  int refusals_in_a_row = 16;     ///< until everybody waits
  Milliseconds first{250};        ///< until one is sent ahead; doubles with each that is refused …
  Milliseconds ceiling{2'000};    ///< … up to here: so soon after the server has recovered, work goes on
  Milliseconds patience{20'000};  ///< of one who waits
};

/// For the requests of one io_context thread to one server.
class Brake {
 public:
  Brake(Clock* clock, Rng* rng, BrakePolicy policy = {}) : policy_(policy), clock_(clock), rng_(rng) {}

  /// True: a request may go at once. Otherwise `co_await turn()` first.
  [[nodiscard]] bool open() const { return refusals_ < policy_.refusals_in_a_row; }
  /// Returns when a request may go. Whoever waits together leaves one after the other, not at once.
  /// @error kUnavailable  not within the policy's patience: nothing was sent; what the server last said
  Task<Status> turn();

  /// The server did its work, whatever the answer was.
  void answered();
  /// It was too busy, or did not answer at all.
  void refused(const std::string& why);

 private:
  Task<> wait_for(SteadyTime until, SteadyTime deadline);

  const BrakePolicy policy_;
  Clock* const clock_;
  Rng* const rng_;
  int refusals_ = 0;          // since the last answer
  Milliseconds pause_{0};     // before the next scout
  SteadyTime scout_after_{};  // nobody goes before
  std::string why_;
};

/// Statuses that say nothing about the request, only that the server can't, now.
[[nodiscard]] constexpr bool refuses_everybody(int status) { return status == 429 || status >= 500; }

}  // namespace ferry
