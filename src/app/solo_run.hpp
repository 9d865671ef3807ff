#pragma once
// A command whose whole work is one task on this thread: it ends with the task, or with the first signal.

#include <boost/asio/io_context.hpp>
#include <optional>

#include "app/stop_signals.hpp"
#include "kit/async/task_group.hpp"
#include "kit/base/error.hpp"

namespace ferry::app {

class SoloRun {
 public:
  struct Ending {
    std::optional<Error> broken;  ///< why the work is incomplete; nothing if it was interrupted
    bool interrupted = false;
  };

  [[nodiscard]] Executor executor() { return context_.get_executor(); }
  /// For tasks that are of no use once the work has ended: the progress display. They are cancelled then.
  [[nodiscard]] TaskGroup& beside() { return beside_; }
  /// Blocks until `work` has ended: its clients, and all else on executor(), must live that long. Once per object.
  [[nodiscard]] Ending run(Task<Status> work);

 private:
  Task<> keep_result(Task<Status> work);
  Task<> wind_up();

  asio::io_context context_{1};
  TaskGroup work_{context_.get_executor()};
  TaskGroup beside_{context_.get_executor()};
  StopSignals signals_{context_.get_executor(), [this](int) { work_.cancel(); }};
  std::optional<Status> result_;
};

}  // namespace ferry::app
