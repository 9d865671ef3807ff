#include "domain/receipt.hpp"

#include <gtest/gtest.h>

#include <array>

namespace ferry {
namespace {

TEST(FailureReason, NamesOfReportsAndApiNeverChange) {
  const std::array<std::pair<FailureReason, std::string_view>, 11> names{{
      {FailureReason::kIntegrity, "integrity"},
      {FailureReason::kDenied, "denied"},
      {FailureReason::kTargetDenied, "target-denied"},
      {FailureReason::kArchived, "archived"},
      {FailureReason::kTooLarge, "too-large"},
      {FailureReason::kName, "name"},
      {FailureReason::kMetadata, "metadata"},
      {FailureReason::kForeign, "foreign"},
      {FailureReason::kMessage, "message"},
      {FailureReason::kRejected, "rejected"},
      {FailureReason::kUnavailable, "unavailable"},
  }};
  for (const auto& [reason, name] : names) {
    EXPECT_EQ(to_string(reason), name);
    EXPECT_EQ(parse_failure_reason(name), reason);
  }
}

TEST(FailureReason, RefusesOtherWords) {
  for (const auto* text : {"", "Denied", "denied ", "unknown"})
    EXPECT_EQ(parse_failure_reason(text), std::nullopt) << text;
}

}  // namespace
}  // namespace ferry
