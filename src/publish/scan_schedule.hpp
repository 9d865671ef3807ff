#pragma once
// When the next scan begins, and of which kind. Decides only; the caller scans and keeps time.

#include <optional>

#include "kit/async/clock.hpp"

namespace ferry {

class ScanSchedule {
 public:
  struct Options {
    Milliseconds interval{600'000};           ///< from begin to begin
    Milliseconds audit_interval{86'400'000};  ///< the first scan after this time is an audit
    /// Between a scan that failed and the next, doubled each time; never longer than the interval.
    Milliseconds retry_first{5'000}, retry_max{60'000};
  };
  enum class Answer { kNow, kAfterThisOne, kAlreadyWaiting };

  /// The first scan is due at once.
  ScanSchedule(Options options, SteadyTime now);

  /// Somebody wants a scan. Any number of requests while one runs make one more; it is an audit if one of them wants
  /// one.
  Answer request(bool audit);
  /// Zero: now. Nothing while a scan runs.
  [[nodiscard]] std::optional<Milliseconds> due_in(SteadyTime now) const;

  bool begin(SteadyTime now);  ///< @return whether it is an audit
  void end(SteadyTime now, bool complete);

 private:
  [[nodiscard]] bool audit_due(SteadyTime now) const;

  Options options_;
  SteadyTime next_;
  SteadyTime began_;
  SteadyTime last_audit_;
  bool running_ = false;
  bool auditing_ = false;
  bool requested_ = false;
  bool audit_requested_ = false;
  int failures_ = 0;  ///< in a row
};

}  // namespace ferry
