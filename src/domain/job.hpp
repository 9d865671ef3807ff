#pragma once
// A job is one source prefix and one target prefix. Two jobs never touch each other's state.

#include <optional>
#include <string>

#include "domain/object_key.hpp"

namespace ferry {

struct Job {
  BucketName source_bucket;
  std::string source_prefix;  ///< empty, or ends with "/"
  BucketName target_bucket;
  std::string target_prefix;  ///< empty, or ends with "/"

  /// Stable over runs: 16 hex digits from the four fields. Namespaces all state.
  [[nodiscard]] std::string id() const;
  /// "s3://bucket/prefix → gs://bucket/prefix"
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] bool covers(const ObjectKey& source_key) const { return source_key.str().starts_with(source_prefix); }
  /// The source prefix replaced by the target prefix. `source_key` must be covered.
  [[nodiscard]] ObjectKey target_key(const ObjectKey& source_key) const;
  /// The way back; nothing for a key outside of the target prefix.
  [[nodiscard]] std::optional<ObjectKey> source_key(const ObjectKey& target_key) const;
  /// "s3://bucket/key", as it stands in provenance.
  [[nodiscard]] std::string source_uri(const ObjectKey& source_key) const;
};

}  // namespace ferry
