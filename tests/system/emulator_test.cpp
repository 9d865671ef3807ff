// The queue's contract on Google's own emulator.

#include "tests/system/emulator.hpp"

#include "queue/message_queue_contract.hpp"
#include "queue/pubsub/room_test.hpp"
#include "testing/base/temporary_folder.hpp"

namespace ferry {
namespace {

/// One for all tests of the program: starting it takes longer than most of them.
class EmulatorForAll final : public ::testing::Environment {
 public:
  void SetUp() override { emulator_ = std::make_unique<system_test::Emulator>(folder_.path()); }
  void TearDown() override { emulator_.reset(); }
  /// A queue with a topic and a subscription of its own.
  std::unique_ptr<MessageQueue> make_queue() {
    auto options = pubsub::local_options(emulator_->endpoint(), std::to_string(++queues_));
    options.streams = 4;  // a stream of the emulator is slow
    return std::make_unique<pubsub::HomedQueue>(std::move(options));
  }
  void start_again() {
    const auto port = emulator_->port();
    emulator_.reset();
    emulator_ = std::make_unique<system_test::Emulator>(folder_.path(), port);
  }

 private:
  testing::TemporaryFolder folder_;
  std::unique_ptr<system_test::Emulator> emulator_;
  int queues_ = 0;
};

EmulatorForAll* emulator() {
  static auto* const environment =
      static_cast<EmulatorForAll*>(::testing::AddGlobalTestEnvironment(new EmulatorForAll));
  return environment;
}
const auto* const kRegistered = emulator();

INSTANTIATE_TEST_SUITE_P(PubsubQueue, MessageQueueContract,
                         ::testing::Values(QueueRoom{[](std::size_t, Clock*) { return emulator()->make_queue(); }}),
                         [](const auto&) { return "Emulator"; });

TransferPlan plan_of(std::string key) { return {ObjectKey{std::move(key)}, ETag{"\"t\""}}; }

TEST(PubsubEmulator, ForgetsEverythingWhenItRestartsAndTheQueueGoesOn_F094_F099) {
  const auto queue = emulator()->make_queue();
  ASSERT_TRUE(testing::run(queue->publish({plan_of("before")})));
  auto before = testing::run(queue->receive(1)).value();
  std::move(before.at(0)).ack();
  emulator()->start_again();
  auto again = [](MessageQueue* to) -> Task<> {
    for (;;) {
      const auto published = co_await to->publish({plan_of("after")});
      if (published) co_return;
      EXPECT_EQ(published.error().kind, ErrorKind::kUnavailable);
    }
  };
  testing::run(again(queue.get()));
  auto after = testing::run(queue->receive(1)).value();
  EXPECT_EQ(after.at(0).plan().key.str(), "after");
}

}  // namespace
}  // namespace ferry
