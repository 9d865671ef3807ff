#include "sandbox/pubsub/broker.hpp"

#include <gtest/gtest.h>

#include "sandbox/pubsub/rules.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::sandbox::pubsub {
namespace {

using grpc::StatusCode;
constexpr const char* kTopic = "projects/p/topics/topic";
constexpr const char* kSubscription = "projects/p/subscriptions/subscription";

class ScriptedWatcher final : public Watcher {
 public:
  std::optional<Fault> fault(std::string_view operation, std::string_view) override {
    if (operation != "Deliver" || !next) return std::nullopt;
    return std::exchange(next, std::nullopt);
  }
  void happened(const Happening& what) override { delivered += what.messages; }
  std::optional<Fault> next;
  std::uint64_t delivered = 0;
};

/// A broker without sockets, in simulated time. Its timers run when a test says so.
class SandboxBroker : public ::testing::Test {
 protected:
  void SetUp() override {
    pb::Topic topic, made;
    topic.set_name(kTopic);
    ASSERT_TRUE(broker_.create_topic(topic, &made).ok());
  }
  StatusCode subscribe(const std::function<void(pb::Subscription*)>& change = {}) {
    pb::Subscription wanted;
    wanted.set_name(kSubscription);
    wanted.set_topic(kTopic);
    if (change) change(&wanted);
    return broker_.create_subscription(wanted, &made_).error_code();
  }
  StatusCode publish(const std::vector<std::string>& texts) {
    pb::PublishRequest request;
    request.set_topic(kTopic);
    for (const auto& text : texts) request.add_messages()->set_data(text);
    pb::PublishResponse response;
    const auto status = broker_.publish(request, &response);
    if (status.ok()) EXPECT_EQ(response.message_ids_size(), request.messages_size());
    return status.error_code();
  }
  Broker::SessionPtr open(std::int64_t messages_max = 0) {
    auto session = std::make_shared<Broker::Session>();
    session->messages_max = messages_max;
    session->lease = std::chrono::seconds{10};
    session->is_stream = true;
    EXPECT_TRUE(broker_.open(kSubscription, session).ok());
    return session;
  }
  Received take(const Broker::SessionPtr& session, int max = 100) {
    Received received;
    broker_.take(session, max, &received);
    return received;
  }
  static AckIds ids(const Received& received) {
    AckIds all;
    for (const auto& one : received) all.Add(std::string(one.ack_id()));
    return all;
  }
  void pass(Milliseconds time) {
    clock_.advance(time);
    broker_.run_due();
  }

  ScriptedWatcher watcher_;
  testing::SimulatedClock clock_;
  testing::SeededRng rng_;
  Broker broker_{&watcher_, &clock_, &rng_};
  pb::Subscription made_;
};

TEST_F(SandboxBroker, FillsInWhatASubscriptionLeavesOutAndKeepsTheRest) {
  ASSERT_EQ(subscribe([](pb::Subscription* wanted) { (*wanted->mutable_labels())["team"] = "a"; }), StatusCode::OK);
  EXPECT_EQ(made_.ack_deadline_seconds(), 10);
  EXPECT_EQ(made_.message_retention_duration().seconds(), 7 * 86'400);
  EXPECT_EQ(made_.expiration_policy().ttl().seconds(), 31 * 86'400);
  EXPECT_FALSE(made_.has_retry_policy());
  pb::Subscription seen;
  ASSERT_TRUE(broker_.get_subscription(kSubscription, &seen).ok());
  EXPECT_EQ(seen.SerializeAsString(), made_.SerializeAsString());
  EXPECT_EQ(subscribe(), StatusCode::ALREADY_EXISTS);
}

TEST_F(SandboxBroker, RefusesSettingsOutOfRange) {
  EXPECT_EQ(subscribe([](auto* wanted) { wanted->set_ack_deadline_seconds(9); }), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(subscribe([](auto* wanted) { wanted->set_ack_deadline_seconds(601); }), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(subscribe([](auto* wanted) { wanted->set_name("subscription"); }), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(subscribe([](auto* wanted) { wanted->set_name("projects/p/subscriptions/1"); }),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(subscribe([](auto* wanted) { wanted->mutable_message_retention_duration()->set_seconds(599); }),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(subscribe([](auto* wanted) { wanted->mutable_expiration_policy()->mutable_ttl()->set_seconds(3'600); }),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(
      subscribe([](auto* wanted) { wanted->mutable_retry_policy()->mutable_minimum_backoff()->set_seconds(601); }),
      StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(subscribe([](auto* wanted) { wanted->set_filter("attributes.job = \"a\""); }), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(subscribe([](auto* wanted) { wanted->set_topic("projects/p/topics/nothing"); }), StatusCode::NOT_FOUND);
  EXPECT_EQ(subscribe([](auto* wanted) {
              wanted->mutable_dead_letter_policy()->set_dead_letter_topic("projects/p/topics/nothing");
            }),
            StatusCode::NOT_FOUND);
}

TEST_F(SandboxBroker, RefusesRequestsAboveTheLimits) {
  EXPECT_EQ(publish({}), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(publish({""}), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(publish(std::vector<std::string>(1'001, "x")), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(publish(std::vector<std::string>(1'000, "x")), StatusCode::OK);
  EXPECT_EQ(publish({std::string(10'000'000, 'x')}), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(publish({std::string(9'990'000, 'x')}), StatusCode::OK);
  ASSERT_EQ(subscribe(), StatusCode::OK);
  AckIds many;
  for (std::uint64_t i = 0; i < 3'000; ++i) many.Add(ack_id(i));
  EXPECT_EQ(broker_.acknowledge(kSubscription, many).error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(broker_.modify(kSubscription, many, 601).error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(SandboxBroker, DeliversAgainWhatIsNeitherAckedNorExtended) {
  ASSERT_EQ(subscribe(), StatusCode::OK);
  const auto session = open();
  ASSERT_EQ(publish({"a", "b"}), StatusCode::OK);
  const auto first = take(session);
  ASSERT_EQ(first.size(), 2);
  EXPECT_EQ(first[0].delivery_attempt(), 0) << "told only where there is a dead-letter policy";
  AckIds extended;
  extended.Add(std::string(first[0].ack_id()));
  ASSERT_TRUE(broker_.modify(kSubscription, extended, 60).ok());
  pass(std::chrono::seconds{10});
  const auto second = take(session);
  ASSERT_EQ(second.size(), 1);
  EXPECT_EQ(second[0].message().data(), "b");
  ASSERT_TRUE(broker_.acknowledge(kSubscription, ids(first)).ok()) << "one id is stale: nobody's business";
  ASSERT_TRUE(broker_.acknowledge(kSubscription, ids(second)).ok());
  pass(std::chrono::hours{1});
  EXPECT_TRUE(take(session).empty());
  AckIds malformed;
  malformed.Add("nonsense");
  EXPECT_EQ(broker_.acknowledge(kSubscription, malformed).error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(SandboxBroker, BacksOffAsTheRetryPolicySays) {
  ASSERT_EQ(subscribe([](pb::Subscription* wanted) {
              wanted->mutable_retry_policy()->mutable_minimum_backoff()->set_seconds(10);
              wanted->mutable_retry_policy()->mutable_maximum_backoff()->set_seconds(15);
            }),
            StatusCode::OK);
  const auto session = open();
  ASSERT_EQ(publish({"a"}), StatusCode::OK);
  for (const int wait : {10, 15, 15}) {
    const auto got = take(session);
    ASSERT_EQ(got.size(), 1);
    ASSERT_TRUE(broker_.modify(kSubscription, ids(got), 0).ok());
    pass(std::chrono::seconds{wait - 1});
    EXPECT_TRUE(take(session).empty());
    pass(std::chrono::seconds{1});
  }
}

TEST_F(SandboxBroker, CountsAttemptsAndBuriesAMessageAfterTheLast) {
  pb::Topic graves, made;
  graves.set_name("projects/p/topics/graves");
  ASSERT_TRUE(broker_.create_topic(graves, &made).ok());
  ASSERT_EQ(subscribe([](pb::Subscription* wanted) {
              wanted->mutable_dead_letter_policy()->set_dead_letter_topic("projects/p/topics/graves");
            }),
            StatusCode::OK);
  const auto session = open();
  pb::Subscription other, ignored;
  other.set_name("projects/p/subscriptions/graves");
  other.set_topic("projects/p/topics/graves");
  ASSERT_TRUE(broker_.create_subscription(other, &ignored).ok());
  ASSERT_EQ(publish({"a"}), StatusCode::OK);
  for (int attempt = 1; attempt <= 5; ++attempt) {
    const auto got = take(session);
    ASSERT_EQ(got.size(), 1);
    EXPECT_EQ(got[0].delivery_attempt(), attempt);
    ASSERT_TRUE(broker_.modify(kSubscription, ids(got), 0).ok());
  }
  EXPECT_TRUE(take(session).empty());
  for (const auto& one : broker_.holdings()) {
    EXPECT_EQ(one.waiting, one.subscription == "projects/p/subscriptions/graves" ? 1u : 0u);
  }
}

TEST_F(SandboxBroker, KeepsToTheLimitOfEachStream) {
  ASSERT_EQ(subscribe(), StatusCode::OK);
  const auto session = open(2);
  ASSERT_EQ(publish({"a", "b", "c"}), StatusCode::OK);
  const auto first = take(session);
  EXPECT_EQ(first.size(), 2);
  EXPECT_TRUE(take(session).empty());
  ASSERT_TRUE(broker_.acknowledge(kSubscription, ids(first)).ok());
  EXPECT_EQ(take(session).size(), 1);
}

TEST_F(SandboxBroker, DeliversTwiceOnInstructionAndRatherToAnother) {
  ASSERT_EQ(subscribe(), StatusCode::OK);
  const auto one = open(), other = open();
  ASSERT_EQ(publish({"a"}), StatusCode::OK);
  watcher_.next.emplace().duplicate = true;
  const auto first = take(one);
  ASSERT_EQ(first.size(), 1);
  EXPECT_TRUE(take(one).empty());
  const auto second = take(other);
  ASSERT_EQ(second.size(), 1);
  EXPECT_EQ(first[0].message().message_id(), second[0].message().message_id());
  EXPECT_NE(first[0].ack_id(), second[0].ack_id());
}

TEST_F(SandboxBroker, ExpiresForgetsAndOrphansOnDemand) {
  ASSERT_EQ(subscribe(), StatusCode::OK);
  const auto session = open();
  ASSERT_EQ(publish({"a"}), StatusCode::OK);
  EXPECT_EQ(take(session).size(), 1);
  broker_.expire_leases();
  EXPECT_EQ(take(session).size(), 1);
  ASSERT_TRUE(broker_.delete_topic(kTopic).ok());
  pb::Subscription seen;
  ASSERT_TRUE(broker_.get_subscription(kSubscription, &seen).ok());
  EXPECT_EQ(seen.topic(), "_deleted-topic_");
  broker_.forget();
  EXPECT_EQ(broker_.get_subscription(kSubscription, &seen).error_code(), StatusCode::NOT_FOUND);
  EXPECT_TRUE(take(session).empty());
}

TEST_F(SandboxBroker, ListsPageByPage) {
  for (const char* name : {"projects/p/topics/aaa", "projects/p/topics/bbb", "projects/q/topics/aaa"}) {
    pb::Topic topic, made;
    topic.set_name(name);
    ASSERT_TRUE(broker_.create_topic(topic, &made).ok());
  }
  pb::ListTopicsRequest request;
  request.set_project("projects/p");
  request.set_page_size(2);
  pb::ListTopicsResponse page;
  ASSERT_TRUE(broker_.list_topics(request, &page).ok());
  ASSERT_EQ(page.topics_size(), 2);
  EXPECT_EQ(page.topics(1).name(), "projects/p/topics/bbb");
  request.set_page_token(page.next_page_token());
  page.Clear();
  ASSERT_TRUE(broker_.list_topics(request, &page).ok());
  ASSERT_EQ(page.topics_size(), 1);
  EXPECT_EQ(page.topics(0).name(), kTopic);
  EXPECT_EQ(page.next_page_token(), "");
}

}  // namespace
}  // namespace ferry::sandbox::pubsub
