#pragma once
// What a queue inside of the process promises besides: it is bounded, keeps the test's time, and drains after close.

#include "queue/message_queue_contract.hpp"

namespace ferry {

class EmbeddedQueueContract : public QueueFixture {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EmbeddedQueueContract);

TEST_P(EmbeddedQueueContract, ReceivesAsManyAsAskedWhereThereAreEnough) {
  make(10);
  ASSERT_TRUE(publish(plans({"a", "b", "c"})));
  EXPECT_EQ(receive(2).size(), 2u);
}

TEST_P(EmbeddedQueueContract, DeliversADelayedMessageWhenItIsDueAndNotBefore) {
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

TEST_P(EmbeddedQueueContract, DelaysTakeNoTimeFromOthers) {
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

TEST_P(EmbeddedQueueContract, DelayedMessagesComeInTheOrderInWhichTheyAreDue) {
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

TEST_P(EmbeddedQueueContract, AnExtremeDelayIsLong) {
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

TEST_P(EmbeddedQueueContract, PublishSuspendsWhileTheQueueIsFull) {
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

TEST_P(EmbeddedQueueContract, TakesABatchLargerThanItself) {
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

TEST_P(EmbeddedQueueContract, NackNeverBlocksAndAFullyDelayedQueueStillMoves) {
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

TEST_P(EmbeddedQueueContract, DrainsAfterCloseThenEnds) {
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

TEST_P(EmbeddedQueueContract, DeliversWhatComesBackAfterClose) {
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

TEST_P(EmbeddedQueueContract, DoesNotEndWhileAMessageIsDelayed) {
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

TEST_P(EmbeddedQueueContract, CloseRefusesAPublisherThatWaits) {
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

TEST_P(EmbeddedQueueContract, AReceiverCancelledInTheMomentOfItsWakeUpLosesNoMessage) {
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

TEST_P(EmbeddedQueueContract, ACancelledPublisherLeavesTheQueueToOthers) {
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

TEST_P(EmbeddedQueueContract, TellsHowManyWait) {
  make(10);
  EXPECT_EQ(queue_->waiting(), 0u);
  ASSERT_TRUE(publish(plans({"a", "b"})));
  EXPECT_EQ(queue_->waiting(), 2u);
  auto batch = receive(1);
  EXPECT_EQ(queue_->waiting(), 1u) << "what is on loan doesn't wait";
}

TEST_P(EmbeddedQueueContract, DeliversEverythingOnceAcrossThreads) {
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
