#pragma once
// Pruner: deletes at the target what has left the source. Only objects of this job (their provenance says so), only
// after a complete listing of the source, never more than a limit, and each only if the source, asked for it right
// before, has it no more, and if it is still the generation that was listed (docs/adr/0016).
//
// It lists both sides anew, once; a second time only if more is to go than it remembers. Memory does not grow with the
// bucket.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "domain/job.hpp"
#include "observe/outcome.hpp"
#include "observe/pruned.hpp"
#include "observe/tally.hpp"
#include "plan/filter.hpp"
#include "plan/prune_limit.hpp"
#include "publish/listings.hpp"
#include "source/object_source.hpp"
#include "state/state_store.hpp"
#include "target/object_target.hpp"

namespace ferry {

struct PruneOptions {
  Filter filter;  ///< what it leaves out, on either side, is never gone
  PruneLimit limit;
  bool allow_empty_source = false;  ///< an empty listing of the source is taken at its word
  bool dry_run = false;             ///< only tells the sink
  std::size_t removals = 32;        ///< at once
  /// Asked before each batch; an error ends the work with it. Absent: always.
  std::function<Status()> may_go_on;
};

class Pruner {
 public:
  /// All pointers outlive it; `state` may be null in a dry run, `sink` may be null. Belongs to the executor that run()
  /// is awaited on.
  Pruner(Job job, PruneOptions options, ObjectSource* source, ObjectTarget* target, StateStore* state, Tally* tally,
         OutcomeSink* sink);

  /// Call it when nothing of this job is being copied by this process. Once.
  /// @error as ObjectSource::list, ObjectTarget::list, StateStore: what was not looked at stays
  Task<Status> run();
  /// So far, also after an error.
  [[nodiscard]] const Pruned& outcome() const { return outcome_; }

 private:
  struct Candidate {
    ObjectKey key;  ///< at the source
    ObjectKey target_key;
    Generation generation;
  };
  /// What one stretch of the merge comes to.
  struct Found {
    std::vector<Candidate> gone;
    std::vector<Candidate> strays;  ///< perhaps gone
  };
  enum class Pass { kCount, kDelete };

  Task<Status> walk(Pass pass);
  Task<Status> merge(Listings* listings, Pass pass);
  void compare_heads(Listings* listings, Found* found, Pass pass);
  Task<> look_up(Found* found);
  void remember(std::vector<Candidate> gone);
  [[nodiscard]] std::string objection() const;
  Task<Status> remove_all(std::vector<Candidate> gone);
  Task<> remove_one(Candidate candidate, std::vector<ObjectKey>* deleted);
  Task<Status> forget(std::vector<ObjectKey> deleted);
  [[nodiscard]] std::optional<ObjectKey> origin_in_scope(const TargetObject& there) const;

  Job job_;
  PruneOptions options_;
  ObjectSource* source_;
  ObjectTarget* target_;
  StateStore* state_;
  Tally* tally_;
  OutcomeSink* sink_;
  Pruned outcome_;
  bool source_empty_ = true;
  std::vector<Candidate> remembered_;  ///< all that are gone, as long as they are few
  std::uint64_t tried_ = 0;
};

}  // namespace ferry
