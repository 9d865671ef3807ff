#include "app/stop_signals.hpp"

#include <unistd.h>

#include <csignal>
#include <utility>

#include "app/exit_code.hpp"

namespace ferry::app {

StopSignals::StopSignals(const Executor& executor, std::function<void(int signal)> first)
    : signals_(executor, SIGINT, SIGTERM, SIGHUP), first_(std::move(first)) {
  wait();
}

void StopSignals::wait() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (std::exchange(heard_, true)) ::_exit(static_cast<int>(ExitCode::kInterrupted));
    wait();
    first_(signal);
  });
}

}  // namespace ferry::app
