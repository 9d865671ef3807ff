#pragma once
// Threads of a run. A lane is one I/O thread with its own context; a transfer lane also has its own clients and its own
// share of the transfers, so that lanes share nothing on the hot path.

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "app/clients.hpp"
#include "app/settings.hpp"
#include "kit/async/task_group.hpp"
#include "kit/base/error.hpp"
#include "migrate/migrator.hpp"
#include "publish/pruner.hpp"

namespace ferry::app {

class Lane {
 public:
  /// Called on the lane's thread, as the last thing there; with what ended it, if that was an exception.
  using Over = std::function<void(std::optional<Error> error)>;

  [[nodiscard]] Executor executor() { return context_.get_executor(); }
  /// Touch it before start(), or on the lane's thread (post()).
  [[nodiscard]] TaskGroup& work() { return work_; }
  /// Runs a thread until `last` has ended: usually work().join(). May be started again after join().
  void start(Task<> last, Over over);
  /// Does `call` on the lane's thread. Any thread.
  template <class Call>
  void post(Call call) {
    asio::post(context_, std::move(call));
  }
  /// Does nothing if it was never started.
  void join();

 private:
  asio::io_context context_{1};
  TaskGroup work_{context_.get_executor()};
  std::thread thread_;
};

struct TransferLane {
  Lane io;
  Clients clients;
  std::size_t transfers = 0;  ///< its share
  std::unique_ptr<Migrator> migrator;
};

/// As many as the settings want, at most one per transfer, one for a dry run; without their migrators.
/// @error kInvalid: clients can't be made as the settings say
[[nodiscard]] Result<std::vector<std::unique_ptr<TransferLane>>> make_lanes(const Settings& settings,
                                                                            const MakeClients& make_clients);

/// What is deleted, and how much of it, by the settings.
[[nodiscard]] PruneOptions prune_options(const Settings& settings);

/// What a migrator of `lane` does by the settings.
[[nodiscard]] MigratorOptions migrator_options(const Settings& settings, const TransferLane& lane);

}  // namespace ferry::app
