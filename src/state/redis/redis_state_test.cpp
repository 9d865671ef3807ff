#include "state/redis/redis_state.hpp"

#include <gmock/gmock.h>

#include <set>

#include "kit/base/hash.hpp"
#include "state/redis/redis_test.hpp"
#include "state/shared_board_contract.hpp"
#include "state/state_store_contract.hpp"

namespace ferry::redis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::shared_ptr<StateStore> fresh_store(Clock*) {
  return open_state(client_for(shared_server().address()), fresh_job(), with_secret(), system_rng());
}
std::shared_ptr<SharedBoard> fresh_board(Clock*) {
  return open_board(client_for(shared_server().address()), fresh_job(), system_rng());
}
void pass_time(testing::SimulatedClock*, Milliseconds duration) { pause(duration); }

INSTANTIATE_TEST_SUITE_P(RedisState, StateStoreContract, ::testing::Values(StateRoom{&fresh_store}),
                         [](const auto&) { return "Redis"; });
INSTANTIATE_TEST_SUITE_P(RedisBoard, SharedBoardContract, ::testing::Values(BoardRoom{&fresh_board, &pass_time}),
                         [](const auto&) { return "Redis"; });

class RedisState : public RedisRoom {
 protected:
  void SetUp() override { connect(); }

  std::vector<Record> list_all(std::size_t limit) {
    std::vector<Record> all;
    std::optional<std::string> cursor;
    do {
      auto page = must(store_->list(cursor, limit));
      EXPECT_LE(page.records.size(), limit);
      for (auto& record : page.records) all.push_back(std::move(record));
      cursor = page.next;
    } while (cursor);
    return all;
  }
  void fill(int count) {
    std::vector<Published> all;
    for (int i = 0; i < count; ++i) all.push_back(published("key-" + std::to_string(i)));
    must(store_->mark_published(std::move(all)));
  }

  Cli cli_{server_.port()};
};

TEST_F(RedisState, RemembersBeyondTheProcess) {
  must(store_->record_consumed(receipt("a", 7)));
  must(store_->save_checkpoint(checkpoint("b")));
  connect();
  EXPECT_EQ(lookup("a").consumed->generation.value, 7);
  EXPECT_EQ(must(store_->load_checkpoint(ObjectKey{"b"}))->session, checkpoint("b").session);
}

TEST_F(RedisState, KeepsOneVersionForBothHalvesInTheSameBytesAsItIsReadInByUs) {
  must(store_->mark_published({published("a")}));
  must(store_->record_consumed(receipt("a")));
  EXPECT_EQ(cli_.number({"HSTRLEN", bucket_of(&cli_, "a"), "a"}), 1 + 21 + 4 + 13 + 1);
  EXPECT_EQ(cli_.run({"OBJECT", "ENCODING", bucket_of(&cli_, "a")}), "listpack");
}

TEST_F(RedisState, TakesAThousandKeysInOneCall) {
  fill(1000);
  std::vector<ObjectKey> keys;
  for (int i = 999; i >= 0; --i) keys.emplace_back("key-" + std::to_string(i));
  const auto records = must(store_->lookup(keys));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_TRUE(records[i].published);
    EXPECT_EQ(records[i].key, keys[i]);
  }
  EXPECT_EQ(must(store_->forget(Mark::kPublished, std::move(keys))), 1000u);
  EXPECT_TRUE(list_all(100).empty());
  EXPECT_EQ(cli_.lines({"KEYS", "*"}), (std::vector{key("layout")})) << "nothing is left behind";
}

TEST_F(RedisState, ListsBigBucketsInBoundedPagesAndEachRecordOnce) {
  StateOptions few;
  few.expected_objects = 1;
  store_ = open_state(client_, job_, few, system_rng());
  constexpr int kCount = 20'000;  // some eighty for each of 256 buckets
  std::vector<Published> all;
  for (int i = 0; i < kCount; ++i) all.push_back(published("key-" + std::to_string(i)));
  must(store_->mark_published(std::move(all)));
  const auto big = bucket_of(&cli_, "key-0");
  for (int i = 0; i < 3000; ++i) {  // one of them is far over what is read at once
    cli_.run({"HSET", big, "more-" + std::to_string(i), cli_.run({"HGET", big, "key-0"})});
  }
  std::set<std::string> seen;
  for (const auto& record : list_all(700)) EXPECT_TRUE(seen.insert(record.key.str()).second) << record.key.str();
  EXPECT_EQ(seen.size(), kCount + 3000u);
  EXPECT_EQ(must(store_->forget_all(Mark::kConsumed)), 0u);
}

TEST_F(RedisState, ForgetsBigBucketsToo_F161) {
  fill(10);
  const auto big = bucket_of(&cli_, "key-0");
  for (int i = 0; i < 3000; ++i) cli_.run({"HSET", big, "more-" + std::to_string(i), cli_.run({"HGET", big, "key-0"})});
  // The strangers in this bucket are ours by name, though no lookup would ever look for them here.
  EXPECT_GE(must(store_->forget_all(Mark::kPublished)), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(lookup("key-" + std::to_string(i)).published);
}

TEST_F(RedisState, GoesOnListingWhereItWasWhileOthersForget) {
  fill(3000);
  std::set<std::string> seen;
  std::optional<std::string> cursor;
  int gone = 0;
  do {
    const auto page = must(store_->list(cursor, 50));
    for (const auto& record : page.records) seen.insert(record.key.str());
    cursor = page.next;
    must(store_->forget(Mark::kPublished, {page.records.front().key}));
    ++gone;
  } while (cursor);
  EXPECT_EQ(seen.size(), 3000u) << "what stays is not passed over when something before it goes";
  EXPECT_EQ(list_all(1000).size(), 3000u - static_cast<unsigned>(gone));
}

TEST_F(RedisState, RefusesCursorsOfSomebodyElse) {
  for (const char* wrong :
       {"", "x", "16384.0.0", "16384.0.0.zz", "16384.32768.0.", "256.0.0.", "16384.-1.0.", "....."}) {
    const auto page = run(store_->list(wrong, 10));
    ASSERT_FALSE(page) << wrong;
    EXPECT_EQ(page.error().kind, ErrorKind::kInvalid);
  }
}

TEST_F(RedisState, LongKeysDoNotSpoilTheCompactFormOfOthers) {
  fill(2000);
  must(store_->mark_published({published(std::string(1024, 'k')), published(std::string(65, 'k'))}));
  EXPECT_TRUE(lookup(std::string(1024, 'k')).published);
  EXPECT_EQ(list_all(100).size(), 2002u);
  for (int i = 0; i < 2000; i += 100) {
    EXPECT_EQ(cli_.run({"OBJECT", "ENCODING", bucket_of(&cli_, "key-" + std::to_string(i))}), "listpack");
  }
}

TEST_F(RedisState, WhoOnlyReadsFindsTheLayoutToo) {
  fill(100);
  StateOptions many;
  many.expected_objects = 100'000'000;
  const auto lists = open_state(client_, job_, many, system_rng());
  EXPECT_EQ(must(lists->list(std::nullopt, 1000)).records.size(), 100u);
  const auto looks_up = open_state(client_, job_, many, system_rng());
  EXPECT_TRUE(must(looks_up->lookup({ObjectKey{"key-1"}})).at(0).published);
  const auto forgets = open_state(client_, job_, many, system_rng());
  EXPECT_EQ(must(forgets->forget_all(Mark::kPublished)), 100u);
}

TEST_F(RedisState, TheFirstWriterOfAJobChoosesItsLayoutForAll) {
  StateOptions many;
  many.expected_objects = 100'000'000;
  const auto other = open_state(client_, job_, many, system_rng());
  fill(100);
  must(other->record_consumed(receipt("key-0", 5)));
  EXPECT_TRUE(must(other->lookup({ObjectKey{"key-1"}})).at(0).published) << "adopted by the first write";
  must(store_->record_consumed(receipt("key-0", 4)));
  EXPECT_EQ(lookup("key-0").consumed->generation.value, 5) << "one record, one fence";
  EXPECT_EQ(cli_.run({"GET", key("layout")}), "1:16384");
}

TEST_F(RedisState, FlushedInTheMiddleItKnowsNothingAndGoesOn_F105) {
  fill(100);
  must(store_->record_consumed(receipt("key-0", 5)));
  must(store_->record_failures({failure("f")}));
  cli_.run({"FLUSHALL"});
  EXPECT_FALSE(lookup("key-0").consumed);
  EXPECT_TRUE(must(store_->failures(std::nullopt, 10)).failures.empty());
  EXPECT_TRUE(list_all(10).empty());
  fill(1);
  must(store_->record_consumed(receipt("key-0", 3)));
  EXPECT_TRUE(lookup("key-0").published);
  EXPECT_EQ(lookup("key-0").consumed->generation.value, 3);
  EXPECT_EQ(cli_.run({"GET", key("layout")}), "1:16384") << "others will find the same layout";
}

TEST_F(RedisState, ARolledBackRecordIsFencedByWhatItHoldsThen_F106) {
  must(store_->record_consumed(receipt("a", 5)));
  const auto bucket = bucket_of(&cli_, "a");
  const auto dump = cli_.run({"HGET", bucket, "a"});
  must(store_->record_consumed(receipt("a", 9)));
  cli_.run({"HSET", bucket, "a", dump});
  EXPECT_EQ(lookup("a").consumed->generation.value, 5);
  must(store_->record_consumed(receipt("a", 4)));
  EXPECT_EQ(lookup("a").consumed->generation.value, 5);
  must(store_->record_consumed(receipt("a", 8)));
  EXPECT_EQ(lookup("a").consumed->generation.value, 8);
}

TEST_F(RedisState, KeepsBothHalvesOfAnObjectInAtMost124BytesAtKeysOf60) {
  constexpr int kCount = 62'500;  // a sixteenth of a million, in a sixteenth of its buckets
  StateOptions options;
  options.expected_objects = kCount;
  store_ = open_state(client_, job_, options, system_rng());
  const auto key_of = [](int i) {
    const auto number = std::to_string(i);
    return std::string(60 - number.size(), 'k') + number;
  };
  const auto version = [](int i) {
    auto digits = hex(big_endian(std::uint64_t{0x9e3779b97f4a7c15} * static_cast<unsigned>(i + 1)));
    auto tag = version_of();
    tag.etag = ETag{"\"" + digits + digits + "\""};
    return tag;
  };
  const auto used = [this] {  // what buffers of connections hold at the moment is nobody's object
    const auto info = cli_.run({"INFO", "memory"});
    const auto number = [&info](const std::string& name) {
      return std::stoll(info.substr(info.find("\n" + name + ":") + name.size() + 2));
    };
    return number("used_memory") - number("mem_clients_normal");
  };
  const auto before = used();
  std::vector<Published> all;
  for (int i = 0; i < kCount; ++i) all.push_back({ObjectKey{key_of(i)}, version(i), published("").when});
  must(store_->mark_published(std::move(all)));
  const auto record_some = [](StateStore* store, std::vector<Receipt> receipts) -> Task<> {
    for (auto& one : receipts) {
      const auto recorded = co_await store->record_consumed(std::move(one));
      EXPECT_TRUE(recorded);
    }
  };
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  for (int first = 0; first < kCount; first += 1000) {
    std::vector<Receipt> receipts;
    for (int i = first; i < std::min(first + 1000, kCount); ++i) {
      receipts.push_back({ObjectKey{key_of(i)}, version(i), Generation{1'700'000'000'000'000 + i}, Rung::kMd5,
                          static_cast<std::uint64_t>(i) * 1000, receipt("").when});
    }
    group.spawn(record_some(store_.get(), std::move(receipts)));
  }
  testing::run(context, group.join());
  const auto bytes = static_cast<double>(used() - before) / kCount;
  RecordProperty("bytes_per_object", std::to_string(bytes));
  EXPECT_LE(bytes, 124.0);
  EXPECT_GE(bytes, 100.0) << "or it was not all there";
}

// ---- values that are not ours (F112)

TEST_F(RedisState, TakesAGarbageRecordAsAbsentAndWritesItAnew_F112) {
  for (const std::string& garbage :
       {std::string{}, std::string{"garbage"}, std::string{"\7\0\0", 3}, std::string(5000, '\1'), std::string{"\2\xff"},
        std::string{"\1\xff\xff\xff\xff\xff\xff\xff"}}) {
    fill(3);
    cli_.run({"HSET", bucket_of(&cli_, "key-0"), "key-0", garbage});
    EXPECT_FALSE(lookup("key-0").published);
    EXPECT_EQ(list_all(10).size(), 2u) << "a listing does not fail as a whole";
    must(store_->record_consumed(receipt("key-0", 3)));
    EXPECT_EQ(lookup("key-0").consumed->generation.value, 3);
    must(store_->forget_all(Mark::kConsumed));
    cli_.run({"HSET", bucket_of(&cli_, "key-1"), "key-1", garbage});
    must(store_->mark_published({published("key-1")}));
    EXPECT_TRUE(lookup("key-1").published);
  }
}

TEST_F(RedisState, TakesABucketOfAnotherTypeAsEmptyAndWritesItAnew_F112) {
  for (const char* command : {"SET", "LPUSH", "SADD"}) {
    fill(3);
    const auto bucket = bucket_of(&cli_, "key-0");
    cli_.run({"DEL", bucket});
    cli_.run({command, bucket, "garbage"});
    EXPECT_FALSE(lookup("key-0").published);
    EXPECT_EQ(list_all(10).size(), 2u);
    must(store_->mark_published({published("key-0")}));
    EXPECT_TRUE(lookup("key-0").published) << command;
  }
}

TEST_F(RedisState, WritesEveryOtherValueOfAnotherTypeAnew_F112) {
  for (const char* command : {"SET", "LPUSH", "SADD", "HSET"}) {
    const auto spoil = [&](const std::string& name) {
      cli_.run({"DEL", key(name)});
      std::vector<std::string> arguments{command, key(name), "garbage"};
      if (arguments[0] == "HSET") arguments.emplace_back("garbage");
      cli_.run(arguments);
    };
    SCOPED_TRACE(command);
    for (const char* name : {"layout", "failures", "failure-texts", "checkpoints", "checkpoint:a", "lease:scan",
                             "fence:scan", "notes:t", "totals:t"}) {
      spoil(name);
    }
    EXPECT_TRUE(must(store_->failures(std::nullopt, 10)).failures.empty());
    EXPECT_FALSE(must(store_->load_checkpoint(ObjectKey{"a"})));
    EXPECT_TRUE(must(store_->checkpoints()).empty());
    EXPECT_TRUE(must(board_->read("t")).empty());
    EXPECT_TRUE(must(board_->totals("t")).empty());

    must(store_->record_failures({failure("a")}));
    EXPECT_EQ(must(store_->failures(std::nullopt, 10)).failures.size(), 1u);
    must(store_->save_checkpoint(checkpoint("a")));
    EXPECT_EQ(must(store_->checkpoints()).size(), 1u);
    must(store_->record_consumed(receipt("a", 1)));
    EXPECT_TRUE(must(store_->checkpoints()).empty());
    must(board_->post("t", "n", "text", Milliseconds{0}));
    EXPECT_EQ(must(board_->read("t")).size(), 1u);
    must(board_->add("t", {{"n", 2}}));
    EXPECT_EQ(must(board_->totals("t")).at("n"), 2);
    EXPECT_EQ(cli_.run({"GET", key("layout")}), "1:16384");
  }
}

TEST_F(RedisState, ALeaseThatIsGarbageCanBeTakenOnceItIsGone_F112) {
  cli_.run({"LPUSH", key("lease:scan"), "garbage"});
  cli_.run({"SET", key("fence:scan"), "99999999999999999999"});
  EXPECT_TRUE(must(board_->hold_lease("scan", "a", Milliseconds{60'000})));
  EXPECT_FALSE(must(board_->hold_lease("scan", "b", Milliseconds{60'000})));
}

TEST_F(RedisState, ACounterThatIsNoNumberBeginsAnew_F112) {
  cli_.run({"HSET", key("totals:t"), "n", "garbage", "full", "9223372036854775807"});
  EXPECT_EQ(must(board_->totals("t")).size(), 1u);
  must(board_->add("t", {{"n", 2}, {"full", 1}}));
  EXPECT_EQ(must(board_->totals("t")).at("n"), 2);
  EXPECT_EQ(must(board_->totals("t")).at("full"), std::numeric_limits<std::int64_t>::max());
}

TEST_F(RedisState, PassesOverADamagedFailureAndGoesOnPaging_F112) {
  must(store_->record_failures({failure("a"), failure("b"), failure("c")}));
  cli_.run({"HSET", key("failure-texts"), "a", "garbage"});
  cli_.run({"HDEL", key("failure-texts"), "b"});
  const auto first = must(store_->failures(std::nullopt, 2));
  EXPECT_TRUE(first.failures.empty());
  ASSERT_TRUE(first.next);
  EXPECT_EQ(must(store_->failures(first.next, 2)).failures.size(), 1u);
}

// ---- neighbours

TEST_F(RedisState, TwoJobsOnOneRedisDoNotSeeEachOther_F113) {
  const auto other = open_state(client_, job_of("another-source"), with_secret(), system_rng());
  const auto other_board = open_board(client_, job_of("another-source"), system_rng());
  must(store_->mark_published({published("a")}));
  must(store_->record_consumed(receipt("a", 5)));
  must(store_->record_failures({failure("f")}));
  must(store_->save_checkpoint(checkpoint("c")));
  must(board_->add("t", {{"n", 1}}));
  EXPECT_TRUE(must(board_->hold_lease("scan", "a", Milliseconds{60'000})));

  EXPECT_FALSE(must(other->lookup({ObjectKey{"a"}})).at(0).consumed);
  EXPECT_TRUE(must(other->list(std::nullopt, 10)).records.empty());
  EXPECT_TRUE(must(other->failures(std::nullopt, 10)).failures.empty());
  EXPECT_TRUE(must(other->checkpoints()).empty());
  EXPECT_TRUE(must(other_board->totals("t")).empty());
  EXPECT_TRUE(must(other_board->hold_lease("scan", "b", Milliseconds{60'000})));
  must(other->record_consumed(receipt("a", 3)));
  EXPECT_EQ(must(other->forget_all(Mark::kConsumed)), 1u);
  EXPECT_EQ(lookup("a").consumed->generation.value, 5) << "each migrates its own";
}

TEST_F(RedisState, NeverTouchesTheKeysOfStrangers_F114_F161) {
  constexpr int kStrangers = 10'000;
  for (int i = 0; i < kStrangers; ++i) cli_.run({"SET", "stranger:" + std::to_string(i), "theirs"});
  for (const char* name : {"ferry", "ferry:", "ferry:{}:o:0", "ferry:{0123456789abcdef}:o:0", "o:0"}) {
    cli_.run({"HSET", name, "field", "theirs"});
  }
  fill(1000);
  must(store_->record_consumed(receipt("key-1")));
  must(store_->record_failures({failure("f")}));
  must(store_->save_checkpoint(checkpoint("c")));
  EXPECT_EQ(list_all(300).size(), 1000u);
  must(store_->forget_all(Mark::kPublished));
  must(store_->forget_all(Mark::kConsumed));
  must(store_->clear_failures({ObjectKey{"f"}}));
  must(store_->drop_checkpoint(ObjectKey{"c"}));
  EXPECT_EQ(cli_.number({"DBSIZE"}), kStrangers + 5 + 1) << "all of theirs, and our layout";
  for (int i = 0; i < kStrangers; i += 97) EXPECT_EQ(cli_.run({"GET", "stranger:" + std::to_string(i)}), "theirs");
  EXPECT_EQ(cli_.run({"HGET", "ferry:{0123456789abcdef}:o:0", "field"}), "theirs");
  const auto used = cli_.run({"INFO", "commandstats"});
  for (const char* never :
       {"cmdstat_flushall", "cmdstat_flushdb", "cmdstat_keys", "cmdstat_scan", "cmdstat_config|set"}) {
    EXPECT_THAT(used, Not(HasSubstr(never)));
  }
}

// ---- secrets

TEST_F(RedisState, AnUploadSessionIsNeverThereInClear_F168) {
  must(store_->save_checkpoint(checkpoint("object")));
  for (const auto& name : cli_.lines({"KEYS", "*"})) {
    EXPECT_THAT(name, Not(HasSubstr("canary")));
    EXPECT_THAT(cli_.run({"DUMP", name}), Not(HasSubstr("canary"))) << name;
  }
  const auto days = cli_.number({"TTL", key("checkpoint:object")}) / 86'400.0;
  EXPECT_GT(days, 6.9);
  EXPECT_LE(days, 7.0);
  EXPECT_GT(cli_.number({"TTL", key("checkpoints")}), 0) << "nor does its index stay for ever";
}

TEST_F(RedisState, WithoutASecretNoUploadSessionIsStored_F168) {
  store_ = open_state(client_, job_, {}, system_rng());
  must(store_->save_checkpoint(checkpoint("object")));
  EXPECT_FALSE(must(store_->load_checkpoint(ObjectKey{"object"})));
  EXPECT_TRUE(must(store_->checkpoints()).empty());
  must(store_->drop_checkpoint(ObjectKey{"object"}));
  EXPECT_EQ(cli_.number({"DBSIZE"}), 0);
}

TEST_F(RedisState, ASessionOfAnotherSecretIsAbsent_F168) {
  must(store_->save_checkpoint(checkpoint("object")));
  StateOptions other;
  other.secret = "another secret";
  const auto stranger = open_state(client_, job_, other, system_rng());
  EXPECT_FALSE(must(stranger->load_checkpoint(ObjectKey{"object"})));
  EXPECT_TRUE(must(stranger->checkpoints()).empty());
  cli_.run({"RENAME", key("checkpoint:object"), key("checkpoint:elsewhere")});
  EXPECT_FALSE(must(store_->load_checkpoint(ObjectKey{"elsewhere"}))) << "not to be moved to another object";
}

TEST_F(RedisState, AFenceGoesOnGrowingWhenRedisHasForgottenIt_F105) {
  const auto first = must(board_->hold_lease("scan", "a", Milliseconds{60'000}));
  cli_.run({"FLUSHALL"});
  pause(Milliseconds{2});
  const auto second = must(board_->hold_lease("scan", "b", Milliseconds{60'000}));
  ASSERT_TRUE(second);
  EXPECT_GT(*second, *first);
}

TEST_F(RedisState, TopicsWhoseNotesRanOutLeaveNothingBehind) {
  must(board_->post("workers", "one", "text", Milliseconds{20}));
  must(board_->post("mixed", "one", "text", Milliseconds{0}));
  must(board_->post("mixed", "one", "", Milliseconds{0}));
  EXPECT_TRUE(eventually([&] { return cli_.number({"DBSIZE"}) == 0; }));
}

}  // namespace
}  // namespace ferry::redis
