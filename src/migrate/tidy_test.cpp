#include "migrate/tidy.hpp"

#include <gtest/gtest.h>

#include "testing/world.hpp"

namespace ferry {
namespace {

using testing::World;

struct Yard {
  World world;
  std::unique_ptr<ObjectTarget> target = memory::make_target(world.target);
  Filter filter;

  Status tidy_now(Seconds began) {
    return testing::run(world.context, tidy(&world.job, &filter, world.state.get(), target.get(), began), &world.clock);
  }
  void fail_key(const std::string& key, Seconds when) {
    Failure failure;
    failure.key = ObjectKey{key};
    failure.when = when;
    std::vector<Failure> failures{failure};
    ASSERT_TRUE(testing::run(world.state->record_failures(std::move(failures))));
  }
  void checkpoint(const std::string& key) {
    UploadSpec spec;
    spec.key = ObjectKey{key};
    spec.size = 20 << 20;
    auto upload = testing::run(target->begin(spec));
    ASSERT_TRUE(upload);
    const std::string piece(1 << 20, 'x');
    ASSERT_TRUE(testing::run((*upload)->write(piece)));
    Checkpoint kept;
    kept.key = ObjectKey{key};
    kept.session = (*upload)->session()->secret;
    ASSERT_TRUE(testing::run(world.state->save_checkpoint(kept)));
  }
  std::size_t checkpoints() { return testing::run(world.state->checkpoints())->size(); }
};

constexpr Seconds kBefore{std::chrono::seconds{1000}}, kBegan{std::chrono::seconds{2000}},
    kAfter{std::chrono::seconds{3000}};

TEST(Tidy, ForgetsFailuresThatThisRunDidNotMeetAgain) {
  Yard yard;
  yard.fail_key("old", kBefore);
  yard.fail_key("fresh", kAfter);
  ASSERT_TRUE(yard.tidy_now(kBegan));
  const auto ledger = yard.world.ledger();
  ASSERT_EQ(ledger.size(), 1u);
  EXPECT_EQ(ledger[0].key, ObjectKey{"fresh"});
}

TEST(Tidy, ForgetsNothingWhereTheFilterLooksAtMoreThanNames) {
  Yard yard;
  yard.filter.size_min = 1000;
  yard.fail_key("old", kBefore);
  yard.checkpoint("half");
  ASSERT_TRUE(yard.tidy_now(kBegan));
  EXPECT_EQ(yard.world.ledger().size(), 1u) << "perhaps it is a small one";
  EXPECT_EQ(yard.checkpoints(), 1u);
}

TEST(Tidy, LeavesWhatTheFilterLeftOutAlone) {
  Yard yard;
  yard.filter.include = {"*.jpg"};
  yard.fail_key("a.txt", kBefore);
  yard.fail_key("a.jpg", kBefore);
  yard.checkpoint("b.txt");
  ASSERT_TRUE(yard.tidy_now(kBegan));
  EXPECT_EQ(yard.world.ledger().size(), 1u);
  EXPECT_EQ(yard.checkpoints(), 1u);
}

TEST(Tidy, CancelsUploadsThatNobodyWillFinish_F066) {
  Yard yard;
  yard.checkpoint("gone");
  yard.checkpoint("retry-later");
  yard.fail_key("retry-later", kAfter);
  EXPECT_EQ(yard.world.target->open_sessions(), 2u);
  ASSERT_TRUE(yard.tidy_now(kBegan));
  EXPECT_EQ(yard.world.target->open_sessions(), 1u);
  EXPECT_EQ(yard.checkpoints(), 1u);
}

TEST(Tidy, WalksALedgerOfManyPages) {
  Yard yard;
  std::vector<Failure> many;
  for (int i = 0; i < 3500; ++i) {
    Failure failure;
    failure.key = ObjectKey{"k" + std::to_string(10000 + i)};
    failure.when = i % 2 == 0 ? kBefore : kAfter;
    many.push_back(failure);
  }
  ASSERT_TRUE(testing::run(yard.world.state->record_failures(std::move(many))));
  yard.checkpoint("k13001");
  yard.checkpoint("k13002");
  ASSERT_TRUE(yard.tidy_now(kBegan));
  EXPECT_EQ(yard.world.ledger().size(), 1750u);
  EXPECT_EQ(yard.checkpoints(), 1u) << "k13001 failed in this run and is worth coming back to";
}

}  // namespace
}  // namespace ferry
