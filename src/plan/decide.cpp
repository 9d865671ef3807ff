#include "plan/decide.hpp"

#include "kit/base/text.hpp"
#include "plan/integrity.hpp"

namespace ferry {
namespace {

bool ours(const TargetObject& there, const Job& job, const ObjectKey& key) {
  return there.provenance && there.provenance->source == job.source_uri(key);
}

/// Another tool brought the same bytes: equal sizes, and the target's MD5 is what the source's tag says. (A tag that is
/// not an MD5 equals one only if the bytes are the same, so no reply header is needed here.)
bool same_bytes(const TargetObject& there, const SourceEntry& entry) {
  if (!there.md5 || there.size != entry.size) return false;
  const auto md5 = md5_of(entry.version.etag, Encryption::kNone);
  return md5 && md5->bytes == *there.md5;
}

/// Nothing: it may be worth reading.
std::optional<Refused> out_of_reach(const SourceEntry& entry, const Policy& policy) {
  if (entry.access == Access::kRestoring) {
    return Refused{FailureReason::kArchived, "is being restored; copied by the first scan after it is ready"};
  }
  if (entry.access == Access::kArchived && !policy.restore) {
    return Refused{FailureReason::kArchived, "archived in class " + printable(entry.storage_class) +
                                                 ": restore it first, or run with --restore DAYS"};
  }
  return std::nullopt;
}

TransferPlan plan_for(const SourceEntry& entry, const TargetObject* there) {
  TransferPlan plan;
  plan.key = entry.key;
  plan.etag = entry.version.etag;
  plan.size = entry.size;
  plan.modified = entry.version.modified;
  plan.version_id = entry.version.version_id;
  plan.storage_class = entry.storage_class;
  plan.target_generation = there ? there->generation : Generation{};
  return plan;
}

}  // namespace

bool holds(const TargetObject& there, const Job& job, const ObjectKey& key, const Version& version,
           std::optional<std::uint64_t> size) {
  if (!ours(there, job, key) || !there.provenance->version.same_as(version)) return false;
  return there.provenance->size == there.size && (!size || *size == there.size);
}

bool may_replace(const std::optional<TargetObject>& there, const Job& job, const ObjectKey& key, const Policy& policy) {
  return !there || ours(*there, job, key) || policy.on_foreign == OnForeign::kOverwrite;
}

std::string foreign_text(const ObjectKey& target_key) {
  return "an object that Bucketferry did not write from this source is at the target as '" +
         printable(target_key.str()) + "'; move it away, or run with --on-foreign overwrite";
}

Decision decide(const Job& job, const SourceEntry& entry, const TargetObject* there, const Policy& policy) {
  if (entry.size > kTargetBytesMax) {
    return Refused{FailureReason::kTooLarge,
                   human_bytes(entry.size) + " is above the target's limit of 5 TiB for one object"};
  }
  if (there && holds(*there, job, entry.key, entry.version, entry.size)) return Unchanged{};
  if (there && !ours(*there, job, entry.key)) {
    if (same_bytes(*there, entry)) return Unchanged{};
    if (policy.on_foreign == OnForeign::kFail) return Refused{FailureReason::kForeign, foreign_text(there->key)};
  }
  if (auto refused = out_of_reach(entry, policy)) return *std::move(refused);
  return Copy{plan_for(entry, there)};
}

}  // namespace ferry
