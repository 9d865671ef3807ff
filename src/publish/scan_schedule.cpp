#include "publish/scan_schedule.hpp"

#include <algorithm>

namespace ferry {

ScanSchedule::ScanSchedule(Options options, SteadyTime now)
    : options_(options), next_(now), began_(now), last_audit_(now) {}

ScanSchedule::Answer ScanSchedule::request(bool audit) {
  const bool waiting = requested_ && (audit_requested_ || !audit);
  requested_ = true;
  audit_requested_ |= audit;
  if (waiting) return Answer::kAlreadyWaiting;
  return running_ ? Answer::kAfterThisOne : Answer::kNow;
}

std::optional<Milliseconds> ScanSchedule::due_in(SteadyTime now) const {
  if (running_) return std::nullopt;
  if (requested_ || next_ <= now) return Milliseconds{0};
  return std::chrono::ceil<Milliseconds>(next_ - now);
}

bool ScanSchedule::begin(SteadyTime now) {
  auditing_ = audit_requested_ || audit_due(now);
  running_ = true;
  requested_ = audit_requested_ = false;
  began_ = now;
  return auditing_;
}

/// A scan that took longer than the interval is followed by the next one at once, never by two.
void ScanSchedule::end(SteadyTime now, bool complete) {
  running_ = false;
  failures_ = complete ? 0 : failures_ + 1;
  if (complete && auditing_) last_audit_ = began_;
  if (!complete && auditing_) audit_requested_ = true;  // wanted still, whenever the next scan begins
  const auto regular = std::max(began_ + options_.interval, now);
  const auto patience = std::min(options_.retry_max, options_.retry_first * (1 << std::clamp(failures_ - 1, 0, 10)));
  next_ = complete ? regular : std::min(regular, now + patience);
}

bool ScanSchedule::audit_due(SteadyTime now) const { return now - last_audit_ >= options_.audit_interval; }

}  // namespace ferry
