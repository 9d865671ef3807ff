// Publisher, migrators, Redis and a broker as processes of their own, and what happens when one of them dies.

#include "tests/system/service.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>

#include "kit/base/hash.hpp"
#include "tests/system/integrity_matrix.hpp"

namespace ferry::system_test {
namespace {

using ::testing::HasSubstr;

TEST_F(Service, BringsWhatIsThereAndThenJustWhatChanges_F004) {
  start_service();
  put_many(50);
  start_publisher();
  start_migrator();
  expect_all_there();
  source_->put("k7", "A");
  scan();
  expect_all_there();
  source_->put("k7", "B");
  scan();
  expect_all_there();
  source_->put("k7", "A");
  scan();
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{10}));
  for (const auto& [key, count] : commits_by_key()) EXPECT_LE(count, key == "k7" ? 4 : 1) << key;
}

TEST_F(Service, BringsEveryKindOfProofOnItsRungAlsoWhereAByteWasFlipped_F013_F014_F015_F016) {
  start_service(matrix_arguments());
  const auto objects = put_matrix(source_.get());
  for (const auto& one : objects) {
    if (!one.readable()) continue;
    sandbox_->fault(
        {{"service", "s3"}, {"op", "GetObject"}, {"key", one.key}, {"times", 1}, {"action", {{"flip_byte", 300'500}}}});
  }
  start_publisher();
  start_migrator({"--integrity", "full"});
  const auto arrived = [&](const MatrixObject& one) {
    return !one.readable() || rung_at(target_.get(), one.key) == one.full;
  };
  EXPECT_TRUE(eventually([&] { return std::ranges::all_of(objects, arrived); }, Duration{60}));
  for (const auto& one : objects) {
    EXPECT_TRUE(arrived(one)) << one.key;
    if (one.readable()) EXPECT_TRUE(target_->get(one.key) == one.bytes) << one.key;
  }
  const auto counted = [&] {  // migrators say so from time to time
    const auto rungs = api_json("GET", "/status").at("rungs").as_object();
    const auto* found = rungs.if_contains("crc32c-parts");
    return found && *found == 2;
  };
  EXPECT_TRUE(eventually(counted, Duration{20}));
  EXPECT_EQ(target_->get("customer-key"), std::nullopt);
}

TEST_F(Service, ABodyCutShortOfTheListedSizeGoesToTheLedgerAndNeverBecomesVisible_F011) {
  start_service(matrix_arguments());
  const auto objects = put_matrix(source_.get());
  for (const auto& one : objects) target_->put(one.key, "the older good copy");
  sandbox_->fault(
      {{"service", "s3"}, {"op", "GetObject"}, {"action", {{"truncate_to", 400'000}, {"fix_length", true}}}});
  start_publisher({"--on-foreign", "overwrite"});
  start_migrator({"--on-foreign", "overwrite"});
  const auto failed = [&] { return api_json("GET", "/status").at("failed").to_number<std::size_t>(); };
  EXPECT_TRUE(eventually([&] { return failed() == objects.size(); }, Duration{120})) << failed();
  std::map<std::string, std::string> reasons;
  const auto ledger = api_json("GET", "/failures?limit=1000");
  for (const auto& entry : ledger.at("failures").as_array()) {
    reasons[boost::json::value_to<std::string>(entry.at("key"))] =
        boost::json::value_to<std::string>(entry.at("reason"));
  }
  for (const auto& one : objects) {
    EXPECT_EQ(reasons[one.key], one.readable() ? "integrity" : "denied") << one.key;
    EXPECT_EQ(target_->get(one.key), "the older good copy") << one.key;
  }
}

TEST_F(Service, WhatChangesInMidReadArrivesAsOneOfItsVersions_F002_F003) {
  start_service(matrix_arguments());
  const auto objects = put_matrix(source_.get());
  for (const auto& one : objects) {
    sandbox_->fault({{"service", "s3"},
                     {"op", "GetObject"},
                     {"key", one.key},
                     {"times", 1},
                     {"action", {{"replace_object_at_byte", {{"n", 200'000}, {"body", "the newer version"}}}}}});
  }
  start_publisher();
  start_migrator({"--integrity", "full"});
  const auto settled = [&] {
    const auto status = api_json("GET", "/status");
    std::size_t sum = 0;
    for (const auto* name : {"copied", "superseded", "failed"}) sum += status.at(name).to_number<std::size_t>();
    return sum >= objects.size();
  };
  EXPECT_TRUE(eventually(settled, Duration{60}));
  for (const auto& one : objects) {
    const auto there = target_->get(one.key);
    EXPECT_TRUE(!there || *there == one.bytes || *there == "the newer version") << one.key;
  }
  scan();
  const auto newest = [&](const MatrixObject& one) {
    return !one.readable() || target_->get(one.key) == "the newer version";
  };
  EXPECT_TRUE(eventually([&] { return std::ranges::all_of(objects, newest); }, Duration{60}));
  for (const auto& one : objects) EXPECT_TRUE(newest(one)) << one.key;
}

TEST_F(Service, AKilledMigratorAndAFlushedRedisLoseNothing_F105_F123) {
  start_synthetic_service(3'000, kKiB, {"--latency", "5"});
  start_publisher({"--republish-after", "5s"});
  auto* const victim = start_migrator({"--lease", "10", "--transfers", "32"});
  start_migrator({"--lease", "10", "--transfers", "32"});
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("gcs", "InsertMultipart") > 500; }, Duration{60}));
  victim->signal(SIGKILL);
  redis_->kill();
  redis_->start();
  scan();
  expect_all_there(90);
  EXPECT_EQ(target_->list().size(), 3'000u);
}

TEST_F(Service, WaitsForRedisAndSaysSo_F102) {
  start_service();
  put_many(5);
  sandbox_->forget();
  redis_->kill();
  start_publisher();
  start_migrator();
  EXPECT_EQ(http_->send(api_, "GET", "/healthz").status, 200);
  EXPECT_EQ(http_->send(api_, "GET", "/readyz").status, 503);
  EXPECT_EQ(api("GET", "/status").status, 503);
  EXPECT_EQ(sandbox_->requests("s3"), 0u) << "nothing is scanned";
  redis_->start();
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return is_ready(api_); }, Duration{20}));
}

TEST_F(Service, RedisThatGoesAwayAndComesBackEmptyIsADelay_F105_F111) {
  start_service();
  put_many(20);
  start_publisher({"--republish-after", "3s"});
  start_migrator();
  expect_all_there();
  redis_->kill();
  put_many(20, "later");
  EXPECT_TRUE(eventually([&] { return http_->send(api_, "GET", "/readyz").status == 503; }, Duration{30}));
  EXPECT_TRUE(publisher_->running());
  EXPECT_TRUE(migrators_[0]->running());
  redis_->start();
  EXPECT_TRUE(eventually([&] { return api("POST", "/scan").status / 100 == 2; }, Duration{20}));
  expect_all_there();
  expect_one_commit_each();
}

TEST_F(Service, ARedeployedMigratorDrainsAndGivesBackWhatItCannotFinish_F129) {
  start_synthetic_service(2'000, kKiB, {"--latency", "20"});
  start_publisher();
  auto* const leaver = start_migrator({"--transfers", "20"});
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("gcs", "InsertMultipart") > 100; }, Duration{60}));
  const auto left = stop(leaver);
  EXPECT_LT(left.seconds, 60);
  start_migrator({"--transfers", "100"});
  expect_all_there();
  for (const auto& [key, count] : commits_by_key()) EXPECT_EQ(count, 1) << key << ": finished or given back, not both";
}

TEST_F(Service, TwoPublishersAreHarmless_F125) {
  start_service();
  put_many(30);
  auto other = start_role("publisher", {});
  start_publisher();
  start_migrator();
  expect_all_there();
  expect_one_commit_each();
}

TEST_F(Service, TheCacheIsReadAndForgottenByExactNames_F114_F159_F161) {
  start_service();
  const std::vector<std::string> keys{"a b", "*", "?", "[a]", "%", "x%2Fy", "line\nbreak", "a//b"};
  for (const auto& key : keys) {
    if (key.find('\n') == std::string::npos) source_->put(key, "x");
  }
  source_->put("plain", "x");
  start_publisher();
  start_migrator();
  expect_all_there();
  const auto cache = api_json("GET", "/cache");
  EXPECT_TRUE(cache.contains("published:*"));
  EXPECT_TRUE(cache.contains("consumed:a//b"));
  EXPECT_EQ(api_json("GET", "/cache/name?value=consumed:%2A").size(), 1u) << "a star is a key, not a pattern";
  EXPECT_EQ(api_json("DELETE", "/cache/name?value=published:%2A").at("deleted").to_number<int>(), 1);
  EXPECT_EQ(api("GET", "/cache/name?value=published:%2A").status, 404);
  EXPECT_TRUE(api_json("GET", "/cache").contains("published:plain"));
  EXPECT_EQ(api("GET", "/cache/type?value=%2A").status, 400);
  EXPECT_GT(api_json("DELETE", "/cache/type?value=published").at("deleted").to_number<int>(), 5);
  EXPECT_TRUE(api_json("GET", "/cache/type?value=published").empty());
  EXPECT_FALSE(api_json("GET", "/cache/type?value=consumed").empty());
  api_json("DELETE", "/cache");
  EXPECT_TRUE(api_json("GET", "/cache").empty());
  scan();
  expect_all_there();
}

TEST_F(Service, DoesNotStartWithoutCredentialsThatProtectSomething_F158) {
  start_service();
  for (const Environment& change : std::vector<Environment>{{{"SYSTEM_ADMIN_PASSWORD", ""}},
                                                            {{"SYSTEM_ADMIN_USERNAME", ""}},
                                                            {{"SYSTEM_ADMIN_PASSWORD", "short"}},
                                                            {{"SYSTEM_ADMIN_PASSWORD", "passwordpassword"}},
                                                            {{"REDIS_ADDRESS", ""}}}) {
    for (const char* role : {"publisher", "migrator"}) {
      auto environment = service_environment();
      for (const auto& [name, value] : change) environment[name] = value;
      const auto outcome = ferry({role, "s3://" + kSource, "gs://" + kTarget}, environment, Duration{20});
      EXPECT_EQ(outcome.code(), 2) << change.begin()->first << "=" << change.begin()->second << outcome.describe();
      EXPECT_EQ(outcome.ended.out, "");
      EXPECT_THAT(outcome.ended.err, ::testing::Not(HasSubstr("passwordpassword")));
    }
  }
}

TEST_F(Service, TellsNoSecret_F165_F166) {
  start_service();
  put_many(3);
  source_->put("large", std::string(20 * kMiB, 'x'));
  start_publisher({"--log-level", "debug"});
  start_migrator({"--log-level", "debug"});
  expect_all_there();
  std::string said = api("GET", "/metrics").body + api("GET", "/status").body + api("GET", "/cache").body;
  for (auto* process : {publisher_.get(), migrators_[0].get()}) {
    process->signal(SIGTERM);
    const auto ended = process->wait(Duration{40});
    said += ended.out + ended.err;
  }
  for (const std::string& secret : {std::string{kPassword}, std::string{kStateSecret}, sandbox_->account().secret_key,
                                    base64(std::string{kUser} + ":" + kPassword), std::string{"upload_id="}}) {
    EXPECT_EQ(said.find(secret), std::string::npos) << secret;
  }
}

TEST_F(Service, PauseHoldsTheWorkAndResumeGoesOn) {
  start_service();
  start_publisher();
  start_migrator();
  EXPECT_EQ(api("POST", "/pause").status / 100, 2);
  EXPECT_TRUE(eventually([&] { return migrators_[0]->err().find("work.paused") != std::string::npos; }, Duration{20}));
  put_many(10);
  scan();
  EXPECT_EQ(target_->list().size(), 0u);
  EXPECT_EQ(api("POST", "/resume").status / 100, 2);
  expect_all_there();
}

}  // namespace
}  // namespace ferry::system_test
