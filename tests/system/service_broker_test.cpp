// What a broker may do to the service: forget, go away, repeat, lose; and what strangers may write into its topic.

#include <csignal>

#include "testing/net/ports.hpp"
#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

class ServiceAndBroker : public Service {
 protected:
  /// A broker in a process of its own, on a port that stays, so that it can die and come back empty.
  void start_broker() {
    if (broker_port_ == 0) broker_port_ = testing::free_port();
    std::filesystem::create_directories(folder() / "broker");
    broker_ = std::make_unique<Sandbox>(http_.get(), folder() / "broker",
                                        std::vector<std::string>{"--pubsub", std::to_string(broker_port_)});
  }
  [[nodiscard]] Environment at_broker() const {
    return {{"PUBSUB_EMULATOR_HOST", "127.0.0.1:" + std::to_string(broker_port_)}};
  }

  std::uint16_t broker_port_ = 0;
  std::unique_ptr<Sandbox> broker_;
};

TEST_F(ServiceAndBroker, ForgetsTopicsAndMessagesInTheMiddleAndAllArrivesOnce_F094_F096) {
  start_synthetic_service(3'000, kKiB, {"--latency", "5"});
  start_publisher({"--scan-interval", "2s", "--republish-after", "3s"});
  start_migrator({"--transfers", "16"});
  start_migrator({"--transfers", "16"});
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("gcs", "InsertMultipart") > 500; }, Duration{60}));
  sandbox_->broker("forget");
  expect_all_there(60);
  EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{20}));
  expect_one_commit_each();
}

TEST_F(ServiceAndBroker, DiesAndComesBackEmpty_F094_F099) {
  start_synthetic_service(2'000, kKiB, {"--latency", "5"});
  start_broker();
  start_publisher({"--scan-interval", "2s", "--republish-after", "3s"}, at_broker());
  auto* const migrator = start_migrator({"--transfers", "16"}, at_broker());
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("gcs", "InsertMultipart") > 300; }, Duration{60}));
  broker_.reset();
  EXPECT_TRUE(eventually([&] { return said(*migrator, "queue.trouble"); }, Duration{30})) << migrator->err();
  scan();
  EXPECT_EQ(api("GET", "/status").status, 200);
  EXPECT_EQ(http_->send(api_, "GET", "/healthz").status, 200);
  EXPECT_EQ(http_->send(origin_of(*migrator), "GET", "/healthz").status, 200);
  start_broker();
  expect_all_there(60);
  expect_one_commit_each();
}

TEST_F(ServiceAndBroker, RepeatsMessagesAndLosesAcks_F084_F086) {
  start_service({"--latency", "5"});
  put_many(200);
  sandbox_->fault({{"service", "pubsub"}, {"op", "Deliver"}, {"every", 2}, {"action", {{"duplicate", true}}}});
  sandbox_->fault({{"service", "pubsub"}, {"op", "Acknowledge"}, {"times", 5}, {"action", {{"swallow", true}}}});
  for (int i = 0; i < 2; ++i) start_migrator({"--lease", "10"});
  await_migrators();
  start_publisher();
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("pubsub", "Acknowledge") > 5; }, Duration{20}));
  // What was acked in vain comes again when its lease has ended.
  EXPECT_TRUE(eventually([&] { return broker_holds() == 0; }, Duration{60}))
      << boost::json::serialize(sandbox_->broker_holdings());
  expect_one_commit_each();
}

TEST_F(ServiceAndBroker, LosesALeaseWhileASlowTransferGoesOn_F085) {
  start_service();
  source_->put("slow", noise(4 * kMiB, 1));
  sandbox_->fault({{"service", "s3"}, {"op", "GetObject"}, {"times", 1}, {"action", {{"rate", kMiB}}}});
  start_publisher();
  start_migrator();
  start_migrator();
  EXPECT_TRUE(eventually([&] { return active() == 1; }, Duration{20}));
  sandbox_->broker("expire");
  expect_all_there();
  EXPECT_TRUE(eventually([&] { return backlog() == 0; }, Duration{20}));
  for (const auto& migrator : migrators_) stop(migrator.get());
  expect_one_commit_each();
}

TEST_F(ServiceAndBroker, IsWaitedForBothSidesMakeTopicAndSubscription_F095_F097) {
  start_service();
  put_many(20);
  start_migrator();
  start_migrator();
  auto other = start_role("publisher");
  start_publisher();
  await_migrators();
  EXPECT_TRUE(eventually([&] { return said(*other, "publisher.ready"); }, Duration{20})) << other->err();
  expect_all_there();
  expect_one_commit_each();
  EXPECT_EQ(sandbox_->broker_holdings().size(), 1u);
  for (const auto& migrator : migrators_) stop(migrator.get());
  stop(other.get());
  stop(publisher_.get());
}

TEST_F(ServiceAndBroker, FirstScanIsOverLongBeforeTheFirstMigratorComes_F095) {
  start_service();
  put_many(20);
  start_publisher();
  EXPECT_TRUE(eventually([&] { return backlog() == 20; }, Duration{20}));
  start_migrator();
  expect_all_there(20);
}

TEST_F(ServiceAndBroker, OneObjectThatAlwaysFailsHoldsNothingUp_F090) {
  start_service();
  put_many(50);
  sandbox_->fault({{"service", "s3"}, {"op", "GetObject"}, {"key", "k7"}, {"action", {{"status", 500}}}});
  start_publisher();
  start_migrator();
  EXPECT_TRUE(eventually([&] { return target_->list().size() == 49; }, Duration{20}));
  const auto in_ledger = [&] { return api_json("GET", "/failures").at("failures").as_array().size() == 1; };
  ASSERT_TRUE(eventually(in_ledger, Duration{120})) << migrators_[0]->err();
  const auto failure = api_json("GET", "/failures").at("failures").as_array().at(0).as_object();
  EXPECT_EQ(failure.at("key"), "k7");
  EXPECT_EQ(failure.at("reason"), "unavailable");
  sandbox_->clear_faults();
  EXPECT_EQ(api_json("POST", "/failures/retry", "{}").at("retried"), 1);
  expect_all_there();
  EXPECT_TRUE(api_json("GET", "/failures").at("failures").as_array().empty());
}

}  // namespace
}  // namespace ferry::system_test
