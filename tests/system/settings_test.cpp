// What goes wrong before anything moves: one clear line each, with the value, the place and the remedy, the right exit
// code, and all of it within seconds.

#include <algorithm>

#include "testing/net/ports.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

constexpr Duration kSecondsMax{10};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

class Settings : public SystemTest {
 protected:
  /// Refused with `code` and one line that has all of these words.
  void expect_refused(int code, const std::vector<std::string>& words, const std::vector<std::string>& arguments,
                      const Environment& changes = {}) {
    const auto outcome = ferry(arguments, changes, kSecondsMax);
    EXPECT_EQ(outcome.code(), code) << outcome.describe();
    const auto lines = lines_of(outcome.ended.err);
    const auto has_all = [&](const std::string& line) {
      return std::ranges::all_of(words, [&](const auto& word) { return line.find(word) != std::string::npos; });
    };
    EXPECT_TRUE(std::ranges::any_of(lines, has_all)) << outcome.describe();
    if (code == 2) EXPECT_EQ(lines.size(), 1) << outcome.ended.err;
    if (code == 2) EXPECT_EQ(outcome.ended.out, "");
  }
  std::vector<std::string> copy_with(std::vector<std::string> options) const {
    options.insert(options.begin(), {"copy", "s3://" + kSource, "gs://" + kTarget, "--progress", "none", "--state",
                                     (folder() / "state.sqlite").string()});
    return options;
  }
};

TEST_F(Settings, ThatMakeNoSenseAreNamedAndRefused_F140) {
  const Environment keys{{"AWS_ACCESS_KEY_ID", "AKIATEST"},
                         {"AWS_SECRET_ACCESS_KEY", "secret"},
                         {"AWS_ENDPOINT_URL_S3", testing::closed_origin()},
                         {"STORAGE_EMULATOR_HOST", testing::closed_origin()}};
  const auto with = [&](const Environment& more) {
    auto all = keys;
    for (const auto& [name, value] : more) all[name] = value;
    return all;
  };
  struct Row {
    std::vector<std::string> words, options;
    Environment environment;
  };
  const std::vector<Row> rows{
      {{"--transfers", "0"}, {"--transfers", "0"}, {}},
      {{"--transfers", "-1"}, {"--transfers=-1"}, {}},
      {{"--transfers", "many"}, {"--transfers", "many"}, {}},
      {{"SYSTEM_MAX_WORKERS", "0"}, {}, {{"SYSTEM_MAX_WORKERS", "0"}}},
      {{"SYSTEM_MAX_WORKERS", "1e3"}, {}, {{"SYSTEM_MAX_WORKERS", "1e3"}}},
      {{"--no-such-option"}, {"--no-such-option"}, {}},
      {{"--s3-endpoint", "ftp://x"}, {"--s3-endpoint", "ftp://x"}, {}},
      {{"AWS_ENDPOINT_URL_S3"}, {}, {{"AWS_ENDPOINT_URL_S3", "http://host:port"}}},
      {{"--s3-region", "eu west"}, {"--s3-region", "eu west"}, {}},
      {{"--log-level", "loud"}, {"--log-level", "loud"}, {}},
      {{"--on-foreign", "guess"}, {"--on-foreign", "guess"}, {}},
      {{"--config", "/no/such/file.yaml"}, {"--config", "/no/such/file.yaml"}, {}},
      {{"--gcs-credentials", "/no/such/key.json"}, {"--gcs-credentials", "/no/such/key.json"}, {}},
      {{"--ca-file", "/no/such/ca.pem"}, {"--ca-file", "/no/such/ca.pem"}, {}},
      {{"--report", "/no/such/folder/r.jsonl"}, {"--report", "/no/such/folder/r.jsonl"}, {}},
      {{"AWS_SECRET_ACCESS_KEY"}, {}, {{"AWS_SECRET_ACCESS_KEY", ""}}},
      {{"--s3-profile", "nobody"}, {"--s3-profile", "nobody"}, {}},
  };
  for (const auto& row : rows) expect_refused(2, row.words, copy_with(row.options), with(row.environment));

  expect_refused(2, {"source", "s3://"}, {"copy", "s3://", "gs://target"}, keys);
  expect_refused(2, {"gs://source", "S3"}, {"copy", "gs://source", "s3://target"}, keys);
  expect_refused(2, {"target", "--help"}, {"copy", "s3://source"}, keys);
  expect_refused(2, {"'move'", "copy"}, {"move", "s3://source", "gs://target"}, keys);
  expect_refused(2, {"--help"}, {}, keys);
  expect_refused(2, {"'s3://%41'"}, {"copy", "s3://%41", "gs://target"}, keys);
}

TEST_F(Settings, MissingCredentialsAreNamedWithARemedy_F140) {
  expect_refused(2, {"AWS_ACCESS_KEY_ID", "--s3-profile"}, copy_with({}),
                 {{"STORAGE_EMULATOR_HOST", testing::closed_origin()}});
  expect_refused(2, {"GOOGLE_APPLICATION_CREDENTIALS"}, copy_with({}),
                 {{"AWS_ACCESS_KEY_ID", "AKIATEST"}, {"AWS_SECRET_ACCESS_KEY", "secret"}});
}

TEST_F(Settings, StateOfTheWrongKindIsRefusedAndKept_F119) {
  start();
  write_file(folder() / "state.sqlite", "not a database, but somebody's diary\n" + noise(4096, 1));
  const auto before = read_file(folder() / "state.sqlite");
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 2) << outcome.describe();
  EXPECT_NE(outcome.ended.err.find("state.sqlite"), std::string::npos) << outcome.ended.err;
  EXPECT_EQ(read_file(folder() / "state.sqlite"), before);
}

TEST_F(Settings, SecondProcessOnTheSameStateIsRefused_F118) {
  start_synthetic(200, 8 * kMiB, {"--rate", "1M"});
  auto first = start_copy();
  ASSERT_TRUE(eventually([&] { return sandbox_->requests("s3", "ListObjectsV2") > 0; }, Duration{30}));
  const auto second = copy({}, {}, kSecondsMax);
  EXPECT_EQ(second.code(), 2) << second.describe();
  EXPECT_NE(second.ended.err.find("state.sqlite"), std::string::npos) << second.ended.err;
}

TEST_F(Settings, UnreachableServersAreNamed_F071) {
  start();
  source_->put("key", "bytes");
  const auto nowhere = testing::closed_origin();
  expect_refused(3, {nowhere.substr(7)}, copy_with({"--s3-endpoint", nowhere}), sandbox_->environment());
  expect_refused(3, {nowhere.substr(7)}, copy_with({}), {{"STORAGE_EMULATOR_HOST", nowhere}});
  expect_refused(3, {"no-such-host.invalid"}, copy_with({"--s3-endpoint", "http://no-such-host.invalid"}));
}

TEST_F(Settings, WrongKeysAreRefusedOnce_F031) {
  start();
  source_->put("key", "bytes");
  expect_refused(3, {kSource, "403"}, copy_with({}), {{"AWS_SECRET_ACCESS_KEY", "wrong"}});
  expect_refused(3, {kSource, "403"}, copy_with({}), {{"AWS_ACCESS_KEY_ID", "AKIAWRONG"}});
  EXPECT_LE(sandbox_->requests("s3", "ListObjectsV2"), 2 * 2) << "a wrong key doesn't become right by asking again";
}

TEST_F(Settings, WrongRegionIsFoundOut_F032) {
  start({"--region", "eu-west-1"});
  source_->put("key", "bytes");
  const auto outcome = copy({"--s3-region", "us-east-1"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(target_->get("key"), "bytes");
}

TEST_F(Settings, MissingBucketsAreNamed_F032_F065) {
  start();
  source_->put("key", "bytes");
  expect_refused(3, {"no-such-source"}, {"copy", "s3://no-such-source", "gs://" + kTarget, "--progress", "none"});
  expect_refused(3, {"no-such-target"}, {"copy", "s3://" + kSource, "gs://no-such-target", "--progress", "none"});
  expect_refused(3, {"no-such-source"}, {"verify", "s3://no-such-source", "gs://" + kTarget, "--progress", "none"});
}

class Secrets : public Settings {
 protected:
  /// Everything that was said or kept, but for the state file, which may hold protected entries.
  void expect_absent(const std::string& secret, const Outcome& outcome) {
    for (const auto& text : {outcome.ended.out, outcome.ended.err, read_file(report_file())}) {
      EXPECT_EQ(text.find(secret), std::string::npos) << text;
    }
    EXPECT_EQ(read_file(folder() / "state.sqlite").find(secret), std::string::npos);
  }
};

TEST_F(Secrets, AreNowhereInTheMostTalkativeOutput_F165_F166) {
  start();
  source_->put("small", "bytes");
  source_->put("large", noise(20 * kMiB, 1));
  const auto secret = sandbox_->account().secret_key;
  const auto good = copy({"--log-level", "debug"});
  EXPECT_EQ(good.code(), 0) << good.describe();
  expect_absent(secret, good);
  for (const auto* mark : {"Signature=", "AWS4-HMAC-SHA256", "Bearer ", "upload_id="}) expect_absent(mark, good);

  // Refused ones are quoted by servers and by error messages.
  const Environment canaries{{"AWS_ACCESS_KEY_ID", "AKIACANARYCANARY1234"},
                             {"AWS_SECRET_ACCESS_KEY", "canary/secret+key"},
                             {"AWS_SESSION_TOKEN", "canary-session-token"}};
  const auto bad = copy({"--log-level", "debug"}, canaries);
  EXPECT_EQ(bad.code(), 3) << bad.describe();
  for (const auto* word : {"canary/secret+key", "canary-session-token"}) expect_absent(word, bad);
}

TEST_F(Secrets, OfTheTargetAreNowhereEither_F165) {
  start();
  source_->put("key", "bytes");
  const std::string canary = "CANARYPRIVATEKEY";
  const std::string document =
      R"({"type":"service_account","private_key_id":"1","client_email":"a@b.c","private_key":")" + canary +
      R"(","token_uri":"https://oauth2.googleapis.com/token"})";
  const auto outcome = copy({"--log-level", "debug", "--gcs-endpoint", sandbox_->gcs()},
                            {{"GCP_CREDENTIALS", document}, {"STORAGE_EMULATOR_HOST", ""}});
  EXPECT_EQ(outcome.code(), 2) << outcome.describe();
  expect_absent(canary, outcome);
}

}  // namespace
}  // namespace ferry::system_test
