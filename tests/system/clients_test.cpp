// Software that we did not write, on both sides: it must agree with us about what lies there.

#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

class Rclone : public SystemTest {
 protected:
  /// Flags and settings for both sides of the sandbox; nothing is read from anybody's configuration.
  [[nodiscard]] Ended rclone(std::vector<std::string> arguments) {
    const auto account = sandbox_->account();
    const Environment environment{{"HOME", folder().string()},
                                  {"RCLONE_CONFIG", (folder() / "rclone.conf").string()},
                                  {"RCLONE_CONFIG_SRC_TYPE", "s3"},
                                  {"RCLONE_CONFIG_SRC_PROVIDER", "Ceph"},
                                  {"RCLONE_CONFIG_SRC_ENDPOINT", account.endpoint},
                                  {"RCLONE_CONFIG_SRC_ACCESS_KEY_ID", account.access_key},
                                  {"RCLONE_CONFIG_SRC_SECRET_ACCESS_KEY", account.secret_key},
                                  {"RCLONE_CONFIG_SRC_FORCE_PATH_STYLE", "true"},
                                  {"RCLONE_CONFIG_DST_TYPE", "google cloud storage"},
                                  {"RCLONE_CONFIG_DST_ENDPOINT", sandbox_->gcs() + "/storage/v1/"},
                                  {"RCLONE_CONFIG_DST_ANONYMOUS", "true"},
                                  {"RCLONE_CONFIG_DST_BUCKET_POLICY_ONLY", "true"},
                                  {"RCLONE_CONFIG_DST_PROJECT_NUMBER", "1"}};
    return run({"rclone", std::move(arguments), environment}, folder(), "rclone", Duration{90});
  }
};

TEST_F(Rclone, FindsNoDifferenceAfterAMigration) {
  start();
  // Names that rclone itself can hold on both sides: it has folders where we have bytes.
  for (const auto* key : {"a", "dir/b c", "dir/deep/\xc3\xbc+%2F", "dir/e&f=g", "empty-not"})
    source_->put(key, std::string{"of "} + key);
  source_->put("empty", "");
  source_->put("megabytes", noise(20 * kMiB, 1));
  source_->put_in_parts("parts", {noise(5 * kMiB, 2), noise(6 * kMiB, 3)});
  ASSERT_EQ(copy().code(), 0);

  // By MD5 where S3 has one, by downloading both sides for all.
  for (const auto* how : {"--checksum", "--download"}) {
    const auto ended = rclone({"check", "src:" + kSource, "dst:" + kTarget, how});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_NE(ended.err.find(" 0 differences found"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find(" 8 matching files"), std::string::npos) << ended.err;
  }
}

TEST_F(Rclone, FindsTheDifferenceThatIsThere) {
  start();
  source_->put("a", "bytes");
  source_->put("b", "bytes");
  ASSERT_EQ(copy().code(), 0);
  source_->put("b", "other");
  const auto ended = rclone({"check", "src:" + kSource, "dst:" + kTarget});
  EXPECT_NE(ended.code, 0);
  EXPECT_NE(ended.err.find(" 1 differences found"), std::string::npos) << ended.err;
}

/// Amazon's and Google's own client libraries, for Node.js. A missing one is a failure with a remedy, never a skip.
class ClientLibraries : public SystemTest {
 protected:
  [[nodiscard]] Ended node(const std::string& script, std::vector<std::string> arguments) {
    const std::filesystem::path modules = FERRY_NODE_MODULES;
    if (!std::filesystem::exists(modules)) {
      ADD_FAILURE() << modules << " is missing: run `scripts/bootstrap test`";
      return {};
    }
    // Modules are looked for upwards of the script: it runs beside them.
    arguments.insert(arguments.begin(), (modules.parent_path() / script).string());
    const Environment environment{{"HOME", folder().string()}, {"METADATA_SERVER_DETECTION", "none"}};
    return run({"node", std::move(arguments), environment}, folder(), "node", Duration{120});
  }
};

TEST_F(ClientLibraries, FillTheSourceAndFindEverythingAtTheTarget) {
  start();
  const std::string bucket = "filled-by-a-library";
  const auto account = sandbox_->account();
  const auto filled = node("s3_fill.mjs", {account.endpoint, account.access_key, account.secret_key, bucket});
  ASSERT_EQ(filled.code, 0) << filled.err;
  write_file(folder() / "manifest.json", filled.out);
  const auto objects = boost::json::parse(filled.out).as_array().size();

  rules_.source_bucket = bucket;
  const auto outcome = ferry({"copy", "s3://" + bucket, "gs://" + kTarget, "--json", "--progress", "none"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), objects);
  EXPECT_EQ(outcome.summary.at("rungs").at("transport").to_number<std::uint64_t>(), 0)
      << "what was uploaded in parts, with a checksum per part, is checked by its parts";

  const auto checked = node("gcs_check.mjs", {sandbox_->gcs(), kTarget, (folder() / "manifest.json").string()});
  EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
  EXPECT_EQ(ferry({"verify", "s3://" + bucket, "gs://" + kTarget, "--deep"}).code(), 0);
}

TEST_F(ClientLibraries, ReadBackWhatWasWrittenAtRandomOrTheReportNamesTheLoss_F037_F039_F044_F045_F046) {
  constexpr std::uint64_t kObjects = 2'000;
  start();
  const std::string bucket = "filled-at-random";
  const auto account = sandbox_->account();
  const auto filled = node("s3_random.mjs", {account.endpoint, account.access_key, account.secret_key, bucket,
                                             std::to_string(kObjects), "20261122"});
  ASSERT_EQ(filled.code, 0) << filled.err;
  write_file(folder() / "expected.jsonl", filled.out);

  rules_.source_bucket = bucket;
  const auto outcome = ferry({"copy", "s3://" + bucket, "gs://" + kTarget, "--json", "--progress", "none", "--report",
                              report_file().string(), "--storage-class-map",
                              "STANDARD_IA=NEARLINE,ONEZONE_IA=NEARLINE,GLACIER_IR=COLDLINE,*=STANDARD"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), kObjects);

  const auto checked = node("gcs_random_check.mjs",
                            {sandbox_->gcs(), kTarget, (folder() / "expected.jsonl").string(), report_file().string()});
  EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
  const auto result = boost::json::parse(checked.out).as_object();
  EXPECT_EQ(result.at("objects"), kObjects);
  EXPECT_EQ(result.at("named"), outcome.number("not_whole"));
}

TEST_F(ClientLibraries, WorkOnTheSandboxAsOnTheRealCloud) {
  start();
  const auto ended = node("gcs_exercise.mjs", {sandbox_->gcs(), "exercise"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, "done\n");
}

}  // namespace
}  // namespace ferry::system_test
