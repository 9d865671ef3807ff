#pragma once
// Small files that people name in settings.

#include <cstddef>
#include <string>

#include "kit/base/error.hpp"

namespace ferry::app {

struct BoundedFile {
  std::string text;
  bool readable_by_others = false;
};

/// A regular file of at most `bytes_max` bytes, whole.
/// @error kInvalid: what is wrong, without the path: "is not a regular file"
[[nodiscard]] Result<BoundedFile> read_bounded(const std::string& path, std::size_t bytes_max);

}  // namespace ferry::app
