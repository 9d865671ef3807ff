#include "verify/judge.hpp"

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "plan/integrity.hpp"
#include "plan/names.hpp"

namespace ferry {
namespace {

/// An ETag may only look like an MD5 (KMS), and a listing doesn't say. That it equals the target's MD5 is no accident;
/// that it differs proves nothing by itself.
bool same_md5(const SourceEntry& entry, const TargetObject& there) {
  const auto md5 = md5_of(entry.version.etag, Encryption::kNone);
  return md5 && there.md5 && md5->bytes == *there.md5;
}

std::string name_of(const Version& version) {
  return printable(version.etag.str()) + " of " + rfc3339(version.modified);
}

Judgement judge_stranger(const SourceEntry& entry, const TargetObject& there) {
  if (same_md5(entry, there)) return {Verdict::kOk, Evidence::kMd5};
  return {Verdict::kUnverified, Evidence::kNone,
          "bucketferry did not write it, and no checksum of the listings vouches for its bytes; verify with --deep"};
}

Judgement judge_ours(const SourceEntry& entry, const TargetObject& there) {
  const Provenance& provenance = *there.provenance;
  if (!provenance.version.same_as(entry.version)) {
    return {Verdict::kStale, Evidence::kProvenance,
            "the target holds version " + name_of(provenance.version) + ", the source has " + name_of(entry.version) +
                "; copy again"};
  }
  // When it was copied, an MD5 vouched for the bytes, as a rule this ETag: then it still must.
  if (provenance.check == Rung::kMd5 && there.md5 && md5_of(entry.version.etag, Encryption::kNone) &&
      !same_md5(entry, there)) {
    return {Verdict::kDifferent, Evidence::kMd5,
            "the target's MD5 is " + hex(*there.md5) + ", the source's ETag " + printable(entry.version.etag.str()) +
                "; if the source is encrypted with KMS, that is no MD5: verify with --deep"};
  }
  return {Verdict::kOk, same_md5(entry, there) ? Evidence::kMd5 : Evidence::kProvenance};
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk: return "ok";
    case Verdict::kMissing: return "missing";
    case Verdict::kDifferent: return "different";
    case Verdict::kStale: return "stale";
    case Verdict::kUnverified: return "unverified";
    case Verdict::kExtra: return "extra";
  }
  return "?";
}

std::string_view to_string(Evidence evidence) {
  switch (evidence) {
    case Evidence::kNone: return "none";
    case Evidence::kProvenance: return "provenance";
    case Evidence::kMd5: return "md5";
    case Evidence::kBytes: return "bytes";
  }
  return "?";
}

Judgement judge(const Job& job, const SourceEntry& entry, const TargetObject* there) {
  if (!there) return {Verdict::kMissing, Evidence::kNone, "the target has no such object; copy again"};
  const bool ours = there->provenance && there->provenance->source == job.source_uri(entry.key);
  const bool other_version = ours && !there->provenance->version.same_as(entry.version);
  if (there->size != entry.size && !other_version) {
    return {Verdict::kDifferent, Evidence::kNone,
            std::to_string(entry.size) + " bytes at the source, " + std::to_string(there->size) + " at the target"};
  }
  return ours ? judge_ours(entry, *there) : judge_stranger(entry, *there);
}

Judgement judge_extra(const Job& job, const TargetObject& there) {
  const bool ours = origin_of(job, there).has_value();
  return {Verdict::kExtra, ours ? Evidence::kProvenance : Evidence::kNone,
          ours ? "copied from the source, where it has been deleted since" : "bucketferry did not write it"};
}

}  // namespace ferry
