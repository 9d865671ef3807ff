#include "app/settings_check.hpp"

#include <gmock/gmock.h>

namespace ferry::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Settings with_transfers(Command command, std::size_t transfers) {
  Settings settings;
  settings.command = command;
  settings.transfers = transfers;
  return settings;
}

TEST(DescriptorLimit, LowersTheNumberOfTransfersAndSaysSo_F133) {
  for (const auto command : {Command::kCopy, Command::kMigrator}) {
    auto settings = with_transfers(command, 200);
    fit_to_descriptors(&settings, 148);
    EXPECT_EQ(settings.transfers, 50u);
    EXPECT_THAT(settings.warnings, ElementsAre(HasSubstr("only 50 of 200 transfers at once")));
  }
}

TEST(DescriptorLimit, LeavesAtLeastOne_F133) {
  auto settings = with_transfers(Command::kCopy, 200);
  fit_to_descriptors(&settings, 3);
  EXPECT_EQ(settings.transfers, 1u);
}

TEST(DescriptorLimit, IsNoMatterWhereItSuffices) {
  auto enough = with_transfers(Command::kMigrator, 128);
  fit_to_descriptors(&enough, 1'024);
  auto unlimited = with_transfers(Command::kMigrator, 20'000);
  fit_to_descriptors(&unlimited, ~std::uint64_t{0});
  auto publisher = with_transfers(Command::kPublisher, 128);
  fit_to_descriptors(&publisher, 100);
  EXPECT_EQ(enough.transfers, 128u);
  EXPECT_EQ(unlimited.transfers, 20'000u);
  EXPECT_EQ(publisher.transfers, 128u);
  EXPECT_THAT(enough.warnings, IsEmpty());
  EXPECT_THAT(unlimited.warnings, IsEmpty());
  EXPECT_THAT(publisher.warnings, IsEmpty());
}

}  // namespace
}  // namespace ferry::app
