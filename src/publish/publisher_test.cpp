#include "publish/publisher.hpp"

#include <gtest/gtest.h>

#include "testing/world.hpp"

namespace ferry {
namespace {

using testing::World;

TEST(Publisher, PlansEverythingThatIsMissing_F023) {
  World world;
  world.source = std::make_shared<MemoryBucket>(&world.clock, 7);
  for (int i = 0; i < 100; ++i) world.source->put("key-" + std::to_string(i), "x");
  const auto plans = world.plan();
  ASSERT_TRUE(plans);
  EXPECT_EQ(plans->size(), 100u);
  EXPECT_EQ(world.tally->listed, 100u);
  EXPECT_TRUE(world.tally->listing_done);
}

TEST(Publisher, AnEmptyBucketIsAScanOfZero_F022) {
  World world;
  const auto plans = world.plan();
  ASSERT_TRUE(plans);
  EXPECT_TRUE(plans->empty());
  EXPECT_EQ(world.tally->listed, 0u);
}

TEST(Publisher, MatchesBothSidesAcrossPageBordersOfAnySize) {
  // Every third object changed; strangers' objects lie in between. Page sizes are coprime, so borders fall everywhere.
  for (const std::size_t source_page : {1u, 2u, 5u, 1000u}) {
    for (const std::size_t target_page : {1u, 3u, 1000u}) {
      World world{{BucketName{"src"}, "in/", BucketName{"dst"}, "out/deep/"}};
      world.source = std::make_shared<MemoryBucket>(&world.clock, source_page);
      world.target_options.page_size = target_page;
      for (int i = 10; i < 40; ++i) world.source->put("in/" + std::to_string(i), "v1");
      world.source->put("outside", "never");
      ASSERT_TRUE(world.copy());
      for (int i = 0; i < 30; ++i) world.target->put(ObjectKey{"out/deep/" + std::to_string(i * 7) + "x"}, "stranger");
      world.wait(std::chrono::seconds{5});
      for (int i = 10; i < 40; i += 3) world.source->put("in/" + std::to_string(i), "v2");
      const auto plans = world.plan();
      ASSERT_TRUE(plans);
      EXPECT_EQ(plans->size(), 10u) << source_page << "/" << target_page;
      EXPECT_EQ(world.tally->unchanged, 20u);
      for (const auto& plan : *plans) EXPECT_GT(plan.target_generation->value, 0);
    }
  }
}

TEST(Publisher, ARescanOfUnchangedObjectsCostsListingsOnly) {
  World world;
  for (int i = 0; i < 2500; ++i) world.source->put("key-" + std::to_string(10000 + i), "x");
  ASSERT_TRUE(world.copy());
  const auto before = world.source->counts();
  ASSERT_TRUE(world.copy());
  const auto after = world.source->counts();
  EXPECT_EQ(after.lists - before.lists, 3u);
  EXPECT_EQ(after.opens, before.opens);
  EXPECT_EQ(after.stats, before.stats);
  EXPECT_EQ(world.tally->unchanged, 2500u);
  EXPECT_EQ(world.tally->copied, 0u);
}

TEST(Publisher, AFailingPageFailsTheScanLoudly_F024) {
  World world;
  world.source = std::make_shared<MemoryBucket>(&world.clock, 10);
  for (int i = 0; i < 100; ++i) world.source->put("key-" + std::to_string(i), "x");
  world.source->fail_list(4, Error{ErrorKind::kUnavailable, "503"});
  const auto plans = world.plan();
  ASSERT_FALSE(plans);
  EXPECT_EQ(plans.error().kind, ErrorKind::kUnavailable);
  EXPECT_FALSE(world.tally->listing_done) << "an incomplete listing is never taken for the whole bucket";
}

TEST(Publisher, AFailingTargetListingFailsTheScan_F065) {
  World world;
  world.source->put("a", "x");
  auto target = std::make_shared<memory::TargetBucket>();
  target->fail_next(memory::TargetOp::kList, Error{ErrorKind::kDenied, "403"});
  world.target = target;
  const auto plans = world.plan();
  ASSERT_FALSE(plans);
  EXPECT_EQ(plans.error().kind, ErrorKind::kDenied);
}

TEST(Publisher, PutsWhatCannotArriveIntoTheLedger_F036_F034) {
  World world;
  world.source->put("bad\nname", "x");
  world.source->put("good", "x");
  world.source->put("huge", "x");
  world.source->list_size("huge", kTargetBytesMax + 1);
  ASSERT_TRUE(world.copy());
  const auto ledger = world.ledger();
  ASSERT_EQ(ledger.size(), 2u);
  EXPECT_EQ(ledger[0].reason, FailureReason::kName);
  EXPECT_EQ(ledger[1].reason, FailureReason::kTooLarge);
  EXPECT_EQ(world.tally->copied, 1u);
  EXPECT_TRUE(world.books_balance());
}

TEST(Publisher, LeavesOutWhatTheFilterExcludes) {
  World world{{BucketName{"src"}, "in/", BucketName{"dst"}, ""}};
  world.source->put("in/a.jpg", "x");
  world.source->put("in/b.txt", "x");
  world.scan_options.filter.include = {"*.jpg"};
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.has("a.jpg"));
  EXPECT_FALSE(world.has("b.txt"));
  EXPECT_EQ(world.tally->filtered, 1u);
  EXPECT_EQ(world.tally->listed, 1u);
}

TEST(Publisher, ADryRunWritesNothingAnywhere) {
  World world;
  world.source->put("a", "x");
  world.source->put("bad\n", "x");
  world.scan_options.dry_run = true;
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->planned, 1u);
  EXPECT_TRUE(world.target->keys().empty());
  EXPECT_TRUE(world.ledger().empty());
  EXPECT_EQ(world.source->counts().opens, 0u);
}

TEST(Publisher, SurvivesKeysThatComeAndGoWhileListing_F027) {
  World world;
  world.source = std::make_shared<MemoryBucket>(&world.clock, 3);
  for (int i = 0; i < 30; ++i) world.source->put("key-" + std::to_string(100 + i), "x");
  world.source->when_read("key-100", 0, [&] {
    world.source->remove("key-129");
    world.source->put("key-128b", "new");
  });
  ASSERT_TRUE(world.copy());
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.has("key-128b"));
  EXPECT_TRUE(world.books_balance());
}

}  // namespace
}  // namespace ferry
