#include "verify/judge.hpp"

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "plan/decide.hpp"
#include "plan/integrity.hpp"
#include "plan/names.hpp"
#include "plan/recognise.hpp"

namespace ferry {
namespace {

std::string name_of(const Version& version) {
  return printable(version.etag.str()) + " of " + rfc3339(version.modified);
}

Evidence evidence_of(Rung rung) { return rung == Rung::kMd5 ? Evidence::kMd5 : Evidence::kCrc32c; }

Judgement judge_stranger(const SourceEntry& entry, const TargetObject& there) {
  const auto seen = recognise(entry, there);
  if (seen.likeness == Likeness::kSame) return {Verdict::kOk, evidence_of(seen.rung)};
  return {
      Verdict::kUnverified, Evidence::kNone,
      "bucketferry did not write it, and no checksum that both sides have vouches for its bytes; verify with --deep"};
}

Judgement judge_ours(const SourceEntry& entry, const TargetObject& there) {
  const Provenance& provenance = *there.provenance;
  const bool same_md5 = recognise(entry, there).likeness == Likeness::kSame;
  if (!provenance.version.same_as(entry.version)) {
    return {Verdict::kStale, Evidence::kProvenance,
            "the target holds version " + name_of(provenance.version) + ", the source has " + name_of(entry.version) +
                "; copy again"};
  }
  // When it was copied, an MD5 vouched for the bytes, as a rule this ETag: then it still must.
  if (provenance.check == Rung::kMd5 && there.md5 && md5_of(entry.version.etag, Encryption::kNone) && !same_md5) {
    return {Verdict::kDifferent, Evidence::kMd5,
            "the target's MD5 is " + hex(*there.md5) + ", the source's ETag " + printable(entry.version.etag.str()) +
                "; if the source is encrypted with KMS, that is no MD5: verify with --deep"};
  }
  return {Verdict::kOk, same_md5 ? Evidence::kMd5 : Evidence::kProvenance};
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
    case Verdict::kMetadata: return "metadata";
  }
  return "?";
}

std::string_view to_string(Evidence evidence) {
  switch (evidence) {
    case Evidence::kNone: return "none";
    case Evidence::kProvenance: return "provenance";
    case Evidence::kMd5: return "md5";
    case Evidence::kBytes: return "bytes";
    case Evidence::kCrc32c: return "crc32c";
  }
  return "?";
}

Judgement judge(const Job& job, const SourceEntry& entry, const TargetObject* there) {
  if (!there) return {Verdict::kMissing, Evidence::kNone, "the target has no such object; copy again"};
  const bool ours = is_ours(*there, job, entry.key);
  const bool other_version = ours && !there->provenance->version.same_as(entry.version);
  if (there->size != entry.size && !other_version) {
    return {Verdict::kDifferent, Evidence::kNone,
            std::to_string(entry.size) + " bytes at the source, " + std::to_string(there->size) + " at the target"};
  }
  auto judgement = ours ? judge_ours(entry, *there) : judge_stranger(entry, *there);
  if (ours) judgement.recorded = there->provenance->check;
  return judgement;
}

Judgement judge(const Job& job, const SourceEntry& entry, const ObjectMeta& meta, const TargetObject& there) {
  auto judgement = judge(job, entry, &there);
  const bool settled = judgement.verdict != Verdict::kOk && !is_open_question(judgement) &&
                       judgement.evidence != Evidence::kMd5;  // an MD5 that a listing only seemed to hold
  if (settled) return judgement;
  const auto seen = recognise(meta, there);
  const auto recorded = judgement.recorded;
  switch (seen.likeness) {
    case Likeness::kSame: judgement = {Verdict::kOk, evidence_of(seen.rung)}; break;
    case Likeness::kOther:
      judgement = {Verdict::kDifferent, Evidence::kNone,
                   "the checksum that the source stores is not that of the target's bytes"};
      break;
    case Likeness::kUnknown:
      if (judgement.verdict == Verdict::kDifferent) judgement = {Verdict::kOk, Evidence::kProvenance};
      break;
  }
  judgement.recorded = recorded;
  return judgement;
}

bool is_open_question(const Judgement& judgement) { return judgement.verdict == Verdict::kUnverified; }

Judgement judge_extra(const Job& job, const TargetObject& there) {
  const bool ours = origin_of(job, there).has_value();
  return {Verdict::kExtra, ours ? Evidence::kProvenance : Evidence::kNone,
          ours ? "copied from the source, where it has been deleted since" : "bucketferry did not write it"};
}

}  // namespace ferry
