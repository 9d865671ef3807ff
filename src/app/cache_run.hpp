#pragma once
// One `cache`: lists, shows and forgets what is remembered of a job, shows its failure ledger, and records anew what
// the target says of itself. Knows the state by its door only.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "app/clients.hpp"
#include "app/display.hpp"
#include "app/exit_code.hpp"
#include "app/settings.hpp"
#include "state/state_store.hpp"

namespace ferry::app {

struct CacheEnding {
  CacheSettings asked;
  Job job;
  std::uint64_t lines = 0;                     ///< list, show, failures: printed
  std::uint64_t published = 0, consumed = 0;   ///< delete, rebuild: marks forgotten
  std::uint64_t listed = 0, listed_bytes = 0;  ///< rebuild: objects at the target
  std::uint64_t recorded = 0;                  ///< rebuild: of those, copies of this job's source
  double seconds = 0;
  std::optional<Error> broken;  ///< why it is incomplete
  std::optional<Error> output;  ///< why what was printed is incomplete
  bool interrupted = false;
};

/// `show` of a key that nothing is remembered of is kDifferent.
[[nodiscard]] ExitCode exit_code_of(const CacheEnding& ending);
/// For people; empty if the printed lines say all there is to say.
[[nodiscard]] std::string page_of(const CacheEnding& ending);
/// One object for `delete` and `rebuild-from-target`; empty for the others, whose lines are JSON themselves.
[[nodiscard]] std::string json_of(const CacheEnding& ending);

/// Everything is outlived by what it points to.
struct CacheRooms {
  StateStore* state = nullptr;
  MakeClients make_clients;  ///< for rebuild-from-target; nothing else calls it
  /// One line to stdout, given without its line break. An error ends the run.
  std::function<Status(std::string_view line)> print;
  Screen* screen = nullptr;
  ProgressMode progress = ProgressMode::kNone;
  Clock* clock = nullptr;
};

/// Blocks until it is done. The first SIGINT, SIGTERM or SIGHUP ends it, the second ends the process.
///
/// rebuild-from-target forgets the consumed marks and records each object that says of itself that it is a whole copy
/// of this job's source; failures and checkpoints of those keys go with it, and come back if they still hold. It may be
/// interrupted and repeated, and services may run meanwhile: a mark that is missing for a while costs a look at the
/// target. Nothing is forgotten unless the target could be listed.
/// @error kInvalid: clients can't be made as the settings say
[[nodiscard]] Result<CacheEnding> run_cache(const Settings& settings, CacheRooms rooms);

}  // namespace ferry::app
