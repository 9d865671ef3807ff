#include "plan/decide.hpp"

#include "kit/base/text.hpp"

namespace ferry {
namespace {

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

bool is_ours(const TargetObject& there, const Job& job, const ObjectKey& key) {
  return there.provenance && there.provenance->source == job.source_uri(key);
}

bool may_adopt(const TargetObject& there, const Policy& policy) { return policy.adopt && !there.provenance; }

bool holds(const TargetObject& there, const Job& job, const ObjectKey& key, const Version& version,
           std::optional<std::uint64_t> size) {
  if (!is_ours(there, job, key) || !there.provenance->version.same_as(version)) return false;
  return there.provenance->size == there.size && (!size || *size == there.size);
}

std::string foreign_text(const ObjectKey& target_key, Likeness likeness) {
  std::string text = "an object that Bucketferry did not write from this source is at the target as '" +
                     printable(target_key.str()) + "'";
  if (likeness == Likeness::kUnknown) {
    return text +
           ", of the same size, and no checksum that both sides have tells whether it is the same; compare the "
           "bytes with verify --deep, move it away, or run with --on-foreign overwrite";
  }
  return text + ", with other bytes; move it away, or run with --on-foreign overwrite";
}

namespace {

/// Somebody else's object is in the way.
Decision decide_foreign(const SourceEntry& entry, const TargetObject& there, const Policy& policy) {
  const auto likeness = recognise(entry, there).likeness;
  const bool adopt = may_adopt(there, policy);
  if (likeness == Likeness::kSame && !adopt) return Unchanged{.adopted = true};
  if (likeness == Likeness::kOther) {
    if (policy.on_foreign == OnForeign::kOverwrite) return Copy{plan_for(entry, &there)};
    return Refused{FailureReason::kForeign, foreign_text(there.key, likeness)};
  }
  auto plan = plan_for(entry, &there);
  plan.target_generation.reset();
  return Examine{std::move(plan), there.generation, adopt};
}

}  // namespace

Decision decide(const Job& job, const SourceEntry& entry, const TargetObject* there, const Policy& policy) {
  if (entry.size > kTargetBytesMax) {
    return Refused{FailureReason::kTooLarge,
                   human_bytes(entry.size) + " is above the target's limit of 5 TiB for one object"};
  }
  if (there && holds(*there, job, entry.key, entry.version, entry.size)) return Unchanged{};
  if (there && !is_ours(*there, job, entry.key)) return decide_foreign(entry, *there, policy);
  if (auto refused = out_of_reach(entry, policy)) return *std::move(refused);
  return Copy{plan_for(entry, there)};
}

}  // namespace ferry
