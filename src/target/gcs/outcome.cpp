// What became of an upload: the reply's object is checked, and where no reply came, the live object is asked.

#include "kit/base/text.hpp"
#include "target/gcs/api.hpp"

namespace ferry::gcs {
namespace {

/// The fault that makes `stored` something else than what we sent; empty: none.
std::string_view difference(const UploadSpec& spec, const TargetObject& stored, std::uint32_t crc32c) {
  if (stored.size != spec.size) return "size";
  if (!stored.crc32c || *stored.crc32c != crc32c) return "crc32c";
  const bool md5_known = spec.hash && spec.hash->kind == HashKind::kMd5;
  if (md5_known && stored.md5 && *stored.md5 != spec.hash->bytes) return "MD5";
  return {};
}

bool same(const std::optional<Provenance>& ours, const std::optional<Provenance>& theirs) {
  return ours && theirs && ours->source == theirs->source && ours->size == theirs->size &&
         ours->version.same_as(theirs->version);
}

}  // namespace

Task<Result<TargetObject>> Api::accept(const UploadSpec* spec, TargetObject stored, std::uint32_t crc32c) {
  if (stored.key != spec->key) {
    co_return fail(ErrorKind::kCorrupt, "upload " + place(spec->key) + ": the reply is about another object, " +
                                            printable(stored.key.str()));
  }
  const auto fault = difference(*spec, stored, crc32c);
  if (fault.empty()) {
    stored.provenance = parse_provenance(spec->metadata);
    co_return stored;
  }
  std::string what = "upload " + place(spec->key) + ": the target's " + std::string{fault} +
                     " of the object is not ours; generation " + std::to_string(stored.generation.value);
  const auto removed = co_await remove(spec->key, stored.generation);
  if (removed) {
    what += " was removed";
  } else if (removed.error().kind == ErrorKind::kConflict) {
    what += " was replaced by somebody else already";
  } else {
    what += " could not be removed (" + removed.error().what + "): remove it by hand";
  }
  co_return fail(ErrorKind::kCorrupt, std::move(what));
}

Task<Result<TargetObject>> Api::find_out(const UploadSpec* spec, std::uint32_t crc32c, Error unknown) {
  auto live = co_await get_metadata(spec->key);
  if (!live) co_return fail(std::move(unknown));
  const auto generation = *live ? (*live)->generation : Generation{};
  if (generation == spec->expected) co_return fail(std::move(unknown));
  const bool ours =
      *live && difference(*spec, **live, crc32c).empty() && same(parse_provenance(spec->metadata), (*live)->provenance);
  if (ours) co_return **std::move(live);
  co_return fail(ErrorKind::kConflict,
                 std::move(unknown.what) + "; by now another generation is there: " + std::to_string(generation.value));
}

}  // namespace ferry::gcs
