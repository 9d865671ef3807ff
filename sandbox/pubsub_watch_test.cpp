#include "sandbox/pubsub_watch.hpp"

#include <gtest/gtest.h>

#include "sandbox/world_test.hpp"

namespace ferry::sandbox {
namespace {

TEST(SandboxPubsub, TakesItsFaultsFromTheSharedTableAndWritesToTheSharedLog) {
  testing::SimulatedClock clock;
  FaultTable faults;
  const auto log = EventLog::open(std::nullopt, 10, &clock).value();
  PubsubWatch watch{&faults, log.get(), nullptr};
  ASSERT_TRUE(faults.add_lines(
      R"({"service":"pubsub","op":"Publish","bucket":"projects/p/topics/t","times":1,"action":{"code":"UNAVAILABLE"}})"
      "\n"
      R"({"service":"pubsub","op":"Acknowledge","action":{"swallow":true}})"
      "\n"
      R"({"service":"pubsub","op":"Deliver","action":{"duplicate":true,"shuffle":true}})"
      "\n"
      R"({"service":"pubsub","op":"Publish","action":{"commit_then_code":"DEADLINE_EXCEEDED"}})"));
  EXPECT_EQ(watch.fault("Publish", "projects/p/topics/t")->code, 14);
  EXPECT_EQ(watch.fault("Publish", "projects/p/topics/t")->commit_then, 4);
  EXPECT_TRUE(watch.fault("Acknowledge", "projects/p/subscriptions/s")->swallow);
  EXPECT_TRUE(watch.fault("Deliver", "projects/p/subscriptions/s")->duplicate);
  EXPECT_FALSE(watch.fault("GetTopic", "projects/p/topics/t"));

  watch.happened({"Publish", "projects/p/topics/t", 0, 3, 99, {}});
  EXPECT_EQ(log->counters(),
            R"({"pubsub":{"Publish":{"requests":1,"bytes_in":99,"bytes_out":0,"messages":3,"status":{"0":1}}}})");
  EXPECT_NE(log->read(0, 10).find(R"("messages":3)"), std::string::npos);
}

TEST(SandboxPubsub, RefusesInstructionsWithUnknownCodes) {
  FaultTable faults;
  EXPECT_FALSE(faults.add_lines(R"({"service":"pubsub","action":{"code":"BUSY"}})"));
}

TEST(SandboxPubsub, LetsInWhoHasATokenOfTheTokenEndpoint) {
  testing::SimulatedClock clock;
  testing::SeededRng rng;
  FaultTable faults;
  const auto log = EventLog::open(std::nullopt, 10, &clock).value();
  TokenBook tokens{&clock, &rng, std::chrono::hours{1}};
  PubsubWatch strict{&faults, log.get(), &tokens}, open{&faults, log.get(), nullptr};
  EXPECT_TRUE(strict.admits("Bearer " + tokens.issue()));
  EXPECT_FALSE(strict.admits("Bearer nonsense"));
  EXPECT_FALSE(strict.admits(""));
  EXPECT_TRUE(open.admits(""));
}

TEST(SandboxPubsub, IsAdministeredWhereverTheSandboxIs) {
  World world;
  EXPECT_EQ(world.gcs("GET", "/_sandbox/pubsub")->status, 404) << "no broker was asked for";
  auto started = world.sandbox->start_pubsub({});
  ASSERT_TRUE(started) << started.error().what;
  EXPECT_EQ(world.gcs("GET", "/_sandbox/pubsub")->body, "[]");
  EXPECT_EQ(world.gcs("POST", "/_sandbox/pubsub/expire")->status, 200);
  EXPECT_EQ(world.gcs("POST", "/_sandbox/pubsub/forget")->status, 200);
  EXPECT_EQ(world.gcs("POST", "/_sandbox/pubsub/end-streams?code=INTERNAL")->status, 200);
  EXPECT_EQ(world.gcs("POST", "/_sandbox/pubsub/end-streams?code=WHAT")->status, 404);
}

}  // namespace
}  // namespace ferry::sandbox
