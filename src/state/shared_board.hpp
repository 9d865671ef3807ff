#pragma once
// What the processes of one deployment tell each other: who may scan, whether work is paused, who is alive and doing
// what, and how much was done in all. Namespaced by job, like the StateStore. Rooms: redis/, memory/ (tests).
// Every room passes shared_board_contract.hpp.
//
// Threads: any. A coroutine is resumed on the executor it suspended on.
// @error kUnavailable everywhere: the board can't be reached → go on with what was known, try again later

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"

namespace ferry {

class SharedBoard {
 public:
  virtual ~SharedBoard() = default;

  /// Takes the lease `name`, or prolongs it if `holder` has it already. The number grows with every change of hands, so
  /// that a holder who slept can be told from the next one. Nothing: somebody else holds it.
  virtual Task<Result<std::optional<std::uint64_t>>> hold_lease(std::string name, std::string holder,
                                                                Milliseconds ttl) = 0;
  /// Lets go early; no error if it is somebody else's by now.
  virtual Task<Status> drop_lease(std::string name, std::string holder) = 0;

  /// A note that all may read, until `ttl` has passed (zero: for good). An empty text takes the note away.
  virtual Task<Status> post(std::string topic, std::string name, std::string text, Milliseconds ttl) = 0;
  /// The topic's living notes, by name.
  virtual Task<Result<std::map<std::string, std::string>>> read(std::string topic) = 0;

  /// Adds to counters that outlive the processes that add.
  virtual Task<Status> add(std::string topic, std::map<std::string, std::int64_t> amounts) = 0;
  virtual Task<Result<std::map<std::string, std::int64_t>>> totals(std::string topic) = 0;
};

}  // namespace ferry
