#pragma once
// How keys become names at the target: the one mapping that copy, publisher, migrator, verify and plan share
// (protocol-facts 3.1; docs/adr/0012).
//
// The source prefix is replaced by the target prefix, so names come in the order of their keys. A key that GCS can't
// hold is escaped if the job's policy says so: each byte in the way becomes "~x" and two upper-case hex digits. In a
// key that happens to contain such a sequence, its '~' is escaped, too. So no two keys share a name, and every name
// tells its key.

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "domain/job.hpp"
#include "domain/target_object.hpp"

namespace ferry {

/// Nothing: GCS can hold an object of this name. Else why not, as the end of a sentence.
[[nodiscard]] std::optional<std::string> name_problem(const ObjectKey& name, bool hierarchical = false);

struct TargetName {
  ObjectKey key;
  bool escaped = false;  ///< then it doesn't stand in the order of the source's keys
};

/// Where `source_key`, which `job` covers, goes. Else why nowhere, as a whole sentence that says what to do.
[[nodiscard]] tl::expected<TargetName, std::string> target_name(const Job& job, const ObjectKey& source_key);

/// The one key that target_name() sends there; nothing for a name where it sends none.
[[nodiscard]] std::optional<ObjectKey> source_key(const Job& job, const ObjectKey& target_key);

/// The source key that `there` was copied from by `job`, whatever its policy was then. Nothing: somebody else wrote it.
[[nodiscard]] std::optional<ObjectKey> origin_of(const Job& job, const TargetObject& there);

}  // namespace ferry
