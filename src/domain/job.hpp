#pragma once
// A job is one source prefix and one target prefix. Two jobs never touch each other's state.

#include <string>

#include "domain/object_key.hpp"

namespace ferry {

/// What becomes of a source key that the target can't hold as a name.
enum class NamePolicy {
  kFail,    ///< an entry in the ledger
  kSkip,    ///< left out, counted and reported
  kEscape,  ///< another name, from which the key can be told
};

struct NameRules {
  NamePolicy policy = NamePolicy::kFail;
  bool hierarchical = false;  ///< the target bucket has a hierarchical namespace, which holds fewer names
};

struct Job {
  BucketName source_bucket;
  std::string source_prefix;  ///< empty, or ends with "/"
  BucketName target_bucket;
  std::string target_prefix;  ///< empty, or ends with "/"
  NameRules names{};          ///< no part of the identity: state outlives a change of mind. plan/names.hpp applies them

  /// Stable over runs: 16 hex digits from the four fields. Namespaces all state.
  [[nodiscard]] std::string id() const;
  /// "s3://bucket/prefix → gs://bucket/prefix"; only the source where no target is named
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] bool covers(const ObjectKey& source_key) const { return source_key.str().starts_with(source_prefix); }
  /// "s3://bucket/key", as it stands in provenance.
  [[nodiscard]] std::string source_uri(const ObjectKey& source_key) const;
};

}  // namespace ferry
