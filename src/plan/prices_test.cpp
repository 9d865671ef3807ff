#include "plan/prices.hpp"

#include <gtest/gtest.h>

namespace ferry {
namespace {

constexpr std::uint64_t kOneGib = 1ULL << 30;

PriceTable table() {
  PriceTable prices;
  prices.s3_list = 5;
  prices.gcs_list = 7;
  prices.s3_read = {{{"STANDARD_IA", 2}}, 1};
  prices.s3_retrieval = {{{"STANDARD_IA", 10}}, 0};
  prices.egress = {{100, 0}, {300, 2}, {std::nullopt, 1}};
  prices.gcs_upload = {{{"NEARLINE", 20}}, 4};
  return prices;
}

Estimate of(std::uint64_t objects, std::uint64_t size, const std::string& storage_class, MetadataChoices choices = {}) {
  Estimate estimate{Job{BucketName{"s"}, "", BucketName{"t"}, ""}, Integrity::kAuto, choices, {}};
  SourceEntry entry{ObjectKey{"k"}, {ETag{"\"9e107d9d372bb6826bd81d3542a419d6\""}, {}, {}}, size, storage_class};
  for (std::uint64_t i = 0; i < objects; ++i) estimate.add(entry, nullptr, Copy{});
  return estimate;
}

TEST(Prices, RequestsArePricedByTheThousandAndByClass) {
  const auto cost = cost_of(of(500, 10, "STANDARD_IA"), 2000, 1000, table());
  EXPECT_DOUBLE_EQ(cost.s3_lists, 10);
  EXPECT_DOUBLE_EQ(cost.gcs_lists, 7);
  EXPECT_DOUBLE_EQ(cost.s3_reads, 1);
  EXPECT_DOUBLE_EQ(cost.gcs_uploads, 2);
  EXPECT_NEAR(cost.s3_retrieval, 500.0 * 10 / kOneGib * 10, 1e-12);
}

TEST(Prices, AnUploadIsOneOperationHoweverManyRequestsItTakes) {
  const auto cost = cost_of(of(1, 10 * kOneGib, "STANDARD"), 0, 0, table());
  EXPECT_DOUBLE_EQ(cost.gcs_uploads, 0.004);
}

TEST(Prices, TheTargetsClassDecidesWhatAnUploadCosts) {
  MetadataChoices choices;
  choices.storage_classes = {{"GLACIER_IR", "NEARLINE"}, {"*", "STANDARD"}};
  EXPECT_DOUBLE_EQ(cost_of(of(1000, 1, "GLACIER_IR", choices), 0, 0, table()).gcs_uploads, 20);
  EXPECT_DOUBLE_EQ(cost_of(of(1000, 1, "STANDARD", choices), 0, 0, table()).gcs_uploads, 4);
}

TEST(Prices, EgressGoesUpInSteps) {
  const auto egress = [](std::uint64_t gib) { return cost_of(of(1, gib * kOneGib, "STANDARD"), 0, 0, table()).egress; };
  EXPECT_DOUBLE_EQ(egress(100), 0);
  EXPECT_DOUBLE_EQ(egress(101), 2);
  EXPECT_DOUBLE_EQ(egress(300), 400);
  EXPECT_DOUBLE_EQ(egress(310), 410);
}

TEST(Prices, TheTotalIsTheSumOfAllParts) {
  const Cost cost{1, 2, 4, 8, 16, 32};
  EXPECT_DOUBLE_EQ(cost.total(), 63);
}

}  // namespace
}  // namespace ferry
