#pragma once

#include <exception>

#include "kit/base/error.hpp"

namespace ferry::app {

/// An exception that no room should let out (no memory, a bug), as an error that a person can report.
[[nodiscard]] Error unexpected(const std::exception_ptr& error);

}  // namespace ferry::app
