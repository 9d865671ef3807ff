// What leaves the source leaves the target, if that is wanted, if it is ours, and if it isn't too much.

#include <gmock/gmock.h>

#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

using ::testing::HasSubstr;

class Deletion : public SystemTest {
 protected:
  void fill(int count) {
    start();
    for (int i = 0; i < count; ++i) source_->put(key(i), noise(500, static_cast<std::uint64_t>(i)));
    ASSERT_EQ(copy().code(), 0);
    target_->put("stranger", "stays");
    sandbox_->forget();
  }
  static std::string key(int i) { return "k" + std::to_string(100 + i); }
  std::size_t there() { return target_->list().size(); }
};

TEST_F(Deletion, NothingIsDeletedUnlessItIsAskedFor_F006) {
  fill(20);
  source_->remove(key(3));
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("deleted"), 0);
  EXPECT_EQ(there(), 21);
  EXPECT_EQ(sandbox_->requests("gcs", "DeleteObject"), 0);
}

TEST_F(Deletion, WhatLeftTheSourceIsShownByADryRunAndThenDeleted) {
  fill(20);
  source_->remove(key(3));
  source_->remove(key(17));
  const auto dry = copy({"--delete", "--dry-run"});
  EXPECT_EQ(dry.code(), 0) << dry.describe();
  EXPECT_EQ(dry.summary.at("deletions").at("gone"), 2);
  EXPECT_EQ(reported("would-delete").size(), 2);
  EXPECT_EQ(there(), 21);

  sandbox_->forget();
  const auto outcome = copy({"--delete"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("deleted"), 2);
  EXPECT_EQ(reported("deleted").size(), 2);
  EXPECT_EQ(there(), 19);
  EXPECT_EQ(target_->get("stranger"), "stays");
  EXPECT_EQ(sandbox_->requests("s3", "HeadObject"), 2) << "each was asked for once more";
  EXPECT_EQ(sandbox_->requests("gcs", "DeleteObject"), 2);
}

TEST_F(Deletion, MoreThanTheLimitDeletesNothingAndSaysHowMany) {
  fill(20);
  for (int i = 0; i < 5; ++i) source_->remove(key(i));
  const auto refused = copy({"--delete"});
  EXPECT_EQ(refused.code(), 1) << refused.describe();
  EXPECT_EQ(refused.number("deleted"), 0);
  EXPECT_THAT(refused.ended.err, HasSubstr("5 of 20 objects of this job left the source, and --max-delete allows 2"));
  EXPECT_EQ(there(), 21);
  const auto allowed = copy({"--delete", "--max-delete", "25%"});
  EXPECT_EQ(allowed.code(), 0) << allowed.describe();
  EXPECT_EQ(allowed.number("deleted"), 5);
}

TEST_F(Deletion, AnEmptySourceOrOneThatCantBeListedDeletesNothing_F022_F024_F028) {
  fill(10);
  source_->remove(key(0));
  // Of the two listings, the scan's is fine and the second one, for the deletions, breaks off.
  sandbox_->fault({{"service", "s3"}, {"op", "ListObjectsV2"}, {"after", 1}, {"action", {{"status", 403}}}});
  const auto broken = copy({"--delete"});
  EXPECT_EQ(broken.code(), 3) << broken.describe();
  EXPECT_EQ(there(), 11);
  sandbox_->clear_faults();
  for (int i = 1; i < 10; ++i) source_->remove(key(i));
  const auto empty = copy({"--delete", "--max-delete", "100%"});
  EXPECT_EQ(empty.code(), 1) << empty.describe();
  EXPECT_THAT(empty.ended.err, HasSubstr("--allow-empty-source"));
  EXPECT_EQ(there(), 11);
  EXPECT_EQ(copy({"--delete", "--max-delete", "100%", "--allow-empty-source"}).number("deleted"), 10);
  EXPECT_EQ(there(), 1);
}

TEST_F(Deletion, WhatFiltersLeaveOutIsNotGone) {
  fill(10);
  source_->remove(key(3));
  source_->remove(key(4));
  const auto outcome = copy({"--delete", "--max-delete", "5", "--exclude", key(3), "--exclude", key(7)});
  EXPECT_EQ(outcome.number("deleted"), 1) << outcome.describe();
  EXPECT_TRUE(target_->get(key(3)));
  EXPECT_TRUE(target_->get(key(7)));
  EXPECT_FALSE(target_->get(key(4)));
}

/// Another object is put under the key while its deletion is being decided.
TEST_F(Deletion, WhatIsBackWhenItIsAskedForOnceMoreStays_F008_F027) {
  fill(10);
  source_->remove(key(3));
  sandbox_->fault(
      {{"service", "s3"},
       {"op", "ListObjectsV2"},
       {"after", 1},
       {"times", 1},
       {"action",
        {{"replace_object_at_byte", {{"n", 1}, {"bucket", kSource}, {"key", key(3)}, {"body", "it is back"}}}}}});
  const auto outcome = copy({"--delete"});
  EXPECT_EQ(outcome.number("deleted"), 0) << outcome.describe();
  EXPECT_TRUE(target_->get(key(3)));
}

class ServiceDeletion : public Service {};

TEST_F(ServiceDeletion, ThePublisherDeletesAfterACompleteScanAndNeverMoreThanTheLimit) {
  start_service();
  put_many(30);
  start_publisher({"--delete", "--max-delete", "3"});
  start_migrator();
  expect_all_there();
  target_->put("stranger", "stays");
  for (const auto* key : {"k1", "k2", "k3"}) source_->remove(key);
  scan();
  EXPECT_TRUE(eventually([&] { return target_->list().size() == 28; }, Duration{30}));
  EXPECT_TRUE(eventually([&] { return api_json("GET", "/status").at("deleted") == 3; }, Duration{10}));
  EXPECT_THAT(api("GET", "/metrics").body, HasSubstr("ferry_deleted_objects_total 3"));
  EXPECT_FALSE(api_json("GET", "/cache").contains("consumed:k1"));

  for (const auto* key : {"k4", "k5", "k6", "k7"}) source_->remove(key);
  scan();
  const auto told = [&] {
    const auto troubles = boost::json::serialize(api_json("GET", "/status").at("troubles"));
    return troubles.find("4 of 27 objects of this job left the source") != std::string::npos;
  };
  EXPECT_TRUE(eventually(told, Duration{30}));
  EXPECT_EQ(target_->list().size(), 28u);
  source_->put("k4", "back again");
  scan();
  EXPECT_TRUE(eventually([&] { return target_->list().size() == 25; }, Duration{30}));
  EXPECT_EQ(target_->get("k4"), "back again");
}

}  // namespace
}  // namespace ferry::system_test
