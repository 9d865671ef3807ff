#pragma once

#include <functional>
#include <optional>
#include <string>

namespace ferry::app {

/// Looks up one environment variable. A seam: tests bring their own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The real one.
[[nodiscard]] Environment process_environment();

}  // namespace ferry::app
