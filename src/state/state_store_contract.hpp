#pragma once
// What every room of the state store must prove. A room's test instantiates it:
//   INSTANTIATE_TEST_SUITE_P(Memory, StateStoreContract, ::testing::Values(StateRoom{…}), …)

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kit/async/task_group.hpp"
#include "state/state_store.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {

struct StateRoom {
  /// A fresh, empty store; what it needs goes with it.
  std::function<std::shared_ptr<StateStore>(Clock* clock)> make;
};

class StateStoreContract : public ::testing::TestWithParam<StateRoom> {
 protected:
  using Keys = std::vector<std::string>;

  void SetUp() override { store_ = GetParam().make(&clock_); }

  template <class T>
  T run(Task<T> task) {
    return testing::run(context_, std::move(task));
  }
  template <class T>
  T must(Task<Result<T>> task) {
    auto result = run(std::move(task));
    if (!result) throw std::runtime_error(result.error().what);
    return *std::move(result);
  }

  static Seconds at(int second) { return Seconds{std::chrono::seconds{1'700'000'000 + second}}; }
  static Version version(std::string tag, int second = 0) { return {ETag{std::move(tag)}, at(second), std::nullopt}; }
  static Published published(std::string key, std::string tag = "\"tag\"") {
    return {ObjectKey{std::move(key)}, version(std::move(tag)), at(1)};
  }
  static Receipt receipt(std::string key, std::int64_t generation, std::string tag = "\"tag\"") {
    return {ObjectKey{std::move(key)}, version(std::move(tag)), Generation{generation}, Rung::kMd5, 42, at(2)};
  }
  static Failure failure(std::string key) {
    return {ObjectKey{std::move(key)},
            version("\"tag\""),
            FailureReason::kDenied,
            "read: 403: grant s3:GetObject",
            3,
            at(3)};
  }
  static Checkpoint checkpoint(std::string key) {
    return {ObjectKey{std::move(key)},
            version("\"tag\""),
            "https://upload.example/session?id=1",
            8'388'608,
            {{"crc32c", "abcd"}}};
  }
  Record lookup(std::string key) { return must(store_->lookup({ObjectKey{std::move(key)}})).at(0); }
  Keys failed_keys() {
    Keys keys;
    for (const auto& one : must(store_->failures(std::nullopt, 1000)).failures) keys.push_back(one.key.str());
    return keys;
  }

  static void expect_same(const Version& a, const Version& b) {
    EXPECT_EQ(a.etag, b.etag);
    EXPECT_EQ(a.modified, b.modified);
    EXPECT_EQ(a.version_id, b.version_id);
  }
  static void expect_same(const Receipt& a, const Receipt& b) {
    EXPECT_EQ(a.key, b.key);
    expect_same(a.version, b.version);
    EXPECT_EQ(a.generation, b.generation);
    EXPECT_EQ(a.rung, b.rung);
    EXPECT_EQ(a.size, b.size);
    EXPECT_EQ(a.when, b.when);
  }
  /// Keys that somebody might mistake for syntax: SQL, globs, protocol lines, ends of text.
  static Keys awkward_keys() {
    return {"'",
            "\"",
            "a'; DROP TABLE object; --",
            "%",
            "_",
            "*?[a-z]",
            "\r\n",
            std::string("a\0b", 3),
            std::string(1, '\0'),
            "a//b",
            "..",
            "/",
            "dir/",
            " ",
            "\xff\xfe",
            "\xc3\xbc",
            "u\xcc\x88",
            "?1",
            ":key",
            std::string(1024, 'k')};
  }

  testing::SimulatedClock clock_;
  asio::io_context context_{1};
  std::shared_ptr<StateStore> store_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StateStoreContract);

TEST_P(StateStoreContract, KnowsNothingAtFirst) {
  const auto records = must(store_->lookup({ObjectKey{"a"}, ObjectKey{"b"}}));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].key.str(), "a");
  EXPECT_FALSE(records[0].published);
  EXPECT_FALSE(records[0].consumed);
  EXPECT_EQ(records[1].key.str(), "b");
  const auto page = must(store_->list(std::nullopt, 10));
  EXPECT_TRUE(page.records.empty());
  EXPECT_FALSE(page.next);
  EXPECT_TRUE(failed_keys().empty());
  EXPECT_TRUE(must(store_->checkpoints()).empty());
  EXPECT_FALSE(must(store_->load_checkpoint(ObjectKey{"a"})));
  EXPECT_TRUE(must(store_->lookup({})).empty());
}

TEST_P(StateStoreContract, RemembersWhatWasPublished) {
  auto one = published("a");
  one.version.version_id = VersionId{"v.1"};
  must(store_->mark_published({one, published("b")}));
  const auto record = lookup("a");
  ASSERT_TRUE(record.published);
  EXPECT_EQ(record.published->key.str(), "a");
  expect_same(record.published->version, one.version);
  EXPECT_EQ(record.published->when, one.when);
  EXPECT_FALSE(record.consumed);
  EXPECT_FALSE(lookup("b").published->version.version_id) << "no id is not an empty id";
}

TEST_P(StateStoreContract, ALaterPublishedMarkReplacesTheEarlierOne) {
  must(store_->mark_published({published("a", "\"old\"")}));
  must(store_->mark_published({published("a", "\"new\"")}));
  EXPECT_EQ(lookup("a").published->version.etag.str(), "\"new\"");
}

TEST_P(StateStoreContract, TakesAnEmptyBatch) {
  must(store_->mark_published({}));
  must(store_->record_failures({}));
  must(store_->clear_failures({}));
}

TEST_P(StateStoreContract, RemembersWhatWasConsumed) {
  const Receipt full{ObjectKey{"a"},
                     {ETag{"\"5d41402abc4b2a76b9719d911017c592-3\""}, at(-5), VersionId{"v.1"}},
                     Generation{1'700'000'000'000'001},
                     Rung::kParts,
                     5'497'558'138'880u,
                     at(9)};
  must(store_->record_consumed(full));
  const auto record = lookup("a");
  EXPECT_FALSE(record.published);
  ASSERT_TRUE(record.consumed);
  expect_same(*record.consumed, full);
}

TEST_P(StateStoreContract, RemembersEveryRung) {
  for (int rung = 0; rung < kRungs; ++rung) {
    auto one = receipt("key" + std::to_string(rung), 1);
    one.rung = static_cast<Rung>(rung);
    must(store_->record_consumed(one));
    EXPECT_EQ(lookup(one.key.str()).consumed->rung, one.rung);
  }
}

TEST_P(StateStoreContract, KeepsPublishedAndConsumedSideBySide) {
  must(store_->mark_published({published("a", "\"p\"")}));
  must(store_->record_consumed(receipt("a", 1, "\"c\"")));
  EXPECT_EQ(lookup("a").published->version.etag.str(), "\"p\"");
  EXPECT_EQ(lookup("a").consumed->version.etag.str(), "\"c\"");
  must(store_->mark_published({published("a", "\"p2\"")}));
  EXPECT_EQ(lookup("a").published->version.etag.str(), "\"p2\"");
  EXPECT_EQ(lookup("a").consumed->version.etag.str(), "\"c\"");
}

TEST_P(StateStoreContract, AnswersInTheOrderOfTheKeysAlsoWhenAskedTwice) {
  must(store_->record_consumed(receipt("b", 2)));
  const auto records = must(store_->lookup({ObjectKey{"b"}, ObjectKey{"a"}, ObjectKey{"b"}}));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_TRUE(records[0].consumed);
  EXPECT_FALSE(records[1].consumed);
  EXPECT_TRUE(records[2].consumed);
}

TEST_P(StateStoreContract, AHigherGenerationReplacesALowerOne) {
  must(store_->record_consumed(receipt("a", 5, "\"old\"")));
  must(store_->record_consumed(receipt("a", 6, "\"new\"")));
  EXPECT_EQ(lookup("a").consumed->version.etag.str(), "\"new\"");
}

TEST_P(StateStoreContract, ALowerGenerationChangesNothingAndIsNoError) {
  must(store_->record_consumed(receipt("a", 6, "\"new\"")));
  must(store_->record_failures({failure("a")}));
  must(store_->save_checkpoint(checkpoint("a")));
  must(store_->record_consumed(receipt("a", 5, "\"old\"")));
  EXPECT_EQ(lookup("a").consumed->version.etag.str(), "\"new\"");
  EXPECT_EQ(lookup("a").consumed->generation.value, 6);
  EXPECT_EQ(failed_keys(), (Keys{"a"})) << "the late receipt isn't about the version that failed";
  EXPECT_TRUE(must(store_->load_checkpoint(ObjectKey{"a"})));
}

TEST_P(StateStoreContract, TheSameGenerationMayBeRecordedAgain) {
  must(store_->record_consumed(receipt("a", 5, "\"tag\"")));
  must(store_->record_failures({failure("a")}));
  must(store_->record_consumed(receipt("a", 5, "\"tag\"")));
  EXPECT_TRUE(failed_keys().empty());
}

TEST_P(StateStoreContract, AReceiptClearsFailureAndCheckpointOfItsKeyOnly) {
  must(store_->record_failures({failure("a"), failure("b")}));
  must(store_->save_checkpoint(checkpoint("a")));
  must(store_->save_checkpoint(checkpoint("b")));
  must(store_->record_consumed(receipt("a", 1)));
  EXPECT_EQ(failed_keys(), (Keys{"b"}));
  EXPECT_FALSE(must(store_->load_checkpoint(ObjectKey{"a"})));
  EXPECT_TRUE(must(store_->load_checkpoint(ObjectKey{"b"})));
}

TEST_P(StateStoreContract, ListsEachRecordOnceInPages) {
  for (const char* key : {"d", "b", "e", "a", "c"}) must(store_->record_consumed(receipt(key, 1)));
  must(store_->mark_published({published("bb")}));
  must(store_->record_failures({failure("only-failed")}));
  Keys seen;
  std::optional<std::string> cursor;
  do {
    auto page = must(store_->list(cursor, 2));
    EXPECT_FALSE(page.records.empty()) << "no empty page at the end";
    for (const auto& record : page.records) seen.push_back(record.key.str());
    cursor = page.next;
  } while (cursor);
  std::ranges::sort(seen);
  EXPECT_EQ(seen, (Keys{"a", "b", "bb", "c", "d", "e"})) << "what only failed is in the ledger, not here";
}

TEST_P(StateStoreContract, ListsKeysOfAllBytes) {
  Keys keys{std::string(1, '\0'), "A", "Z", "a", std::string("a\0", 2), "a/", "aa", "\xc3\xa4", "\xff"};
  for (const auto& key : keys) must(store_->record_consumed(receipt(key, 1)));
  Keys seen;
  for (const auto& record : must(store_->list(std::nullopt, 100)).records) seen.push_back(record.key.str());
  std::ranges::sort(keys);
  std::ranges::sort(seen);
  EXPECT_EQ(seen, keys);
}

TEST_P(StateStoreContract, ForgetsTheHalfThatWasNamedOfExactlyTheseKeys) {
  must(store_->mark_published({published("a"), published("b"), published("*")}));
  must(store_->record_consumed(receipt("a", 1)));
  EXPECT_EQ(must(store_->forget(Mark::kPublished, {ObjectKey{"a"}, ObjectKey{"*"}, ObjectKey{"not-there"}})), 2u);
  EXPECT_FALSE(lookup("a").published);
  EXPECT_TRUE(lookup("a").consumed);
  EXPECT_TRUE(lookup("b").published);
  EXPECT_EQ(must(store_->forget(Mark::kConsumed, {ObjectKey{"a"}, ObjectKey{"b"}})), 1u);
  EXPECT_EQ(must(store_->list(std::nullopt, 10)).records.size(), 1u) << "of a nothing is left";
}

TEST_P(StateStoreContract, AForgottenReceiptFencesNoLonger) {
  must(store_->record_consumed(receipt("a", 5)));
  must(store_->forget(Mark::kConsumed, {ObjectKey{"a"}}));
  must(store_->record_consumed(receipt("a", 3)));
  EXPECT_EQ(lookup("a").consumed->generation.value, 3);
}

TEST_P(StateStoreContract, ForgetsAllOfOneHalf) {
  must(store_->mark_published({published("a"), published("b")}));
  must(store_->record_consumed(receipt("b", 1)));
  must(store_->record_consumed(receipt("c", 1)));
  must(store_->record_failures({failure("a")}));
  EXPECT_EQ(must(store_->forget_all(Mark::kConsumed)), 2u);
  EXPECT_FALSE(lookup("b").consumed);
  EXPECT_TRUE(lookup("b").published);
  EXPECT_EQ(must(store_->forget_all(Mark::kPublished)), 2u);
  EXPECT_TRUE(must(store_->list(std::nullopt, 10)).records.empty());
  EXPECT_EQ(failed_keys(), (Keys{"a"})) << "the ledger is no cache";
}

TEST_P(StateStoreContract, TakesKeysAsBytesAndNeverAsSyntax_F153) {
  const auto keys = awkward_keys();
  std::int64_t generation = 1;
  for (const auto& key : keys) {
    must(store_->mark_published({published(key)}));
    must(store_->record_consumed(receipt(key, generation++, key)));
    must(store_->record_failures({failure(key)}));
    must(store_->save_checkpoint(checkpoint(key)));
  }
  generation = 1;
  for (const auto& key : keys) {
    const auto record = lookup(key);
    ASSERT_TRUE(record.consumed);
    EXPECT_TRUE(record.published);
    EXPECT_EQ(record.consumed->generation.value, generation++) << "each key has its own entry";
    EXPECT_EQ(record.consumed->version.etag.str(), key);
    EXPECT_EQ(must(store_->load_checkpoint(ObjectKey{key}))->key.str(), key);
  }
  EXPECT_EQ(must(store_->list(std::nullopt, 1000)).records.size(), keys.size());
  EXPECT_EQ(failed_keys().size(), keys.size());
  must(store_->clear_failures({ObjectKey{"%"}, ObjectKey{"*?[a-z]"}}));
  EXPECT_EQ(failed_keys().size(), keys.size() - 2) << "no glob, no pattern";
}

TEST_P(StateStoreContract, RemembersFailuresWithAllTheirFields) {
  Failure full = failure("a");
  full.version->version_id = VersionId{"v.1"};
  full.what = "read a: \xc3\xbc 'quoted'\n";
  full.attempts = 4'000'000'000u;
  Failure bare = failure("b");
  bare.version.reset();
  must(store_->record_failures({full, bare}));
  const auto page = must(store_->failures(std::nullopt, 10));
  ASSERT_EQ(page.failures.size(), 2u);
  EXPECT_FALSE(page.next);
  const auto& got = page.failures[0];
  EXPECT_EQ(got.key.str(), "a");
  ASSERT_TRUE(got.version);
  expect_same(*got.version, *full.version);
  EXPECT_EQ(got.reason, full.reason);
  EXPECT_EQ(got.what, full.what);
  EXPECT_EQ(got.attempts, full.attempts);
  EXPECT_EQ(got.when, full.when);
  EXPECT_FALSE(page.failures[1].version);
}

TEST_P(StateStoreContract, RemembersEveryReason) {
  for (int reason = 0; reason <= static_cast<int>(FailureReason::kUnavailable); ++reason) {
    auto one = failure("key");
    one.reason = static_cast<FailureReason>(reason);
    must(store_->record_failures({one}));
    EXPECT_EQ(must(store_->failures(std::nullopt, 10)).failures.at(0).reason, one.reason);
  }
}

TEST_P(StateStoreContract, ALaterFailureReplacesTheEarlierOne) {
  must(store_->record_failures({failure("a")}));
  auto later = failure("a");
  later.version.reset();
  later.reason = FailureReason::kArchived;
  must(store_->record_failures({later}));
  const auto page = must(store_->failures(std::nullopt, 10));
  ASSERT_EQ(page.failures.size(), 1u);
  EXPECT_EQ(page.failures[0].reason, FailureReason::kArchived);
  EXPECT_FALSE(page.failures[0].version) << "whole entries are replaced, not fields";
}

TEST_P(StateStoreContract, ListsFailuresInPagesByKey) {
  must(store_->record_failures({failure("c"), failure("a"), failure("b")}));
  const auto first = must(store_->failures(std::nullopt, 2));
  ASSERT_EQ(first.failures.size(), 2u);
  EXPECT_EQ(first.failures[0].key.str(), "a");
  ASSERT_TRUE(first.next);
  const auto second = must(store_->failures(first.next, 2));
  ASSERT_EQ(second.failures.size(), 1u);
  EXPECT_EQ(second.failures[0].key.str(), "c");
  EXPECT_FALSE(second.next);
}

TEST_P(StateStoreContract, ClearsAndCountsFailures) {
  EXPECT_EQ(must(store_->failure_count()), 0u);
  must(store_->record_failures({failure("a"), failure("b")}));
  must(store_->record_failures({failure("b")}));
  EXPECT_EQ(must(store_->failure_count()), 2u);
  must(store_->clear_failures({ObjectKey{"a"}, ObjectKey{"never-there"}}));
  EXPECT_EQ(must(store_->failure_count()), 1u);
  EXPECT_EQ(failed_keys(), (Keys{"b"}));
}

TEST_P(StateStoreContract, RemembersCheckpointsWithAllTheirFields) {
  Checkpoint full = checkpoint("a");
  full.version.version_id = VersionId{"v.1"};
  full.offset = 5'497'558'138'880u;
  full.hashes = {{"crc32c", std::string("\0\xff\n'", 4)}, {"crc64nvme", ""}, {"", "x"}};
  must(store_->save_checkpoint(full));
  const auto got = must(store_->load_checkpoint(ObjectKey{"a"}));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->key.str(), "a");
  expect_same(got->version, full.version);
  EXPECT_EQ(got->session, full.session);
  EXPECT_EQ(got->offset, full.offset);
  EXPECT_EQ(got->hashes, full.hashes);
}

TEST_P(StateStoreContract, ALaterCheckpointReplacesTheEarlierOne) {
  must(store_->save_checkpoint(checkpoint("a")));
  auto later = checkpoint("a");
  later.offset = 16'777'216;
  later.hashes.clear();
  must(store_->save_checkpoint(later));
  const auto got = must(store_->load_checkpoint(ObjectKey{"a"}));
  EXPECT_EQ(got->offset, later.offset);
  EXPECT_TRUE(got->hashes.empty());
  EXPECT_EQ(must(store_->checkpoints()).size(), 1u);
}

TEST_P(StateStoreContract, DropsCheckpoints) {
  must(store_->save_checkpoint(checkpoint("a")));
  must(store_->save_checkpoint(checkpoint("b")));
  must(store_->drop_checkpoint(ObjectKey{"a"}));
  must(store_->drop_checkpoint(ObjectKey{"never-there"}));
  EXPECT_FALSE(must(store_->load_checkpoint(ObjectKey{"a"})));
  const auto left = must(store_->checkpoints());
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].key.str(), "b");
}

TEST_P(StateStoreContract, ResumesEachCallerOnItsOwnThread) {
  constexpr int kThreads = 3;
  constexpr int kEach = 200;
  auto record_many = [](StateStore* store, int thread) -> Task<> {
    const auto self = std::this_thread::get_id();
    for (int i = 0; i < kEach; ++i) {
      const auto recorded = co_await store->record_consumed(receipt(std::to_string(thread * kEach + i), i + 1));
      EXPECT_TRUE(recorded);
      EXPECT_EQ(std::this_thread::get_id(), self);
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread, record_many] { testing::run(record_many(store_.get(), thread)); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(must(store_->list(std::nullopt, 10'000)).records.size(), std::size_t{kThreads * kEach});
}

TEST_P(StateStoreContract, SurvivesCallersThatAreCancelled) {
  TaskGroup group{context_.get_executor()};
  auto record = [](StateStore* store, int number) -> Task<> {
    const auto recorded = co_await store->record_consumed(receipt(std::to_string(number), 1));
    EXPECT_TRUE(recorded);
  };
  for (int number = 0; number < 50; ++number) group.spawn(record(store_.get(), number));
  auto start_and_cancel = [](TaskGroup* tasks, StateStore* store) -> Task<> {
    const auto first = co_await store->lookup({ObjectKey{"0"}});
    EXPECT_TRUE(first);
    tasks->cancel();
    co_await tasks->join();
  };
  run(start_and_cancel(&group, store_.get()));
  must(store_->record_consumed(receipt("after", 1)));
  EXPECT_TRUE(lookup("after").consumed);
}

}  // namespace ferry
