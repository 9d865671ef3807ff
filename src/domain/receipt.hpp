#pragma once
// How a transfer ended: a receipt, or an entry in the failure ledger.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/loss.hpp"
#include "domain/object_key.hpp"
#include "domain/provenance.hpp"
#include "domain/version.hpp"

namespace ferry {

/// "This version is at the target as that generation."
struct Receipt {
  ObjectKey key;
  Version version;
  Generation generation;
  Rung rung = Rung::kTransport;
  std::uint64_t size = 0;
  Seconds when{};
  Losses losses{};       ///< known to the transfer that brought it; not kept in state
  bool adopted = false;  ///< it was there, brought by somebody else, and `rung` recognised it; not kept in state
};

/// Why an object is in the ledger. The text is part of reports and of the API: never renamed.
enum class FailureReason {
  kIntegrity,     ///< "integrity": bytes disagree with their checksum, again and again
  kDenied,        ///< "denied": the source refuses this object
  kTargetDenied,  ///< "target-denied": the target forbids the write (retention, hold, permission)
  kArchived,      ///< "archived": must be restored first
  kTooLarge,      ///< "too-large": above the target's 5 TiB
  kName,          ///< "name": the target can't hold this name
  kMetadata,      ///< "metadata": above the target's limits
  kForeign,       ///< "foreign": an object is there that we did not write
  kMessage,       ///< "message": could not be read, or names something outside of the job
  kRejected,      ///< "rejected": a server says that the request can't succeed
  kUnavailable,   ///< "unavailable": attempts ran out; worth trying again later
};
[[nodiscard]] std::string_view to_string(FailureReason reason);
[[nodiscard]] std::optional<FailureReason> parse_failure_reason(std::string_view text);

struct Failure {
  ObjectKey key;
  std::optional<Version> version;
  FailureReason reason = FailureReason::kUnavailable;
  std::string what;  ///< one line for people: what, where, what to do
  std::uint32_t attempts = 0;
  Seconds when{};
};

}  // namespace ferry
