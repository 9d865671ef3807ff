#include "app/read_value.hpp"

#include <utility>

#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::uint64_t kDurationSecondsMax = 30 * 86'400;

struct TimeUnit {
  char letter;
  std::uint64_t seconds;
};
constexpr TimeUnit kTimeUnits[] = {{'s', 1}, {'m', 60}, {'h', 3'600}, {'d', 86'400}};
constexpr TimeUnit kAgeUnits[] = {{'s', 1}, {'m', 60}, {'h', 3'600}, {'d', 86'400}, {'w', 7 * 86'400}};
constexpr std::uint64_t kAgeSecondsMax = 100ULL * 366 * 86'400;

/// A number with one of the letters behind it.
template <std::size_t N>
std::optional<std::uint64_t> read_with_unit(std::string_view text, const TimeUnit (&units)[N], std::uint64_t max) {
  for (const TimeUnit& unit : units) {
    if (!text.ends_with(unit.letter)) continue;
    const auto number = parse_u64(text.substr(0, text.size() - 1));
    if (!number || *number > max / unit.seconds) return std::nullopt;
    return *number * unit.seconds;
  }
  return std::nullopt;
}

}  // namespace

std::string read_number(const std::string& text, std::uint64_t first, std::uint64_t last, std::uint64_t* number) {
  const auto parsed = parse_u64(text);
  if (!parsed || *parsed < first || *parsed > last) {
    return "is not a whole number from " + std::to_string(first) + " to " + std::to_string(last);
  }
  *number = *parsed;
  return {};
}

std::string read_switch(const std::string& text, bool* on) {
  const std::string word = to_lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") {
    *on = true;
  } else if (word == "false" || word == "no" || word == "off" || word == "0") {
    *on = false;
  } else {
    return "is neither true nor false";
  }
  return {};
}

std::string read_duration(const std::string& text, Milliseconds* duration) {
  std::string_view digits = text;
  std::uint64_t factor = 1;
  for (const TimeUnit& unit : kTimeUnits) {
    if (!digits.ends_with(unit.letter)) continue;
    factor = unit.seconds;
    digits.remove_suffix(1);
    break;
  }
  const auto number = parse_u64(digits);
  if (!number || *number == 0 || *number > kDurationSecondsMax / factor) {
    return "is not a time from 1s to 30d; examples: 30s, 10m, 6h";
  }
  *duration = std::chrono::seconds{*number * factor};
  return {};
}

std::string read_size(const std::string& text, std::optional<std::uint64_t>* bytes) {
  constexpr std::string_view kLetters = "KMGT";
  std::string_view digits = text;
  unsigned shift = 0;
  if (const auto letter = kLetters.find(text.empty() ? '?' : text.back()); letter != std::string_view::npos) {
    shift = 10 * (static_cast<unsigned>(letter) + 1);
    digits.remove_suffix(1);
  }
  const auto number = parse_u64(digits);
  if (!number || *number > static_cast<std::uint64_t>(INT64_MAX) >> shift) {
    return "is not a number of bytes; examples: 4096, 64K, 10M, 5G";
  }
  *bytes = *number << shift;
  return {};
}

std::string read_moment(const std::string& text, std::optional<Moment>* moment) {
  constexpr std::size_t kDateBytes = 10;
  Moment read;
  if (const auto ago = read_with_unit(text, kAgeUnits, kAgeSecondsMax)) {
    read.ago = std::chrono::seconds{*ago};
  } else {
    read.time = parse_rfc3339(text.size() == kDateBytes ? text + "T00:00:00Z" : text);
    if (!read.time) return "is not a time; examples: 2026-01-31, 2026-01-31T12:00:00Z, 7d";
  }
  *moment = read;
  return {};
}

std::string read_text(const std::string& text, std::string* into) {
  if (text.empty()) return "is empty";
  *into = text;
  return {};
}

std::string read_text(const std::string& text, std::optional<std::string>* into) {
  if (text.empty()) return "is empty";
  *into = text;
  return {};
}

std::string read_endpoint(const std::string& text, std::optional<net::Origin>* into) {
  auto origin = net::Origin::parse(text);
  if (!origin) return "is not the address of a server; write https://host[:port]";
  *into = *std::move(origin);
  return {};
}

}  // namespace ferry::app
