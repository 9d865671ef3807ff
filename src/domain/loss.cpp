#include "domain/loss.hpp"

#include <array>

namespace ferry {
namespace {

constexpr std::array<std::string_view, kLosses> kLossNames{
    "content-type", "content-header", "missing-metadata", "tags", "website-redirect", "object-lock", "expiry"};

}  // namespace

std::string_view to_string(Loss loss) { return kLossNames.at(static_cast<std::size_t>(loss)); }

std::vector<Loss> Losses::all() const {
  std::vector<Loss> all;
  for (int i = 0; i < kLosses; ++i) {
    if (has(static_cast<Loss>(i))) all.push_back(static_cast<Loss>(i));
  }
  return all;
}

}  // namespace ferry
