#pragma once

#include <cstdint>
#include <optional>

#include "domain/object_key.hpp"
#include "domain/provenance.hpp"
#include "domain/version.hpp"

namespace ferry {

/// A live object at the target, as a listing, a metadata read or a commit shows it.
struct TargetObject {
  ObjectKey key;
  Generation generation;
  std::uint64_t size = 0;
  std::optional<std::uint32_t> crc32c;
  std::optional<std::string> md5;        ///< 16 raw bytes; composite objects have none
  std::optional<Provenance> provenance;  ///< nothing: somebody else wrote it
};

}  // namespace ferry
