#include "kit/resilience/brake.hpp"

#include <gmock/gmock.h>

#include "kit/async/task_group.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Server {
  asio::io_context context;
  testing::SimulatedClock clock;
  testing::SeededRng rng;
  Brake brake{&clock, &rng};
  bool up = true;
  std::vector<SteadyTime> seen;  ///< requests

  void refuse(int times) {
    for (int i = 0; i < times; ++i) brake.refused("503 from " + std::to_string(i));
  }
};

Task<Status> request(Server* server) {
  if (!server->brake.open()) {
    if (auto turn = co_await server->brake.turn(); !turn) co_return turn;
  }
  server->seen.push_back(server->clock.now());
  server->up ? server->brake.answered() : server->brake.refused("503 SlowDown");
  co_return Unit{};
}

/// As a retry loop does: until it goes well.
Task<> persist(Server* server) {
  for (;;) {
    const auto outcome = co_await request(server);
    if (outcome && server->up) co_return;
    co_await server->clock.sleep(Milliseconds{100});
  }
}

Task<> everybody(Server* server, int workers, Milliseconds outage) {
  TaskGroup group{server->context.get_executor()};
  for (int i = 0; i < workers; ++i) group.spawn(persist(server));
  co_await server->clock.sleep(outage);
  server->up = true;
  co_await group.join();
}

Task<> request_once(Server* server, std::vector<Error>* errors) {
  if (auto outcome = co_await request(server); !outcome) errors->push_back(outcome.error());
}

Task<> crowd(Server* server, std::vector<Error>* errors) {
  TaskGroup group{server->context.get_executor()};
  for (int i = 0; i < 50; ++i) group.spawn(request_once(server, errors));
  co_await group.join();
}

TEST(Brake, StaysOpenWhileSomeRequestsAreAnswered_F068) {
  Server server;
  for (int i = 0; i < 100; ++i) {
    server.refuse(15);
    server.brake.answered();
  }
  EXPECT_TRUE(server.brake.open());
}

TEST(Brake, ClosesWhenNothingIsAnswered_F061) {
  Server server;
  server.refuse(15);
  EXPECT_TRUE(server.brake.open());
  server.refuse(1);
  EXPECT_FALSE(server.brake.open());
}

TEST(Brake, OpensWithTheFirstAnswer_F061) {
  Server server;
  server.refuse(16);
  server.brake.answered();
  EXPECT_TRUE(server.brake.open());
}

TEST(Brake, SendsOneAheadAfterAPauseThatGrowsToItsCeiling_F061) {
  Server server;
  server.up = false;
  server.refuse(16);
  const auto begin = server.clock.now();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(testing::run(server.context, request(&server), &server.clock));
  ASSERT_THAT(server.seen, SizeIs(6));
  auto before = begin;
  Milliseconds least{250};
  for (const auto at : server.seen) {
    EXPECT_GE(at - before, least);
    EXPECT_LE(at - before, 2 * least + Milliseconds{1});
    before = at;
    least = std::min(least * 2, Milliseconds{2'000});
  }
}

TEST(Brake, RefusalsOfWhatWasUnderWayDoNotMakeThePauseLonger_F061) {
  Server server;
  server.refuse(500);
  const auto begin = server.clock.now();
  ASSERT_TRUE(testing::run(server.context, request(&server), &server.clock));
  EXPECT_LE(server.clock.now() - begin, Milliseconds{501});
}

TEST(Brake, HundredsThatWaitSendAFewRequestsAndGoOnSoonAfterTheOutage_F061) {
  Server server;
  server.up = false;
  testing::run(server.context, everybody(&server, 500, Milliseconds{60'000}), &server.clock);
  std::ptrdiff_t during = 0;
  for (const auto at : server.seen) during += at - server.seen.front() < Milliseconds{60'000} ? 1 : 0;
  EXPECT_LT(during, 16 + 500 + 60);  // all of them once, then scouts
  EXPECT_LE(server.seen.back() - server.seen.front(), Milliseconds{65'000});
}

TEST(Brake, ThoseWhoWaitedDoNotComeAllAtOnce_F061) {
  Server server;
  server.up = false;
  testing::run(server.context, everybody(&server, 500, Milliseconds{60'000}), &server.clock);
  std::map<std::int64_t, int> per_100ms;
  for (const auto at : server.seen) {
    const auto since = std::chrono::duration_cast<Milliseconds>(at - server.seen.front());
    if (since > Milliseconds{59'000}) ++per_100ms[since.count() / 100];
  }
  for (const auto& [slot, requests] : per_100ms) EXPECT_LT(requests, 150) << slot;
}

TEST(Brake, WhoWaitsTooLongIsToldWhatTheServerSaid_F061) {
  Server server;
  server.up = false;
  server.refuse(16);
  server.brake.refused("503 SlowDown");
  std::vector<Error> errors;
  testing::run(server.context, crowd(&server, &errors), &server.clock);
  ASSERT_THAT(errors, SizeIs(::testing::Ge(30u)));
  EXPECT_EQ(errors[0].kind, ErrorKind::kUnavailable);
  EXPECT_THAT(errors[0].what, HasSubstr("503 SlowDown"));
}

TEST(Brake, AScoutThatNeverReturnsIsReplaced_F061) {
  Server server;
  server.refuse(16);
  ASSERT_TRUE(testing::run(server.context, server.brake.turn(), &server.clock));
  ASSERT_TRUE(testing::run(server.context, server.brake.turn(), &server.clock));
  EXPECT_FALSE(server.brake.open());
}

}  // namespace
}  // namespace ferry
