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
