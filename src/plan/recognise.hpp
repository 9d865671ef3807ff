#pragma once
// Whether a target object that somebody else brought holds the source's bytes, as far as checksums of both sides tell.
// Pure.

#include "domain/object_meta.hpp"
#include "domain/provenance.hpp"
#include "domain/target_object.hpp"

namespace ferry {

enum class Likeness {
  kSame,     ///< equal sizes, and a checksum of the whole is equal
  kOther,    ///< the size differs, or a checksum
  kUnknown,  ///< equal sizes, and no checksum that both sides have
};

struct Recognition {
  Likeness likeness = Likeness::kUnknown;
  Rung rung = Rung::kTransport;  ///< of kSame: which checksum
};

/// From two lines of listings. An ETag may only look like an MD5 (KMS), and a listing doesn't say: equal to the
/// target's MD5 it is proof, different it is none.
[[nodiscard]] Recognition recognise(const SourceEntry& entry, const TargetObject& there);

/// From what the source says of the object when it is asked (one HEAD): its MD5 and its stored CRC32C.
[[nodiscard]] Recognition recognise(const ObjectMeta& meta, const TargetObject& there);

}  // namespace ferry
