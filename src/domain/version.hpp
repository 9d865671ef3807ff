#pragma once
// Which content of a key is meant. ETag alone is not a version: content that goes A → B → A shows the same tag twice.

#include <optional>

#include "domain/object_key.hpp"
#include "kit/base/time.hpp"

namespace ferry {

struct Version {
  ETag etag;
  Seconds modified{};                   ///< whole seconds: listings may carry milliseconds, the HTTP header can't
  std::optional<VersionId> version_id;  ///< where the bucket has one and the reply told it (listings don't)

  /// The same content as far as both sides can tell: ids are compared only where both are known.
  [[nodiscard]] bool same_as(const Version& other) const {
    if (etag != other.etag || modified != other.modified) return false;
    return !version_id || !other.version_id || *version_id == *other.version_id;
  }
};

/// GCS object generation. 0 = no live object, which is also the precondition "must not exist".
struct Generation {
  std::int64_t value = 0;
  [[nodiscard]] bool absent() const { return value == 0; }
  auto operator<=>(const Generation&) const = default;
};

}  // namespace ferry
