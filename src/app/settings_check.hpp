#pragma once
// What no single setting can know: defaults and demands that depend on several, and secrets that are in files.

#include "app/settings.hpp"
#include "kit/base/error.hpp"

namespace ferry::app {

/// Completes merged settings and checks them as a whole. May add warnings.
/// @error kInvalid: one line that names the setting and the remedy, never a secret
[[nodiscard]] Status complete(Settings* settings);

/// Lowers `transfers` to what the process's limit of open files allows, with a warning: each holds two connections.
void fit_to_descriptors(Settings* settings, std::uint64_t limit);

}  // namespace ferry::app
