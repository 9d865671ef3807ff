#include "queue/pubsub/pubsub_queue.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <iterator>

#include "queue/message_queue_contract.hpp"
#include "queue/pubsub/broker_test.hpp"
#include "queue/pubsub/room_test.hpp"
#include "testing/net/throwaway_ca.hpp"

namespace ferry {
namespace {

/// A queue of the contract suite has a broker to itself.
class QueueWithBroker final : public MessageQueue {
 public:
  QueueWithBroker() : queue_(pubsub::local_options(broker_.endpoint())) {}
  Task<Status> publish(std::vector<TransferPlan> plans) override { return queue_.publish(std::move(plans)); }
  Task<Result<std::vector<Delivery>>> receive(std::size_t max) override { return queue_.receive(max); }
  void close() override { queue_.close(); }
  void abort() override { queue_.abort(); }
  [[nodiscard]] std::size_t waiting() const override { return queue_.waiting(); }

 private:
  pubsub::TestBroker broker_;
  pubsub::HomedQueue queue_;
};

INSTANTIATE_TEST_SUITE_P(PubsubQueue, MessageQueueContract, ::testing::Values(QueueRoom{[](std::size_t, Clock*) {
                           return std::make_unique<QueueWithBroker>();
                         }}),
                         [](const auto&) { return "SandboxBroker"; });

}  // namespace

namespace pubsub {
namespace {

using sandbox::pubsub::parse_code;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kUnavailable = 14;
constexpr const char* kTopic = "projects/test/topics/topic-work";
constexpr const char* kSubscription = "projects/test/subscriptions/subscription-work";

TransferPlan plan_of(std::string key) { return {ObjectKey{std::move(key)}, ETag{"\"t\""}}; }

std::vector<TransferPlan> plans_of(int count) {
  std::vector<TransferPlan> plans;
  for (int i = 0; i < count; ++i) plans.push_back(plan_of(std::to_string(i)));
  return plans;
}

Status publish(MessageQueue* queue, std::vector<TransferPlan> plans) {
  return testing::run(queue->publish(std::move(plans)));
}

Delivery receive_one(MessageQueue* queue) {
  auto batch = testing::run(queue->receive(1));
  if (!batch || batch->size() != 1) throw std::runtime_error("nothing was received");
  return std::move(batch->front());
}

/// What was warned of, from any thread.
class Warnings {
 public:
  std::function<void(std::string_view)> sink() {
    return [this](std::string_view line) {
      const std::lock_guard lock{mutex_};
      lines_.emplace_back(line);
    };
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::lock_guard lock{mutex_};
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

TEST(PubsubQueue, RefusesOptionsThatCanNotWorkAndNamesThem) {
  asio::io_context context{1};
  const auto why = [&](const std::function<void(Options*)>& spoil) {
    auto options = local_options("127.0.0.1:1");
    spoil(&options);
    const auto made = make_queue(context.get_executor(), std::move(options), system_clock(), system_rng());
    return made ? std::string("nothing") : made.error().what;
  };
  EXPECT_THAT(why([](Options* o) { o->endpoint = "http://127.0.0.1:1"; }), HasSubstr("without a scheme"));
  EXPECT_THAT(why([](Options* o) { o->project = ""; }), HasSubstr("project"));
  EXPECT_THAT(why([](Options* o) { o->topic = "projects/p/topics/t"; }), HasSubstr("topic"));
  EXPECT_THAT(why([](Options* o) { o->subscription = "goog-sub"; }), HasSubstr("subscription"));
  EXPECT_THAT(why([](Options* o) { o->lease = std::chrono::seconds{9}; }), HasSubstr("lease"));
  EXPECT_THAT(why([](Options* o) { o->loan_messages_max = 0; }), HasSubstr("limits"));
  EXPECT_THAT(why([](Options* o) { o->dead_letter_attempts = 3; }), HasSubstr("dead-letter"));
  EXPECT_THAT(why([](Options* o) { o->authorization = [] { return Task<Result<std::string>>{}; }; }),
              HasSubstr("no token is ever sent"));
  EXPECT_THAT(why([](Options* o) {
                o->tls = true;
                o->ca_file = "/nowhere/ca.pem";
              }),
              HasSubstr("/nowhere/ca.pem"));
}

TEST(PubsubQueue, KeepsMessagesPublishedLongBeforeAnybodyPulls_F095) {
  TestBroker broker;
  HomedQueue publisher{local_options(broker.endpoint())};
  ASSERT_TRUE(publish(&publisher, plans_of(3)));
  EXPECT_EQ(broker.holdings().waiting, 3u);
  EXPECT_EQ(broker.holdings().streams, 0u) << "who only publishes takes nothing away from others";
  HomedQueue consumer{local_options(broker.endpoint())};
  for (int i = 0; i < 3; ++i) receive_one(&consumer).ack();
  EXPECT_TRUE(broker.watcher().saw_messages("Acknowledge", 3));
}

TEST(PubsubQueue, TakesWhatIsThereAlreadyAsMade_F097) {
  TestBroker broker;
  std::vector<std::thread> threads;
  std::atomic<int> prepared{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      HomedQueue queue{local_options(broker.endpoint())};
      ++prepared;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(prepared, 4);
  EXPECT_EQ(broker.watcher().calls("CreateTopic"), 1u);
  EXPECT_EQ(broker.watcher().calls("CreateSubscription"), 1u);
}

TEST(PubsubQueue, AsksForASubscriptionThatNeverExpires) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  const auto stub = google::pubsub::v1::Subscriber::NewStub(
      grpc::CreateChannel(broker.endpoint(), grpc::InsecureChannelCredentials()));
  google::pubsub::v1::GetSubscriptionRequest request;
  google::pubsub::v1::Subscription found;
  request.set_subscription(kSubscription);
  grpc::ClientContext context;
  ASSERT_TRUE(stub->GetSubscription(&context, request, &found).ok());
  EXPECT_TRUE(found.has_expiration_policy());
  EXPECT_FALSE(found.expiration_policy().has_ttl());
  EXPECT_EQ(found.message_retention_duration().seconds(), 7 * 86'400);
  EXPECT_TRUE(found.has_retry_policy());
  EXPECT_FALSE(found.has_dead_letter_policy());
  EXPECT_EQ(found.ack_deadline_seconds(), 60);
}

TEST(PubsubQueue, RefusesASubscriptionOfAnotherTopic) {
  TestBroker broker;
  const HomedQueue queue{local_options(broker.endpoint())};
  auto other = local_options(broker.endpoint());
  other.topic = "topic-other";
  EXPECT_THROW(HomedQueue{other}, std::runtime_error);
}

TEST(PubsubQueue, DeliversTwiceWhatTheBrokerDeliversTwice_F084) {
  TestBroker broker;
  HomedQueue first{local_options(broker.endpoint())}, second{local_options(broker.endpoint())};
  TestWatcher::Fault twice;
  twice.duplicate = true;
  broker.watcher().script("Deliver", twice);
  std::optional<Delivery> one, other;
  std::thread thread{[&] { one.emplace(receive_one(&first)); }};
  std::thread another{[&] { other.emplace(receive_one(&second)); }};
  ASSERT_TRUE(broker.watcher().saw_calls("StreamOpened", 2));
  ASSERT_TRUE(publish(&first, plans_of(1)));
  thread.join();
  another.join();
  EXPECT_EQ(one->plan().key.str(), other->plan().key.str());
  std::move(*one).ack();
  std::move(*other).ack();
  EXPECT_TRUE(broker.watcher().saw_messages("Acknowledge", 2));
  EXPECT_EQ(broker.holdings().on_loan, 0u);
}

TEST(PubsubQueue, DoesNotCompeteWithItselfForAMessageThatItHasStill_F085) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  ASSERT_TRUE(publish(&queue, plans_of(1)));
  auto slow = receive_one(&queue);
  broker->expire_leases();
  ASSERT_TRUE(broker.watcher().saw_messages("Deliver", 2));
  ASSERT_TRUE(publish(&queue, {plan_of("next")}));
  EXPECT_EQ(receive_one(&queue).plan().key.str(), "next");
  std::move(slow).ack();
  ASSERT_TRUE(broker.watcher().saw_messages("Acknowledge", 1));
}

TEST(PubsubQueue, GivesALostLeaseToAnotherWorkerAndSettlesBothInPeace_F085) {
  TestBroker broker;
  HomedQueue first{local_options(broker.endpoint())};
  ASSERT_TRUE(publish(&first, plans_of(1)));
  auto slow = receive_one(&first);
  first.close();  // it pulls no more, and still works
  ASSERT_TRUE(broker.watcher().saw_a_stream_end());
  HomedQueue second{local_options(broker.endpoint())};
  broker->expire_leases();
  auto again = receive_one(&second);
  EXPECT_EQ(again.plan().key.str(), slow.plan().key.str());
  std::move(slow).ack();
  std::move(again).ack();
  EXPECT_TRUE(broker.watcher().saw_messages("Acknowledge", 2)) << "a stale ack id is no trouble";
  EXPECT_EQ(broker.holdings().on_loan, 0u);
}

TEST(PubsubQueue, GetsAMessageAgainWhoseAckWasLost_F086) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  TestWatcher::Fault lost;
  lost.swallow = true;
  broker.watcher().script("Acknowledge", lost);
  ASSERT_TRUE(publish(&queue, plans_of(1)));
  receive_one(&queue).ack();
  ASSERT_TRUE(broker.watcher().saw_calls("Acknowledge"));
  EXPECT_EQ(broker.holdings().on_loan, 1u) << "the broker never heard of it";
  broker->expire_leases();
  receive_one(&queue).ack();
  ASSERT_TRUE(broker.watcher().saw_calls("Acknowledge", 2));
  EXPECT_EQ(broker.holdings().on_loan, 0u);
}

TEST(PubsubQueue, HandsOverWhatItCanNotReadWithADefect_F089_F093) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  broker.publish_raw("s3cret-text");
  auto broken = receive_one(&queue);
  EXPECT_THAT(broken.plan().key.str(), ::testing::StartsWith("(message "));
  EXPECT_THAT(broken.defect(), HasSubstr("of 11 bytes"));
  EXPECT_THAT(broken.defect(), ::testing::Not(HasSubstr("s3cret-text")));
  std::move(broken).ack();
  broker.publish_raw(R"({"key":"a b","etag":5})");
  auto typed = receive_one(&queue);
  EXPECT_EQ(typed.plan().key.str(), "a b");
  EXPECT_THAT(typed.defect(), HasSubstr("etag has the wrong type"));
  std::move(typed).ack();
  broker.publish_raw(std::string(9'000'000, '['));
  auto huge = receive_one(&queue);
  EXPECT_THAT(huge.defect(), HasSubstr("too long"));
  std::move(huge).ack();
  broker.publish_raw(R"({"key":"k","etag":"t"})", {{"note", "of an older publisher"}});
  EXPECT_EQ(receive_one(&queue).defect(), "");
}

TEST(PubsubQueue, LeavesNewerSchemasAndOtherJobsWithTheBroker_F091) {
  TestBroker broker;
  Warnings warnings;
  auto options = local_options(broker.endpoint());
  options.warn = warnings.sink();
  HomedQueue queue{options};
  broker.publish_raw(R"({"path":"of tomorrow"})", {{"schema", "2"}});
  broker.publish_raw(R"({"path":"of tomorrow, too"})", {{"schema", "2"}});
  broker.publish_raw(R"({"key":"k","etag":"t"})", {{"schema", "1"}, {"job", "another"}});
  broker.publish_raw(R"({"key":"mine","etag":"t"})", {{"schema", "1"}, {"job", options.job}});
  EXPECT_EQ(receive_one(&queue).plan().key.str(), "mine");
  queue.shutdown();
  EXPECT_TRUE(broker.watcher().saw_messages("Nack", 4)) << "given back at the end, not dropped";
  EXPECT_EQ(broker.watcher().messages("Acknowledge"), 0u);
  EXPECT_THAT(warnings.lines(), ElementsAre(HasSubstr("a newer schema"), HasSubstr("another job")));
}

TEST(PubsubQueue, MakesEverythingAgainWhenTheBrokerForgot_F094_F096) {
  TestBroker broker;
  HomedQueue publisher{local_options(broker.endpoint())}, consumer{local_options(broker.endpoint())};
  ASSERT_TRUE(publish(&publisher, plans_of(1)));
  receive_one(&consumer).ack();
  broker->forget();
  ASSERT_TRUE(broker.watcher().saw_calls("CreateSubscription", 2)) << "whoever pulls makes it again";
  ASSERT_TRUE(publish(&publisher, {plan_of("again")}));
  EXPECT_EQ(receive_one(&consumer).plan().key.str(), "again");
}

TEST(PubsubQueue, MakesWhatIsMissingBeforeItPublishes_F095_F096) {
  TestBroker broker;
  HomedQueue publisher{local_options(broker.endpoint())};
  broker.remove(kSubscription);
  broker.remove(kTopic);
  ASSERT_TRUE(publish(&publisher, plans_of(1)));
  EXPECT_EQ(broker.holdings().waiting, 1u) << "the subscription was there before the message";
}

TEST(PubsubQueue, ReplacesASubscriptionThatLostItsTopic_F096) {
  TestBroker broker;
  Warnings warnings;
  auto options = local_options(broker.endpoint());
  options.warn = warnings.sink();
  HomedQueue queue{options};
  broker.remove(kTopic);
  ASSERT_TRUE(publish(&queue, plans_of(1)));
  EXPECT_EQ(receive_one(&queue).plan().key.str(), "0");
  EXPECT_THAT(warnings.lines(), ElementsAre(HasSubstr("had lost its topic")));
}

TEST(PubsubQueue, PublishesAgainWhatWasAcceptedWithoutAWord_F098) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  TestWatcher::Fault silent;
  silent.commit_then = kUnavailable;
  broker.watcher().script("Publish", silent);
  ASSERT_TRUE(publish(&queue, plans_of(1)));
  auto one = receive_one(&queue);
  auto other = receive_one(&queue);
  EXPECT_EQ(one.plan().key.str(), other.plan().key.str()) << "twice is fine, never is not";
}

TEST(PubsubQueue, SaysThatTheBrokerIsAwayAndGoesOnWhenItIsBack_F099) {
  TestBroker broker;
  HomedQueue publisher{local_options(broker.endpoint())}, consumer{local_options(broker.endpoint())};
  std::optional<Delivery> got;
  std::thread waiting{[&] { got.emplace(receive_one(&consumer)); }};
  ASSERT_TRUE(broker.watcher().saw_calls("StreamOpened"));
  broker.stop();
  const auto refused = publish(&publisher, plans_of(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(refused.error().what, HasSubstr(broker.endpoint()));
  std::thread preparing{[&] { EXPECT_TRUE(testing::run(publisher.prepare())) << "waits for the broker"; }};
  broker.start_again();
  preparing.join();
  ASSERT_TRUE(publish(&publisher, plans_of(1)));
  waiting.join();
  EXPECT_EQ(got->plan().key.str(), "0");
  got.reset();
}

TEST(PubsubQueue, HasNoMoreOnLoanThanItsLimit_F100) {
  constexpr std::size_t kMany = 20'000, kLimit = 50;
  TestBroker broker;
  auto options = local_options(broker.endpoint());
  options.loan_messages_max = kLimit;
  options.streams = 2;
  HomedQueue queue{options};
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(publish(&queue, plans_of(kMany / 20)));
  EXPECT_EQ(broker.holdings().waiting, kMany);
  std::size_t seen = 0;
  while (seen < 2'000) {
    auto batch = testing::run(queue.receive(20)).value();
    EXPECT_LE(broker.holdings().on_loan, kLimit);
    EXPECT_LE(queue.waiting(), kLimit);
    seen += batch.size();
    for (auto& delivery : batch) std::move(delivery).ack();
  }
}

TEST(PubsubQueue, CountsAttemptsAsTheBrokerDoesWhereItTells) {
  TestBroker broker;
  auto graves = local_options(broker.endpoint(), "graves");
  const HomedQueue dead{graves};
  auto options = local_options(broker.endpoint());
  options.dead_letter_topic = graves.topic;
  options.dead_letter_attempts = 5;
  HomedQueue first{options};
  ASSERT_TRUE(publish(&first, plans_of(1)));
  for (std::uint32_t attempt = 1; attempt <= 2; ++attempt) {
    auto delivery = receive_one(&first);
    EXPECT_EQ(delivery.attempt(), attempt);
    std::move(delivery).nack(Milliseconds{0});
  }
  first.shutdown();
  HomedQueue second{options};
  EXPECT_GE(receive_one(&second).attempt(), 3u) << "a process that never saw it knows, too";
}

TEST(PubsubQueue, OpensItsStreamAgainWhenItEnds) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  ASSERT_TRUE(publish(&queue, plans_of(1)));
  auto kept = receive_one(&queue);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    broker->end_streams(kUnavailable);
    ASSERT_TRUE(broker.watcher().saw_calls("StreamOpened", round + 1));
  }
  std::move(kept).ack();
  ASSERT_TRUE(broker.watcher().saw_messages("Acknowledge", 1)) << "acks outlive their stream";
  EXPECT_EQ(broker.holdings().on_loan, 0u);
  ASSERT_TRUE(publish(&queue, {plan_of("later")}));
  EXPECT_EQ(receive_one(&queue).plan().key.str(), "later");
}

TEST(PubsubQueue, AcksInGoodTimeAndRepeatsAnAckThatFailed) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  TestWatcher::Fault away;
  away.code = kUnavailable;
  broker.watcher().script("Acknowledge", away, 2);
  ASSERT_TRUE(publish(&queue, plans_of(100)));
  for (int i = 0; i < 100; ++i) receive_one(&queue).ack();
  ASSERT_TRUE(broker.watcher().saw_messages("Acknowledge", 100));
  EXPECT_EQ(broker.watcher().calls("Acknowledge", kUnavailable), 2u);
  EXPECT_EQ(broker.holdings().on_loan, 0u);
}

TEST(PubsubQueue, GivesBackWhatNobodyReceivedWhenItIsClosed) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  ASSERT_TRUE(publish(&queue, plans_of(10)));
  auto kept = receive_one(&queue);
  ASSERT_TRUE(broker.watcher().saw_messages("Deliver", 10));
  queue.close();
  ASSERT_TRUE(broker.watcher().saw_messages("Nack", 9));
  std::move(kept).ack();
  EXPECT_TRUE(testing::run(queue.receive(1))->empty());
  queue.shutdown();
  EXPECT_EQ(broker.holdings().waiting, 9u);
  EXPECT_EQ(broker.holdings().on_loan, 0u);
}

TEST(PubsubQueue, TellsTheBrokerEverythingBeforeItsShutdownEnds) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  ASSERT_TRUE(publish(&queue, plans_of(3)));
  receive_one(&queue).ack();
  receive_one(&queue).nack(std::chrono::hours{1});
  auto unsettled = receive_one(&queue);
  queue.shutdown();
  EXPECT_EQ(broker.watcher().messages("Acknowledge"), 1u);
  EXPECT_EQ(broker.watcher().messages("Nack"), 2u);
  EXPECT_EQ(broker.holdings().waiting, 2u);
  std::move(unsettled).ack();
  EXPECT_FALSE(publish(&queue, plans_of(1)));
}

TEST(PubsubQueue, MayGoWithoutAShutdown) {
  TestBroker broker;
  asio::io_context home{1};
  {
    auto queue =
        make_queue(home.get_executor(), local_options(broker.endpoint()), system_clock(), system_rng()).value();
    ASSERT_TRUE(testing::run(home, queue->prepare()));
    ASSERT_TRUE(testing::run(home, queue->publish(plans_of(2))));
    auto batch = testing::run(home, queue->receive(1));
    ASSERT_TRUE(batch);
    ASSERT_EQ(batch->size(), 1u);
  }
  EXPECT_TRUE(broker.watcher().saw_a_stream_end());
}

TEST(PubsubQueue, SendsLargeBatchesInRequestsThatTheBrokerTakes) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  ASSERT_TRUE(publish(&queue, plans_of(2'500)));
  EXPECT_EQ(broker.watcher().calls("Publish"), 3u);
  std::vector<TransferPlan> awkward;
  for (int i = 0; i < 2'000; ++i) awkward.push_back(plan_of(std::string(1'000, '\1') + std::to_string(i)));
  ASSERT_TRUE(publish(&queue, std::move(awkward))) << "12 MB of JSON";
  EXPECT_EQ(broker.holdings().waiting, 4'500u);
}

TEST(PubsubQueue, PublishesNothingOfABatchWithAPlanThatCanNotBeWritten) {
  TestBroker broker;
  HomedQueue queue{local_options(broker.endpoint())};
  auto plans = plans_of(1);
  plans.push_back(plan_of("\xff"));
  const auto published = publish(&queue, std::move(plans));
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(broker.watcher().calls("Publish"), 0u);
}

TEST(PubsubQueue, SaysWhatToDoWhenItMayNotMakeThings) {
  TestBroker broker;
  TestWatcher::Fault denied;
  denied.code = parse_code("PERMISSION_DENIED");
  broker.watcher().script("CreateTopic", denied);
  broker.watcher().script("GetTopic", denied);
  try {
    const HomedQueue queue{local_options(broker.endpoint())};
    ADD_FAILURE() << "prepared";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("roles/pubsub.editor"));
  }
}

TEST(PubsubQueue, LookingSeesWhatIsThereAndMakesNothing) {
  TestBroker broker;
  Home home;
  const auto queue =
      make_queue(home.executor(), local_options(broker.endpoint()), system_clock(), system_rng()).value();
  const auto missing = testing::run(queue->look());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kGone) << missing.error().what;
  EXPECT_EQ(broker.watcher().calls("CreateTopic"), 0u);
  ASSERT_TRUE(testing::run(queue->prepare()));
  EXPECT_TRUE(testing::run(queue->look()));
  asio::co_spawn(home.executor(), queue->shutdown(std::chrono::seconds{10}), asio::use_future).get();
}

TEST(PubsubQueue, IsContentWithATopicThatSomebodyElseMade) {
  TestBroker broker;
  const HomedQueue owner{local_options(broker.endpoint())};
  TestWatcher::Fault denied;
  denied.code = parse_code("PERMISSION_DENIED");
  broker.watcher().script("CreateTopic", denied);
  broker.watcher().script("CreateSubscription", denied);
  HomedQueue queue{local_options(broker.endpoint())};
  EXPECT_TRUE(publish(&queue, plans_of(1)));
}

/// Time for a queue on the test's own thread, read by gRPC's threads as well.
class TestClock final : public Clock {
 public:
  SteadyTime now() const override { return SteadyTime{} + std::chrono::hours{1} + Milliseconds{elapsed_}; }
  WallTime wall() const override { return sleepers_.wall(); }
  Task<> sleep(Milliseconds duration) override { return sleepers_.sleep(duration); }
  void advance(Milliseconds duration) {
    elapsed_ += duration.count();
    sleepers_.advance(duration);
  }

 private:
  std::atomic<std::int64_t> elapsed_{0};
  testing::SimulatedClock sleepers_;
};

/// A queue whose time the test moves.
class PubsubQueueInTime : public ::testing::Test {
 protected:
  void SetUp() override {
    auto options = local_options(broker_.endpoint());
    queue_ = make_queue(context_.get_executor(), std::move(options), &clock_, &rng_).value();
    ASSERT_TRUE(run(queue_->prepare()));
  }
  void TearDown() override {
    run(queue_->shutdown(Milliseconds{0}));
    queue_.reset();
  }
  template <class T>
  T run(Task<T> task) {
    return testing::run(context_, std::move(task));
  }
  Delivery receive_one() { return std::move(run(queue_->receive(1)).value().front()); }

  /// Moves time on in small steps, with the queue at work, until the broker has seen it.
  bool pass_until(Milliseconds most, const std::function<bool()>& seen) {
    for (Milliseconds passed{0}; passed < most; passed += Milliseconds{500}) {
      clock_.advance(Milliseconds{500});
      for (int look = 0; look < 3; ++look) {
        context_.restart();
        context_.run_one_for(Milliseconds{1});
        context_.poll();
      }
      if (seen()) return true;
    }
    return false;
  }

  TestBroker broker_;
  asio::io_context context_{1};
  TestClock clock_;
  testing::SeededRng rng_;
  std::unique_ptr<Queue> queue_;
};

TEST_F(PubsubQueueInTime, ExtendsTheLeaseForAsLongAsADeliveryIsOnLoan_F085) {
  ASSERT_TRUE(run(queue_->publish(plans_of(1))));
  auto slow = receive_one();
  for (std::uint64_t times = 1; times <= 5; ++times) {
    EXPECT_TRUE(pass_until(std::chrono::seconds{54}, [&] {
      return broker_.watcher().messages("ModifyAckDeadline") >= times;
    })) << "before nine tenths of the lease are over, each time";
  }
  std::move(slow).ack();
  EXPECT_TRUE(pass_until(std::chrono::seconds{5}, [&] { return broker_.watcher().messages("Acknowledge") == 1; }));
  const auto extended = broker_.watcher().messages("ModifyAckDeadline");
  EXPECT_FALSE(pass_until(std::chrono::seconds{120}, [&] {
    return broker_.watcher().messages("ModifyAckDeadline") > extended;
  })) << "and no longer";
}

TEST_F(PubsubQueueInTime, KeepsADelayedMessageUntilItIsDueAndGivesItBackThen) {
  ASSERT_TRUE(run(queue_->publish(plans_of(1))));
  receive_one().nack(std::chrono::minutes{5});
  EXPECT_FALSE(pass_until(std::chrono::seconds{299}, [&] { return broker_.watcher().messages("Nack") > 0; }));
  EXPECT_GE(broker_.watcher().messages("ModifyAckDeadline"), 5u) << "its lease is kept";
  EXPECT_TRUE(pass_until(std::chrono::seconds{5}, [&] { return broker_.watcher().messages("Nack") == 1; }));
  EXPECT_EQ(receive_one().attempt(), 2u);
}

TEST_F(PubsubQueueInTime, SaysSomethingEveryHalfMinuteAndNothingMoreWhileNothingComes_F101) {
  std::optional<bool> got;
  asio::co_spawn(
      context_,
      [](Queue* queue, std::optional<bool>* ended) -> Task<> {
        auto batch = co_await queue->receive(1);
        *ended = batch.has_value();
      }(queue_.get(), &got),
      [](std::exception_ptr) {});
  ASSERT_TRUE(pass_until(std::chrono::seconds{10}, [&] { return broker_.watcher().calls("StreamOpened") == 1; }));
  EXPECT_FALSE(pass_until(std::chrono::seconds{300}, [&] { return got.has_value(); }));
  EXPECT_GE(broker_.watcher().calls("StreamingPull"), 9u);
  EXPECT_LE(broker_.watcher().calls("StreamingPull"), 11u);
  EXPECT_EQ(broker_.watcher().calls("StreamOpened"), 1u);
  EXPECT_EQ(broker_.watcher().calls("Acknowledge") + broker_.watcher().calls("Nack"), 0u);
  queue_->abort();
  EXPECT_TRUE(pass_until(std::chrono::seconds{5}, [&] { return got.has_value(); }));
}

std::string contents(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(PubsubQueue, SendsItsTokenOverTlsAndAsksAnewWhenItIsRefused) {
  testing::ThrowawayCa ca;
  const auto issued = ca.issue("IP:127.0.0.1");
  sandbox::pubsub::ServerOptions served;
  served.certificate_pem = contents(issued.certificate_file);
  served.key_pem = contents(issued.key_file);
  TestBroker broker{served};
  broker.watcher().admit_only("Bearer fresh");

  std::atomic<bool> stale{true};
  auto options = local_options(broker.endpoint());
  options.tls = true;
  options.ca_file = ca.ca_file();
  options.authorization = [&stale]() -> Task<Result<std::string>> {
    return [](bool old) -> Task<Result<std::string>> { co_return old ? "Bearer stale" : "Bearer fresh"; }(stale);
  };
  options.authorization_refused = [&stale] { stale = false; };
  HomedQueue queue{options};
  ASSERT_TRUE(publish(&queue, plans_of(1)));
  receive_one(&queue).ack();
  EXPECT_TRUE(broker.watcher().saw_messages("Acknowledge", 1));

  broker.watcher().admit_only("Bearer of somebody else");
  const auto refused = publish(&queue, plans_of(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kDenied);
  EXPECT_THAT(refused.error().what, ::testing::Not(HasSubstr("fresh")));
}

TEST(PubsubQueue, TrustsNoCertificateThatItWasNotToldToTrust) {
  testing::ThrowawayCa ca, other;
  const auto issued = ca.issue("IP:127.0.0.1");
  sandbox::pubsub::ServerOptions served;
  served.certificate_pem = contents(issued.certificate_file);
  served.key_pem = contents(issued.key_file);
  TestBroker broker{served};
  asio::io_context home{1};
  auto options = local_options(broker.endpoint());
  options.tls = true;
  options.ca_file = other.ca_file();
  options.backoff.attempts_max = 2;
  auto queue = make_queue(home.get_executor(), options, system_clock(), system_rng()).value();
  EXPECT_FALSE(testing::run(home, queue->publish(plans_of(1))));
  testing::run(home, queue->shutdown(Milliseconds{0}));
}

}  // namespace
}  // namespace pubsub
}  // namespace ferry
