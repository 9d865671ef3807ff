#pragma once
// The settings of `verify`, and of what copy and the services may do at the target besides copying.

#include <vector>

#include "app/options.hpp"

namespace ferry::app {

[[nodiscard]] std::vector<Option> adoption_options();
[[nodiscard]] std::vector<Option> deletion_options();
[[nodiscard]] std::vector<Option> verify_options();
[[nodiscard]] std::vector<Option> evidence_options();  ///< of Group::kOutput

}  // namespace ferry::app
