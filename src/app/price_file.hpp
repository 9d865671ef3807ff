#pragma once
// --prices FILE: the price table as YAML.

#include <string>
#include <string_view>

#include "kit/base/error.hpp"
#include "plan/prices.hpp"

namespace ferry::app {

/// The built-in table, as `plan --print-prices` prints it: the file to begin with.
[[nodiscard]] std::string_view default_prices_text();
[[nodiscard]] PriceTable default_prices();

/// @error kInvalid: line and what is wrong there
[[nodiscard]] Result<PriceTable> parse_prices(const std::string& yaml);
/// @error kInvalid: as parse_prices(), and a file that can't be read
[[nodiscard]] Result<PriceTable> read_price_file(const std::string& path);

}  // namespace ferry::app
