#include "kit/base/time.hpp"

#include <algorithm>
#include <array>

#include "kit/base/text.hpp"

namespace ferry {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::month;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

// English by definition of both formats, whatever the locale says.
constexpr std::array<std::string_view, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr Seconds kFirst = sys_days{year{0} / 1 / 1};
constexpr Seconds kLast = sys_days{year{10000} / 1 / 1} - seconds{1};

struct Fields {
  int year;
  unsigned month, day, weekday;
  std::int64_t hour, minute, second;
};

/// The calendar's view of a time; what four digits of a year can't hold is clamped.
Fields fields_of(Seconds time) {
  time = std::clamp(time, kFirst, kLast);
  const auto date = std::chrono::floor<days>(time);
  const year_month_day ymd{date};
  const std::chrono::hh_mm_ss clock{time - date};
  return {
      int{ymd.year()},       unsigned{ymd.month()},   unsigned{ymd.day()},    std::chrono::weekday{date}.c_encoding(),
      clock.hours().count(), clock.minutes().count(), clock.seconds().count()};
}

/// Writes `value` over the zeros of `text` that end before `end`. Each object costs several dates: a formatter that
/// reads its format anew each time shows in profiles.
template <class Value>
void put(std::string* text, std::size_t end, Value value) {
  for (; value > 0; value /= 10) (*text)[--end] = static_cast<char>('0' + value % 10);
}

/// Exactly `count` digits at `place`; nothing if there is something else.
std::optional<int> digits(std::string_view text, std::size_t place, std::size_t count) {
  if (place + count > text.size()) return std::nullopt;
  const auto value = parse_u64(text.substr(place, count));
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<Seconds> at(year_month_day date, int hour, int minute, int second) {
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return sys_days{date} + hours{hour} + minutes{minute} + seconds{second};
}

/// "Z", "+05:30"; how far local time is ahead of UTC.
std::optional<seconds> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return seconds{0};
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hour = digits(text, 1, 2);
  const auto minute = digits(text, 4, 2);
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  const seconds offset = hours{*hour} + minutes{*minute};
  return text[0] == '-' ? -offset : offset;
}

}  // namespace

std::string rfc3339(Seconds time) {
  const auto f = fields_of(time);
  std::string text = "0000-00-00T00:00:00Z";
  put(&text, 4, f.year);
  put(&text, 7, f.month);
  put(&text, 10, f.day);
  put(&text, 13, f.hour);
  put(&text, 16, f.minute);
  put(&text, 19, f.second);
  return text;
}

std::optional<Seconds> parse_rfc3339(std::string_view text) {
  constexpr std::size_t kFixed = std::string_view{"2026-01-02T03:04:05"}.size();
  if (text.size() <= kFixed || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
      text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto y = digits(text, 0, 4), m = digits(text, 5, 2), d = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!y || !m || !d || !hour || !minute || !second) return std::nullopt;
  const auto local = at(year{*y} / *m / *d, *hour, *minute, *second);

  auto rest = text.substr(kFixed);
  if (rest.starts_with('.')) {
    const auto end = rest.find_first_not_of("0123456789", 1);
    if (end == 1 || end == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(end);
  }
  const auto offset = parse_offset(rest);
  if (!local || !offset) return std::nullopt;
  const auto time = *local - *offset;
  if (time < kFirst || time > kLast) return std::nullopt;
  return time;
}

std::string http_date(Seconds time) {
  const auto f = fields_of(time);
  std::string text = "Day, 00 Mon 0000 00:00:00 GMT";
  text.replace(0, 3, kWeekdays[f.weekday]);
  put(&text, 7, f.day);
  text.replace(8, 3, kMonths[f.month - 1]);
  put(&text, 16, f.year);
  put(&text, 19, f.hour);
  put(&text, 22, f.minute);
  put(&text, 25, f.second);
  return text;
}

std::optional<Seconds> parse_http_date(std::string_view text) {
  constexpr std::size_t kSize = std::string_view{"Fri, 24 May 2013 00:00:00 GMT"}.size();
  if (text.size() != kSize) return std::nullopt;
  const auto* const name = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto d = digits(text, 5, 2), y = digits(text, 12, 4);
  const auto hour = digits(text, 17, 2), minute = digits(text, 20, 2), second = digits(text, 23, 2);
  if (name == kMonths.end() || !d || !y || !hour || !minute || !second) return std::nullopt;
  const month m{static_cast<unsigned>(name - kMonths.begin()) + 1};
  const auto time = at(year{*y} / m / *d, *hour, *minute, *second);
  // Written back it must be the same text: settles weekday, spaces, commas and the zone in one comparison.
  if (!time || http_date(*time) != text) return std::nullopt;
  return time;
}

std::string amz_date(Seconds time) {
  const auto f = fields_of(time);
  std::string text = "00000000T000000Z";
  put(&text, 4, f.year);
  put(&text, 6, f.month);
  put(&text, 8, f.day);
  put(&text, 11, f.hour);
  put(&text, 13, f.minute);
  put(&text, 15, f.second);
  return text;
}

}  // namespace ferry
