#pragma once
// Content headers and user metadata of both sides, compared. Pure.

#include <string>

#include "domain/job.hpp"
#include "domain/object_meta.hpp"
#include "domain/target_object.hpp"

namespace ferry {

/// What the target has otherwise than a copy of `meta` would have it, in one line; empty: nothing. Tags, storage class,
/// time and key are a choice of whoever copies and not compared. Of an object that somebody else brought only what the
/// source has must be there; other tools add entries of their own. `there.metadata` is known.
[[nodiscard]] std::string metadata_difference(const Job& job, const ObjectMeta& meta, const ObjectKey& key,
                                              const TargetObject& there);

}  // namespace ferry
