#pragma once
// What a request line asks for: an exact path and decoded parameters.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/object_key.hpp"
#include "kit/base/error.hpp"
#include "state/record.hpp"

namespace ferry::admin {

/// Up to the question mark: never decoded, never normalised.
[[nodiscard]] std::string_view path_of(std::string_view target);

using Parameters = std::map<std::string, std::string, std::less<>>;

/// The query, read as forms and client libraries write it (WHATWG URL, application/x-www-form-urlencoded): split at `&`
/// and at the first `=`, `+` is a space, `%XX` is decoded once.
/// @error kInvalid: a bad escape, a name that is not `known`, or one that stands there twice
[[nodiscard]] Result<Parameters> parameters_of(std::string_view target, const std::vector<std::string_view>& known);

/// "published" or "consumed", nothing else.
[[nodiscard]] std::optional<Mark> parse_mark(std::string_view text);
[[nodiscard]] std::string_view to_string(Mark mark);

struct EntryName {
  Mark mark;
  ObjectKey key;
};
/// "TYPE:KEY"; the key is exact, 1 to 1024 bytes, whatever they are. @error kInvalid says what is expected
[[nodiscard]] Result<EntryName> parse_entry_name(std::string_view text);

struct PageWish {
  std::optional<std::size_t> limit;   ///< nothing: not given
  std::optional<std::string> cursor;  ///< the store's own bytes
};
inline constexpr std::size_t kLimitDefault = 1'000, kLimitMax = 10'000;
/// @error kInvalid: a limit that is no number from 1 to 10,000, or a cursor that no answer contained
[[nodiscard]] Result<PageWish> parse_page_wish(const Parameters& parameters);

/// A cursor as it travels in headers and queries, and back (parse_page_wish).
[[nodiscard]] std::string cursor_text(std::string_view cursor);

}  // namespace ferry::admin
