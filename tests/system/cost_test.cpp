// What a migration costs, counted on the wire: requests are money, and bytes sent twice are time.

#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

class Cost : public SystemTest {};

TEST_F(Cost, OfASmallNewObjectIsOneGetAndOneUpload) {
  start();
  constexpr int kObjects = 10;
  for (int i = 0; i < kObjects; ++i) source_->put("small/" + std::to_string(i), noise(1000 * i, i));
  sandbox_->forget();

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  const auto listings = std::uint64_t{1};
  EXPECT_EQ(sandbox_->requests("s3", "GetObject"), kObjects);
  EXPECT_EQ(sandbox_->requests("s3"), kObjects + listings) << boost::json::serialize(sandbox_->counters());
  EXPECT_EQ(sandbox_->requests("gcs"), kObjects + listings) << boost::json::serialize(sandbox_->counters());
  EXPECT_EQ(outcome.summary.at("requests").at("source"), kObjects + listings) << "it counts what it sends";
  EXPECT_EQ(outcome.summary.at("requests").at("target"), kObjects + listings);
}

TEST_F(Cost, OfARescanIsOneListingPerThousandObjectsAndSide) {
  constexpr std::uint64_t kObjects = 2500, kPages = 3;
  start_synthetic(kObjects, 10);
  ASSERT_EQ(copy().code(), 0);
  sandbox_->forget();

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("unchanged"), kObjects);
  EXPECT_EQ(sandbox_->requests("s3"), kPages) << boost::json::serialize(sandbox_->counters());
  EXPECT_EQ(sandbox_->requests("gcs"), kPages) << boost::json::serialize(sandbox_->counters());
}

TEST_F(Cost, OfACutIsAtMostOneChunkSentAgain_F010_F075_F076) {
  start_synthetic(1, kGiB);
  // One after the other: an instruction that has fired leaves the next request to the one behind it.
  for (const auto* how : {"cut_after", "reset_after", "cut_after"}) {
    sandbox_->fault({{"service", "s3"}, {"op", "GetObject"}, {"times", 1}, {"action", {{how, 200 * kMiB + 12'345}}}});
  }
  for (const int chunk : {5, 21, 40}) {
    sandbox_->fault({{"service", "gcs"},
                     {"op", "PutChunk"},
                     {"after", chunk},
                     {"times", 1},
                     {"action", {{chunk == 21 ? "cut_after" : "reset_after", 9 * kMiB + 4321}}}});
  }
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 1);

  const auto events = sandbox_->events();
  std::uint64_t faults = 0;
  for (const auto& event : events) faults += event.text("fault").empty() ? 0 : 1;
  EXPECT_EQ(faults, 6);
  EXPECT_LE(sum(events, "gcs", "PutChunk", "in"), kGiB + 3 * kChunk);
  // A cut at the target makes the source's bytes wanted again, too.
  EXPECT_LE(sum(events, "s3", "GetObject", "out"), kGiB + 6 * kChunk);
}

class Scale : public SystemTest {};

TEST_F(Scale, HundredThousandObjectsInFlatMemoryAndTheSecondRunMovesNothing_F023) {
  constexpr std::uint64_t kObjects = 100'000, kPages = 100;
  start_synthetic(kObjects, kKiB);
  sandbox_->forget();
  const auto first = copy();
  ASSERT_EQ(first.code(), 0) << first.describe();
  EXPECT_EQ(first.number("copied"), kObjects);
  EXPECT_EQ(sandbox_->requests("s3", "GetObject"), kObjects);

  sandbox_->forget();
  const auto second = copy();
  ASSERT_EQ(second.code(), 0) << second.describe();
  EXPECT_EQ(second.number("unchanged"), kObjects);
  EXPECT_EQ(second.number("copied"), 0);
  EXPECT_EQ(sandbox_->requests("s3"), kPages) << boost::json::serialize(sandbox_->counters());
  EXPECT_EQ(sandbox_->requests("gcs"), kPages) << boost::json::serialize(sandbox_->counters());

  RecordProperty("first_peak_kib", std::to_string(first.ended.peak_kib));
  RecordProperty("second_peak_kib", std::to_string(second.ended.peak_kib));
  if (kMemoryIsOurs) {
    EXPECT_LT(first.ended.peak_kib, 128 * 1024);
    EXPECT_LT(second.ended.peak_kib, 128 * 1024);
  }
}

TEST_F(Scale, SlowTargetSlowsTheSourceInsteadOfFillingMemory_F064) {
  start_synthetic(64, 8 * kMiB, {"--rate", "1M"});
  auto process = start_copy({"--transfers", "64"});
  // Long enough to fill every buffer there is, and by far too short to finish.
  const auto busy = [&] { return sandbox_->requests("s3", "GetObject") >= 32 || !process->running(); };
  EXPECT_TRUE(eventually(busy, Duration{30}));
  process->signal(SIGTERM);
  const auto ended = process->wait(Duration{60});
  if (kMemoryIsOurs) EXPECT_LT(ended.peak_kib, 192 * 1024);
}

}  // namespace
}  // namespace ferry::system_test
