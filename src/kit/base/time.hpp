#pragma once
// The date formats of both clouds. UTC only; years 0000–9999.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ferry {

using Seconds = std::chrono::sys_seconds;  ///< a point in time, whole seconds: the resolution that HTTP headers have

/// RFC 3339 with `Z`: "2026-01-02T03:04:05Z".
[[nodiscard]] std::string rfc3339(Seconds time);
/// Accepts fractions of a second (cut off, never rounded) and numeric offsets.
[[nodiscard]] std::optional<Seconds> parse_rfc3339(std::string_view text);

/// RFC 9110 IMF-fixdate: "Fri, 24 May 2013 00:00:00 GMT". Parsing is strict.
[[nodiscard]] std::string http_date(Seconds time);
[[nodiscard]] std::optional<Seconds> parse_http_date(std::string_view text);

/// "20130524T000000Z", the form of x-amz-date; its first eight characters are the scope's date.
[[nodiscard]] std::string amz_date(Seconds time);

}  // namespace ferry
