// The process dies at the worst moment; the same command goes on.

#include <gmock/gmock.h>

#include <csignal>

#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

constexpr std::uint64_t kTransfers = 128;  ///< the default of --transfers

class Crash : public SystemTest {
 protected:
  /// Runs until the target has seen `uploads` requests of this operation, then sends the signal.
  Ended interrupt(const std::string& operation, std::uint64_t uploads, int signal,
                  std::vector<std::string> options = {}) {
    auto process = start_copy(std::move(options));
    const auto far_enough = [&] { return sandbox_->requests("gcs", operation) >= uploads || !process->running(); };
    EXPECT_TRUE(eventually(far_enough, Duration{60}));
    EXPECT_TRUE(process->running()) << "it was done before it could be interrupted: " << process->err();
    process->signal(signal);
    return process->wait(Duration{30});
  }
  [[nodiscard]] std::uint64_t bytes_received(std::string_view operation) {
    return sandbox_->counters().at("gcs").at(operation).at("bytes_in").to_number<std::uint64_t>();
  }
};

TEST_F(Crash, InTheMiddleOfAGibibyteCostsAtMostOneChunk_F066_F124) {
  start_synthetic(1, kGiB);
  EXPECT_EQ(interrupt("PutChunk", 20, SIGKILL).signal, SIGKILL);
  EXPECT_EQ(target_->list().size(), 0) << "nothing is visible before it is whole";

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 1);
  EXPECT_LE(bytes_received("PutChunk"), kGiB + kChunk);
}

TEST_F(Crash, InTheMiddleOfManySmallOnesCostsAtMostThoseInFlight_F123_F124) {
  constexpr std::uint64_t kObjects = 10'000;
  start_synthetic(kObjects, kKiB);
  EXPECT_EQ(interrupt("InsertMultipart", kObjects / 3, SIGKILL).signal, SIGKILL);

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied") + outcome.number("unchanged"), kObjects);
  EXPECT_GE(outcome.number("unchanged"), kObjects / 3 - kTransfers);
  EXPECT_LE(sandbox_->requests("gcs", "InsertMultipart"), kObjects + kTransfers);
  EXPECT_LE(sandbox_->requests("s3", "GetObject"), kObjects + kTransfers);
  EXPECT_EQ(target_->list().size(), kObjects);
}

TEST_F(Crash, ThreeTimesInARowStillEndsWell_F124) {
  start_synthetic(3'000, 10 * kKiB);
  for (const std::uint64_t uploads : {300, 900, 1'800}) interrupt("InsertMultipart", uploads, SIGKILL);
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(target_->list().size(), 3'000);
}

class Interrupt : public Crash {};

TEST_F(Interrupt, LeavesAStateThatTheSameCommandGoesOnFrom_F129) {
  start_synthetic(1, kGiB);
  const auto interrupted = read_outcome(interrupt("PutChunk", 10, SIGINT, {"--grace", "0"}));
  EXPECT_EQ(interrupted.code(), 130) << interrupted.describe();
  EXPECT_NE(interrupted.ended.err.find("the same command goes on"), std::string::npos) << interrupted.ended.err;
  EXPECT_EQ(interrupted.summary.at("status"), "interrupted");

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_LE(bytes_received("PutChunk"), kGiB + kChunk);
}

TEST_F(Interrupt, LetsSmallObjectsUnderWayFinish_F129) {
  constexpr std::uint64_t kObjects = 20'000;
  start_synthetic(kObjects, kKiB);
  const auto interrupted = read_outcome(interrupt("InsertMultipart", 2'000, SIGTERM));
  EXPECT_EQ(interrupted.code(), 130) << interrupted.describe();
  const auto sent = sandbox_->requests("gcs", "InsertMultipart");
  EXPECT_EQ(interrupted.number("copied"), sent) << "what was sent was also waited for";

  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(sandbox_->requests("gcs", "InsertMultipart"), kObjects) << "nothing was sent twice";
}

TEST_F(Interrupt, SecondSignalEndsAtOnce_F130) {
  start_synthetic(200, 8 * kMiB, {"--rate", "1M"});
  auto process = start_copy({"--grace", "600", "--progress", "plain"});
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("s3", "ListObjectsV2") > 0; }, Duration{30}));
  process->signal(SIGINT);
  // Two at once may count as one: the second only when the first was heard.
  EXPECT_TRUE(eventually([&] { return process->err().find("stopping") != std::string::npos; }, Duration{10}));
  process->signal(SIGINT);
  const auto ended = process->wait(Duration{10});
  EXPECT_EQ(ended.code, 130) << ended.err;
}

TEST_F(Interrupt, ClosedPipesAndHangupsAreNoCrash_F130_F134) {
  start_synthetic(5'000, kKiB);
  const auto hung_up = read_outcome(interrupt("InsertMultipart", 500, SIGHUP));
  EXPECT_EQ(hung_up.code(), 130) << hung_up.describe();
  EXPECT_EQ(copy().code(), 0);
}

class Memory : public SystemTest {
 protected:
  /// With this limit of private memory. Sanitizers reserve more than any limit: with them it is not set.
  Outcome copy_within(std::uint64_t bytes) {
    auto command = copy_command();
    if (!kMemoryIsOurs) return read_outcome(run(command, folder(), "limited", kCopyMax));
    command.arguments.insert(command.arguments.begin(), {"--data=" + std::to_string(bytes), command.program});
    command.program = "prlimit";
    return read_outcome(run(command, folder(), "limited", kCopyMax));
  }
};

TEST_F(Memory, OfTheDocumentedSizeSuffices_F131) {
  start_synthetic(200, 3 * kMiB);
  const auto outcome = copy_within(128 * kMiB);
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), 200);
}

TEST_F(Memory, ThatIsTooLittleEndsTheProcessWithOneLineAndLosesNothing_F131_F132) {
  start_synthetic(200, 3 * kMiB);
  for (const std::uint64_t limit : {36, 40, 50}) {  // for the first threads, for the others, for the work
    const auto outcome = copy_within(limit * kMiB);
    if (!kMemoryIsOurs) break;
    EXPECT_EQ(outcome.code(), 3) << limit << " MiB: " << outcome.describe();
    EXPECT_EQ(outcome.ended.signal, 0);
    EXPECT_THAT(outcome.ended.err, ::testing::HasSubstr("out of memory"));
  }
  const auto again = copy();
  EXPECT_EQ(again.code(), 0) << again.describe();
  EXPECT_EQ(again.number("copied") + again.number("unchanged"), 200);
}

TEST_F(Crash, LeavesNoCoreFileWhateverTheLimits_F167) {
  start_synthetic(1, kGiB);
  auto process = start_copy();
  ASSERT_TRUE(eventually([&] { return sandbox_->requests("gcs", "PutChunk") >= 1; }, Duration{60}));
  process->signal(SIGABRT);  // which, unlike SIGSEGV, no sanitizer takes for its own
  const auto ended = process->wait(Duration{30});
  EXPECT_EQ(ended.signal, SIGABRT);
  EXPECT_FALSE(ended.dumped_core);
}

}  // namespace
}  // namespace ferry::system_test
