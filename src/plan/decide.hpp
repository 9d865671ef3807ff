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
#include "plan/recognise.hpp"

namespace ferry {

enum class OnForeign { kFail, kOverwrite };  ///< what to do about target objects that we did not write

struct Policy {
  OnForeign on_foreign = OnForeign::kFail;
  bool adopt = false;    ///< objects that somebody else brought, and that are recognised, get our provenance
  bool restore = false;  ///< whoever transfers asks for archived objects to be made readable
};

inline constexpr std::uint64_t kTargetBytesMax = 5'497'558'138'880;  ///< 5 TiB, the largest GCS object

/// The target object is this very version of this very source object: its provenance says so, and its size agrees.
[[nodiscard]] bool holds(const TargetObject& there, const Job& job, const ObjectKey& key, const Version& version,
                         std::optional<std::uint64_t> size);

struct Copy {
  TransferPlan plan;
};
struct Unchanged {
  bool adopted = false;  ///< somebody else brought it: the listings' checksums recognised it
};
/// Somebody else's object of the same size is there. Whoever takes the plan, which names no generation so that the
/// target is looked at first, recognises it or not, and adopts it if that is wanted.
struct Examine {
  TransferPlan plan;
  Generation there;
  bool adopt = false;  ///< it is to get our provenance
};
struct Refused {
  FailureReason reason;
  std::string what;
};
using Decision = std::variant<Copy, Examine, Unchanged, Refused>;

/// `there`: what the target holds under the name that target_name() gives, or null. That it gives one, is known.
[[nodiscard]] Decision decide(const Job& job, const SourceEntry& entry, const TargetObject* there,
                              const Policy& policy);

/// One line for the ledger: what is in the way and how to go on.
[[nodiscard]] std::string foreign_text(const ObjectKey& target_key, Likeness likeness);

/// Whether it may get our provenance: nobody's objects may, those of another job never.
[[nodiscard]] bool may_adopt(const TargetObject& there, const Policy& policy);
/// We wrote or adopted it for this job under this key.
[[nodiscard]] bool is_ours(const TargetObject& there, const Job& job, const ObjectKey& key);

}  // namespace ferry
