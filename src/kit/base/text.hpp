#pragma once
// Text that came from outside, made safe to print and to compare.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ferry {

/// True for well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF). Empty is well-formed.
[[nodiscard]] bool is_utf8(std::string_view bytes);

/// How many bytes at the front are ASCII from space on, without quotes and backslashes, in steps of 8. Most text is of
/// that kind to its last few bytes, and nothing has to be done about it.
[[nodiscard]] std::size_t plain_words(std::string_view bytes);

/// For one line of a terminal or a log: control characters, DEL, C1, invalid UTF-8 and bidi marks become \xNN or
/// \u{NNNN}, a backslash becomes two; the rest stays. Reversible by eye, never by accident a new line.
[[nodiscard]] std::string printable(std::string_view bytes);

/// RFC 3986 percent-encoding: everything but A–Z a–z 0–9 - . _ ~ (and `keep`) becomes %XX, upper case.
[[nodiscard]] std::string percent_encode(std::string_view bytes, std::string_view keep = {});
/// Strict: nothing on a bad escape. `plus_is_space` for form encoding (S3 listings with encoding-type=url).
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// All of `text` as a decimal number in range; nothing otherwise (sign, space, overflow, empty).
[[nodiscard]] std::optional<std::uint64_t> parse_u64(std::string_view text);

/// "type/subtype", with or without parameters: printable ASCII of at most 1 KiB, no white space at its ends.
[[nodiscard]] bool is_media_type(std::string_view text);

[[nodiscard]] bool iequals_of_one_size(std::string_view a, std::string_view b);
/// ASCII case-insensitive.
[[nodiscard]] inline bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && iequals_of_one_size(a, b);  // most names of headers differ in size already
}
[[nodiscard]] std::string to_lower(std::string_view text);   ///< ASCII
[[nodiscard]] std::string_view trim(std::string_view text);  ///< ASCII white space off both ends

/// "1.5 GiB", "17 B": binary units, at most three digits.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

}  // namespace ferry
