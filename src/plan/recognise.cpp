#include "plan/recognise.hpp"

#include <algorithm>

#include "plan/integrity.hpp"

namespace ferry {
namespace {

std::optional<Digest> stored(const ObjectMeta& meta, HashKind kind) {
  const auto found = std::ranges::find(meta.checksums, kind, &Digest::kind);
  return found == meta.checksums.end() ? std::nullopt : std::optional{*found};
}

/// Nothing where one of the sides has none.
std::optional<bool> equal(const std::optional<Digest>& digest, const std::optional<std::string>& bytes) {
  if (!digest || !bytes) return std::nullopt;
  return digest->bytes == *bytes;
}

}  // namespace

Recognition recognise(const SourceEntry& entry, const TargetObject& there) {
  if (entry.size != there.size) return {Likeness::kOther};
  const auto same = equal(md5_of(entry.version.etag, Encryption::kNone), there.md5);
  if (same.value_or(false)) return {Likeness::kSame, Rung::kMd5};
  return {Likeness::kUnknown};
}

Recognition recognise(const ObjectMeta& meta, const TargetObject& there) {
  if (meta.size != there.size) return {Likeness::kOther};
  auto digest = md5_of(meta.version.etag, meta.encryption);
  if (!digest) digest = stored(meta, HashKind::kMd5);
  const auto crc = there.crc32c ? std::optional{big_endian(*there.crc32c)} : std::nullopt;
  const auto same_md5 = equal(digest, there.md5);
  const auto same_crc = equal(stored(meta, HashKind::kCrc32c), crc);
  if (!same_md5.value_or(true) || !same_crc.value_or(true)) return {Likeness::kOther};
  if (same_md5) return {Likeness::kSame, Rung::kMd5};
  if (same_crc) return {Likeness::kSame, Rung::kCrc32c};
  return {Likeness::kUnknown};
}

}  // namespace ferry
