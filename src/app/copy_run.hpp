#pragma once
// One `copy`: a publisher and a migrator per thread around one queue and one state, from the first page to the last
// receipt.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/clients.hpp"
#include "app/display.hpp"
#include "app/report.hpp"
#include "app/settings.hpp"
#include "app/summary.hpp"
#include "state/state_store.hpp"

namespace ferry::app {

/// Everything is outlived by what it points to.
struct CopyRooms {
  MakeClients make_clients;
  StateStore* state = nullptr;  ///< null in a dry run
  LineFile* report = nullptr;   ///< may be null
  Screen* screen = nullptr;
  ProgressMode progress = ProgressMode::kNone;
  Clock* clock = nullptr;
  Rng* rng = nullptr;
};

class CopyRun {
 public:
  CopyRun(const Settings& settings, CopyRooms rooms);
  ~CopyRun();
  CopyRun(const CopyRun&) = delete;
  CopyRun& operator=(const CopyRun&) = delete;

  /// Blocks until all is settled, or the run was interrupted or is broken. Handles SIGINT, SIGTERM and SIGHUP while it
  /// runs: the first stops it in good order, the second ends the process at once. Once per object.
  /// @error kInvalid: clients can't be made as the settings say
  [[nodiscard]] Result<CopyEnding> run();

  /// As the first signal: takes nothing new, lets what is under way finish for the grace time, then abandons it. Any
  /// thread.
  void interrupt();

 private:
  class Crew;
  std::unique_ptr<Crew> crew_;
};

}  // namespace ferry::app
