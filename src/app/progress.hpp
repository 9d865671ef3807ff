#pragma once
// What a person sees while work goes on: a bar on a terminal, a plain line every now and then elsewhere. Rendering is
// pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"

namespace ferry::app {

/// One moment of a run.
struct Progress {
  std::string_view verb;    ///< "copying", "verifying"
  std::uint64_t done = 0;   ///< objects that are settled, whichever way
  std::uint64_t total = 0;  ///< objects seen so far
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t troubles = 0;     ///< failed, or different
  std::string_view trouble;       ///< "failed", "different"
  bool listing = true;            ///< the totals still grow
  std::uint64_t moved_bytes = 0;  ///< over the wire so far, repeats included: what the rate is taken from
};

/// How fast it goes, and how long it will take.
struct Pace {
  double bytes_per_second = 0;
  double objects_per_second = 0;
  std::optional<std::uint64_t> seconds_left;  ///< nothing while listing, or before anything moves
};

/// Smoothed over about ten seconds, so that the figures can be read.
class Speedometer {
 public:
  explicit Speedometer(SteadyTime start) : last_(start) {}
  Pace measure(const Progress& progress, SteadyTime now);

 private:
  SteadyTime last_;
  bool first_ = true;
  std::uint64_t moved_bytes_ = 0, done_ = 0;
  double bytes_per_second_ = 0, objects_per_second_ = 0;
};

/// One line of at most `width` columns, plain ASCII: what doesn't fit is left out, the least important first.
[[nodiscard]] std::string render_bar(const Progress& progress, const Pace& pace, std::size_t width);
/// One line without a bar, for logs and pipes.
[[nodiscard]] std::string render_line(const Progress& progress, const Pace& pace);

[[nodiscard]] std::string with_commas(std::uint64_t number);     ///< "1,234,567"
[[nodiscard]] std::string human_seconds(std::uint64_t seconds);  ///< "42 s", "3 min 05 s", "2 h 07 min", "3 d 4 h"

}  // namespace ferry::app
