#include "plan/prices.hpp"

#include <algorithm>

namespace ferry {
namespace {

constexpr double kPerRequests = 1000;
constexpr double kGiB = 1024.0 * 1024 * 1024;
constexpr std::string_view kDefaultTargetClass = "STANDARD";  // where the map doesn't say, and the bucket isn't asked

double stepped(double gib, const std::vector<PriceStep>& steps) {
  double cost = 0, below = 0;
  for (const PriceStep& step : steps) {
    const double here = std::max(0.0, std::min(gib, step.up_to_gib.value_or(gib)) - below);
    cost += here * step.per_gib;
    below += here;
  }
  return cost;
}

double requests(std::uint64_t count, double price) { return static_cast<double>(count) / kPerRequests * price; }

}  // namespace

double ClassPrices::at(std::string_view storage_class) const {
  const auto named = of.find(storage_class);
  return named == of.end() ? other : named->second;
}

Cost cost_of(const Estimate& estimate, std::uint64_t source_lists, std::uint64_t target_lists,
             const PriceTable& prices) {
  Cost cost;
  cost.s3_lists = requests(source_lists, prices.s3_list);
  cost.gcs_lists = requests(target_lists, prices.gcs_list);
  for (const auto& [name, use] : estimate.classes()) {
    cost.s3_reads += requests(use.gets + use.heads, prices.s3_read.at(name));
    cost.s3_retrieval += static_cast<double>(use.read_bytes) / kGiB * prices.s3_retrieval.at(name);
  }
  cost.egress = stepped(static_cast<double>(estimate.read_bytes()) / kGiB, prices.egress);
  for (const auto& [name, use] : estimate.target()) {
    cost.gcs_uploads += requests(use.uploads, prices.gcs_upload.at(name.empty() ? kDefaultTargetClass : name));
  }
  return cost;
}

}  // namespace ferry
