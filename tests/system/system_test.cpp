#include "tests/system/system_test.hpp"

#include <algorithm>

#include "kit/base/hash.hpp"
#include "sandbox/pattern.hpp"

namespace ferry::system_test {

std::uint64_t Outcome::number(std::string_view name) const {
  const auto* value = summary.if_contains(name);
  if (value && value->is_number()) return value->to_number<std::uint64_t>();
  ADD_FAILURE() << "no \"" << name << "\" in the summary; " << describe();
  return 0;
}

std::string Outcome::describe() const {
  return "exit code " + std::to_string(ended.code) + "\nstdout: " + ended.out + "\nstderr: " + ended.err;
}

void SystemTest::start(std::vector<std::string> arguments) {
  const bool synthetic = std::ranges::find(arguments, "--synthetic") != arguments.end();
  sandbox_ = std::make_unique<Sandbox>(http_.get(), folder(), std::move(arguments));
  source_ = std::make_unique<S3Bucket>(http_.get(), sandbox_->account(), kSource);
  target_ = std::make_unique<GcsBucket>(http_.get(), sandbox_->gcs(), kTarget);
  rules_.source_bucket = kSource;
  rules_.target_bucket = kTarget;
  if (!synthetic) source_->create();
  target_->create();
}

void SystemTest::start_synthetic(std::uint64_t count, std::uint64_t size, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(),
                   {"--synthetic", kSource + ":" + std::to_string(count) + ":" + std::to_string(size)});
  start(std::move(arguments));
  rules_.computed_crc32c =
      [keys = sandbox::SyntheticKeys{count, size, kSource}](const std::string& key) -> std::optional<std::string> {
    const auto index = keys.index(key);
    if (!index) return std::nullopt;
    return base64(big_endian(keys.crc32c(*index)));
  };
}

void SystemTest::TearDown() {
  if (!sandbox_) return;
  sandbox_->stop();
  for (const auto& violation : violations(sandbox_->log(), rules_)) ADD_FAILURE() << violation;
}

Command SystemTest::ferry_command(std::vector<std::string> arguments, const Environment& changes) const {
  Environment environment = sandbox_ ? sandbox_->environment() : Environment{};
  environment["HOME"] = folder().string();
  for (const auto& [name, value] : changes) {
    environment[name] = value;
    if (value.empty()) environment.erase(name);
  }
  return {FERRY_PROGRAM, std::move(arguments), std::move(environment)};
}

Command SystemTest::copy_command(std::vector<std::string> options, const Environment& changes) const {
  std::vector<std::string> arguments{
      "copy",     "s3://" + kSource,      "gs://" + kTarget, "--state",    (folder() / "state.sqlite").string(),
      "--report", report_file().string(), "--json",          "--progress", "none"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return ferry_command(std::move(arguments), changes);
}

Outcome SystemTest::read_outcome(Ended ended) {
  Outcome outcome;
  outcome.ended = std::move(ended);
  boost::system::error_code bad;
  auto summary = boost::json::parse(outcome.ended.out, bad);
  if (!bad && summary.is_object()) outcome.summary = std::move(summary.as_object());
  return outcome;
}

std::unique_ptr<Process> SystemTest::start_copy(std::vector<std::string> options, const Environment& changes) {
  return std::make_unique<Process>(copy_command(std::move(options), changes), folder(),
                                   "ferry-" + std::to_string(++runs_));
}

std::unique_ptr<Process> SystemTest::start_ferry(std::vector<std::string> arguments, const Environment& changes) {
  return std::make_unique<Process>(ferry_command(std::move(arguments), changes), folder(),
                                   "ferry-" + std::to_string(++runs_));
}

Outcome SystemTest::copy(std::vector<std::string> options, const Environment& changes, Duration deadline) {
  return read_outcome(start_copy(std::move(options), changes)->wait(deadline));
}

Outcome SystemTest::verify(std::vector<std::string> options, const Environment& changes) {
  std::vector<std::string> arguments{"verify", "s3://" + kSource, "gs://" + kTarget, "--json", "--progress", "none"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return ferry(std::move(arguments), changes);
}

Outcome SystemTest::ferry(std::vector<std::string> arguments, const Environment& changes, Duration deadline) {
  const auto name = "ferry-" + std::to_string(++runs_);
  return read_outcome(run(ferry_command(std::move(arguments), changes), folder(), name, deadline));
}

std::vector<boost::json::object> SystemTest::reported(const std::string& outcome) const {
  std::vector<boost::json::object> found;
  for (const auto& line : parse_events(read_file(report_file()))) {
    if (line.text("outcome") == outcome) found.push_back(line.fields());
  }
  return found;
}

void SystemTest::expect_same(const std::vector<std::string>& keys) {
  auto expected = keys;
  std::ranges::sort(expected);
  std::vector<std::string> present;
  for (const auto& object : target_->list()) present.push_back(boost::json::value_to<std::string>(object.at("name")));
  EXPECT_EQ(present, expected);
  for (const auto& key : expected) {
    EXPECT_TRUE(source_->get(key) == target_->get(key)) << "bytes differ: " << key;
  }
}

}  // namespace ferry::system_test
