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

Job with_names(NamePolicy policy) { return {BucketName{"src"}, "", BucketName{"dst"}, "", {policy, false}}; }

TEST(Publisher, SkipsUnholdableNamesIfThatIsWanted_F036) {
  World world{with_names(NamePolicy::kSkip)};
  world.source->put("bad\nname", "x");
  world.source->put("good", "x");
  ASSERT_TRUE(world.copy());
  EXPECT_TRUE(world.ledger().empty());
  EXPECT_EQ(world.tally->skipped, 1u);
  EXPECT_EQ(world.tally->skipped_bytes, 1u);
  EXPECT_TRUE(world.books_balance());
  ASSERT_EQ(world.sink.left_out.size(), 1u);
  EXPECT_EQ(world.sink.left_out[0].first.str(), "bad\nname");
}

TEST(Publisher, EscapedNamesArriveAndAreFoundAgain_F036) {
  World world{with_names(NamePolicy::kEscape)};
  world.source = std::make_shared<MemoryBucket>(&world.clock, 3);
  world.target_options.page_size = 2;
  const std::vector<std::string> keys{"\n",     "..", ".well-known/acme-challenge/t", "a", "a\nb", "a\nb/c",
                                      "a~x0Ab", "z\r"};
  for (const auto& key : keys) world.source->put(key, "of " + key);
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->copied, keys.size());
  EXPECT_EQ(world.text("a~x0Ab"), "of a\nb");
  EXPECT_EQ(world.text("a~x7Ex0Ab"), "of a~x0Ab");
  EXPECT_EQ(world.text("~x2E."), "of ..");

  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->unchanged, keys.size()) << "no escaped object is copied for nothing";
  world.wait(std::chrono::seconds{5});
  world.source->put("a\nb", "changed");
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->copied, 1u);
  EXPECT_EQ(world.text("a~x0Ab"), "changed");
  EXPECT_TRUE(world.books_balance());
}

TEST(Publisher, AnEscapedNameThatIsTakenIsACollisionFoundBeforeAnyWrite_F042) {
  // The look-alike was copied under its own name before escaping was asked for.
  World world;
  world.source->put("a~x0Ab", "look-alike");
  ASSERT_TRUE(world.copy());
  world.job = with_names(NamePolicy::kEscape);
  world.source->put("a\nb", "the real one");
  ASSERT_TRUE(world.copy());
  const auto ledger = world.ledger();
  ASSERT_EQ(ledger.size(), 1u);
  EXPECT_EQ(ledger[0].key.str(), "a\nb");
  EXPECT_EQ(ledger[0].reason, FailureReason::kForeign);
  EXPECT_EQ(world.text("a~x0Ab"), "look-alike") << "never overwritten";
  EXPECT_EQ(world.text("a~x7Ex0Ab"), "look-alike") << "its name while names are escaped";
}

TEST(Publisher, AFailingLookUpOfAnEscapedNameFailsTheScan_F065) {
  World world{with_names(NamePolicy::kEscape)};
  for (int i = 0; i < 100; ++i) world.source->put("\n" + std::to_string(i), "x");
  world.target->fail_next(memory::TargetOp::kList, Error{ErrorKind::kDenied, "403"}, 1, ObjectKey{"~x0A50"});
  const auto plans = world.plan();
  ASSERT_FALSE(plans);
  EXPECT_EQ(plans.error().kind, ErrorKind::kDenied);
}

TEST(Publisher, WithoutATargetEverythingIsToBeCopied) {
  World world{with_names(NamePolicy::kEscape)};
  for (const auto* key : {"a", "b\n", "c"}) world.source->put(key, "x");
  ScanOptions options;
  options.dry_run = true;
  std::vector<std::string> seen;
  options.observe = [&](const Sighting& sighting) {
    EXPECT_FALSE(sighting.there);
    EXPECT_TRUE(std::holds_alternative<Copy>(*sighting.decision));
    seen.push_back(sighting.entry->key.str());
  };
  const auto source = memory_source(world.source);
  Publisher publisher{world.job, std::move(options), source.get(), nullptr,     nullptr,
                      nullptr,   world.tally.get(),  nullptr,      &world.clock};
  ASSERT_TRUE(testing::run(world.context, publisher.scan(), &world.clock));
  EXPECT_EQ(seen.size(), 3u);
  EXPECT_EQ(world.tally->planned, 3u);
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

TEST(Publisher, CountsWhatAnotherToolBroughtAsThereWithoutAnyRequest_F045) {
  World world;
  for (int i = 0; i < 20; ++i) {
    world.source->put("key-" + std::to_string(i), "body");
    world.target->put(ObjectKey{"key-" + std::to_string(i)}, "body");
  }
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->unchanged, 20u);
  EXPECT_EQ(world.tally->adopted, 20u);
  EXPECT_EQ(world.source->counts().opens + world.source->counts().stats, 0u);
  EXPECT_TRUE(world.books_balance());
}

TEST(Publisher, ADryRunSaysHowManyWouldBeExamined) {
  World world;
  PutOptions in_parts;
  in_parts.part_size = 2;
  world.source->put("a", "body", in_parts);
  world.target->put(ObjectKey{"a"}, "body");
  world.scan_options.dry_run = true;
  ASSERT_TRUE(world.copy());
  EXPECT_EQ(world.tally->planned, 1u);
  EXPECT_EQ(world.tally->examine, 1u);
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

// --- the service's marks --------------------------------------------------------------------------------------------

class Marks : public ::testing::Test {
 protected:
  Marks() { world_.scan_options.republish_after = std::chrono::hours{1}; }

  std::size_t planned() {
    const auto plans = world_.plan();
    EXPECT_TRUE(plans);
    return plans ? plans->size() : 0;
  }

  World world_;
};

TEST_F(Marks, WhatIsWithTheQueueIsNotPublishedAgain) {
  for (const char* key : {"a", "b", "c"}) world_.source->put(key, "one");
  EXPECT_EQ(planned(), 3u);
  EXPECT_EQ(world_.tally->published, 3u);
  EXPECT_EQ(planned(), 0u);
  EXPECT_EQ(world_.tally->pending, 3u);
  EXPECT_EQ(world_.tally->pending_bytes, 9u);
}

TEST_F(Marks, AChangedObjectIsPublishedAgainAndOnlyThat) {
  for (const char* key : {"a", "b", "c"}) world_.source->put(key, "one");
  planned();
  world_.wait(std::chrono::seconds{2});
  world_.source->put("b", "two");
  const auto plans = world_.plan();
  ASSERT_TRUE(plans);
  ASSERT_EQ(plans->size(), 1u);
  EXPECT_EQ((*plans)[0].key.str(), "b");
}

TEST_F(Marks, ContentThatWentBackAndForthIsAnotherVersion_F004) {
  world_.source->put("a", "A");
  EXPECT_EQ(planned(), 1u);
  world_.wait(std::chrono::seconds{2});
  world_.source->put("a", "B");
  EXPECT_EQ(planned(), 1u);
  world_.wait(std::chrono::seconds{2});
  world_.source->put("a", "A");
  EXPECT_EQ(planned(), 1u);
}

TEST_F(Marks, ExpireSoThatAQueueThatForgotLosesNothing_F094) {
  world_.source->put("a", "one");
  EXPECT_EQ(planned(), 1u);
  world_.wait(std::chrono::minutes{59});
  EXPECT_EQ(planned(), 0u);
  world_.wait(std::chrono::minutes{2});
  EXPECT_EQ(planned(), 1u);
}

TEST_F(Marks, FromTheFutureCountAsNone_F135) {
  world_.source->put("a", "one");
  const auto object = world_.source->at("a");
  const auto tomorrow = std::chrono::floor<std::chrono::seconds>(world_.clock.wall() + std::chrono::hours{24});
  ASSERT_TRUE(testing::run(world_.state->mark_published({{ObjectKey{"a"}, object->version, tomorrow}})));
  EXPECT_EQ(planned(), 1u);
}

TEST_F(Marks, WhatWasConsumedAndIsMissingIsPublishedAgain) {
  world_.source->put("a", "one");
  const auto plans = world_.plan();
  ASSERT_TRUE(plans);
  ASSERT_TRUE(world_.deliver(*plans));
  EXPECT_EQ(planned(), 0u) << "it is at the target";
  const auto target = memory::make_target(world_.target, world_.target_options);
  ASSERT_TRUE(testing::run(target->remove(ObjectKey{"a"}, world_.target->object(ObjectKey{"a"})->generation)));
  EXPECT_EQ(planned(), 1u);
}

TEST_F(Marks, AnAuditIgnoresThem) {
  world_.source->put("a", "one");
  planned();
  world_.scan_options.audit = true;
  EXPECT_EQ(planned(), 1u);
}

TEST_F(Marks, AFlushedStateIsRebuiltFromTheTargetListing_F105) {
  for (const char* key : {"a", "b"}) world_.source->put(key, "one");
  auto plans = world_.plan();
  ASSERT_TRUE(plans);
  plans->resize(1);
  ASSERT_TRUE(world_.deliver(*plans));
  world_.state = memory::make_state();
  EXPECT_EQ(planned(), 1u) << "what is there already is not published";
}

TEST_F(Marks, AStateThatCannotBeReadPublishesNothing_F103) {
  world_.source->put("a", "one");
  world_.state->fail_next(memory::StateOp::kLookup, ErrorKind::kUnavailable);
  EXPECT_FALSE(world_.plan());
  EXPECT_EQ(world_.tally->published, 0u);
  EXPECT_EQ(planned(), 1u);
}

TEST_F(Marks, DyingBetweenPublishAndMarkRepeatsAMessageAndLosesNone_F121) {
  world_.source->put("a", "one");
  world_.state->fail_next(memory::StateOp::kMarkPublished, ErrorKind::kUnavailable);
  EXPECT_FALSE(world_.plan());
  EXPECT_EQ(planned(), 1u);
}

TEST_F(Marks, ALostLeaseEndsTheScanBeforeItPublishes_F125) {
  world_.source->put("a", "one");
  world_.scan_options.may_go_on = [] { return Status{fail(ErrorKind::kCancelled, "somebody else scans")}; };
  const auto plans = world_.plan();
  ASSERT_FALSE(plans);
  EXPECT_EQ(plans.error().kind, ErrorKind::kCancelled);
  EXPECT_FALSE(testing::run(world_.state->lookup({ObjectKey{"a"}}))->front().published);
}

}  // namespace
}  // namespace ferry
