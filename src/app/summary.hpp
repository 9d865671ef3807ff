#pragma once
// The end of a `copy` run: which exit code, the page for people, the JSON object for scripts. All pure.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/exit_code.hpp"
#include "domain/job.hpp"
#include "domain/provenance.hpp"
#include "domain/receipt.hpp"
#include "kit/base/error.hpp"
#include "observe/pruned.hpp"
#include "observe/tally.hpp"

namespace ferry::app {

struct TallySnapshot {
  std::uint64_t listed = 0, listed_bytes = 0, filtered = 0;
  std::uint64_t unchanged = 0, unchanged_bytes = 0;
  std::uint64_t adopted = 0, examine = 0;  ///< of the unchanged, of the planned
  std::uint64_t planned = 0, planned_bytes = 0;
  std::uint64_t copied = 0, copied_bytes = 0;
  std::uint64_t superseded = 0, superseded_bytes = 0;
  std::uint64_t failed = 0, failed_bytes = 0;
  std::uint64_t skipped = 0, skipped_bytes = 0;
  std::uint64_t deleted = 0, restores = 0, retried = 0, moved_bytes = 0, active = 0;
  bool listing_done = false;
  std::array<std::uint64_t, kRungs> rungs{};
  std::uint64_t lossy = 0;
  std::array<std::uint64_t, kLosses> losses{};

  /// Settled so far, whichever way; in a finished run this is `listed`.
  [[nodiscard]] std::uint64_t settled() const { return copied + unchanged + superseded + failed + skipped; }
};

/// Not one moment of all counters, but each counter once: settled ones first, so that settled() never passes `listed`.
[[nodiscard]] TallySnapshot look(const Tally& tally);

struct CopyEnding {
  Job job;
  TallySnapshot tally;
  double seconds = 0;
  std::uint64_t source_requests = 0, target_requests = 0;
  std::vector<Failure> failures;    ///< the first few
  std::optional<Pruned> pruned;     ///< of --delete
  std::vector<ObjectKey> examples;  ///< of a dry run: the first few that would be copied
  std::optional<Error> broken;      ///< why the run could not be finished
  std::optional<Error> report;      ///< why the report is incomplete
  bool interrupted = false;
  bool dry_run = false;
  std::string scan;
  std::string state_file;   ///< empty: none
  std::string report_file;  ///< empty: none
};

[[nodiscard]] ExitCode exit_code_of(const CopyEnding& ending);
/// Several lines, each with its line break.
[[nodiscard]] std::string page_of(const CopyEnding& ending);
/// One object without a line break; also the last line of the report.
[[nodiscard]] std::string json_of(const CopyEnding& ending);

}  // namespace ferry::app
