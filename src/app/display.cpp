#include "app/display.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "observe/log.hpp"

namespace ferry::app {
namespace {

constexpr Milliseconds kBarInterval{250};
constexpr Milliseconds kLineInterval{10'000};
constexpr std::size_t kWidthUnknown = 80;

std::size_t stderr_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWidthUnknown;
  return size.ws_col;
}

/// Takes the bar away, however the display ends.
class Bar {
 public:
  explicit Bar(Screen* screen) : screen_(screen) {}
  ~Bar() { screen_->show({}); }
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;

 private:
  Screen* screen_;
};

}  // namespace

ProgressMode resolve(ProgressMode wish, bool quiet, bool stderr_is_terminal, bool terminal_is_dumb) {
  if (quiet) return ProgressMode::kNone;
  if (wish != ProgressMode::kAuto) return wish;
  return stderr_is_terminal && !terminal_is_dumb ? ProgressMode::kBar : ProgressMode::kPlain;
}

ProgressMode resolve_for_stderr(ProgressMode wish, bool quiet) {
  const char* terminal = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): nothing of ours writes it
  const bool dumb = !terminal || std::string_view{terminal} == "dumb" || std::string_view{terminal}.empty();
  return resolve(wish, quiet, ::isatty(STDERR_FILENO) == 1, dumb);
}

Screen standard_screen() {
  return Screen{[](std::string line) { log::pin(std::move(line)); }, [](std::string line) { log::print(line); },
                [] { return stderr_width(); }};
}

Task<> show_progress(ProgressMode mode, std::function<Progress()> look, Screen* screen, Clock* clock) {
  if (mode == ProgressMode::kNone) co_return;
  const bool bar = mode == ProgressMode::kBar;
  const Bar cleanup{screen};
  Speedometer speed{clock->now()};
  for (;;) {
    co_await clock->sleep(bar ? kBarInterval : kLineInterval);
    const Progress progress = look();
    const Pace pace = speed.measure(progress, clock->now());
    if (bar) {
      const std::size_t width = screen->width();
      screen->show(render_bar(progress, pace, width > 1 ? width - 1 : 1));  // the last column would wrap the cursor
    } else {
      screen->print(render_line(progress, pace));
    }
  }
}

}  // namespace ferry::app
