#include "target/memory/memory_target.hpp"

#include <gtest/gtest.h>

#include "target/object_target_contract.hpp"

namespace ferry::memory {
namespace {

class MemoryHarness final : public TargetHarness {
 public:
  MemoryHarness() {
    options_.page_size = 10;
    target_ = make_target(bucket_, options_);
  }
  ObjectTarget* target() override { return target_.get(); }
  std::uint64_t whole_bytes_max() const override { return options_.whole_bytes_max; }
  std::uint64_t chunk_bytes() const override { return options_.chunk_bytes; }
  std::size_t page_size() const override { return options_.page_size; }
  Generation put(const ObjectKey& key, const std::string& bytes, const UserMetadata& metadata) override {
    return bucket_->put(key, bytes, metadata);
  }
  std::optional<std::string> bytes(const ObjectKey& key) override {
    const auto object = bucket_->object(key);
    return object ? std::optional{*object->bytes} : std::nullopt;
  }
  UserMetadata metadata(const ObjectKey& key) override { return bucket_->object(key).value().metadata; }
  ContentHeaders content(const ObjectKey& key) override { return bucket_->object(key).value().content; }
  asio::io_context* context() override { return &context_; }
  ferry::testing::SimulatedClock* clock() override { return &clock_; }

 private:
  asio::io_context context_{1};
  ferry::testing::SimulatedClock clock_;
  TargetOptions options_;
  std::shared_ptr<TargetBucket> bucket_ = std::make_shared<TargetBucket>();
  std::unique_ptr<ObjectTarget> target_;
};

std::unique_ptr<TargetHarness> make_harness() { return std::make_unique<MemoryHarness>(); }

}  // namespace
}  // namespace ferry::memory

namespace ferry {
INSTANTIATE_TEST_SUITE_P(Memory, ObjectTargetContract, ::testing::Values(TargetMaker{"memory", memory::make_harness}));
}  // namespace ferry

namespace ferry::memory {
namespace {

using ferry::testing::run;

struct Fixture {
  std::shared_ptr<TargetBucket> bucket = std::make_shared<TargetBucket>();
  std::unique_ptr<ObjectTarget> target = make_target(bucket);
  asio::io_context context{1};

  static UploadSpec spec(std::string key, std::uint64_t size) {
    UploadSpec result;
    result.key = ObjectKey{std::move(key)};
    result.size = size;
    return result;
  }
  std::unique_ptr<Upload> begin(UploadSpec what) { return run(context, target->begin(std::move(what))).value(); }
  Result<TargetObject> commit(Upload* upload, const std::string& tail, std::uint32_t checksum) {
    return run(context, upload->commit(tail, checksum));
  }
  Result<TargetObject> send_small(std::string key, const std::string& bytes) {
    const auto upload = begin(spec(std::move(key), bytes.size()));
    return commit(upload.get(), bytes, crc32c(0, bytes));
  }
};

TEST(MemoryTarget, LogsEveryCommitWithItsDigest) {
  Fixture f;
  ASSERT_TRUE(f.send_small("a", "hello"));
  f.bucket->put(ObjectKey{"b"}, "foreign");
  const auto commits = f.bucket->commits();
  ASSERT_EQ(commits.size(), 1);
  EXPECT_EQ(commits[0].sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(f.bucket->text(ObjectKey{"b"}), "foreign");
  EXPECT_EQ(f.bucket->keys().size(), 2);
}

TEST(MemoryTarget, LostAnswerHidesACommitThatHappened) {
  Fixture f;
  f.bucket->lose_answer(ObjectKey{"a"});
  const auto stored = f.send_small("a", "hello");
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(f.bucket->text(ObjectKey{"a"}), "hello");

  f.bucket->lose_answer_then_conflict(ObjectKey{"b"});
  const auto repeated = f.send_small("b", "hello");
  ASSERT_FALSE(repeated);
  EXPECT_EQ(repeated.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(f.bucket->text(ObjectKey{"b"}), "hello");
}

TEST(MemoryTarget, CutWriteKeepsWholeGranulesAndGoesOnFromThere) {
  Fixture f;
  const std::string bytes(5 * kGranuleBytes, 'x');
  f.bucket->cut_write(ObjectKey{"a"}, 3 * kGranuleBytes, kGranuleBytes + 100);
  const auto upload = f.begin(Fixture::spec("a", bytes.size()));
  const auto first = run(f.context, upload->write(std::span(bytes).first(4 * kGranuleBytes)));
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().kind, ErrorKind::kUnavailable);
  ASSERT_TRUE(run(f.context, upload->recover()));
  EXPECT_EQ(upload->offset(), kGranuleBytes);
  ASSERT_TRUE(run(f.context, upload->write(std::span(bytes).subspan(kGranuleBytes, 3 * kGranuleBytes))));
  ASSERT_TRUE(f.commit(upload.get(), bytes.substr(4 * kGranuleBytes), crc32c(0, bytes)));
  EXPECT_EQ(f.bucket->text(ObjectKey{"a"}), bytes);
}

TEST(MemoryTarget, LostSessionStartsAgainInANewOne) {
  Fixture f;
  const std::string bytes(5 * kGranuleBytes, 'x');
  const auto upload = f.begin(Fixture::spec("a", bytes.size()));
  ASSERT_TRUE(run(f.context, upload->write(std::span(bytes).first(kGranuleBytes))));
  const auto session = upload->session().value();
  f.bucket->lose_sessions(ObjectKey{"a"});
  EXPECT_EQ(f.bucket->open_sessions(), 0);
  const auto written = run(f.context, upload->write(std::span(bytes).first(1)));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(run(f.context, f.target->resume(Fixture::spec("a", bytes.size()), session)).error().kind, ErrorKind::kGone);
  ASSERT_TRUE(run(f.context, upload->recover()));
  EXPECT_EQ(upload->offset(), 0);
  EXPECT_NE(upload->session()->secret, session.secret);
}

TEST(MemoryTarget, RunsTheCallbackBetweenBytesAndPrecondition) {
  Fixture f;
  f.bucket->before_commit(ObjectKey{"a"}, [&] { f.bucket->put(ObjectKey{"a"}, "somebody was faster"); });
  const auto stored = f.send_small("a", "hello");
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(f.bucket->text(ObjectKey{"a"}), "somebody was faster");
}

TEST(MemoryTarget, PlannedFailuresHitTheirOperationAndKeyOnly) {
  Fixture f;
  f.bucket->fail_next(TargetOp::kStat, Error{ErrorKind::kDenied, "planned"}, 2, ObjectKey{"a"});
  f.bucket->deny(ObjectKey{"locked"});
  EXPECT_TRUE(run(f.context, f.target->stat(ObjectKey{"b"})));
  EXPECT_EQ(run(f.context, f.target->stat(ObjectKey{"a"})).error().kind, ErrorKind::kDenied);
  EXPECT_EQ(run(f.context, f.target->stat(ObjectKey{"a"})).error().kind, ErrorKind::kDenied);
  EXPECT_TRUE(run(f.context, f.target->stat(ObjectKey{"a"})));
  EXPECT_EQ(run(f.context, f.target->begin(Fixture::spec("locked", 1))).error().kind, ErrorKind::kDenied);
}

TEST(MemoryTarget, CorruptReplyLeavesNothingVisible) {
  Fixture f;
  f.bucket->corrupt_reply(ObjectKey{"a"});
  EXPECT_EQ(f.send_small("a", "hello").error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(f.bucket->object(ObjectKey{"a"}), std::nullopt);
  EXPECT_TRUE(f.bucket->commits().empty());
}

}  // namespace
}  // namespace ferry::memory
