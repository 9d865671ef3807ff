#pragma once
// ListObjectsV2. A listing decides what is migrated, so whatever could hide a key is an error, never an early end.
// @see Amazon S3 API Reference, ListObjectsV2; protocol-facts 1.3.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/object_source.hpp"
#include "source/s3/api.hpp"
#include "source/s3/xml.hpp"

namespace ferry::s3 {

/// What must be known of the pages before to see that a listing goes on: it is part of the token that we give out.
struct Cursor {
  std::string token;     ///< the server's, for the next page
  std::string last_key;  ///< the next key must be greater
  // Empty pages have no keys to compare, so a loop shows only in their tokens. Brent: remember one token, for twice as
  // many pages each time; constant space, any loop is found.
  std::string anchor;
  std::uint64_t steps = 0, steps_max = 1;

  [[nodiscard]] std::string encode() const;
  [[nodiscard]] static std::optional<Cursor> decode(std::string_view text);
};

struct ListPage {
  std::vector<SourceEntry> entries;
  std::optional<std::string> next;  ///< the server's token
};

/// Whose listing it is decides what the absence of RestoreStatus means.
enum class ListDialect { kAny, kAmazon };

/// Reads one page. @error kCorrupt: not a listing, too many entries, or one that can't be read or lies outside of
/// `prefix`; names the key.
[[nodiscard]] Result<ListPage> parse_list_page(const Xml& document, std::string_view prefix, std::size_t entries_max,
                                               ListDialect dialect = ListDialect::kAny);

/// The position behind `page`, or nothing when it was the last.
/// @error kCorrupt: keys out of order or twice (both are named), a token that came before
[[nodiscard]] Result<std::optional<Cursor>> follow(const Cursor& before, const ListPage& page);

Task<Result<SourcePage>> list_objects(Api* api, std::string prefix, std::optional<std::string> token,
                                      std::optional<ObjectKey> after);

}  // namespace ferry::s3
