#pragma once
// The message between publisher and migrator (design §3): what to copy, and what the scan saw at the target.

#include <cstdint>
#include <optional>
#include <string>

#include "domain/object_key.hpp"
#include "domain/version.hpp"

namespace ferry {

/// `key` and `etag` are the smallest accepted form; what is missing is looked up.
struct TransferPlan {
  ObjectKey key;  ///< source key
  ETag etag;
  std::optional<std::uint64_t> size;
  std::optional<Seconds> modified;
  std::optional<VersionId> version_id;  ///< that very version is read, whether it is the newest or not
  std::optional<std::string> storage_class;
  std::optional<Generation> target_generation;  ///< known before the source is read; 0 = nothing there
  std::string scan;                             ///< id of the scan that planned it
  /// The listing was old when it was read: if the version is gone by now, the newest one is wanted instead.
  bool or_newest = false;
};

}  // namespace ferry
