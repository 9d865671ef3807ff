#pragma once
// One `plan`: a dry scan on one thread whose decisions are added up; then the exit code.

#include <cstdint>
#include <optional>

#include "app/clients.hpp"
#include "app/display.hpp"
#include "app/exit_code.hpp"
#include "app/settings.hpp"
#include "app/summary.hpp"
#include "plan/estimate.hpp"
#include "plan/prices.hpp"

namespace ferry::app {

struct PlanEnding {
  Job job;  ///< without a target bucket, where none was named
  Estimate estimate;
  PriceTable prices;
  Cost cost;
  TimeNeeded time;
  std::uint64_t bytes_per_second = 0, objects_per_second = 0;  ///< that `time` rests on
  std::uint64_t filtered = 0;
  std::uint64_t source_lists = 0, target_lists = 0;  ///< requests that the plan took, and that a copy takes, too
  double seconds = 0;                                ///< that the plan took
  Seconds when{};
  std::optional<Error> broken;  ///< why the plan is incomplete
  std::optional<Error> output;  ///< why the HTML page is incomplete
  bool interrupted = false;
};

/// kDifferent: something can't be copied.
[[nodiscard]] ExitCode exit_code_of(const PlanEnding& ending);

struct PlanRooms {
  MakeClients make_clients;
  PriceTable prices;
  Screen* screen = nullptr;
  ProgressMode progress = ProgressMode::kNone;
  Clock* clock = nullptr;
};

/// Blocks until both sides are listed. The first SIGINT, SIGTERM or SIGHUP ends it, the second ends the process.
/// @error kInvalid: clients can't be made as the settings say
[[nodiscard]] Result<PlanEnding> run_plan(const Settings& settings, PlanRooms rooms);

}  // namespace ferry::app
