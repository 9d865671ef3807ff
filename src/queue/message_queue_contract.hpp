#pragma once
// What every room of the queue must prove. A room's test instantiates it:
//   INSTANTIATE_TEST_SUITE_P(Memory, MessageQueueContract, ::testing::Values(QueueRoom{&memory::make_queue}), …)

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kit/async/task_group.hpp"
#include "queue/message_queue.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {

struct QueueRoom {
  /// A fresh, empty queue that holds `capacity` plans.
  std::function<std::unique_ptr<MessageQueue>(std::size_t capacity, Clock* clock)> make;
};

class MessageQueueContract : public ::testing::TestWithParam<QueueRoom> {
 protected:
  using Batch = std::vector<Delivery>;

  void make(std::size_t capacity) { queue_ = GetParam().make(capacity, &clock_); }

  static TransferPlan plan(std::string key) {
    return {ObjectKey{std::move(key)},
            ETag{"\"tag\""},
            std::nullopt,
            std::nullopt,
            std::nullopt,
            std::nullopt,
            std::nullopt,
            ""};
  }
  static std::vector<TransferPlan> plans(std::initializer_list<const char*> keys) {
    std::vector<TransferPlan> made;
    for (const char* key : keys) made.push_back(plan(key));
    return made;
  }
  static std::vector<std::string> keys(const Batch& batch) {
    std::vector<std::string> found;
    for (const auto& delivery : batch) found.push_back(delivery.plan().key.str());
    return found;
  }
  using Keys = std::vector<std::string>;

  Status publish(std::vector<TransferPlan> some) {
    return testing::run(context_, queue_->publish(std::move(some)), &clock_);
  }
  Batch receive(std::size_t max = 100) {
    auto batch = testing::run(context_, queue_->receive(max), &clock_);
    if (!batch) throw std::runtime_error(batch.error().what);
    return *std::move(batch);
  }

  /// Starts an operation beside the test and lets it run until it suspends.
  void start_receive(std::optional<Batch>* into, std::size_t max = 100) {
    tasks_.spawn(keep_batch(queue_.get(), max, into));
    settle();
  }
  void start_publish(std::optional<Status>* into, std::vector<TransferPlan> some) {
    tasks_.spawn(keep_status(queue_.get(), std::move(some), into));
    settle();
  }
  void settle() {
    context_.restart();
    context_.poll();
  }
  void TearDown() override {
    settle();
    tasks_.cancel();
    testing::run(context_, tasks_.join(), &clock_);
  }

  static Task<> keep_batch(MessageQueue* queue, std::size_t max, std::optional<Batch>* into) {
    auto batch = co_await queue->receive(max);
    if (batch) into->emplace(*std::move(batch));
  }
  static Task<> keep_status(MessageQueue* queue, std::vector<TransferPlan> some, std::optional<Status>* into) {
    *into = co_await queue->publish(std::move(some));
  }

  asio::io_context context_{1};
  testing::SimulatedClock clock_;
  std::unique_ptr<MessageQueue> queue_;
  TaskGroup tasks_{context_.get_executor()};
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(MessageQueueContract);

TEST_P(MessageQueueContract, DeliversAPlanWithAllItsFields) {
  make(10);
  TransferPlan sent{ObjectKey{std::string{"a\0b\n//ü", 8}},
                    ETag{"\"5d41402abc4b2a76b9719d911017c592-3\""},
                    5'497'558'138'880u,
                    Seconds{std::chrono::seconds{1'700'000'000}},
                    VersionId{"v.1"},
                    "GLACIER_IR",
                    Generation{1'700'000'000'000'001},
                    "scan-7"};
  ASSERT_TRUE(publish({sent}));
  auto batch = receive();
  ASSERT_EQ(batch.size(), 1u);
  const auto& got = batch[0].plan();
  EXPECT_EQ(got.key, sent.key);
  EXPECT_EQ(got.etag, sent.etag);
  EXPECT_EQ(got.size, sent.size);
  EXPECT_EQ(got.modified, sent.modified);
  EXPECT_EQ(got.version_id, sent.version_id);
  EXPECT_EQ(got.storage_class, sent.storage_class);
  EXPECT_EQ(got.target_generation, sent.target_generation);
  EXPECT_EQ(got.scan, sent.scan);
}

TEST_P(MessageQueueContract, LeavesOutWhatThePlanDoesNotKnow) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  auto batch = receive();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_FALSE(batch[0].plan().size);
  EXPECT_FALSE(batch[0].plan().modified);
  EXPECT_FALSE(batch[0].plan().version_id);
  EXPECT_FALSE(batch[0].plan().storage_class);
  EXPECT_FALSE(batch[0].plan().target_generation);
}

TEST_P(MessageQueueContract, ReceivesAtMostAsManyAsAsked) {
  make(10);
  ASSERT_TRUE(publish(plans({"a", "b", "c"})));
  EXPECT_EQ(receive(2).size(), 2u);
}

TEST_P(MessageQueueContract, WakesAWaitingReceiver) {
  make(10);
  std::optional<Batch> batch;
  start_receive(&batch);
  EXPECT_FALSE(batch) << "nothing to receive yet";
  ASSERT_TRUE(publish({plan("a")}));
  settle();
  ASSERT_TRUE(batch);
  EXPECT_EQ(keys(*batch), (Keys{"a"}));
}

TEST_P(MessageQueueContract, SharesOneBatchAmongWaitingReceivers) {
  make(10);
  std::array<std::optional<Batch>, 3> batches;
  for (auto& batch : batches) start_receive(&batch, 1);
  ASSERT_TRUE(publish(plans({"a", "b", "c"})));
  settle();
  std::multiset<std::string> seen;
  for (auto& batch : batches) {
    ASSERT_TRUE(batch);
    for (const auto& key : keys(*batch)) seen.insert(key);
  }
  EXPECT_EQ(seen, (std::multiset<std::string>{"a", "b", "c"}));
}

TEST_P(MessageQueueContract, NeverDeliversAgainWhatWasAcked) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  auto batch = receive();
  std::move(batch.at(0)).ack();
  queue_->close();
  EXPECT_TRUE(receive().empty());
}

TEST_P(MessageQueueContract, GivesANackedMessageBackAtOnceAndCountsAttempts) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    auto batch = receive();
    ASSERT_EQ(batch.size(), 1u);
    EXPECT_EQ(batch[0].attempt(), attempt);
    EXPECT_EQ(batch[0].plan().key.str(), "a");
    std::move(batch[0]).nack(Milliseconds{0});
  }
  EXPECT_EQ(clock_.elapsed(), Milliseconds{0});
}

TEST_P(MessageQueueContract, GivesADroppedDeliveryBackAtOnce) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  receive();
  auto again = receive();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].attempt(), 2u);
  EXPECT_EQ(clock_.elapsed(), Milliseconds{0});
}

TEST_P(MessageQueueContract, DeliversADelayedMessageWhenItIsDueAndNotBefore) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  {
    auto batch = receive();
    std::move(batch.at(0)).nack(std::chrono::minutes{1});
  }
  std::optional<Batch> again;
  start_receive(&again);
  clock_.advance(std::chrono::seconds{59});
  settle();
  EXPECT_FALSE(again);
  clock_.advance(std::chrono::seconds{1});
  settle();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->at(0).attempt(), 2u);
}

TEST_P(MessageQueueContract, DelaysDoNotHoldUpOtherMessages) {
  make(10);
  ASSERT_TRUE(publish(plans({"slow", "quick"})));
  {
    auto batch = receive(1);
    std::move(batch.at(0)).nack(std::chrono::hours{1});
  }
  auto batch = receive();
  EXPECT_EQ(keys(batch), (Keys{"quick"}));
  EXPECT_EQ(clock_.elapsed(), Milliseconds{0});
}

TEST_P(MessageQueueContract, DelayedMessagesComeInTheOrderInWhichTheyAreDue) {
  make(10);
  ASSERT_TRUE(publish(plans({"late", "early"})));
  auto batch = receive();
  std::optional<Batch> first;
  start_receive(&first);
  std::move(batch.at(0)).nack(std::chrono::seconds{20});
  settle();
  std::move(batch.at(1)).nack(std::chrono::seconds{10});  // the waiting receiver must wake earlier than planned
  settle();
  ASSERT_TRUE(clock_.advance_to_next());
  settle();
  ASSERT_TRUE(first);
  EXPECT_EQ(keys(*first), (Keys{"early"}));
  EXPECT_EQ(clock_.elapsed(), std::chrono::seconds{10});
  auto second = receive();
  EXPECT_EQ(keys(second), (Keys{"late"}));
  EXPECT_EQ(clock_.elapsed(), std::chrono::seconds{20});
}

TEST_P(MessageQueueContract, AnExtremeDelayIsNoOverflow) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  auto batch = receive();
  std::move(batch.at(0)).nack(Milliseconds::max());
  std::optional<Batch> again;
  start_receive(&again);
  clock_.advance(std::chrono::hours{24});
  settle();
  EXPECT_FALSE(again);
}

TEST_P(MessageQueueContract, PublishSuspendsWhileTheQueueIsFull) {
  make(2);
  ASSERT_TRUE(publish(plans({"a", "b"})));
  std::optional<Status> third;
  start_publish(&third, plans({"c"}));
  EXPECT_FALSE(third);
  auto first = receive(1);
  settle();
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->has_value());
  EXPECT_EQ(keys(receive()).size(), 2u);
}

TEST_P(MessageQueueContract, TakesABatchLargerThanItself) {
  make(2);
  std::optional<Status> published;
  start_publish(&published, plans({"a", "b", "c", "d", "e"}));
  std::multiset<std::string> seen;
  while (seen.size() < 5) {
    auto batch = receive();
    for (auto& delivery : batch) {
      seen.insert(delivery.plan().key.str());
      std::move(delivery).ack();
    }
  }
  settle();
  ASSERT_TRUE(published);
  EXPECT_TRUE(published->has_value());
  EXPECT_EQ(seen, (std::multiset<std::string>{"a", "b", "c", "d", "e"}));
}

TEST_P(MessageQueueContract, TakesNoPlansWithoutAWord) {
  make(1);
  EXPECT_TRUE(publish({}));
  EXPECT_EQ(queue_->waiting(), 0u);
}

TEST_P(MessageQueueContract, NackNeverBlocksAndAFullyDelayedQueueStillMoves) {
  make(2);
  ASSERT_TRUE(publish(plans({"a", "b"})));
  auto batch = receive();
  ASSERT_TRUE(publish(plans({"c", "d"})));  // on loan, a and b take no room
  for (auto& delivery : batch) std::move(delivery).nack(std::chrono::seconds{5});
  auto more = receive();
  for (auto& delivery : more) std::move(delivery).nack(std::chrono::seconds{5});
  std::optional<Status> published;
  start_publish(&published, plans({"e"}));

  std::multiset<std::string> seen;
  while (seen.size() < 5) {
    auto next = receive();
    for (auto& delivery : next) {
      seen.insert(delivery.plan().key.str());
      std::move(delivery).ack();
    }
  }
  settle();
  EXPECT_TRUE(published);
  EXPECT_EQ(seen, (std::multiset<std::string>{"a", "b", "c", "d", "e"}));
}

TEST_P(MessageQueueContract, DrainsAfterCloseThenEnds) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  queue_->close();
  {
    auto batch = receive();
    EXPECT_EQ(keys(batch), (Keys{"a"}));
    std::move(batch.at(0)).ack();
  }
  EXPECT_TRUE(receive().empty());
  EXPECT_TRUE(receive().empty()) << "and stays at its end";
}

TEST_P(MessageQueueContract, CloseEndsAllReceiversThatWait) {
  make(10);
  std::array<std::optional<Batch>, 3> batches;
  for (auto& batch : batches) start_receive(&batch);
  queue_->close();
  settle();
  for (auto& batch : batches) {
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->empty());
  }
}

TEST_P(MessageQueueContract, DoesNotEndWhileAMessageIsOnLoan) {
  make(10);
  ASSERT_TRUE(publish(plans({"a", "b"})));
  auto on_loan = receive();
  queue_->close();
  std::optional<Batch> other, third;
  start_receive(&other);
  start_receive(&third);
  EXPECT_FALSE(other) << "the messages on loan may come back";

  std::move(on_loan.at(0)).nack(Milliseconds{0});
  settle();
  ASSERT_TRUE(other);
  EXPECT_EQ(keys(*other), (Keys{"a"}));

  std::move(other->at(0)).ack();
  settle();
  EXPECT_FALSE(third);
  std::move(on_loan.at(1)).ack();
  settle();
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->empty());
}

TEST_P(MessageQueueContract, DoesNotEndWhileAMessageIsDelayed) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  {
    auto batch = receive();
    queue_->close();
    std::move(batch.at(0)).nack(std::chrono::hours{1});
  }
  auto again = receive();
  EXPECT_EQ(keys(again), (Keys{"a"}));
  EXPECT_EQ(clock_.elapsed(), std::chrono::hours{1});
}

TEST_P(MessageQueueContract, RefusesToPublishAfterClose) {
  make(10);
  queue_->close();
  const auto published = publish({plan("a")});
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().kind, ErrorKind::kCancelled);
  EXPECT_TRUE(receive().empty());
}

TEST_P(MessageQueueContract, CloseRefusesAPublisherThatWaits) {
  make(1);
  ASSERT_TRUE(publish({plan("a")}));
  std::optional<Status> second;
  start_publish(&second, {plan("b")});
  queue_->close();
  settle();
  ASSERT_TRUE(second);
  ASSERT_FALSE(second->has_value());
  EXPECT_EQ(second->error().kind, ErrorKind::kCancelled);
}

TEST_P(MessageQueueContract, AbortEndsReceiversAtOnceAndRefusesPublishers) {
  make(1);
  std::optional<Batch> waiting;
  ASSERT_TRUE(publish({plan("a")}));
  auto on_loan = receive();
  start_receive(&waiting);
  queue_->abort();
  settle();
  ASSERT_TRUE(waiting) << "in spite of the message on loan";
  EXPECT_TRUE(waiting->empty());
  EXPECT_TRUE(receive().empty());
  const auto published = publish({plan("b")});
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().kind, ErrorKind::kCancelled);
}

TEST_P(MessageQueueContract, SettlingAfterAbortIsHarmless) {
  make(10);
  ASSERT_TRUE(publish(plans({"a", "b", "c"})));
  auto on_loan = receive();
  queue_->abort();
  std::move(on_loan.at(0)).ack();
  std::move(on_loan.at(1)).nack(Milliseconds{0});
  std::move(on_loan.at(2)).nack(std::chrono::seconds{1});
  EXPECT_TRUE(receive().empty());
}

TEST_P(MessageQueueContract, ACancelledReceiverTakesNothingAlong) {
  make(10);
  std::optional<Batch> cancelled, other;
  TaskGroup group{context_.get_executor()};
  group.spawn(keep_batch(queue_.get(), 100, &cancelled));
  settle();
  start_receive(&other);
  group.cancel();
  testing::run(context_, group.join(), &clock_);
  EXPECT_FALSE(cancelled);
  ASSERT_TRUE(publish({plan("a")}));
  settle();
  ASSERT_TRUE(other);
  EXPECT_EQ(keys(*other), (Keys{"a"}));
}

TEST_P(MessageQueueContract, AReceiverCancelledInTheMomentOfItsWakeUpLosesNoMessage) {
  make(10);
  ASSERT_TRUE(publish({plan("delayed")}));
  {
    auto batch = receive();
    std::move(batch.at(0)).nack(std::chrono::hours{1});  // so that the receivers wait for two things
  }
  std::optional<Batch> cancelled, other;
  TaskGroup group{context_.get_executor()};
  group.spawn(keep_batch(queue_.get(), 100, &cancelled));
  settle();
  start_receive(&other);

  // Published and cancelled before the woken receiver has run: either it has the message, or the other one does.
  tasks_.spawn([](MessageQueue* queue, TaskGroup* to_cancel) -> Task<> {
    const auto published = co_await queue->publish({plan("a")});
    EXPECT_TRUE(published);
    to_cancel->cancel();
  }(queue_.get(), &group));
  settle();
  EXPECT_EQ(group.size(), 0u);
  cancelled.reset();  // dropped: what it had comes back
  settle();
  ASSERT_TRUE(other);
  EXPECT_EQ(keys(*other), (Keys{"a"}));
}

TEST_P(MessageQueueContract, ACancelledPublisherLeavesTheQueueToOthers) {
  make(1);
  ASSERT_TRUE(publish({plan("a")}));
  std::optional<Status> cancelled, other;
  TaskGroup group{context_.get_executor()};
  group.spawn(keep_status(queue_.get(), {plan("b")}, &cancelled));
  settle();
  start_publish(&other, {plan("c")});
  group.cancel();
  testing::run(context_, group.join(), &clock_);
  EXPECT_FALSE(cancelled);
  auto first = receive(1);
  settle();
  EXPECT_TRUE(other);
  auto second = receive(1);
  EXPECT_EQ(keys(second), (Keys{"c"}));
}

TEST_P(MessageQueueContract, TellsHowManyWait) {
  make(10);
  EXPECT_EQ(queue_->waiting(), 0u);
  ASSERT_TRUE(publish(plans({"a", "b"})));
  EXPECT_EQ(queue_->waiting(), 2u);
  auto batch = receive(1);
  EXPECT_EQ(queue_->waiting(), 1u) << "what is on loan doesn't wait";
}

TEST_P(MessageQueueContract, DeliversEverythingAcrossThreads) {
  // One publisher and three receivers, each on a thread of its own; every third first delivery is given back.
  constexpr int kPlans = 3000;
  constexpr int kReceivers = 3;
  const auto queue = GetParam().make(64, system_clock());

  auto publisher = [](MessageQueue* to) -> Task<> {
    for (int next = 0; next < kPlans;) {
      std::vector<TransferPlan> batch;
      for (int i = 0; i < 50; ++i, ++next) batch.push_back(plan(std::to_string(next)));
      const auto published = co_await to->publish(std::move(batch));
      EXPECT_TRUE(published);
    }
    to->close();
  };
  auto receiver = [](MessageQueue* from, std::vector<std::string>* acked) -> Task<> {
    for (;;) {
      auto batch = co_await from->receive(7);
      EXPECT_TRUE(batch);
      if (!batch || batch->empty()) co_return;
      for (auto& delivery : *batch) {
        const bool give_back = delivery.attempt() == 1 && delivery.plan().key.str().size() % 3 == 0;
        if (give_back) {
          std::move(delivery).nack(Milliseconds{acked->size() % 2});
          continue;
        }
        acked->push_back(delivery.plan().key.str());
        std::move(delivery).ack();
      }
    }
  };

  std::array<std::vector<std::string>, kReceivers> acked;
  std::vector<std::thread> threads;
  threads.reserve(kReceivers + 1);
  for (auto& mine : acked) {
    threads.emplace_back([&queue, &mine, receiver] { testing::run(receiver(queue.get(), &mine)); });
  }
  threads.emplace_back([&queue, publisher] { testing::run(publisher(queue.get())); });
  for (auto& thread : threads) thread.join();

  std::multiset<std::string> all;
  for (const auto& mine : acked) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kPlans));
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), static_cast<std::size_t>(kPlans));
}

}  // namespace ferry
