#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "domain/object_key.hpp"
#include "domain/object_meta.hpp"
#include "domain/provenance.hpp"
#include "domain/version.hpp"

namespace ferry {

/// What an object carries besides its bytes.
struct TargetMetadata {
  ContentHeaders content;  ///< without `expires`, which the target keeps as an entry
  UserMetadata entries;    ///< ours, too
};

/// A live object at the target, as a listing, a metadata read or a commit shows it.
struct TargetObject {
  ObjectKey key;
  Generation generation;
  std::uint64_t size = 0;
  std::optional<std::uint32_t> crc32c;
  std::optional<std::string> md5;        ///< 16 raw bytes; composite objects have none
  std::optional<Provenance> provenance;  ///< nothing: somebody else wrote it
  std::int64_t metageneration = 0;       ///< of its metadata, 1 as it was written; 0: not told, as in listings
  std::shared_ptr<const TargetMetadata> metadata = nullptr;  ///< null: not asked for
};

}  // namespace ferry
