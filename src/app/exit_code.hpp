#pragma once

namespace ferry::app {

/// What the shell sees (design §6). Part of the interface: never renumbered.
enum class ExitCode : int {
  kDone = 0,
  kDifferent = 1,     ///< some objects failed, or verify found a difference; the report says which
  kUsage = 2,         ///< the command line, the environment or the settings file
  kRefused = 3,       ///< a needed service refused us or can't be reached
  kInterrupted = 130  ///< stopped by a signal; the same command goes on
};

}  // namespace ferry::app
