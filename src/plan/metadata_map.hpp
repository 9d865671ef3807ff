#pragma once
// What of an object's metadata goes to the target, and in which form.

#include "domain/object_meta.hpp"
#include "domain/provenance.hpp"
#include "kit/base/error.hpp"

namespace ferry {

/// The user's entries and our provenance, as the target stores them. An entry whose name starts like ours ("ferry-…")
/// is kept as "source-ferry-…": forged provenance never counts. @error kLimit: more than 8 KiB together, or one over
/// its limit
[[nodiscard]] Result<UserMetadata> target_metadata(const UserMetadata& user, const Provenance& provenance);

}  // namespace ferry
