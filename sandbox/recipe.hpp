#pragma once
// What `fill` stores: names, sizes, headers. Decisions only, no I/O.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/base/error.hpp"

namespace ferry::sandbox {

struct FillItem {
  std::string key;
  std::uint64_t size = 0;
  std::uint64_t part_size = 0;  ///< 0: one PUT
  std::string text;             ///< these bytes instead of computed ones, if not empty
  std::vector<std::pair<std::string, std::string>> headers;
};

/// "demo", "small:COUNT:SIZE" or "large:COUNT:SIZE". @error kInvalid: another recipe
[[nodiscard]] Result<std::vector<FillItem>> make_recipe(std::string_view recipe, std::uint64_t seed, bool with_illegal);

/// `count` items spread evenly over the recipe: those that --change overwrites.
[[nodiscard]] std::vector<FillItem> chosen_for_change(std::vector<FillItem> items, std::uint64_t count);

}  // namespace ferry::sandbox
