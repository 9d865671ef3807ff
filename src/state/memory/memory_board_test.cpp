#include "state/memory/memory_board.hpp"

#include "state/shared_board_contract.hpp"

namespace ferry {
namespace {

INSTANTIATE_TEST_SUITE_P(MemoryBoard, SharedBoardContract,
                         ::testing::Values(BoardRoom{
                             [](Clock* clock) -> std::shared_ptr<SharedBoard> { return memory::make_board(clock); },
                             [](testing::SimulatedClock* clock, Milliseconds duration) { clock->advance(duration); }}),
                         [](const auto&) { return "Memory"; });

TEST(MemoryBoard, FailsEverythingWhileItIsToldTo) {
  testing::SimulatedClock clock;
  const auto board = memory::make_board(&clock);
  board->fail(true);
  EXPECT_EQ(testing::run(board->hold_lease("scan", "a", Milliseconds{1})).error().kind, ErrorKind::kUnavailable);
  EXPECT_FALSE(testing::run(board->post("topic", "name", "text", Milliseconds{0})));
  EXPECT_FALSE(testing::run(board->add("topic", {{"n", 1}})));
  EXPECT_FALSE(testing::run(board->read("topic")));
  board->fail(false);
  EXPECT_TRUE(testing::run(board->read("topic"))->empty()) << "what failed changed nothing";
  EXPECT_TRUE(testing::run(board->totals("topic"))->empty());
}

}  // namespace
}  // namespace ferry
