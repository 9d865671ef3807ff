// What may happen to Redis under a running service: an outage is a delay, never a loss.

#include <gmock/gmock.h>

#include <csignal>
#include <sstream>

#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ServiceAndRedis : public Service {
 protected:
  /// Enough work that it is under way for some seconds.
  void start_work() {
    start_synthetic_service(3'000, kKiB, {"--latency", "10"});
    start_publisher({"--scan-interval", "2s", "--republish-after", "3s"});
    start_migrator({"--transfers", "16"});
    start_migrator({"--transfers", "16"});
    EXPECT_TRUE(eventually([&] { return sandbox_->requests("gcs", "InsertMultipart") > 300; }, Duration{60}));
  }
  void expect_processes_alive() {
    EXPECT_TRUE(publisher_->running());
    for (const auto& migrator : migrators_) EXPECT_TRUE(migrator->running());
  }
  void expect_drained(double seconds) {
    expect_all_there(seconds);
    EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{20}));
    expect_one_commit_each();
    expect_processes_alive();
  }
};

TEST_F(ServiceAndRedis, StandsStillThenForgetsEverything_F105_F111) {
  start_work();
  redis_->signal(SIGSTOP);
  const auto since = std::chrono::steady_clock::now();
  EXPECT_TRUE(
      eventually([&] { return std::chrono::steady_clock::now() - since > std::chrono::seconds{5}; }, Duration{6}));
  EXPECT_EQ(http_->send(api_, "GET", "/healthz").status, 200);
  expect_processes_alive();
  redis_->signal(SIGCONT);
  EXPECT_EQ(redis({"FLUSHALL"}), "OK");
  expect_drained(30);
}

TEST_F(ServiceAndRedis, StopsForAWhileAndComesBackEmpty_F105) {
  start_work();
  redis_->kill();
  EXPECT_TRUE(eventually([&] { return !is_ready(api_) && !is_ready(origin_of(*migrators_[0])); }, Duration{40}));
  EXPECT_EQ(api("GET", "/status").status, 503);
  redis_->start();
  expect_drained(30);
}

TEST_F(ServiceAndRedis, ComesBackWithAnOldDump_F106) {
  start_service();
  put_many(30);
  start_publisher();
  start_migrator();
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{20}));
  EXPECT_EQ(redis({"SAVE"}), "OK");
  for (int i = 0; i < 10; ++i) source_->put("k" + std::to_string(i), "newer bytes of " + std::to_string(i));
  put_many(10, "later");
  scan();
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{20}));
  redis_->kill();
  redis_->start();
  EXPECT_FALSE(api_json("GET", "/cache").contains("consumed:later3")) << "the dump is the old one";
  const auto before = sandbox_->requests("gcs", "InsertMultipart");
  EXPECT_EQ(before, 50u);
  EXPECT_TRUE(eventually([&] { return api("POST", "/scan").status / 100 == 2; }, Duration{20}));
  const auto scanned = [&] {
    const auto scans = api_json("GET", "/status").at("scans").as_array();
    return !scans.empty() && !scans[0].at("running").as_bool() && scans[0].at("listed") == 40;
  };
  EXPECT_TRUE(eventually(scanned, Duration{20}));
  source_->put("k3", "the newest bytes");
  scan();
  expect_all_there();
  EXPECT_EQ(sandbox_->requests("gcs", "InsertMultipart"), before + 1) << "just what changed";
}

TEST_F(ServiceAndRedis, IsFullAndNothingIsAckedWithoutARecord_F107) {
  start_service();
  put_many(40);
  start_migrator();
  await_migrators();
  start_publisher();
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return backlog() == 0 && broker_holds() == 0; }, Duration{20}));
  // Publishing wants marks first, so that what is on its way when Redis is full was published before.
  sandbox_->fault({{"service", "s3"}, {"op", "GetObject"}, {"times", 40}, {"action", {{"delay_ms", 2'000}}}});
  put_many(40, "later");
  scan();
  EXPECT_TRUE(eventually([&] { return broker_holds() == 40; }, Duration{20}));
  EXPECT_EQ(redis({"CONFIG", "SET", "maxmemory", "1"}), "OK");
  EXPECT_TRUE(eventually([&] { return said(*migrators_[0], "record.failed"); }, Duration{30}));
  EXPECT_THAT(migrators_[0]->err(), HasSubstr("OOM"));
  EXPECT_EQ(broker_holds(), 40u) << "nothing is acked";
  expect_processes_alive();
  EXPECT_EQ(redis({"CONFIG", "SET", "maxmemory", "0"}), "OK");
  EXPECT_TRUE(eventually([&] { return broker_holds() == 0; }, Duration{60}));
  expect_drained(30);
}

TEST_F(ServiceAndRedis, ForgetsEverythingButNotThatWorkIsPaused_F105) {
  start_service();
  start_publisher();
  start_migrator();
  await_migrators();
  EXPECT_TRUE(eventually([&] { return !api_json("GET", "/status").at("scans").as_array().empty(); }, Duration{20}));
  EXPECT_EQ(api("POST", "/pause").status, 200);
  EXPECT_TRUE(eventually([&] { return said(*migrators_[0], "work.paused"); }, Duration{20}));
  scan();
  EXPECT_EQ(redis({"FLUSHALL"}), "OK");
  put_many(5);
  EXPECT_TRUE(eventually([&] { return api_json("GET", "/status").at("paused").as_bool(); }, Duration{20}));
  EXPECT_FALSE(said(*migrators_[0], "work.resumed"));
  EXPECT_EQ(target_->list().size(), 0u);
  EXPECT_EQ(api("POST", "/resume").status, 200);
  scan();
  expect_all_there();
}

TEST_F(ServiceAndRedis, IsReadOnlyForAWhile_F109) {
  start_work();
  EXPECT_EQ(redis({"REPLICAOF", "127.0.0.1", "1"}), "OK");
  EXPECT_TRUE(eventually([&] { return said(*migrators_[0], "record.failed"); }, Duration{30}));
  expect_processes_alive();
  EXPECT_EQ(redis({"REPLICAOF", "NO", "ONE"}), "OK");
  expect_drained(60);
}

TEST_F(ServiceAndRedis, LosesItsScriptsAndConnections_F115) {
  start_work();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(redis({"SCRIPT", "FLUSH"}), "OK");
    redis({"CLIENT", "KILL", "TYPE", "normal"});
    pause_briefly();
  }
  expect_drained(60);
}

TEST_F(ServiceAndRedis, WantsAnotherPassword_F110) {
  start_service();
  put_many(3);
  EXPECT_EQ(redis({"CONFIG", "SET", "requirepass", "what-it-wants"}), "OK");
  start_publisher({}, {{"REDIS_PASSWORD", "what-we-guess"}});
  start_migrator({}, {{"REDIS_PASSWORD", "what-we-guess"}});
  for (auto* process : {publisher_.get(), migrators_[0].get()}) {
    EXPECT_TRUE(eventually([&] { return said(*process, "state.awaited"); }, Duration{20})) << process->err();
    EXPECT_THAT(process->err(), HasSubstr("refuses our user or password"));
    EXPECT_THAT(process->err(), Not(HasSubstr("what-we-guess")));
    EXPECT_FALSE(is_ready(origin_of(*process)));
  }
  EXPECT_EQ(api("GET", "/cache").status / 100, 5);
  EXPECT_EQ(redis({"-a", "what-it-wants", "CONFIG", "SET", "requirepass", "what-we-guess"}), "OK");
  expect_all_there();
  for (auto* process : {publisher_.get(), migrators_[0].get()}) {
    EXPECT_THAT(stop(process).err, Not(HasSubstr("what-we-guess")));
  }
}

TEST_F(ServiceAndRedis, HoldsGarbageUnderOurKeys_F112) {
  start_service();
  put_many(200);
  start_publisher({"--expected-objects", "1"});
  start_migrator({"--expected-objects", "1"});
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{20}));
  int spoiled = 0;
  std::istringstream keys{redis({"KEYS", "ferry:*:o:*"})};
  for (std::string key; std::getline(keys, key);) {
    if (++spoiled % 3 == 0) EXPECT_EQ(redis({"SET", key, "garbage"}), "OK");
    if (spoiled % 3 == 1) EXPECT_EQ(redis({"HSET", key, "k7", "garbage"}).size(), 1u);
  }
  EXPECT_GT(spoiled, 100);
  EXPECT_EQ(api("GET", "/cache").status, 200);
  put_many(200);
  scan();
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return api_json("GET", "/cache/type?value=consumed").size() == 200; }, Duration{20}));
}

TEST_F(ServiceAndRedis, IsSharedByTwoDeploymentsAndStrangers_F113_F114_F161) {
  start_service();
  put_many(50);
  GcsBucket other_target{http_.get(), sandbox_->gcs(), "other-bucket"};
  other_target.create();
  EXPECT_EQ(redis({"DEBUG", "POPULATE", "10000", "stranger"}), "OK");
  start_publisher();
  start_migrator();
  const auto other_role = [&](const std::string& role) {
    return start_ferry({role, "s3://" + kSource, "gs://other-bucket", "--listen", "127.0.0.1:0", "--pubsub-topic",
                        "other", "--pubsub-subscription", "other-migrators"},
                       service_environment());
  };
  const auto other_publisher = other_role("publisher"), other_migrator = other_role("migrator");
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return other_target.list().size() == 50; }, Duration{30}));
  EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{20}));
  EXPECT_EQ(api_json("GET", "/cache").size(), 100u) << "no stranger's, none of the other";
  EXPECT_EQ(api_json("DELETE", "/cache").at("deleted"), 100);
  EXPECT_EQ(redis({"EVAL", "return #redis.call('KEYS', 'stranger:*')", "0"}), "10000");
  const auto first = api_;
  api_ = origin_of(*other_publisher);
  EXPECT_EQ(api_json("GET", "/cache").size(), 100u) << "the other's cache is as it was";
  api_ = first;
  EXPECT_THAT(redis({"INFO", "COMMANDSTATS"}), Not(HasSubstr("cmdstat_flush")));
}

}  // namespace
}  // namespace ferry::system_test
