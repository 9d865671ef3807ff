#pragma once
// What of an object's metadata goes to the target, and in which form (protocol-facts 3.2).

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domain/loss.hpp"
#include "domain/object_meta.hpp"
#include "domain/provenance.hpp"
#include "kit/base/error.hpp"

namespace ferry {

enum class TagsTo { kMetadata, kContexts, kNowhere };

/// What a job may choose.
struct MetadataChoices {
  TagsTo tags = TagsTo::kMetadata;
  /// The source's storage class, or "*" for any other, and the target's. Not in it: the target bucket's default.
  std::vector<std::pair<std::string, std::string>> storage_classes;
  bool modified_as_custom_time = false;
};

/// What an upload carries besides bytes.
struct MappedMetadata {
  ContentHeaders content;
  UserMetadata entries;  ///< the user's and our provenance
  Tags contexts;
  std::optional<std::string> storage_class;  ///< nothing: the target bucket's
  std::optional<Seconds> custom_time;
  Losses losses;
};

/// `tags`: nothing if the source did not give them, or was not asked. No entry replaces another: one whose name is
/// taken, or starts like ours ("ferry-…"), is kept as "source-NAME", so that forged provenance never counts. A tag is
/// an entry "s3-tag-NAME" (percent-encoded where a header can't hold it), or a context where those can hold it.
/// @error kLimit: entries above 8 KiB together, or one over its limit
[[nodiscard]] Result<MappedMetadata> map_metadata(const ObjectMeta& meta, const std::optional<Tags>& tags,
                                                  const Provenance& provenance, const MetadataChoices& choices);

}  // namespace ferry
