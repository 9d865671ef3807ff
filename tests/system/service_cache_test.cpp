// What is remembered, as people and scripts get at it: with curl over the API, and with `bucketferry cache`.

#include <gmock/gmock.h>

#include <boost/asio/this_coro.hpp>

#include "kit/async/task_group.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "state/redis/redis_state.hpp"
#include "testing/base/simulated_clock.hpp"
#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

using ::testing::HasSubstr;

constexpr Seconds kThen{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}};

class ServiceCache : public Service {
 protected:
  /// Into the job's state, as publisher (and migrator) would.
  void remember(const std::vector<std::string>& keys, bool consumed) {
    std::vector<Published> published;
    std::vector<Receipt> receipts;
    for (const auto& key : keys) {
      const auto digits = hex(make_digest(key)).substr(0, 32);
      const Version version{ETag{"\"" + digits + "\""}, kThen, std::nullopt};
      published.push_back({ObjectKey{key}, version, kThen});
      if (consumed) receipts.push_back({ObjectKey{key}, version, Generation{7}, Rung::kMd5, 17, kThen});
    }
    ASSERT_TRUE(testing::run(state()->mark_published(std::move(published))));
    testing::run(record(state(), std::move(receipts)));
  }
  Reply curl_name(const std::string& method, const std::string& name) {
    return curl({"-X", method, "-G", api_ + "/cache/name", "--data-urlencode", "value=" + name});
  }
  Outcome cache(std::vector<std::string> words, std::vector<std::string> options = {}) {
    words.insert(words.begin(), "cache");
    words.insert(words.begin() + 2, {"s3://" + kSource, "gs://" + kTarget});
    words.insert(words.end(), options.begin(), options.end());
    auto environment = service_environment();
    environment.erase("PUBSUB_EMULATOR_HOST");
    return ferry(std::move(words), environment);
  }
  /// Consumed marks.
  static std::uint64_t forgotten(const Outcome& deleted) {
    return deleted.summary.at("forgotten").at("consumed").to_number<std::uint64_t>();
  }
  void populate_strangers() { EXPECT_EQ(redis({"DEBUG", "POPULATE", "10000", "stranger"}), "OK"); }
  std::string count_strangers() { return redis({"EVAL", "return #redis.call('KEYS', 'stranger:*')", "0"}); }

 private:
  static std::string make_digest(const std::string& key) {
    const auto hash = make_hash(HashKind::kMd5);
    hash->update(key);
    return hash->digest().bytes;
  }
  static Task<> record_one(StateStore* state, Receipt receipt) {
    const auto recorded = co_await state->record_consumed(std::move(receipt));
    EXPECT_TRUE(recorded);
  }
  static Task<> record(StateStore* state, std::vector<Receipt> receipts) {
    TaskGroup group{co_await asio::this_coro::executor};
    for (auto& receipt : receipts) group.spawn(record_one(state, std::move(receipt)));
    co_await group.join();
  }
  StateStore* state() {
    if (state_) return state_.get();
    redis::ClientOptions options;
    options.address = redis_->address();
    const Job job{BucketName{kSource}, "", BucketName{kTarget}, ""};
    state_ =
        redis::open_state(redis::Client::open(options, system_clock(), system_rng()).value(), job, {}, system_rng());
    return state_.get();
  }
  std::unique_ptr<StateStore> state_;
};

TEST_F(ServiceCache, AnswersCurlByExactNames_F153_F159_F161) {
  start_service();
  const std::vector<std::string> keys{"a b", "*",    "?",    "[a]",         "%",   "%2F",
                                      "a+b", "a//b", "k\"'", "line\nbreak", "a:b", "\xc3\xa9t\xc3\xa9",
                                      "\\",  "plain"};
  remember(keys, true);
  populate_strangers();
  start_publisher();
  for (const auto& key : keys) {
    for (const std::string type : {"published:", "consumed:"}) {
      const auto reply = curl_name("GET", type + key);
      ASSERT_EQ(reply.status, 200) << key;
      const auto entries = boost::json::parse(reply.body).as_object();
      ASSERT_EQ(entries.size(), 1u) << key;
      EXPECT_EQ(entries.at(type + key).at("key"), boost::json::value(key));
    }
  }
  std::size_t left = keys.size();
  for (const auto& key : keys) {
    EXPECT_EQ(curl_name("DELETE", "published:" + key).body, "{\"deleted\":1}") << key;
    EXPECT_EQ(curl_name("GET", "published:" + key).status, 404) << key;
    EXPECT_EQ(curl_name("DELETE", "published:" + key).body, "{\"deleted\":0}") << key;
    EXPECT_EQ(api_json("GET", "/cache/type?value=published").size(), --left) << "of no other key than " << key;
  }
  EXPECT_EQ(curl({api_ + "/cache/type?value=*"}).status, 400);
  EXPECT_EQ(curl({"-X", "DELETE", api_ + "/cache/type?value=consumed"}).body,
            "{\"deleted\":" + std::to_string(keys.size()) + "}");
  EXPECT_EQ(curl({api_ + "/cache"}).body, "{}");
  EXPECT_EQ(count_strangers(), "10000");
}

TEST_F(ServiceCache, PagesAMillionEntriesWithFlatMemoryAndLeavesStrangersAlone_F114_F161_F162) {
  constexpr std::size_t kCount = 1'000'000, kBatch = 5'000;
  start_service();
  for (std::size_t first = 0; first < kCount; first += kBatch) {
    std::vector<std::string> keys;
    for (std::size_t i = first; i < first + kBatch; ++i) {
      const auto number = std::to_string(i);
      keys.push_back(std::string(60 - number.size(), 'k') + number);
    }
    remember(keys, false);
  }
  populate_strangers();
  start_publisher();
  std::size_t seen = 0;
  std::string cursor;
  do {
    const auto page =
        api("GET", "/cache/type?value=published&limit=10000" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(page.status, 200) << page.body;
    for (auto at = page.body.find("\"published:"); at != std::string::npos;
         at = page.body.find("\"published:", at + 1)) {
      ++seen;
    }
    cursor = page.headers.find("x-next-cursor").value_or("");
  } while (!cursor.empty());
  EXPECT_EQ(seen, kCount);

  EXPECT_EQ(curl({"-X", "DELETE", api_ + "/cache"}).body, "{\"deleted\":1000000}");
  EXPECT_EQ(count_strangers(), "10000");
  const auto commands = redis({"INFO", "COMMANDSTATS"});
  EXPECT_THAT(commands, ::testing::Not(HasSubstr("cmdstat_flush")));
  const auto ended = stop(publisher_.get());
  if (kMemoryIsOurs) EXPECT_LT(ended.peak_kib, 128 * 1024);
}

TEST_F(ServiceCache, IsShownAndCorrectedFromTheShell) {
  start_service();
  put_many(20);
  source_->put("a\tb *", "odd");
  start_publisher();
  start_migrator();
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{20}));
  stop(publisher_.get());
  stop(migrators_[0].get());

  EXPECT_EQ(parse_events(cache({"list"}, {"--json"}).ended.out).size(), 42u);
  EXPECT_EQ(parse_events(cache({"list"}, {"--json", "--type", "consumed"}).ended.out).size(), 21u);
  const auto shown = cache({"show", "a\tb *"}, {"--json"});
  EXPECT_EQ(shown.code(), 0) << shown.describe();
  EXPECT_THAT(shown.ended.out, HasSubstr("a\\tb *"));
  EXPECT_EQ(cache({"show", "a\tb ?"}).code(), 1);
  EXPECT_EQ(cache({"failures"}).ended.out, "");

  EXPECT_EQ(cache({"delete"}, {"--all"}).code(), 2) << "without --yes nothing is forgotten";
  EXPECT_EQ(forgotten(cache({"delete"}, {"--key", "k3", "--key", "*", "--json"})), 1u);
  EXPECT_EQ(cache({"show", "k3"}).code(), 1);
  EXPECT_EQ(forgotten(cache({"delete"}, {"--all", "--yes", "--json"})), 20u);
  EXPECT_EQ(cache({"list"}).ended.out, "");

  const auto rebuilt = cache({"rebuild-from-target"}, {"--json", "--progress", "none"});
  EXPECT_EQ(rebuilt.code(), 0) << rebuilt.describe();
  EXPECT_EQ(rebuilt.number("recorded"), 21u);
  EXPECT_EQ(parse_events(cache({"list"}, {"--json", "--type", "consumed"}).ended.out).size(), 21u);
}

}  // namespace
}  // namespace ferry::system_test
