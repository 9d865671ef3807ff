#pragma once
// What a migrator tells of its work: log lines, the note for the dashboard, counters for the board, metrics.

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "app/service_notes.hpp"
#include "app/summary.hpp"
#include "kit/async/clock.hpp"
#include "observe/activity.hpp"
#include "observe/outcome.hpp"
#include "observe/tally.hpp"

namespace ferry::app {

/// Outcomes as log lines, and the trouble that keeps everything from succeeding. Any thread.
class WorkLog final : public OutcomeSink {
 public:
  void copied(const Receipt& receipt) override;
  void adopted(const Receipt& receipt) override;
  void superseded(const ObjectKey& key, std::string_view why) override;
  void failed(const Failure& failure) override;
  void refused(std::string_view why) override;
  /// Empty: none.
  [[nodiscard]] std::string trouble() const;

 private:
  std::atomic<bool> troubled_{false};
  mutable std::mutex mutex_;  // guards trouble_
  std::string trouble_;
};

/// The counters for the board, by name: what the tally has now and had not at `before`.
[[nodiscard]] std::map<std::string, std::int64_t> difference(const TallySnapshot& now, const TallySnapshot& before);

/// Rates over the last few seconds.
class RateMeter {
 public:
  void sample(const TallySnapshot& tally, SteadyTime now);
  [[nodiscard]] double bytes_per_second() const { return bytes_per_second_; }
  [[nodiscard]] double objects_per_second() const { return objects_per_second_; }

 private:
  struct Sample {
    SteadyTime when;
    std::uint64_t bytes = 0, objects = 0;
  };
  std::array<Sample, 5> samples_{};
  std::size_t count_ = 0;
  double bytes_per_second_ = 0, objects_per_second_ = 0;
};

[[nodiscard]] std::string worker_metrics(const TallySnapshot& tally, std::size_t transfers_max);

}  // namespace ferry::app
