#pragma once
// How every run ends early: the first SIGINT, SIGTERM or SIGHUP asks it to, the second ends the process at once.

#include <boost/asio/signal_set.hpp>
#include <functional>

#include "kit/async/task.hpp"

namespace ferry::app {

/// Listens from its construction on; belongs to the executor's thread, as the call does.
class StopSignals {
 public:
  /// `first` is called with the first signal's number. It may cancel().
  StopSignals(const Executor& executor, std::function<void(int signal)> first);

  /// From now on signals do what they do without us. Needed where the context would otherwise never run dry.
  void cancel() { signals_.cancel(); }
  [[nodiscard]] bool heard() const { return heard_; }

 private:
  void wait();

  asio::signal_set signals_;
  std::function<void(int)> first_;
  bool heard_ = false;
};

}  // namespace ferry::app
