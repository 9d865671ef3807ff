#pragma once
// From words on the command line to Settings: flag beats environment beats settings file beats default.

#include <optional>
#include <string>
#include <vector>

#include "app/environment.hpp"
#include "app/settings.hpp"
#include "kit/base/error.hpp"

namespace ferry::app {

struct Invocation {
  std::optional<std::string> print;  ///< help or version: to stdout, then end with 0
  Settings settings;
};

/// `words` are the arguments without the program's name.
/// @error kInvalid  one line that names the setting and where it was set; values are shown only where they can't be
/// secret
[[nodiscard]] Result<Invocation> parse_command_line(std::vector<std::string> words, const Environment& environment);

}  // namespace ferry::app
