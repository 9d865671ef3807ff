#include "domain/receipt.hpp"

#include <algorithm>
#include <array>

namespace ferry {
namespace {

constexpr std::array<std::string_view, 11> kReasons{"integrity", "denied",   "target-denied", "archived",
                                                    "too-large", "name",     "metadata",      "foreign",
                                                    "message",   "rejected", "unavailable"};
static_assert(kReasons.size() == static_cast<std::size_t>(FailureReason::kUnavailable) + 1);

}  // namespace

std::string_view to_string(FailureReason reason) { return kReasons.at(static_cast<std::size_t>(reason)); }

std::optional<FailureReason> parse_failure_reason(std::string_view text) {
  const auto* const name = std::find(kReasons.begin(), kReasons.end(), text);
  if (name == kReasons.end()) return std::nullopt;
  return static_cast<FailureReason>(name - kReasons.begin());
}

}  // namespace ferry
