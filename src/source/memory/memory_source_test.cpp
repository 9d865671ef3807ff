#include "source/memory/memory_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/object_source_contract.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

using ::testing::ElementsAre;
using ::testing::Values;

class MemoryHarness final : public contract::SourceHarness {
 public:
  Version put(std::string key, std::string bytes, ContentHeaders content, UserMetadata user) override {
    PutOptions options;
    options.content = std::move(content);
    options.user = std::move(user);
    return bucket_->put(std::move(key), std::move(bytes), std::move(options));
  }
  void remove(std::string key) override { bucket_->remove(key); }
  std::unique_ptr<ObjectSource> make_source(std::size_t page_size) override {
    bucket_ = std::make_shared<MemoryBucket>(&clock_, page_size);
    return memory_source(bucket_);
  }
  asio::io_context& context() override { return context_; }
  testing::SimulatedClock* clock() override { return &clock_; }
  void cut_next_body(std::string key, std::uint64_t offset) override { bucket_->cut(std::move(key), offset); }
  void fail_next_listing() override { bucket_->fail_list(1, {ErrorKind::kUnavailable, "503 SlowDown"}); }

 private:
  asio::io_context context_{1};
  testing::SimulatedClock clock_;
  std::shared_ptr<MemoryBucket> bucket_;
};

std::unique_ptr<contract::SourceHarness> make_harness() { return std::make_unique<MemoryHarness>(); }

}  // namespace

namespace contract {
INSTANTIATE_TEST_SUITE_P(Memory, ObjectSourceContract, Values(SourceRoom{"memory", make_harness}), room_name);
INSTANTIATE_TEST_SUITE_P(Memory, ObjectSourceFaultContract, Values(SourceRoom{"memory", make_harness}), room_name);
}  // namespace contract

namespace {

class MemoryBucketTest : public ::testing::Test {
 protected:
  Result<std::string> read(std::string key, std::uint64_t offset = 0) {
    auto reader = testing::run(source_->open(ObjectKey{std::move(key)}, std::nullopt, offset), &clock_);
    if (!reader) return fail(std::move(reader).error());
    return testing::run(contract::drain(reader->get(), 4), &clock_);
  }

  testing::SimulatedClock clock_;
  std::shared_ptr<MemoryBucket> bucket_ = std::make_shared<MemoryBucket>(&clock_, 2);
  std::unique_ptr<ObjectSource> source_ = memory_source(bucket_);
};

TEST_F(MemoryBucketTest, TagsObjectsAsS3Does) {
  EXPECT_EQ(bucket_->put("a", "hello").etag.str(), "\"5d41402abc4b2a76b9719d911017c592\"");
  PutOptions parts;
  parts.part_size = 1024;
  const auto version = bucket_->put("b", std::string(1024, 'A') + std::string(100, 'B'), parts);
  EXPECT_EQ(version.etag.str(), "\"0561a0fc7fa0356324d20074221dd473-2\"");
}

TEST_F(MemoryBucketTest, DatesVersionsByItsClockInWholeSeconds) {
  clock_.set_wall(WallTime{std::chrono::milliseconds{1'700'000'000'900}});
  EXPECT_EQ(bucket_->put("a", "x").modified, Seconds{std::chrono::seconds{1'700'000'000}});
}

TEST_F(MemoryBucketTest, RefusesAnArchivedObject) {
  PutOptions archived;
  archived.storage_class = "GLACIER";
  bucket_->put("a", "x", archived);
  EXPECT_EQ(read("a").error().kind, ErrorKind::kArchived);
  EXPECT_TRUE(testing::run(source_->stat(ObjectKey{"a"}), &clock_));
}

TEST_F(MemoryBucketTest, FailsTheNthListRequestOnly) {
  for (const char* key : {"a", "b", "c"}) bucket_->put(key, "x");
  bucket_->fail_list(2, {ErrorKind::kUnavailable, "503"});
  const auto first = testing::run(source_->list("", std::nullopt), &clock_);
  ASSERT_TRUE(first);
  EXPECT_FALSE(testing::run(source_->list("", first->next), &clock_));
  EXPECT_TRUE(testing::run(source_->list("", first->next), &clock_));
  EXPECT_EQ(bucket_->counts().lists, 3);
}

TEST_F(MemoryBucketTest, CutsOnceAndGoesOnFromThere) {
  bucket_->put("a", "0123456789");
  bucket_->cut("a", 6);
  EXPECT_EQ(read("a").error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(read("a", 6).value(), "6789");
}

TEST_F(MemoryBucketTest, FlipsExactlyOneByte) {
  bucket_->put("a", "0000000000");
  bucket_->flip("a", 5);
  EXPECT_EQ(read("a").value(), "0000010000");
  EXPECT_EQ(read("a").value(), "0000000000");
}

TEST_F(MemoryBucketTest, ReplacesWhileAReaderGoesOnWithTheOldVersion) {
  bucket_->put("a", "0123456789");
  bucket_->when_read("a", 6, [this] { bucket_->put("a", "new"); });
  EXPECT_EQ(read("a").value(), "0123456789");
  EXPECT_EQ(read("a").value(), "new");
}

TEST_F(MemoryBucketTest, RunsAnActionBeforeItSaysComplete) {
  bucket_->put("a", "0123");
  bool ran = false;
  bucket_->when_read("a", 4, [&ran] { ran = true; });
  EXPECT_EQ(read("a").value(), "0123");
  EXPECT_TRUE(ran);
}

TEST_F(MemoryBucketTest, DeniesUntilHealed) {
  bucket_->put("a", "x");
  bucket_->deny("a");
  EXPECT_EQ(read("a").error().kind, ErrorKind::kDenied);
  EXPECT_EQ(read("a").error().kind, ErrorKind::kDenied);
  bucket_->heal();
  EXPECT_EQ(read("a").value(), "x");
  EXPECT_EQ(bucket_->counts().opens, 3);
}

TEST_F(MemoryBucketTest, ListsASizeThatTheObjectDoesNotHave) {
  bucket_->put("a", "x");
  bucket_->list_size("a", 6'000'000'000'000);
  const auto page = testing::run(source_->list("", std::nullopt), &clock_);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->entries.at(0).size, 6'000'000'000'000);
  EXPECT_EQ(bucket_->at("a")->size, 1);
}

}  // namespace
}  // namespace ferry
