#pragma once
// What --help and --version print: made from the table of options, so that it can't lag behind.

#include <string>

#include "app/settings.hpp"

namespace ferry::app {

[[nodiscard]] std::string program_help();
[[nodiscard]] std::string command_help(Command command);
[[nodiscard]] std::string version_line();
[[nodiscard]] std::string program_version();  ///< "1.2.3"

}  // namespace ferry::app
