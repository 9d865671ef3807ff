#pragma once
// gzip, packed in one go. @see RFC 1952

#include <string>
#include <string_view>

namespace ferry {

/// For what fits into memory twice.
[[nodiscard]] std::string gzip(std::string_view bytes);

}  // namespace ferry
