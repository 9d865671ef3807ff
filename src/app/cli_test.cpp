#include "app/cli.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "app/options.hpp"

namespace ferry::app {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

std::vector<std::string> copy_words(std::vector<std::string> more = {}) {
  std::vector<std::string> words{"copy", "s3://photos", "gs://archive"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Settings must_parse(std::vector<std::string> words, Variables variables = {}) {
  auto invocation = parse_command_line(std::move(words), environment(std::move(variables)));
  EXPECT_TRUE(invocation) << invocation.error().what;
  return invocation ? std::move(invocation->settings) : Settings{};
}

std::string must_refuse(std::vector<std::string> words, Variables variables = {}) {
  auto invocation = parse_command_line(std::move(words), environment(std::move(variables)));
  EXPECT_FALSE(invocation);
  if (invocation) return {};
  EXPECT_EQ(invocation.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(invocation.error().what.find('\n'), std::string::npos) << invocation.error().what;
  EXPECT_LT(invocation.error().what.size(), 500u);
  return invocation.error().what;
}

/// A settings file that is gone after the test.
class TempFile {
 public:
  explicit TempFile(const std::string& text, mode_t mode = 0600) {
    char path[] = "/tmp/ferry-cli-test-XXXXXX";
    const int file = ::mkstemp(path);
    path_ = path;
    ::close(file);
    std::ofstream{path_, std::ios::binary} << text;
    ::chmod(path_.c_str(), mode);
  }
  ~TempFile() { std::filesystem::remove(path_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(CommandLine, AFlagBeatsTheEnvironmentBeatsTheFileBeatsTheDefault) {
  const TempFile file{"transfers: 33\n"};
  EXPECT_EQ(must_parse(copy_words()).transfers, 128u);
  EXPECT_EQ(must_parse(copy_words({"--config", file.path()})).transfers, 33u);
  EXPECT_EQ(must_parse(copy_words({"--config", file.path()}), {{"SYSTEM_MAX_WORKERS", "22"}}).transfers, 22u);
  EXPECT_EQ(
      must_parse(copy_words({"--config", file.path(), "--transfers", "11"}), {{"SYSTEM_MAX_WORKERS", "22"}}).transfers,
      11u);
  EXPECT_EQ(must_parse(copy_words(), {{"FERRY_CONFIG", file.path()}}).transfers, 33u);
}

TEST(CommandLine, TheFirstOfSeveralEnvironmentNamesThatIsSetCounts) {
  const auto first = must_parse(copy_words(), {{"AWS_REGION", "eu-west-1"}, {"AWS_DEFAULT_REGION", "us-west-2"}});
  EXPECT_EQ(first.s3.region, "eu-west-1");
  const auto second = must_parse(copy_words(), {{"AWS_REGION", ""}, {"AWS_DEFAULT_REGION", "us-west-2"}});
  EXPECT_EQ(second.s3.region, "us-west-2") << "the clouds' own names are unset when they are empty";
}

TEST(CommandLine, KeepsGlobsAsTheyAre) {
  const auto settings = must_parse(copy_words({"--include", "[ab]*,c", "--include", "*.jpg", "--exclude", "{x}"}));
  EXPECT_EQ(settings.include, (std::vector<std::string>{"[ab]*,c", "*.jpg"}));
  EXPECT_EQ(settings.exclude, (std::vector<std::string>{"{x}"}));
}

TEST(CommandLine, TakesListsAndSwitchesFromTheFile) {
  const TempFile file{
      "include: ['*.jpg', '*.png']\ns3-path-style: yes\ndeep: true\nsource: s3://photos/x\ntarget: gs://archive\n"};
  const auto settings = must_parse({"copy", "--config", file.path()});
  EXPECT_EQ(settings.include, (std::vector<std::string>{"*.jpg", "*.png"}));
  EXPECT_TRUE(settings.s3.path_style);
  EXPECT_FALSE(settings.deep) << "a setting of another command";
  EXPECT_EQ(settings.job.source_prefix, "x/");
}

TEST(CommandLine, TakesBucketsFromTheEnvironmentWhenNoneAreNamed) {
  const auto settings = must_parse({"copy"}, {{"AWS_S3_BUCKET", "photos"}, {"GCP_BUCKET_NAME", "archive"}});
  EXPECT_EQ(settings.job.source_bucket.str(), "photos");
  EXPECT_EQ(settings.job.target_bucket.str(), "archive");
}

TEST(CommandLine, AnEmulatorMayBeNamedWithoutScheme) {
  const auto settings = must_parse(copy_words(), {{"STORAGE_EMULATOR_HOST", "localhost:4443"}});
  ASSERT_TRUE(settings.gcs.endpoint);
  EXPECT_EQ(settings.gcs.endpoint->url(), "http://localhost:4443");
  EXPECT_TRUE(settings.gcs.emulator);
  EXPECT_FALSE(must_parse(copy_words({"--gcs-endpoint", "http://localhost:4443"})).gcs.emulator);
}

TEST(CommandLine, GoogleKeysMayBeATextOrAFile) {
  const auto text = must_parse(copy_words(), {{"GCP_CREDENTIALS", "\n {\n\"type\": \"service_account\"}"}});
  EXPECT_TRUE(text.gcs.key_text);
  const auto file = must_parse(copy_words(), {{"GCP_CREDENTIALS", "/etc/key.json"}});
  EXPECT_EQ(file.gcs.key_file, "/etc/key.json");
  EXPECT_FALSE(file.gcs.key_named);
  EXPECT_TRUE(must_parse(copy_words({"--gcs-credentials", "k.json"})).gcs.key_named);
}

TEST(CommandLine, SecretsAreNeverFlags_F166) {
  for (const Option& option : options()) {
    if (!option.secret) continue;
    const auto error = must_refuse(copy_words({"--" + std::string{option.name}, "canary"}));
    EXPECT_EQ(error.find("canary"), std::string::npos) << error;
    EXPECT_NE(error.find("never a flag"), std::string::npos) << error;
  }
  for (const auto* word : {"--aws-secret", "--aws-secret=canary"}) {
    EXPECT_EQ(must_refuse(copy_words({word, "canary"})).find("canary"), std::string::npos);
  }
  const TempFile file{"s3-access-key-id: AKID\ns3-secret-access-key: canary\n", 0644};
  const auto settings = must_parse(copy_words({"--config", file.path()}));
  EXPECT_EQ(settings.s3.secret_access_key, "canary");
  ASSERT_FALSE(settings.warnings.empty()) << "others can read the file";
  EXPECT_EQ(settings.warnings.front().find("canary"), std::string::npos);
}

TEST(CommandLine, HalfAKeyPairIsRefused) {
  EXPECT_NE(must_refuse(copy_words(), {{"AWS_ACCESS_KEY_ID", "AKID"}}).find("AWS_SECRET_ACCESS_KEY is not"),
            std::string::npos);
}

struct Bad {
  std::vector<std::string> flags;
  Variables variables;
  const char* names;
};

TEST(CommandLine, BadSettingsAreRefusedByName_F140) {
  const std::vector<Bad> bads{
      {{"--transfers", "0"}, {}, "--transfers '0'"},
      {{"--transfers", "-1"}, {}, "--transfers '-1'"},
      {{"--transfers", "many"}, {}, "--transfers 'many'"},
      {{"--transfers", "99999999999999999999999"}, {}, "--transfers '99999999999999999999999'"},
      {{"--transfers", ""}, {}, "--transfers is empty"},
      {{"--transfers"}, {}, "--transfers"},
      {{"--threads", "1.5"}, {}, "--threads '1.5'"},
      {{"--grace", "-3"}, {}, "--grace"},
      {{"--on-foreign", "maybe"}, {}, "--on-foreign 'maybe' is none of: fail, overwrite"},
      {{"--progress", "loud"}, {}, "--progress"},
      {{"--log-level", "loud"}, {}, "--log-level"},
      {{"--include", ""}, {}, "--include"},
      {{"--state", ""}, {}, "--state is empty"},
      {{"--s3-endpoint", "ftp://x"}, {}, "--s3-endpoint"},
      {{"--s3-region", "../evil.com"}, {}, "--s3-region"},
      {{"--no-such-option"}, {}, "--no-such-option"},
      {{"--deep"}, {}, "--deep"},
      {{"surplus"}, {}, "surplus"},
      {{"--config", "/no/such/file.yaml"}, {}, "/no/such/file.yaml: No such file"},
      {{"--config", "/tmp"}, {}, "not a regular file"},
      {{"--config", ""}, {}, "--config is empty"},
      {{}, {{"SYSTEM_MAX_WORKERS", "0"}}, "SYSTEM_MAX_WORKERS (environment) '0'"},
      {{}, {{"SYSTEM_MAX_WORKERS", "-4"}}, "SYSTEM_MAX_WORKERS"},
      {{}, {{"SYSTEM_MAX_WORKERS", "x"}}, "SYSTEM_MAX_WORKERS"},
      {{}, {{"SYSTEM_MAX_WORKERS", ""}}, "SYSTEM_MAX_WORKERS (environment) is empty"},
      {{}, {{"STORAGE_EMULATOR_HOST", "http://"}}, "STORAGE_EMULATOR_HOST"},
      {{}, {{"FERRY_S3_ANONYMOUS", "perhaps"}}, "FERRY_S3_ANONYMOUS"},
      {{}, {{"AWS_REGION", "eu west"}}, "AWS_REGION"},
  };
  for (const auto& bad : bads) {
    const auto error = must_refuse(copy_words(bad.flags), bad.variables);
    EXPECT_NE(error.find(bad.names), std::string::npos) << error << "  should name  " << bad.names;
  }
}

TEST(CommandLine, MissingCommandsAndPlacesAreRefused_F140) {
  EXPECT_NE(must_refuse({}).find("a command is missing"), std::string::npos);
  EXPECT_NE(must_refuse({"move"}).find("'move' is not a command"), std::string::npos);
  EXPECT_NE(must_refuse({"copy"}).find("source and target are needed"), std::string::npos);
  EXPECT_NE(must_refuse({"copy", "s3://photos"}).find("source and target are needed"), std::string::npos);
  EXPECT_NE(must_refuse({"copy"}, {{"AWS_S3_BUCKET", ""}}).find("AWS_S3_BUCKET (environment) is empty"),
            std::string::npos);
}

struct BadFile {
  std::string text;
  const char* says;
};

TEST(CommandLine, SettingsFilesAreRefusedWithTheLine_F140_F171) {
  std::string deep;
  for (int i = 0; i < 5'000; ++i) deep += "[";
  const std::vector<BadFile> bads{
      {"transfers: 3\nworkers: 4\n", "line 2: workers is not a setting"},
      {"\n\ntransfers: nine\n", "line 3: transfers 'nine' is not a whole number"},
      {"transfers: [1, 2]\n", "line 1: transfers takes one value"},
      {"transfers: {a: 1}\n", "takes a value, not a map"},
      {"transfers:\n", "transfers has no value"},
      {"transfers: 1\ntransfers: 2\n", "line 2: transfers stands there twice"},
      {"- a\n- b\n", "is not a map"},
      {"transfers: }\n", "line 1: is not YAML"},
      {deep, "is not YAML"},
      {std::string("transfers: 3\0\n", 14), "is not UTF-8 text"},
      {"state: \xff\xfe\n", "is not UTF-8 text"},
      {"state: \"a\\tb\"\n", "line 1: state is not plain text"},
      {"state: " + std::string(5'000, 'x') + "\n", "line 1: state is too long: 5000 bytes"},
      {std::string(2 << 20, '#'), "is larger than 1 MiB"},
  };
  for (const auto& bad : bads) {
    const TempFile file{bad.text};
    const auto error = must_refuse(copy_words({"--config", file.path()}));
    EXPECT_NE(error.find(bad.says), std::string::npos) << error << "  should say  " << bad.says;
  }
}

TEST(CommandLine, HugeAndBinaryValuesAreNamedButNotPrinted_F171) {
  const std::string huge(100'000, 'Q');
  const std::vector<std::pair<const char*, std::string>> bads{
      {"SYSTEM_MAX_WORKERS", huge},       {"FERRY_STATE", huge},
      {"AWS_REGION", "QQQQ\x01\x02"},     {"AWS_PROFILE", "QQQQ\nQQQQ"},
      {"FERRY_STATE", "QQQQ\xff"},        {"GCP_CREDENTIALS", "{" + huge},
      {"AWS_SECRET_ACCESS_KEY", huge},    {"AWS_SECRET_ACCESS_KEY", "QQQQ\x1b[2J"},
      {"FERRY_TOKEN_ORIGIN", "QQQQ\r\n"},
  };
  for (const auto& [name, value] : bads) {
    const auto error = must_refuse(copy_words(), {{name, value}});
    EXPECT_NE(error.find(name), std::string::npos) << error;
    EXPECT_EQ(error.find("QQQQ"), std::string::npos) << error;
  }
  for (const auto* flag : {"--state", "--s3-profile", "--include"}) {
    const auto error = must_refuse(copy_words({flag, huge}));
    EXPECT_NE(error.find(flag), std::string::npos) << error;
    EXPECT_EQ(error.find("QQQQ"), std::string::npos) << error;
  }
}

// --- services -------------------------------------------------------------------------------------------------------

std::vector<std::string> service_words(const std::string& role, std::vector<std::string> more = {}) {
  std::vector<std::string> words{role, "s3://photos", "gs://archive"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Variables service_variables(Variables changes = {}) {
  Variables all{{"REDIS_ADDRESS", "redis:6379"},
                {"GCP_PROJECT_ID", "my-project"},
                {"SYSTEM_ADMIN_USERNAME", "operator"},
                {"SYSTEM_ADMIN_PASSWORD", "correct-horse-battery"}};
  for (auto& [name, value] : changes) all[name] = value;
  return all;
}

TEST(ServiceSettings, HaveDefaultsFitForAService) {
  const auto settings = must_parse(service_words("migrator"), service_variables());
  EXPECT_EQ(settings.grace, std::chrono::seconds{25});
  EXPECT_EQ(settings.log_level, log::Level::kInfo);
  EXPECT_EQ(settings.log_format, log::Format::kJson);
  EXPECT_EQ(settings.service.pubsub.host, "pubsub.googleapis.com:443");
  EXPECT_TRUE(settings.service.pubsub.tls);
  EXPECT_EQ(settings.service.admin.address, "127.0.0.1");
  EXPECT_EQ(must_parse(service_words("publisher"), service_variables()).service.scan_interval,
            std::chrono::minutes{10});
}

TEST(ServiceSettings, WhatIsNeededIsNamedWhenItIsMissing_F140_F158) {
  for (const char* name : {"REDIS_ADDRESS", "GCP_PROJECT_ID", "SYSTEM_ADMIN_USERNAME", "SYSTEM_ADMIN_PASSWORD"}) {
    for (const char* role : {"publisher", "migrator"}) {
      auto variables = service_variables();
      variables.erase(name);
      EXPECT_NE(must_refuse(service_words(role), variables).find(name), std::string::npos) << name;
    }
  }
  EXPECT_NE(must_refuse(service_words("publisher", {"--tls-cert", "c.pem"}), service_variables()).find("--tls-key"),
            std::string::npos);
}

TEST(ServiceSettings, AnEmulatorNeedsNoProjectAndNoTls) {
  auto variables = service_variables({{"PUBSUB_EMULATOR_HOST", "127.0.0.1:8085"}});
  variables.erase("GCP_PROJECT_ID");
  const auto pubsub = must_parse(service_words("migrator"), variables).service.pubsub;
  EXPECT_FALSE(pubsub.tls);
  EXPECT_EQ(pubsub.host, "127.0.0.1:8085");
}

TEST(ServiceSettings, AHostOfGooglesIsAlwaysSpokenToWithTls) {
  for (const char* host : {"europe-west1-pubsub.googleapis.com:443", "https://europe-west1-pubsub.googleapis.com",
                           "europe-west1-pubsub.googleapis.com"}) {
    const auto pubsub =
        must_parse(service_words("migrator"), service_variables({{"GCP_PUBSUB_HOST", host}})).service.pubsub;
    EXPECT_TRUE(pubsub.tls) << host;
    EXPECT_EQ(pubsub.host, "europe-west1-pubsub.googleapis.com:443");
  }
}

TEST(ServiceSettings, ReadTimesWithTheirUnits) {
  const auto interval = [](const std::string& text) {
    return must_parse(service_words("publisher", {"--scan-interval", text}), service_variables()).service.scan_interval;
  };
  EXPECT_EQ(interval("30s"), std::chrono::seconds{30});
  EXPECT_EQ(interval("90"), std::chrono::seconds{90});
  EXPECT_EQ(interval("10m"), std::chrono::minutes{10});
  EXPECT_EQ(interval("6h"), std::chrono::hours{6});
  EXPECT_EQ(interval("30d"), std::chrono::hours{720});
  for (const char* wrong : {"0", "0s", "31d", "m", "-1s", "1w", "99999999999999999999s", "1 h", "1.5h"}) {
    EXPECT_NE(must_refuse(service_words("publisher", {"--scan-interval", wrong}), service_variables())
                  .find("--scan-interval"),
              std::string::npos)
        << wrong;
  }
}

TEST(ServiceSettings, SecretsAreNeverFlagsAndNeverShown_F166) {
  EXPECT_NE(must_refuse(service_words("publisher", {"--admin-password", "hunter2hunter2"}), service_variables())
                .find("SYSTEM_ADMIN_PASSWORD"),
            std::string::npos);
  const auto told =
      must_refuse(service_words("migrator", {"--redis", "redis://user:hunter2@redis:6379"}), service_variables());
  EXPECT_NE(told.find("REDIS_ADDRESS"), std::string::npos);
  EXPECT_EQ(told.find("hunter2"), std::string::npos);
  const auto weak = must_refuse(service_words("migrator"), service_variables({{"SYSTEM_ADMIN_PASSWORD", "hunter2"}}));
  EXPECT_EQ(weak.find("hunter2"), std::string::npos);
}

TEST(ServiceSettings, SecretsComeFromMountedFilesToo) {
  const TempFile file{"correct-horse-battery\n"};
  auto variables =
      service_variables({{"SYSTEM_ADMIN_PASSWORD_FILE", file.path()}, {"REDIS_PASSWORD_FILE", file.path()}});
  variables.erase("SYSTEM_ADMIN_PASSWORD");
  const auto service = must_parse(service_words("publisher"), variables).service;
  EXPECT_EQ(service.admin.password, "correct-horse-battery");
  EXPECT_EQ(service.redis.password, "correct-horse-battery");
  variables["SYSTEM_ADMIN_PASSWORD_FILE"] = "/no/such/file";
  EXPECT_NE(must_refuse(service_words("publisher"), variables).find("SYSTEM_ADMIN_PASSWORD_FILE"), std::string::npos);
}

TEST(ServiceSettings, ReadWhereToListen) {
  const auto admin = [](const std::string& text) {
    return must_parse(service_words("publisher", {"--listen", text}), service_variables()).service.admin;
  };
  EXPECT_EQ(admin("0.0.0.0:0").port, 0);
  EXPECT_EQ(admin("[::1]:8443").address, "::1");
  for (const char* wrong : {"8080", ":8080", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x"}) {
    must_refuse(service_words("publisher", {"--listen", wrong}), service_variables());
  }
}

TEST(ServiceSettings, OptionsOfOtherCommandsAreUnknown) {
  must_refuse(service_words("publisher", {"--transfers", "5"}), service_variables());
  must_refuse(service_words("migrator", {"--scan-interval", "5m"}), service_variables());
  must_refuse(service_words("migrator", {"--state", "x"}), service_variables());
  must_refuse(copy_words({"--redis", "redis:6379"}));
}

}  // namespace
}  // namespace ferry::app
