// Publishers and migrators that die, freeze or are told to end at the worst moment.

#include <gmock/gmock.h>

#include <csignal>

#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

using ::testing::HasSubstr;

class ServiceProcess : public Service {
 protected:
  std::uint64_t published() {
    const auto counters = sandbox_->counters();
    const auto* of = counters.at("pubsub").as_object().if_contains("Publish");
    return of ? of->at("messages").to_number<std::uint64_t>() : 0;
  }
  [[nodiscard]] std::size_t marks(const std::string& type) {
    return api_json("GET", "/cache/type?value=" + type).size();
  }
};

TEST_F(ServiceProcess, PublisherDiesBetweenPublishAndMarkInMidScan_F121_F122) {
  constexpr std::uint64_t kObjects = 5'000;
  start_synthetic_service(kObjects, kKiB);
  sandbox_->fault({{"service", "pubsub"}, {"op", "Publish"}, {"action", {{"code", "UNAVAILABLE"}}}});
  start_publisher();
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("pubsub", "Publish") > 0; }, Duration{20}));
  hold_redis_writes();
  sandbox_->clear_faults();
  EXPECT_TRUE(eventually([&] { return published() > 0; }, Duration{30}));
  publisher_->signal(SIGKILL);
  publisher_->wait(Duration{10});
  const auto once = published();
  EXPECT_LT(once, kObjects) << "in mid-scan";
  drop_held_writes();
  redis_writes_again();

  start_publisher();
  EXPECT_EQ(marks("published"), 0u) << "published, not marked";
  start_migrator();
  expect_all_there();
  EXPECT_EQ(published(), kObjects + once) << "all of it, again";
  EXPECT_TRUE(eventually([&] { return marks("consumed") == kObjects; }, Duration{20}));
  expect_one_commit_each();
}

TEST_F(ServiceProcess, MigratorDiesBetweenCommitAndRecord_F123) {
  start_service();
  put_many(30);
  start_migrator({"--lease", "10"});
  await_migrators();
  start_publisher();
  sandbox_->fault({{"service", "gcs"}, {"op", "InsertMultipart"}, {"action", {{"delay_ms", 1'500}}}});
  expect_all_there();
  put_many(30, "later");
  scan();
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("s3", "GetObject") > 30; }, Duration{20}));
  hold_redis_writes();
  const auto all_committed = [&] { return target_->list().size() == 60; };
  EXPECT_TRUE(eventually(all_committed, Duration{20}));
  migrators_[0]->signal(SIGKILL);
  migrators_[0]->wait(Duration{10});
  drop_held_writes();
  redis_writes_again();
  EXPECT_LT(marks("consumed"), 60u) << "committed, not recorded";

  start_migrator();
  sandbox_->broker("expire");
  EXPECT_TRUE(eventually([&] { return marks("consumed") == 60; }, Duration{30})) << migrators_[1]->err();
  expect_all_there();
  expect_one_commit_each();
}

TEST_F(ServiceProcess, MigratorDiesBetweenRecordAndAck_F123) {
  start_service();
  put_many(30);
  sandbox_->fault({{"service", "pubsub"}, {"op", "Acknowledge"}, {"action", {{"swallow", true}}}});
  start_publisher();
  start_migrator();
  EXPECT_TRUE(eventually([&] { return marks("consumed") == 30; }, Duration{30}));
  migrators_[0]->signal(SIGKILL);
  migrators_[0]->wait(Duration{10});
  sandbox_->clear_faults();
  sandbox_->broker("expire");
  start_migrator();
  EXPECT_TRUE(eventually([&] { return broker_holds() == 0; }, Duration{30}))
      << boost::json::serialize(sandbox_->broker_holdings());
  expect_all_there();
  expect_one_commit_each();
}

TEST_F(ServiceProcess, FrozenMigratorThawsAfterItsLeaseAndANewerVersionStays_F087_F128) {
  start_service();
  source_->put("slow", noise(6 * kMiB, 1));
  sandbox_->fault({{"service", "s3"}, {"op", "GetObject"}, {"times", 1}, {"action", {{"rate", 2 * kMiB}}}});
  start_publisher();
  auto* const zombie = start_migrator();
  EXPECT_TRUE(eventually([&] { return active() == 1; }, Duration{20}));
  zombie->signal(SIGSTOP);
  const auto newer = noise(3 * kMiB, 2);
  source_->put("slow", newer);
  sandbox_->broker("expire");
  start_migrator();
  scan();
  // Its stream is still open: what the broker sends there comes back when the lease ends, here sooner than in a minute.
  const auto arrived = [&] {
    sandbox_->broker("expire");
    return all_there();
  };
  EXPECT_TRUE(eventually(arrived, Duration{60}));
  zombie->signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{20}));
  stop(zombie);  // after what it was doing
  EXPECT_EQ(target_->get("slow"), newer);
  expect_one_commit_each();
}

TEST_F(ServiceProcess, FrozenMigratorsThawAtAnyMomentAndNothingShowsTwice_F128) {
  start_synthetic_service(2'000, kKiB, {"--latency", "10"});
  start_publisher();
  auto* const zombie = start_migrator({"--transfers", "32"});
  for (std::uint64_t reached = 200; reached <= 800; reached += 200) {
    EXPECT_TRUE(eventually([&] { return sandbox_->requests("gcs", "InsertMultipart") > reached; }, Duration{60}));
    zombie->signal(SIGSTOP);
    sandbox_->broker("expire");
    if (migrators_.size() == 1) start_migrator({"--transfers", "8"});
    const auto goes_on = sandbox_->requests("gcs", "InsertMultipart") + 150;
    EXPECT_TRUE(eventually([&] { return sandbox_->requests("gcs", "InsertMultipart") > goes_on; }, Duration{60}));
    zombie->signal(SIGCONT);
  }
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return marks("consumed") == 2'000; }, Duration{30}));
  expect_one_commit_each();
}

TEST_F(ServiceProcess, AHundredRequestsMakeOneMoreScan_F126) {
  start_synthetic_service(3'000, kKiB);
  sandbox_->fault({{"service", "s3"}, {"op", "ListObjectsV2"}, {"action", {{"delay_ms", 700}}}});
  start_publisher();
  const auto scans = [&] { return api_json("GET", "/status").at("scans").as_array(); };
  EXPECT_TRUE(eventually([&] { return scans().size() == 1; }, Duration{20}));
  for (int i = 0; i < 100; ++i) scan();
  sandbox_->clear_faults();
  EXPECT_TRUE(eventually([&] { return scans().size() == 2 && !scans()[0].at("running").as_bool(); }, Duration{30}));
  for (int i = 0; i < 3; ++i) {
    const auto now = api_json("GET", "/status").at("now");
    EXPECT_TRUE(eventually([&] { return api_json("GET", "/status").at("now") != now; }, Duration{10}));
  }
  EXPECT_EQ(scans().size(), 2u);
}

TEST_F(ServiceProcess, EndsWhileItWaitsForItsComponents_F130) {
  start_service();
  redis_->kill();
  for (const char* role : {"publisher", "migrator"}) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
      auto process = start_role(role);
      EXPECT_TRUE(eventually([&] { return said(*process, "state.awaited"); }, Duration{20})) << process->err();
      process->signal(SIGPIPE);
      process->signal(signal);
      const auto ended = process->wait(Duration{20});
      EXPECT_EQ(ended.code, 0) << role << " and signal " << signal << ": " << ended.err;
      EXPECT_LT(ended.seconds, 10);
    }
  }
}

TEST_F(ServiceProcess, ASecondSignalEndsTheDrainAtOnce_F130) {
  start_service();
  source_->put("slow", noise(kMiB, 1));
  sandbox_->fault({{"service", "s3"}, {"op", "GetObject"}, {"action", {{"stall_after", 1'000}, {"ms", 5'000}}}});
  start_publisher();
  auto* const migrator = start_migrator();
  EXPECT_TRUE(eventually([&] { return active() == 1; }, Duration{20}));
  migrator->signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return said(*migrator, "migrator.draining"); }, Duration{10}));
  migrator->signal(SIGTERM);
  EXPECT_EQ(migrator->wait(Duration{5}).code, 130);
  sandbox_->clear_faults();
  sandbox_->broker("expire");
  start_migrator();
  expect_all_there();
}

TEST_F(ServiceProcess, LivesWithFewDescriptors_F133) {
  start_synthetic_service(1'000, kKiB, {"--latency", "5"});
  start_publisher();
  const auto port = port_of(*publisher_);
  auto words = std::vector<std::string>{"--nofile=60:60",  FERRY_PROGRAM,     "migrator",
                                        "s3://" + kSource, "gs://" + kTarget, "--listen",
                                        "127.0.0.1:0",     "--transfers",     "200"};
  auto environment = sandbox_->environment();
  for (const auto& [name, value] : service_environment()) environment[name] = value;
  Process poor{{"prlimit", words, environment}, folder(), "poor"};
  expect_all_there();
  EXPECT_TRUE(poor.running());
  stop(&poor);
  EXPECT_THAT(api_json("GET", "/failures").at("failures").as_array(), ::testing::IsEmpty());
}

TEST_F(ServiceProcess, GoesOnWhenNobodyTakesItsLog_F134) {
  start_service();
  put_many(100);
  auto environment = sandbox_->environment();
  for (const auto& [name, value] : service_environment()) environment[name] = value;
  const auto deaf = [&](const std::string& role, const std::string& where) {
    const std::string command = "exec \"$0\" \"$@\" 2>" + where;
    return std::make_unique<Process>(Command{"sh",
                                             {"-c", command, FERRY_PROGRAM, role, "s3://" + kSource, "gs://" + kTarget,
                                              "--listen", "127.0.0.1:0", "--log-level", "debug"},
                                             environment},
                                     folder(), "deaf-" + role);
  };
  const auto publisher = deaf("publisher", "/dev/full"), migrator = deaf("migrator", "&-");
  expect_all_there();
  stop(publisher.get());
  stop(migrator.get());
}

}  // namespace
}  // namespace ferry::system_test
