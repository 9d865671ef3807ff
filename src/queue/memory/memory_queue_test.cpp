#include "queue/memory/memory_queue.hpp"

#include "queue/embedded_queue_contract.hpp"

namespace ferry {
namespace {

INSTANTIATE_TEST_SUITE_P(MemoryQueue, MessageQueueContract, ::testing::Values(QueueRoom{&memory::make_queue}),
                         [](const auto&) { return "Memory"; });
INSTANTIATE_TEST_SUITE_P(MemoryQueue, EmbeddedQueueContract, ::testing::Values(QueueRoom{&memory::make_queue}),
                         [](const auto&) { return "Memory"; });

TransferPlan plan_of(std::string key) { return TransferPlan{ObjectKey{std::move(key)}}; }

TEST(MemoryQueue, KeepsTheOrderOfOnePublisherAlsoThroughBackPressure) {
  testing::SimulatedClock clock;
  asio::io_context context{1};
  const auto queue = memory::make_queue(3, &clock);
  TaskGroup publishers{context.get_executor()};
  publishers.spawn([](MessageQueue* to) -> Task<> {
    for (int batch = 0; batch < 5; ++batch) {
      std::vector<TransferPlan> plans;
      for (int i = 0; i < 4; ++i) plans.push_back(plan_of(std::to_string(batch * 4 + i)));
      const auto published = co_await to->publish(std::move(plans));
      EXPECT_TRUE(published);
    }
  }(queue.get()));
  for (int next = 0; next < 20;) {
    auto batch = testing::run(context, queue->receive(2), &clock);
    for (auto& delivery : *batch) {
      EXPECT_EQ(delivery.plan().key.str(), std::to_string(next++));
      std::move(delivery).ack();
    }
  }
  testing::run(context, publishers.join(), &clock);
}

TEST(MemoryQueue, ServesWaitingPublishersInTheOrderTheyCame) {
  testing::SimulatedClock clock;
  asio::io_context context{1};
  const auto queue = memory::make_queue(1, &clock);
  TaskGroup publishers{context.get_executor()};
  auto publish = [](MessageQueue* to, int number) -> Task<> {
    const auto published = co_await to->publish({plan_of(std::to_string(number))});
    EXPECT_TRUE(published);
  };
  for (int number = 0; number < 5; ++number) publishers.spawn(publish(queue.get(), number));
  context.poll();
  for (int number = 0; number < 5; ++number) {
    auto batch = testing::run(context, queue->receive(10), &clock);
    ASSERT_EQ(batch->size(), 1u);
    EXPECT_EQ(batch->at(0).plan().key.str(), std::to_string(number));
    std::move(batch->at(0)).ack();
  }
  testing::run(context, publishers.join(), &clock);
}

TEST(MemoryQueue, AbortDropsWhatWaits) {
  testing::SimulatedClock clock;
  const auto queue = memory::make_queue(10, &clock);
  const auto published = testing::run(queue->publish({plan_of("a")}), &clock);
  ASSERT_TRUE(published);
  queue->abort();
  EXPECT_EQ(queue->waiting(), 0u);
  EXPECT_TRUE(testing::run(queue->receive(1), &clock)->empty());
}

TEST(MemoryQueue, ADelayedMessageCountsTowardsTheCapacity) {
  testing::SimulatedClock clock;
  asio::io_context context{1};
  const auto queue = memory::make_queue(1, &clock);
  const auto first = testing::run(context, queue->publish({plan_of("a")}), &clock);
  ASSERT_TRUE(first);
  {
    auto batch = testing::run(context, queue->receive(1), &clock);
    std::move(batch->at(0)).nack(std::chrono::minutes{1});
  }
  EXPECT_EQ(queue->waiting(), 1u);
  bool published = false;
  TaskGroup publishers{context.get_executor()};
  publishers.spawn([](MessageQueue* to, bool* done) -> Task<> {
    const auto second = co_await to->publish({plan_of("b")});
    *done = second.has_value();
  }(queue.get(), &published));
  context.restart();
  context.poll();
  EXPECT_FALSE(published);
  auto batch = testing::run(context, queue->receive(1), &clock);
  testing::run(context, publishers.join(), &clock);
  EXPECT_TRUE(published);
}

TEST(MemoryQueue, ADeliveryMayOutliveItsQueue) {
  testing::SimulatedClock clock;
  auto queue = memory::make_queue(10, &clock);
  const auto published = testing::run(queue->publish({plan_of("a"), plan_of("b")}), &clock);
  ASSERT_TRUE(published);
  auto batch = testing::run(queue->receive(2), &clock);
  queue.reset();
  std::move(batch->at(0)).ack();
  std::move(batch->at(1)).nack(Milliseconds{0});
}

}  // namespace
}  // namespace ferry
