#include "publish/pruner.hpp"

#include <gtest/gtest.h>

#include <set>

#include "kit/async/task_group.hpp"
#include "testing/world.hpp"

namespace ferry {
namespace {

using testing::World;

class RememberingSink final : public OutcomeSink {
 public:
  void copied(const Receipt& /*receipt*/) override {}
  void superseded(const ObjectKey& /*key*/, std::string_view /*why*/) override {}
  void failed(const Failure& /*failure*/) override {}
  void deleted(const ObjectKey& key, Generation /*generation*/) override { deletions.insert(key.str()); }
  void would_delete(const ObjectKey& key) override { wishes.insert(key.str()); }

  std::set<std::string> deletions, wishes;
};

/// A world after one copy, of which something leaves the source.
class Prune : public ::testing::Test {
 protected:
  explicit Prune(Job job = {BucketName{"src"}, "in/", BucketName{"dst"}, "out/"}) : world_(std::move(job)) {}

  void copy(int objects) {
    for (int i = 0; i < objects; ++i) world_.source->put(key(i), "body");
    ASSERT_TRUE(world_.copy());
  }
  static std::string key(int i) { return "in/" + std::to_string(1000 + i); }
  bool there(int i) const { return world_.has("out/" + std::to_string(1000 + i)); }

  Status prune() {
    const auto source = memory_source(world_.source);
    const auto target = memory::make_target(world_.target, world_.target_options);
    Pruner pruner{world_.job, options_, source.get(), target.get(), world_.state.get(), world_.tally.get(), &sink_};
    auto outcome = testing::run(world_.context, pruner.run(), &world_.clock);
    pruned_ = pruner.outcome();
    return outcome;
  }

  World world_;
  PruneOptions options_;
  RememberingSink sink_;
  Pruned pruned_;
};

TEST_F(Prune, DeletesWhatLeftTheSourceAndForgetsIt) {
  copy(30);
  world_.source->remove(key(3));
  world_.source->remove(key(17));
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.ours, 30u);
  EXPECT_EQ(pruned_.gone, 2u);
  EXPECT_EQ(pruned_.deleted, 2u);
  EXPECT_EQ(world_.tally->deleted, 2u);
  EXPECT_EQ(sink_.deletions, (std::set<std::string>{key(3), key(17)}));
  EXPECT_FALSE(there(3) || there(17));
  EXPECT_EQ(world_.target->keys().size(), 28u);
  EXPECT_FALSE(testing::run(world_.state->lookup({ObjectKey{key(3)}}))->front().consumed);
}

TEST_F(Prune, InterruptedInTheMiddleLeavesNothingRunningAndDeletesNoMore_F129) {
  copy(200);
  for (int i = 0; i < 100; ++i) world_.source->remove(key(i));
  options_.limit.share = 1;
  options_.removals = 2;
  const auto source = memory_source(world_.source);
  const auto target = memory::make_target(world_.target, world_.target_options);
  Pruner pruner{world_.job, options_, source.get(), target.get(), world_.state.get(), world_.tally.get(), &sink_};
  static constexpr auto run = [](Pruner* one) -> Task<> { co_await one->run(); };
  TaskGroup outer{world_.context.get_executor()};
  outer.spawn(run(&pruner));
  while (world_.tally->deleted == 0) world_.context.poll_one();
  outer.cancel();
  testing::run(world_.context, outer.join(), &world_.clock);
  EXPECT_LT(world_.tally->deleted, 100U);
  EXPECT_EQ(world_.target->keys().size(), 200 - world_.tally->deleted);
}

TEST_F(Prune, LeavesStrangersAndOtherJobsAlone_F058_F114) {
  copy(20);
  world_.target->put(ObjectKey{"out/stranger"}, "x");
  world_.target->put(ObjectKey{"outside"}, "x");
  const Provenance theirs{"s3://elsewhere/in/a", Version{ETag{"\"x\""}, Seconds{}, std::nullopt}, 1};
  world_.target->put(ObjectKey{"out/a"}, "x", to_metadata(theirs));
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.ours, 20u);
  EXPECT_EQ(pruned_.gone, 0u);
  EXPECT_EQ(world_.target->keys().size(), 23u);
}

TEST_F(Prune, DeletesNothingIfMoreWouldGoThanIsAllowed) {
  copy(20);
  for (int i = 0; i < 3; ++i) world_.source->remove(key(i));
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.gone, 3u);
  EXPECT_EQ(pruned_.deleted, 0u);
  EXPECT_EQ(
      pruned_.refused,
      "3 of 20 objects of this job left the source, and --max-delete allows 2: none was deleted; raise it if that "
      "is right");
  options_.limit.objects = 3;
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.deleted, 3u);
  EXPECT_EQ(pruned_.refused, "");
}

TEST_F(Prune, AShareAllowsAtLeastOneObjectAndZeroAllowsNone) {
  EXPECT_EQ((PruneLimit{std::nullopt, 0.1}).of(5), 1u);
  EXPECT_EQ((PruneLimit{std::nullopt, 0.1}).of(0), 0u);
  EXPECT_EQ((PruneLimit{std::nullopt, 1}).of(7), 7u);
  EXPECT_EQ((PruneLimit{0, 1}).of(7), 0u);
}

TEST_F(Prune, AnEmptySourceIsNotBelievedUnlessToldTo_F022) {
  copy(3);
  for (int i = 0; i < 3; ++i) world_.source->remove(key(i));
  options_.limit.share = 1;
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.deleted, 0u);
  EXPECT_NE(pruned_.refused.find("--allow-empty-source"), std::string::npos) << pruned_.refused;
  options_.allow_empty_source = true;
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.deleted, 3u);
}

TEST_F(Prune, AListingThatBreaksOffDeletesNothing_F024_F028) {
  world_.source = std::make_shared<MemoryBucket>(&world_.clock, 10);
  copy(50);
  for (int i = 0; i < 50; i += 10) world_.source->remove(key(i));
  world_.source->fail_list(4, Error{ErrorKind::kUnavailable, "503"});
  const auto broken = prune();
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().what.find("list source"), std::string::npos);
  EXPECT_EQ(world_.target->keys().size(), 50u);
  world_.target->fail_next(memory::TargetOp::kList, Error{ErrorKind::kUnavailable, "503"});
  ASSERT_FALSE(prune());
  EXPECT_EQ(world_.target->keys().size(), 50u);
}

TEST_F(Prune, WhatTheFilterLeavesOutIsNotGone) {
  copy(20);
  world_.source->remove(key(1));
  world_.source->remove(key(2));
  options_.filter.exclude = {"1001"};
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.ours, 19u);
  EXPECT_TRUE(there(1));
  EXPECT_FALSE(there(2));
  options_.filter.exclude = {"1005"};  // still at the source, only unwanted
  ASSERT_TRUE(prune());
  EXPECT_TRUE(there(5));
}

TEST_F(Prune, WhatCameBackSinceItWasListedStays_F008_F027) {
  copy(20);
  world_.source->remove(key(3));
  world_.source->remove(key(4));
  options_.may_go_on = [this]() -> Status {  // right before the first deletion
    world_.source->put(key(3), "again");
    return Unit{};
  };
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.deleted, 1u);
  EXPECT_EQ(pruned_.kept, 1u);
  EXPECT_TRUE(there(3));
}

TEST_F(Prune, WhatWasWrittenAnewAtTheTargetSinceItWasListedStays_F055) {
  copy(20);
  world_.source->remove(key(3));
  options_.may_go_on = [this]() -> Status {
    const auto object = world_.target->object(ObjectKey{"out/1003"});
    world_.target->put(ObjectKey{"out/1003"}, "newer", object->metadata);
    return Unit{};
  };
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.deleted, 0u);
  EXPECT_EQ(pruned_.kept, 1u);
  EXPECT_EQ(world_.text("out/1003"), "newer");
}

TEST_F(Prune, ASourceThatDoesNotSayGoneIsNotBelievedEither_F030) {
  copy(20);
  world_.source->remove(key(3));
  world_.source->deny(key(3));
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.failed, 1u);
  EXPECT_TRUE(there(3));
  EXPECT_NE(pruned_.trouble, "");
}

TEST_F(Prune, ATargetThatForbidsItIsReported_F059) {
  copy(30);
  world_.source->remove(key(3));
  world_.source->remove(key(4));
  world_.target->fail_next(memory::TargetOp::kRemove, Error{ErrorKind::kDenied, "held"}, 1, ObjectKey{"out/1003"});
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.failed, 1u);
  EXPECT_EQ(pruned_.deleted, 1u);
  EXPECT_EQ(pruned_.trouble, "held");
}

TEST_F(Prune, ALostLeaseEndsItBeforeAnythingIsDeleted_F125) {
  copy(20);
  world_.source->remove(key(3));
  options_.may_go_on = [] { return Status{fail(ErrorKind::kCancelled, "somebody else scans")}; };
  ASSERT_FALSE(prune());
  EXPECT_TRUE(there(3));
}

TEST_F(Prune, ADryRunOnlyTells) {
  copy(20);
  world_.source->remove(key(3));
  options_.dry_run = true;
  const auto asked = world_.source->counts().stats;
  ASSERT_TRUE(prune());
  EXPECT_EQ(sink_.wishes, std::set<std::string>{key(3)});
  EXPECT_TRUE(there(3));
  EXPECT_EQ(world_.source->counts().stats, asked);
}

TEST_F(Prune, MoreThanItRemembersGoesInASecondPass_F023) {
  constexpr int kObjects = 25'000;
  const Version version{ETag{"\"x\""}, Seconds{}, std::nullopt};
  for (int i = 0; i < kObjects; ++i) {
    const auto name = std::to_string(1'000'000 + i);
    const Provenance ours{"s3://src/in/" + name, version, 1};
    world_.target->put(ObjectKey{"out/" + name}, "x", to_metadata(ours));
  }
  world_.source->put("in/1000007", "x");
  options_.limit.share = 1;
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.gone, 24'999u);
  EXPECT_EQ(pruned_.deleted, 24'999u);
  EXPECT_EQ(world_.target->keys().size(), 1u);
}

class EscapedNames : public Prune {
 protected:
  EscapedNames() : Prune({BucketName{"src"}, "in/", BucketName{"dst"}, "out/", {.policy = NamePolicy::kEscape}}) {}
};

TEST_F(EscapedNames, ThatStandOutOfOrderAreAskedForNotGuessed_F036) {
  for (const auto* key : {"in/a", "in/a\nb", "in/a\nc", "in/z"}) world_.source->put(key, "body");
  ASSERT_TRUE(world_.copy());
  ASSERT_EQ(world_.target->keys().size(), 4u);
  world_.source->remove("in/a\nc");
  ASSERT_TRUE(prune());
  EXPECT_EQ(pruned_.ours, 4u);
  EXPECT_EQ(pruned_.gone, 1u);
  EXPECT_EQ(sink_.deletions, std::set<std::string>{"in/a\nc"});
}

}  // namespace
}  // namespace ferry
