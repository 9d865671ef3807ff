#pragma once
// Shows progress on stderr until it is cancelled: a bar that is redrawn in place, or a line every ten seconds.

#include <functional>

#include "app/progress.hpp"
#include "app/settings.hpp"
#include "kit/async/clock.hpp"

namespace ferry::app {

/// What kAuto comes to: a bar where a person looks at a terminal that can redraw a line.
[[nodiscard]] ProgressMode resolve(ProgressMode wish, bool quiet, bool stderr_is_terminal, bool terminal_is_dumb);
/// The same for the real stderr.
[[nodiscard]] ProgressMode resolve_for_stderr(ProgressMode wish, bool quiet);

/// `show` draws the bar (empty text: removes it), `print` writes a line.
struct Screen {
  std::function<void(std::string)> show;
  std::function<void(std::string)> print;
  std::function<std::size_t()> width;
};
/// stderr, shared with the log: neither garbles the other.
[[nodiscard]] Screen standard_screen();

/// Ends by cancellation only; the bar is gone then. `screen` and `clock` outlive it.
Task<> show_progress(ProgressMode mode, std::function<Progress()> look, Screen* screen, Clock* clock);

}  // namespace ferry::app
