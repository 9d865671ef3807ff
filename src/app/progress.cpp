#include "app/progress.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr double kSmoothingSeconds = 10;
constexpr double kShortestStepSeconds = 0.001;
constexpr std::size_t kBarMin = 8;
constexpr std::size_t kBarMax = 40;
constexpr std::uint64_t kSecondsShownMax = 99ULL * 24 * 3600;

/// Bytes decide where there are any to move; a million empty objects go by count.
double fraction_of(const Progress& progress) {
  const auto part = [](std::uint64_t done, std::uint64_t total) {
    return total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  };
  const double objects = part(progress.done, progress.total);
  return progress.bytes_total == 0 ? objects : (objects + part(progress.bytes_done, progress.bytes_total)) / 2;
}

std::optional<std::uint64_t> seconds_left(const Progress& progress, double bytes_per_second,
                                          double objects_per_second) {
  if (progress.listing) return std::nullopt;
  const auto time_for = [](std::uint64_t done, std::uint64_t total, double rate) -> std::optional<double> {
    if (done >= total) return 0;
    if (rate <= 0) return std::nullopt;
    return static_cast<double>(total - done) / rate;
  };
  const auto by_bytes = time_for(progress.bytes_done, progress.bytes_total, bytes_per_second);
  const auto by_objects = time_for(progress.done, progress.total, objects_per_second);
  // Many small objects after few large ones, or the other way round: the slower of the two decides.
  if (!by_bytes && !by_objects) return std::nullopt;
  const double seconds = std::max(by_bytes.value_or(0), by_objects.value_or(0));
  if (seconds > static_cast<double>(kSecondsShownMax)) return std::nullopt;
  return static_cast<std::uint64_t>(std::ceil(seconds));
}

std::string rate_text(const Pace& pace) {
  return human_bytes(static_cast<std::uint64_t>(pace.bytes_per_second)) + "/s";
}

std::string objects_text(const Progress& progress) {
  return with_commas(progress.done) + "/" + with_commas(progress.total) + (progress.listing ? "+" : "");
}

std::string bytes_text(const Progress& progress) {
  return human_bytes(progress.bytes_done) + "/" + human_bytes(progress.bytes_total);
}

std::string bar(double fraction, std::size_t width) {
  const std::size_t inner = width - 2;
  const auto filled = std::min(inner, static_cast<std::size_t>(fraction * static_cast<double>(inner)));
  std::string text = "[" + std::string(filled, '=');
  if (filled < inner) text += '>';
  text.resize(width - 1, ' ');
  return text + "]";
}

}  // namespace

Pace Speedometer::measure(const Progress& progress, SteadyTime now) {
  const double seconds = std::chrono::duration<double>(now - last_).count();
  if (seconds >= kShortestStepSeconds) {
    const double bytes = static_cast<double>(progress.moved_bytes - moved_bytes_) / seconds;
    const double objects = static_cast<double>(progress.done - done_) / seconds;
    const double weight = first_ ? 1 : 1 - std::exp(-seconds / kSmoothingSeconds);
    bytes_per_second_ += weight * (bytes - bytes_per_second_);
    objects_per_second_ += weight * (objects - objects_per_second_);
    last_ = now;
    moved_bytes_ = progress.moved_bytes;
    done_ = progress.done;
    first_ = false;
  }
  return Pace{bytes_per_second_, objects_per_second_, seconds_left(progress, bytes_per_second_, objects_per_second_)};
}

std::string render_bar(const Progress& progress, const Pace& pace, std::size_t width) {
  enum Part { kVerb, kPercent, kObjects, kBytes, kRate, kLeft, kTroubles, kParts };
  std::array<std::string, kParts> parts;
  parts[kVerb] = progress.verb;
  const auto percent = static_cast<int>(fraction_of(progress) * 100);
  parts[kPercent] = progress.listing ? "listing..." : std::to_string(percent) + "%";
  parts[kObjects] = objects_text(progress) + " objects";
  parts[kBytes] = bytes_text(progress);
  parts[kRate] = rate_text(pace);
  if (pace.seconds_left) parts[kLeft] = human_seconds(*pace.seconds_left) + " left";
  if (progress.troubles > 0) parts[kTroubles] = with_commas(progress.troubles) + " " + std::string{progress.trouble};

  const auto length = [&parts] {
    std::size_t sum = 0;
    for (const auto& part : parts) sum += part.empty() ? 0 : part.size() + 2;
    return sum == 0 ? 0 : sum - 2;
  };
  for (const Part least : {kVerb, kBytes, kRate, kLeft, kPercent, kTroubles}) {
    if (length() <= width) break;
    parts[least].clear();
  }

  const std::size_t taken = length();
  const std::size_t spare = width > taken + 2 ? width - taken - 2 : 0;
  std::string line;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) line += (line.empty() ? "" : "  ") + parts[i];
    if (i == kVerb && spare >= kBarMin && !progress.listing) {
      line += (line.empty() ? "" : "  ") + bar(fraction_of(progress), std::min(spare, kBarMax));
    }
  }
  if (line.size() > width) line.resize(width);
  return line;
}

std::string render_line(const Progress& progress, const Pace& pace) {
  std::string line = std::string{progress.verb} + ": " + with_commas(progress.done) + " of " +
                     with_commas(progress.total) + " objects" + (progress.listing ? " (still listing)" : "") + ", " +
                     human_bytes(progress.bytes_done) + " of " + human_bytes(progress.bytes_total) + ", " +
                     rate_text(pace);
  if (pace.seconds_left) line += ", " + human_seconds(*pace.seconds_left) + " left";
  return line + ", " + with_commas(progress.troubles) + " " + std::string{progress.trouble};
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3; place -= 3) text.insert(place - 3, ",");
  return text;
}

std::string human_seconds(std::uint64_t seconds) {
  const auto two = [](std::uint64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3'600) return std::to_string(seconds / 60) + " min " + two(seconds % 60) + " s";
  if (seconds < 86'400) return std::to_string(seconds / 3'600) + " h " + two(seconds / 60 % 60) + " min";
  return std::to_string(seconds / 86'400) + " d " + std::to_string(seconds / 3'600 % 24) + " h";
}

}  // namespace ferry::app
