#include "state/memory/memory_state.hpp"

#include "state/state_store_contract.hpp"

namespace ferry {
namespace {

INSTANTIATE_TEST_SUITE_P(MemoryState, StateStoreContract,
                         ::testing::Values(StateRoom{
                             [](Clock*) -> std::shared_ptr<StateStore> { return memory::make_state(); }}),
                         [](const auto&) { return "Memory"; });

TEST(MemoryState, FailsTheNextOperationOfTheNamedKindOnly) {
  const auto state = memory::make_state();
  state->fail_next(memory::StateOp::kRecordConsumed, ErrorKind::kUnavailable);
  EXPECT_TRUE(testing::run(state->lookup({ObjectKey{"a"}})));
  const auto refused = testing::run(state->record_consumed(Receipt{ObjectKey{"a"}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_FALSE(testing::run(state->lookup({ObjectKey{"a"}}))->at(0).consumed);
  EXPECT_TRUE(testing::run(state->record_consumed(Receipt{ObjectKey{"a"}})));
  EXPECT_TRUE(testing::run(state->lookup({ObjectKey{"a"}}))->at(0).consumed);
}

TEST(MemoryState, PlannedFailuresAddUp) {
  const auto state = memory::make_state();
  state->fail_next(memory::StateOp::kList, ErrorKind::kUnavailable);
  state->fail_next(memory::StateOp::kList, ErrorKind::kInvalid);
  EXPECT_EQ(testing::run(state->list(std::nullopt, 1)).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(testing::run(state->list(std::nullopt, 1)).error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(testing::run(state->list(std::nullopt, 1)));
}

}  // namespace
}  // namespace ferry
