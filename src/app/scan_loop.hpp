#pragma once
// The publisher's heart: one of all publishers scans, when the schedule or somebody says so, and tells the board of it.

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "app/service_notes.hpp"
#include "domain/job.hpp"
#include "kit/async/clock.hpp"
#include "publish/pruner.hpp"
#include "publish/publisher.hpp"
#include "publish/scan_schedule.hpp"
#include "state/shared_board.hpp"

namespace ferry::app {

struct ScanLoopRooms {
  ObjectSource* source = nullptr;
  ObjectTarget* target = nullptr;
  MessageQueue* queue = nullptr;
  StateStore* state = nullptr;
  SharedBoard* board = nullptr;
  Clock* clock = nullptr;
  Rng* rng = nullptr;
};

/// Belongs to one io_context thread, as its source and target; trouble() may be asked from any.
class ScanLoop {
 public:
  /// `scan`: policy, filter and republish time; id, audit and the lease are the loop's own. `holder` is this process's
  /// name, unlike all others'. What the rooms point to outlives the loop.
  /// `prune`: after each complete scan, what left the source is deleted so; nothing: never.
  ScanLoop(Job job, ScanOptions scan, std::optional<PruneOptions> prune, ScanSchedule::Options schedule,
           std::string holder, ScanLoopRooms rooms);

  /// Until cancelled. A scan that fails is reported and tried again; a lost lease ends it early.
  Task<> run();
  /// For the orderly end: lets go of the lease, so that another publisher needn't wait for it to expire.
  Task<> let_go();

  /// One line, or empty: why nothing can be scanned now.
  [[nodiscard]] std::string trouble() const;

 private:
  struct Running;
  Task<> tick();
  Task<> scan_once();
  Task<Status> scan_beside_reports(Running* running);
  Task<> prune(Running* running);
  Task<> report_while(Running* running);
  Task<Status> take_notes_over();
  Task<Status> read_control();
  Task<> post_notes();
  void conclude(Running* running, const Status& scanned);
  void set_trouble(std::string trouble);

  Job job_;
  ScanOptions scan_;
  std::optional<PruneOptions> prune_;
  std::string holder_;
  ScanLoopRooms rooms_;
  ScanSchedule schedule_;
  ScanNotes notes_;
  bool leads_ = false;
  bool paused_ = false;
  bool blocked_ = false;             ///< the board can't be reached
  std::optional<std::string> seen_;  ///< id of the last request for a scan; nothing before the first look

  mutable std::mutex mutex_;  // guards trouble_
  std::string trouble_;
};

}  // namespace ferry::app
