#pragma once
// What a complete run may forget: old ledger entries and unfinished uploads that nobody will come back to.

#include "domain/job.hpp"
#include "kit/base/time.hpp"
#include "plan/filter.hpp"
#include "state/state_store.hpp"
#include "target/object_target.hpp"

namespace ferry {

/// Call only after a scan that saw everything in scope and transfers that all settled. Does nothing where the filter
/// looks at more than names: of what the scan left out it can't be told then whether it was in scope. Within the scope
/// of `filter`:
/// - ledger entries from before `began` are dropped: that object arrived since, or left the source, or failed anew
/// (then its
///   entry is younger);
/// - checkpoints of objects that are not in the ledger are dropped, their sessions cancelled at the target.
/// @error as StateStore; as ObjectTarget::cancel
Task<Status> tidy(const Job* job, const Filter* filter, StateStore* state, ObjectTarget* target, Seconds began);

}  // namespace ferry
