#pragma once
// What a plan says: for people on a terminal, and as JSON. All pure.

#include <string>
#include <string_view>
#include <vector>

#include "app/plan_run.hpp"

namespace ferry::app {

/// Several lines, each with its line break.
[[nodiscard]] std::string page_of(const PlanEnding& ending);
/// One object without a line break.
[[nodiscard]] std::string json_of(const PlanEnding& ending);

// Words and figures that the HTML page shares.

[[nodiscard]] std::string headline_of(const PlanEnding& ending);            ///< without a line break
[[nodiscard]] std::string_view label_of(Action action);                     ///< "already there"
[[nodiscard]] std::string size_label(std::size_t step);                     ///< of the histogram: "to 16 KiB"
[[nodiscard]] std::string money(double amount, std::string_view currency);  ///< "1,234.50 USD"
[[nodiscard]] std::string speed_text(const PlanEnding& ending);  ///< "at 100 MiB/s and 500 objects/s; bytes limit it"

struct CostLine {
  std::string_view name, label;
  double amount = 0;
};
[[nodiscard]] std::vector<CostLine> lines_of(const Cost& cost);

struct RequestLine {
  std::string_view side, name, label;  ///< "source", "get", "GET, an object each"
  std::uint64_t count = 0;
};
[[nodiscard]] std::vector<RequestLine> requests_of(const PlanEnding& ending);

}  // namespace ferry::app
