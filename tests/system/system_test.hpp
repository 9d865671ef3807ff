#pragma once
// One test, one world: a sandbox, a source and a target bucket, a state file, all in a folder that goes with the test.
// At its end the event log is checked for what must never happen, whatever the test was about.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "testing/base/own_memory.hpp"
#include "testing/base/temporary_folder.hpp"
#include "tests/system/clouds.hpp"
#include "tests/system/events.hpp"
#include "tests/system/process.hpp"
#include "tests/system/sandbox.hpp"

namespace ferry::system_test {

inline constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kChunk = 16 * kMiB;  ///< of a resumable session, design section 1.4

using testing::kMemoryIsOurs;

/// How a `bucketferry` ended, and what it said.
struct Outcome {
  Ended ended;
  boost::json::object summary;  ///< of --json; empty where there was none
  [[nodiscard]] int code() const { return ended.code; }
  [[nodiscard]] std::uint64_t number(std::string_view name) const;  ///< of the summary
  [[nodiscard]] std::string describe() const;                       ///< for the failure message of a test
};

class SystemTest : public ::testing::Test {
 protected:
  static constexpr Duration kCopyMax{240};
  const std::string kSource = "source-bucket", kTarget = "target-bucket";

  void TearDown() override;

  /// Starts the sandbox and makes both buckets.
  void start(std::vector<std::string> arguments = {});
  /// The same, and a source bucket of `count` computed objects.
  void start_synthetic(std::uint64_t count, std::uint64_t size, std::vector<std::string> arguments = {});

  [[nodiscard]] Command copy_command(std::vector<std::string> options = {}, const Environment& changes = {}) const;
  /// `changes` to the environment: an empty value removes the variable.
  Outcome copy(std::vector<std::string> options = {}, const Environment& changes = {}, Duration deadline = kCopyMax);
  Outcome verify(std::vector<std::string> options = {}, const Environment& changes = {});
  Outcome ferry(std::vector<std::string> arguments, const Environment& changes = {}, Duration deadline = kCopyMax);
  std::unique_ptr<Process> start_copy(std::vector<std::string> options = {}, const Environment& changes = {});
  /// Any command, in the background.
  std::unique_ptr<Process> start_ferry(std::vector<std::string> arguments, const Environment& changes = {});
  static Outcome read_outcome(Ended ended);

  [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }
  [[nodiscard]] std::filesystem::path report_file() const { return folder() / "report.jsonl"; }
  /// Lines of the report with this outcome: "copied", "superseded", "failed".
  [[nodiscard]] std::vector<boost::json::object> reported(const std::string& outcome) const;

  /// Every object of the source is at the target, byte for byte, and nothing else is.
  void expect_same(const std::vector<std::string>& keys);

  testing::TemporaryFolder folder_;
  std::unique_ptr<Http> http_ = std::make_unique<Http>();
  std::unique_ptr<Sandbox> sandbox_;
  std::unique_ptr<S3Bucket> source_;
  std::unique_ptr<GcsBucket> target_;
  Invariants rules_;

 private:
  [[nodiscard]] Command ferry_command(std::vector<std::string> arguments, const Environment& changes) const;
  int runs_ = 0;
};

}  // namespace ferry::system_test
