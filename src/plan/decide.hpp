#pragma once
// Whether to copy. Pure: two listing lines in, a decision out.

#include <optional>
#include <string>
#include <variant>

#include "domain/job.hpp"
#include "domain/object_meta.hpp"
#include "domain/receipt.hpp"
#include "domain/target_object.hpp"
#include "domain/transfer_plan.hpp"

namespace ferry {

enum class OnForeign { kFail, kOverwrite };  ///< what to do about target objects that we did not write

struct Policy {
  OnForeign on_foreign = OnForeign::kFail;
  bool restore = false;  ///< whoever transfers asks for archived objects to be made readable
};

inline constexpr std::uint64_t kTargetBytesMax = 5'497'558'138'880;  ///< 5 TiB, the largest GCS object

/// The target object is this very version of this very source object: its provenance says so, and its size agrees.
[[nodiscard]] bool holds(const TargetObject& there, const Job& job, const ObjectKey& key, const Version& version,
                         std::optional<std::uint64_t> size);

/// We may write over it: nothing is there, or we wrote it for this job, or the policy allows it.
[[nodiscard]] bool may_replace(const std::optional<TargetObject>& there, const Job& job, const ObjectKey& key,
                               const Policy& policy);

struct Copy {
  TransferPlan plan;
};
struct Unchanged {};
struct Refused {
  FailureReason reason;
  std::string what;
};
using Decision = std::variant<Copy, Unchanged, Refused>;

/// `there`: what the target holds under the name that target_name() gives, or null. That it gives one, is known.
[[nodiscard]] Decision decide(const Job& job, const SourceEntry& entry, const TargetObject* there,
                              const Policy& policy);

/// One line for the ledger: what is in the way and how to go on.
[[nodiscard]] std::string foreign_text(const ObjectKey& target_key);

}  // namespace ferry
