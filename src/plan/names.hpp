#pragma once
// Which names the target can hold (protocol-facts 3.1).

#include <optional>
#include <string>

#include "domain/object_key.hpp"

namespace ferry {

/// Nothing: GCS can hold an object of this name in a flat bucket. Else why not, as the end of a sentence.
[[nodiscard]] std::optional<std::string> name_problem(const ObjectKey& target_key);

}  // namespace ferry
