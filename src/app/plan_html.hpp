#pragma once
// A plan as one HTML page: charts as inline SVG, light and dark, nothing loaded from anywhere.

#include <string>

#include "app/plan_run.hpp"

namespace ferry::app {

[[nodiscard]] std::string html_of(const PlanEnding& ending);

}  // namespace ferry::app
