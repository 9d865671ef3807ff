#pragma once
// Comma-separated values as they arrive, read strictly. @see RFC 4180

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kit/base/error.hpp"

namespace ferry::catalog {

/// A row with more is none of ours: three columns of 1,024 bytes, each byte as %XX, and room.
inline constexpr std::size_t kRowBytesMax = 16 * 1024;

/// Fields may be quoted, quotes inside are doubled; rows end with LF or CRLF, the last one with the text. Empty lines
/// are passed over. Memory is bounded by kRowBytesMax whatever comes.
class CsvRows {
 public:
  /// An error ends the reading, and gets the line put before it.
  using Take = std::function<Status(std::span<const std::string> fields)>;

  /// @error kCorrupt: a quote where none belongs, a row that is too long; names the line
  [[nodiscard]] Status feed(std::string_view bytes, const Take& take);
  /// @error kCorrupt: a quoted field that never ends
  [[nodiscard]] Status finish(const Take& take);

 private:
  enum class At { kFieldBegin, kBare, kQuoted, kQuoteInQuoted };
  [[nodiscard]] Status step(char c, const Take& take);
  [[nodiscard]] Status end_row(const Take& take);
  [[nodiscard]] tl::unexpected<Error> bad(std::string_view what) const;
  void begin_field();

  At at_ = At::kFieldBegin;
  std::vector<std::string> fields_;  ///< of earlier rows, too: their room is used again
  std::size_t count_ = 0;            ///< of the row's fields, the one under way included
  std::size_t row_bytes_ = 0;
  std::uint64_t line_ = 1, row_line_ = 1;
};

}  // namespace ferry::catalog
