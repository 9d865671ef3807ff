#pragma once
// What every room of the queue must prove. A room's test instantiates it:
//   INSTANTIATE_TEST_SUITE_P(Memory, MessageQueueContract, ::testing::Values(QueueRoom{&memory::make_queue}), …)
// Brokers live in real time and deliver in any order, so nothing here depends on either: tests wait for what must come.
// What only a queue inside of the process can promise is in embedded_queue_contract.hpp.

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <mutex>
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
  /// A fresh, empty queue. `capacity` and `clock` are for queues inside of the process: how many plans it holds, and
  /// the test's own time.
  std::function<std::unique_ptr<MessageQueue>(std::size_t capacity, Clock* clock)> make;
};

class QueueFixture : public ::testing::TestWithParam<QueueRoom> {
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

  /// Receives until `count` deliveries are here.
  Batch receive_all(std::size_t count) {
    Batch all;
    while (all.size() < count) {
      for (auto& delivery : receive(count - all.size())) all.push_back(std::move(delivery));
    }
    return all;
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
  /// Runs until `condition` holds; a broker has its threads for that, and at most this long.
  template <class Condition>
  [[nodiscard]] bool eventually(Condition condition) {
    constexpr std::chrono::seconds kPatience{20};
    for (settle(); !condition(); context_.restart()) {
      if (context_.run_one_for(kPatience) == 0) return false;
    }
    return true;
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

class MessageQueueContract : public QueueFixture {};
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
}

TEST_P(MessageQueueContract, GivesADroppedDeliveryBackAtOnce) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  receive();
  auto again = receive();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].attempt(), 2u);
}

TEST_P(MessageQueueContract, TakesNoPlansWithoutAWord) {
  make(1);
  EXPECT_TRUE(publish({}));
  EXPECT_EQ(queue_->waiting(), 0u);
}

TEST_P(MessageQueueContract, CloseEndsAllReceiversThatWait) {
  make(10);
  std::array<std::optional<Batch>, 3> batches;
  for (auto& batch : batches) start_receive(&batch);
  queue_->close();
  for (auto& batch : batches) {
    ASSERT_TRUE(eventually([&] { return batch.has_value(); }));
    EXPECT_TRUE(batch->empty());
  }
}

TEST_P(MessageQueueContract, RefusesToPublishAfterClose) {
  make(10);
  queue_->close();
  const auto published = publish({plan("a")});
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().kind, ErrorKind::kCancelled);
  EXPECT_TRUE(receive().empty());
}

TEST_P(MessageQueueContract, SettlingAfterAbortIsHarmless) {
  make(10);
  ASSERT_TRUE(publish(plans({"a", "b", "c"})));
  auto on_loan = receive_all(3);
  queue_->abort();
  std::move(on_loan.at(0)).ack();
  std::move(on_loan.at(1)).nack(Milliseconds{0});
  std::move(on_loan.at(2)).nack(std::chrono::seconds{1});
  EXPECT_TRUE(receive().empty());
}

TEST_P(MessageQueueContract, ReceivesAtMostAsManyAsAsked) {
  make(10);
  ASSERT_TRUE(publish(plans({"a", "b", "c"})));
  const auto first = receive(2);
  EXPECT_GE(first.size(), 1u);
  EXPECT_LE(first.size(), 2u);
}

TEST_P(MessageQueueContract, WakesAWaitingReceiver) {
  make(10);
  std::optional<Batch> batch;
  start_receive(&batch);
  EXPECT_FALSE(batch) << "nothing to receive yet";
  ASSERT_TRUE(publish({plan("a")}));
  ASSERT_TRUE(eventually([&] { return batch.has_value(); }));
  EXPECT_EQ(keys(*batch), (Keys{"a"}));
}

TEST_P(MessageQueueContract, SharesOneBatchAmongWaitingReceivers) {
  make(10);
  std::array<std::optional<Batch>, 3> batches;
  for (auto& batch : batches) start_receive(&batch, 1);
  ASSERT_TRUE(publish(plans({"a", "b", "c"})));
  std::multiset<std::string> seen;
  for (auto& batch : batches) {
    ASSERT_TRUE(eventually([&] { return batch.has_value(); }));
    for (const auto& key : keys(*batch)) seen.insert(key);
  }
  EXPECT_EQ(seen, (std::multiset<std::string>{"a", "b", "c"}));
}

TEST_P(MessageQueueContract, NeverDeliversAgainWhatWasAcked) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  auto batch = receive();
  std::move(batch.at(0)).ack();
  ASSERT_TRUE(publish({plan("b")}));
  auto next = receive();
  EXPECT_EQ(keys(next), (Keys{"b"}));
  std::move(next.at(0)).ack();
  queue_->close();
  EXPECT_TRUE(receive().empty());
}

TEST_P(MessageQueueContract, GivesADelayedMessageBackInTheEnd) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  {
    auto batch = receive();
    std::move(batch.at(0)).nack(Milliseconds{20});
  }
  auto again = receive();
  EXPECT_EQ(keys(again), (Keys{"a"}));
  EXPECT_EQ(again.at(0).attempt(), 2u);
}

TEST_P(MessageQueueContract, DelaysDoNotHoldUpOtherMessages) {
  make(10);
  ASSERT_TRUE(publish(plans({"a", "b"})));
  std::string slow;
  {
    auto batch = receive(1);
    slow = keys(batch).at(0);
    std::move(batch.at(0)).nack(std::chrono::hours{1});
  }
  auto quick = receive();
  ASSERT_EQ(quick.size(), 1u);
  EXPECT_NE(keys(quick).at(0), slow);
}

TEST_P(MessageQueueContract, AnExtremeDelayIsNoOverflow) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  {
    auto batch = receive();
    std::move(batch.at(0)).nack(Milliseconds::max());
  }
  ASSERT_TRUE(publish({plan("b")}));
  auto batch = receive();
  EXPECT_EQ(keys(batch), (Keys{"b"}));
}

TEST_P(MessageQueueContract, DoesNotEndWhileAMessageIsOnLoan) {
  make(10);
  ASSERT_TRUE(publish({plan("a")}));
  auto on_loan = receive();
  queue_->close();
  std::optional<Batch> other;
  start_receive(&other);
  EXPECT_FALSE(other) << "whoever has it may still need the queue";
  std::move(on_loan.at(0)).ack();
  ASSERT_TRUE(eventually([&] { return other.has_value(); }));
  EXPECT_TRUE(other->empty());
  EXPECT_TRUE(receive().empty()) << "and stays at its end";
}

TEST_P(MessageQueueContract, AbortEndsReceiversAtOnceAndRefusesPublishers) {
  make(1);
  std::optional<Batch> waiting;
  ASSERT_TRUE(publish({plan("a")}));
  auto on_loan = receive();
  start_receive(&waiting);
  queue_->abort();
  ASSERT_TRUE(eventually([&] { return waiting.has_value(); })) << "in spite of the message on loan";
  EXPECT_TRUE(waiting->empty());
  EXPECT_TRUE(receive().empty());
  const auto published = publish({plan("b")});
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().kind, ErrorKind::kCancelled);
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
  ASSERT_TRUE(eventually([&] { return other.has_value(); }));
  EXPECT_EQ(keys(*other), (Keys{"a"}));
}

TEST_P(MessageQueueContract, DeliversEverythingToManyThreads) {
  // One publisher and three receivers, each on a thread of its own; every third first delivery is given back. At least
  // once: whatever comes twice is acked twice.
  constexpr std::size_t kPlans = 1500;
  make(64);
  struct Tally {
    std::mutex mutex;
    std::set<std::string> acked;
  };
  Tally tally;
  auto publisher = [](MessageQueue* to) -> Task<> {
    for (std::size_t next = 0; next < kPlans;) {
      std::vector<TransferPlan> batch;
      for (int i = 0; i < 50; ++i, ++next) batch.push_back(plan(std::to_string(next)));
      const auto published = co_await to->publish(std::move(batch));
      EXPECT_TRUE(published);
    }
  };
  auto receiver = [](MessageQueue* from, Tally* all) -> Task<> {
    for (;;) {
      auto batch = co_await from->receive(7);
      EXPECT_TRUE(batch);
      if (!batch || batch->empty()) co_return;
      for (auto& delivery : *batch) {
        const auto key = delivery.plan().key.str();
        if (delivery.attempt() == 1 && key.ends_with('3')) {
          std::move(delivery).nack(Milliseconds{0});
          continue;
        }
        std::move(delivery).ack();
        const std::lock_guard lock{all->mutex};
        all->acked.insert(key);
        if (all->acked.size() == kPlans) from->close();
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([this, &tally, receiver] { testing::run(receiver(queue_.get(), &tally)); });
  }
  threads.emplace_back([this, publisher] { testing::run(publisher(queue_.get())); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(tally.acked.size(), kPlans);
}

}  // namespace ferry
