#pragma once
// What each command does, from its settings to its exit code. Reports to stderr, and with --json to stdout.

#include "app/environment.hpp"
#include "app/exit_code.hpp"
#include "app/settings.hpp"

namespace ferry::app {

[[nodiscard]] ExitCode copy(Settings settings, const Environment& environment);
[[nodiscard]] ExitCode verify(Settings settings, const Environment& environment);
[[nodiscard]] ExitCode publisher(Settings settings, const Environment& environment);
[[nodiscard]] ExitCode migrator(Settings settings, const Environment& environment);
[[nodiscard]] ExitCode plan(Settings settings, const Environment& environment);
[[nodiscard]] ExitCode cache(Settings settings, const Environment& environment);
[[nodiscard]] ExitCode doctor(Settings settings, const Environment& environment);

/// One line on stderr, as every complaint of the program: "bucketferry: …".
void complain(const std::string& what);
/// The same, for a run that can't begin.
ExitCode refuse(const Error& error);

/// $XDG_STATE_HOME/bucketferry/JOB.sqlite, or the same below ~/.local/state. @error kInvalid: neither variable is set
[[nodiscard]] Result<std::string> default_state_file(const Job& job, const Environment& environment);

}  // namespace ferry::app
