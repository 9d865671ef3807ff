#include "app/options_service.hpp"

#include <gtest/gtest.h>

#include "app/command_line_test.hpp"

namespace ferry::app {
namespace {

using namespace std::chrono_literals;

Variables with(Variables base, const Variables& changes) {
  for (const auto& [name, value] : changes) base[name] = value;
  return base;
}

/// All that a service can't do without.
Variables needed(const Variables& changes = {}) {
  return with({{"REDIS_ADDRESS", "127.0.0.1:6379"},
               {"GCP_PROJECT_ID", "my-project"},
               {"SYSTEM_ADMIN_USERNAME", "operator"},
               {"SYSTEM_ADMIN_PASSWORD", "quite-a-long-one"}},
              changes);
}

Variables without(const std::string& name) {
  auto variables = needed();
  variables.erase(name);
  return variables;
}

std::vector<std::string> words(const std::string& command, const std::vector<std::string>& more = {}) {
  std::vector<std::string> all{command, "s3://photos", "gs://archive"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

ServiceSettings service(const Variables& changes = {}, const std::vector<std::string>& flags = {}) {
  return must_parse(words("publisher", flags), needed(changes)).service;
}

TEST(ServiceSettings, NeedFewWordsToStart) {
  const auto settings = must_parse(words("migrator"), needed());
  EXPECT_EQ(settings.command, Command::kMigrator);
  EXPECT_EQ(settings.job.source_bucket.str(), "photos");
  EXPECT_EQ(settings.service.pubsub.host, "pubsub.googleapis.com:443");
  EXPECT_TRUE(settings.service.pubsub.tls);
  EXPECT_EQ(settings.service.pubsub.topic, "bucketferry");
  EXPECT_EQ(settings.service.pubsub.subscription, "bucketferry-migrators");
  EXPECT_EQ(settings.service.pubsub.lease, 60s);
  EXPECT_EQ(settings.service.redis.expected_objects, 1'000'000u);
  EXPECT_EQ(settings.service.admin.address, "127.0.0.1");
  EXPECT_EQ(settings.service.admin.port, 8080);
  EXPECT_EQ(settings.service.scan_interval, 10min);
  EXPECT_EQ(settings.service.audit_interval, 24h);
  EXPECT_EQ(settings.service.republish_after, 1h);
  EXPECT_EQ(settings.grace, 25s) << "fits into the 30 s that Kubernetes gives";
  EXPECT_EQ(settings.log_format, log::Format::kJson);
  EXPECT_EQ(settings.log_level, log::Level::kInfo);
  EXPECT_TRUE(settings.warnings.empty());
}

TEST(ServiceSettings, ComeFromTheEnvironment) {
  const auto settings = service({{"GCP_TOPIC_ID", "plans"},
                                 {"GCP_SUBSCRIPTION_ID", "plans-out"},
                                 {"FERRY_DEAD_LETTER_TOPIC", "plans-dead"},
                                 {"FERRY_LEASE", "600"},
                                 {"REDIS_USERNAME", "ferry"},
                                 {"REDIS_PASSWORD", "r3dis"},
                                 {"FERRY_STATE_SECRET", "sixteen-at-least"},
                                 {"FERRY_EXPECTED_OBJECTS", "50000000"},
                                 {"FERRY_SCAN_INTERVAL", "30s"},
                                 {"FERRY_AUDIT_INTERVAL", "6h"},
                                 {"FERRY_REPUBLISH_AFTER", "90"},
                                 {"FERRY_LISTEN", "[::1]:0"},
                                 {"FERRY_TLS_CERT", "cert.pem"},
                                 {"FERRY_TLS_KEY", "key.pem"}});
  EXPECT_EQ(settings.pubsub.project, "my-project");
  EXPECT_EQ(settings.pubsub.topic, "plans");
  EXPECT_EQ(settings.pubsub.subscription, "plans-out");
  EXPECT_EQ(settings.pubsub.dead_letter_topic, "plans-dead");
  EXPECT_EQ(settings.pubsub.lease, 10min);
  EXPECT_EQ(settings.redis.username, "ferry");
  EXPECT_EQ(settings.redis.password, "r3dis");
  EXPECT_EQ(settings.redis.secret, "sixteen-at-least");
  EXPECT_EQ(settings.redis.expected_objects, 50'000'000u);
  EXPECT_EQ(settings.scan_interval, 30s);
  EXPECT_EQ(settings.audit_interval, 6h);
  EXPECT_EQ(settings.republish_after, 90s);
  EXPECT_EQ(settings.admin.address, "::1");
  EXPECT_EQ(settings.admin.port, 0);
  EXPECT_EQ(settings.admin.certificate_file, "cert.pem");
  EXPECT_EQ(settings.admin.key_file, "key.pem");
}

TEST(ServiceSettings, TimesHaveUnitsOrAreSeconds) {
  const std::vector<std::pair<const char*, std::chrono::seconds>> times{
      {"1", 1s}, {"1s", 1s}, {"90", 90s}, {"10m", 10min}, {"6h", 6h}, {"2592000", 720h}, {"30d", 720h}};
  for (const auto& [text, time] : times) EXPECT_EQ(service({{"FERRY_SCAN_INTERVAL", text}}).scan_interval, time);
}

TEST(ServiceSettings, AFlagBeatsTheEnvironment) {
  const auto settings = service({{"FERRY_SCAN_INTERVAL", "6h"}, {"PUBSUB_EMULATOR_HOST", "localhost:1"}},
                                {"--scan-interval", "2d", "--pubsub-host", "localhost:2", "--listen", "0.0.0.0:80"});
  EXPECT_EQ(settings.scan_interval, 48h);
  EXPECT_EQ(settings.pubsub.host, "localhost:2");
  EXPECT_EQ(settings.admin.address, "0.0.0.0");
}

struct Host {
  const char* variable;
  const char* text;
  const char* host;
  bool tls;
};

TEST(ServiceSettings, AnEmulatorIsSpokenToInTheClearAndGoogleNever) {
  const std::vector<Host> hosts{
      {"PUBSUB_EMULATOR_HOST", "localhost:8085", "localhost:8085", false},
      {"PUBSUB_EMULATOR_HOST", "http://localhost:8085", "localhost:8085", false},
      {"PUBSUB_EMULATOR_HOST", "[::1]:8085", "[::1]:8085", false},
      {"GCP_PUBSUB_HOST", "broker.example:443", "broker.example:443", false},
      {"GCP_PUBSUB_HOST", "https://broker.example", "broker.example:443", true},
      {"GCP_PUBSUB_HOST", "https://broker.example:8443", "broker.example:8443", true},
      {"GCP_PUBSUB_HOST", "pubsub.googleapis.com", "pubsub.googleapis.com:443", true},
      {"GCP_PUBSUB_HOST", "europe-west1-pubsub.googleapis.com:443", "europe-west1-pubsub.googleapis.com:443", true},
      {"GCP_PUBSUB_HOST", "pubsub.googleapis.com.example:8085", "pubsub.googleapis.com.example:8085", false},
  };
  for (const auto& each : hosts) {
    const auto settings = service({{each.variable, each.text}});
    EXPECT_EQ(settings.pubsub.host, each.host) << each.text;
    EXPECT_EQ(settings.pubsub.tls, each.tls) << each.text;
  }
}

TEST(ServiceSettings, AnEmulatorNeedsNoProject) {
  auto variables = without("GCP_PROJECT_ID");
  EXPECT_NE(must_refuse(words("publisher"), variables).find("GCP_PROJECT_ID is not set"), std::string::npos);
  variables["PUBSUB_EMULATOR_HOST"] = "localhost:8085";
  EXPECT_EQ(must_parse(words("publisher"), variables).service.pubsub.project, "bucketferry-local");
  variables["GCP_PROJECT_ID"] = "other";
  EXPECT_EQ(must_parse(words("publisher"), variables).service.pubsub.project, "other");
}

struct BadService {
  const char* variable;
  std::string text;
  const char* says;
};

TEST(ServiceSettings, BadOnesAreRefusedByName_F140) {
  const std::vector<BadService> bads{
      {"GCP_PROJECT_ID", "a/b", "GCP_PROJECT_ID (environment) 'a/b' is not the id of a project"},
      {"GCP_TOPIC_ID", "projects/p/topics/t", "GCP_TOPIC_ID (environment) 'projects/p/topics/t' is not an id"},
      {"GCP_TOPIC_ID", "googly", "GCP_TOPIC_ID"},
      {"GCP_SUBSCRIPTION_ID", "ab", "GCP_SUBSCRIPTION_ID"},
      {"GCP_SUBSCRIPTION_ID", "1abc", "GCP_SUBSCRIPTION_ID"},
      {"FERRY_DEAD_LETTER_TOPIC", "a b c", "FERRY_DEAD_LETTER_TOPIC"},
      {"FERRY_DEAD_LETTER_TOPIC", "", "FERRY_DEAD_LETTER_TOPIC (environment) is empty"},
      {"FERRY_LEASE", "9", "FERRY_LEASE (environment) '9' is not a whole number from 10 to 600"},
      {"FERRY_LEASE", "601", "FERRY_LEASE"},
      {"PUBSUB_EMULATOR_HOST", "localhost", "names no port"},
      {"PUBSUB_EMULATOR_HOST", "ftp://x:1", "PUBSUB_EMULATOR_HOST"},
      {"PUBSUB_EMULATOR_HOST", "pubsub.googleapis.com:443", "is no emulator"},
      {"GCP_PUBSUB_HOST", "http://pubsub.googleapis.com", "by https only"},
      {"FERRY_EXPECTED_OBJECTS", "0", "FERRY_EXPECTED_OBJECTS"},
      {"FERRY_SCAN_INTERVAL", "0", "FERRY_SCAN_INTERVAL (environment) '0' is not a time from 1s to 30d"},
      {"FERRY_SCAN_INTERVAL", "31d", "FERRY_SCAN_INTERVAL"},
      {"FERRY_SCAN_INTERVAL", "m", "FERRY_SCAN_INTERVAL"},
      {"FERRY_SCAN_INTERVAL", "10 m", "FERRY_SCAN_INTERVAL"},
      {"FERRY_SCAN_INTERVAL", "18446744073709551615h", "FERRY_SCAN_INTERVAL"},
      {"FERRY_AUDIT_INTERVAL", "-1h", "FERRY_AUDIT_INTERVAL"},
      {"FERRY_REPUBLISH_AFTER", "1.5h", "FERRY_REPUBLISH_AFTER"},
      {"FERRY_LISTEN", "8080", "FERRY_LISTEN (environment) '8080' is not ADDRESS:PORT"},
      {"FERRY_LISTEN", "127.0.0.1:65536", "FERRY_LISTEN"},
      {"FERRY_LISTEN", "::1:8080", "FERRY_LISTEN"},
      {"FERRY_LISTEN", "[127.0.0.1]:8080", "FERRY_LISTEN"},
      {"FERRY_LISTEN", "localhost:8080", "FERRY_LISTEN"},
      {"FERRY_TLS_CERT", "cert.pem", "--tls-key (FERRY_TLS_KEY) is not"},
      {"FERRY_TLS_KEY", "key.pem", "--tls-cert (FERRY_TLS_CERT) is not"},
      {"FERRY_STATE_SECRET", "fifteen-letters", "FERRY_STATE_SECRET (environment) is too short"},
      {"REDIS_ADDRESS", "", "REDIS_ADDRESS is not set"},
  };
  for (const auto& bad : bads) {
    const auto error = must_refuse(words("publisher"), needed({{bad.variable, bad.text}}));
    EXPECT_NE(error.find(bad.says), std::string::npos) << error << "  should say  " << bad.says;
    if (std::string_view{bad.variable} == "FERRY_STATE_SECRET") EXPECT_EQ(error.find(bad.text), std::string::npos);
  }
}

TEST(ServiceSettings, HugeAndBinaryOnesAreNamedButNotPrinted_F171) {
  const std::string huge(100'000, 'Q');
  for (const auto* name : {"REDIS_ADDRESS", "REDIS_USERNAME", "REDIS_PASSWORD", "FERRY_STATE_SECRET", "GCP_TOPIC_ID",
                           "FERRY_LISTEN", "SYSTEM_ADMIN_USERNAME", "SYSTEM_ADMIN_PASSWORD", "FERRY_SCAN_INTERVAL"}) {
    for (const auto& value : {huge, std::string{"QQQQ\x01QQQQ"}, std::string{"QQQQ\xff"}}) {
      const auto error = must_refuse(words("publisher"), needed({{name, value}}));
      EXPECT_NE(error.find(name), std::string::npos) << error;
      EXPECT_EQ(error.find("QQQQ"), std::string::npos) << error;
    }
  }
}

TEST(ServiceSettings, NoServiceStartsWithCredentialsThatProtectNothing_F158) {
  const std::vector<Variables> bads{
      {{"SYSTEM_ADMIN_USERNAME", ""}},
      {{"SYSTEM_ADMIN_PASSWORD", ""}},
      {{"SYSTEM_ADMIN_PASSWORD", "hunter2"}},
      {{"SYSTEM_ADMIN_PASSWORD", "password1234"}},
      {{"SYSTEM_ADMIN_USERNAME", "administrator"}, {"SYSTEM_ADMIN_PASSWORD", "administrator"}},
      {{"SYSTEM_ADMIN_USERNAME", "operator"}, {"SYSTEM_ADMIN_PASSWORD", "aaaaaaaaaaaaaaaa"}},
  };
  for (const auto* command : {"publisher", "migrator"}) {
    for (const auto& bad : bads) {
      const auto error = must_refuse(words(command), needed(bad));
      EXPECT_NE(error.find("SYSTEM_ADMIN_"), std::string::npos) << error;
      for (const auto& [name, value] : bad) {
        if (name == "SYSTEM_ADMIN_PASSWORD" && !value.empty()) EXPECT_EQ(error.find(value), std::string::npos) << error;
      }
    }
    for (const auto* name : {"SYSTEM_ADMIN_USERNAME", "SYSTEM_ADMIN_PASSWORD"}) {
      EXPECT_NE(must_refuse(words(command), without(name)).find(name), std::string::npos);
    }
  }
}

TEST(ServiceSettings, AnAddressWithAPasswordIsNeverAFlagAndNeverShown_F166) {
  const std::string address = "redis://ferry:canary@redis.example:6379";
  const auto error = must_refuse(words("publisher", {"--redis", address}), without("REDIS_ADDRESS"));
  EXPECT_NE(error.find("set REDIS_ADDRESS"), std::string::npos) << error;
  EXPECT_EQ(error.find("canary"), std::string::npos) << error;
  EXPECT_EQ(service({{"REDIS_ADDRESS", address}}).redis.address, address);
  EXPECT_EQ(service({}, {"--redis", "other:1"}).redis.address, "other:1");

  const TempFile file{"redis: " + address + "\n", 0644};
  const auto settings = must_parse(words("publisher", {"--config", file.path()}), without("REDIS_ADDRESS"));
  EXPECT_EQ(settings.service.redis.address, address);
  ASSERT_EQ(settings.warnings.size(), 1u) << "others can read it";
  EXPECT_EQ(settings.warnings.front().find("canary"), std::string::npos);
  const TempFile harmless{"redis: redis.example:6379\n", 0644};
  EXPECT_TRUE(must_parse(words("publisher", {"--config", harmless.path()}), without("REDIS_ADDRESS")).warnings.empty());
}

TEST(ServiceSettings, PasswordsMayBeInFiles) {
  const TempFile redis{"r3dis\n"}, admin{"quite-a-long-one\r\n"};
  auto variables = without("SYSTEM_ADMIN_PASSWORD");
  variables["REDIS_PASSWORD_FILE"] = redis.path();
  variables["SYSTEM_ADMIN_PASSWORD_FILE"] = admin.path();
  const auto settings = must_parse(words("migrator"), variables);
  EXPECT_EQ(settings.service.redis.password, "r3dis");
  EXPECT_EQ(settings.service.admin.password, "quite-a-long-one");
  EXPECT_TRUE(settings.warnings.empty());

  const TempFile open{"quite-a-long-one", 0644};
  variables["SYSTEM_ADMIN_PASSWORD_FILE"] = open.path();
  const auto warned = must_parse(words("migrator"), variables).warnings;
  ASSERT_EQ(warned.size(), 1u);
  EXPECT_NE(warned.front().find(open.path() + ": others can read this secret; chmod 600"), std::string::npos);
}

TEST(ServiceSettings, PasswordFilesThatAreNoneAreRefused_F140_F171) {
  const TempFile empty{"\n"}, lines{"canary\ncanary\n"}, huge{std::string(5'000, 'Q')}, binary{"canary\xff"};
  const std::vector<std::pair<std::string, const char*>> bads{{"/no/such/file", "No such file"},
                                                              {"/tmp", "is not a regular file"},
                                                              {empty.path(), "is empty"},
                                                              {lines.path(), "is not one line of plain text"},
                                                              {binary.path(), "is not one line of plain text"},
                                                              {huge.path(), "is larger than 4 KiB"}};
  for (const auto& [path, says] : bads) {
    const auto error = must_refuse(words("publisher"), needed({{"REDIS_PASSWORD_FILE", path}}));
    EXPECT_NE(error.find("REDIS_PASSWORD_FILE: " + path + ": " + says), std::string::npos) << error;
    EXPECT_EQ(error.find("canary"), std::string::npos) << error;
  }
  const TempFile good{"quite-a-long-one"};
  const auto both = must_refuse(words("publisher"), needed({{"SYSTEM_ADMIN_PASSWORD_FILE", good.path()}}));
  EXPECT_NE(both.find("SYSTEM_ADMIN_PASSWORD and SYSTEM_ADMIN_PASSWORD_FILE are both set"), std::string::npos) << both;
}

TEST(ServiceSettings, AreNobodyElsesBusiness) {
  const Variables foreign{{"PUBSUB_EMULATOR_HOST", "?"}, {"REDIS_ADDRESS", "\x01"}, {"FERRY_LISTEN", "x"}};
  EXPECT_EQ(must_parse(words("copy"), foreign).command, Command::kCopy) << "variables of other programs";
  EXPECT_NE(must_refuse(words("copy", {"--scan-interval", "1h"})).find("is not an option of copy"), std::string::npos);
  const std::vector<std::pair<const char*, const char*>> misplaced{
      {"publisher", "--state"}, {"publisher", "--transfers"}, {"migrator", "--state"}, {"migrator", "--scan-interval"}};
  for (const auto& [command, flag] : misplaced) {
    EXPECT_NE(must_refuse(words(command, {flag, "1"}), needed()).find("is not an option of"), std::string::npos);
  }
  const TempFile file{"scan-interval: often\n"};
  EXPECT_NE(must_refuse(words("copy", {"--config", file.path()})).find("line 1: scan-interval 'often'"),
            std::string::npos)
      << "a file is checked as a whole";
}

// ---- cache ----------------------------------------------------------------------------------------------------------

std::vector<std::string> cache_words(const std::string& subcommand, const std::vector<std::string>& more = {}) {
  std::vector<std::string> all{"cache", subcommand, "s3://photos/2024", "gs://archive"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

const Variables kRedis{{"REDIS_ADDRESS", "127.0.0.1:6379"}};

CacheSettings cache(const std::string& subcommand, const std::vector<std::string>& more = {}) {
  return must_parse(cache_words(subcommand, more), kRedis).cache;
}

TEST(CacheCommand, KnowsItsSubcommands) {
  EXPECT_EQ(cache("list").action, CacheAction::kList);
  EXPECT_FALSE(cache("list").type);
  EXPECT_EQ(cache("list", {"--type", "consumed"}).type, Mark::kConsumed);
  EXPECT_EQ(cache("failures", {"--json"}).action, CacheAction::kFailures);
  EXPECT_EQ(cache("rebuild-from-target").action, CacheAction::kRebuild);
  const auto all = cache("delete", {"--all", "--yes", "--type", "published"});
  EXPECT_EQ(all.action, CacheAction::kDelete);
  EXPECT_TRUE(all.all && all.keys.empty());
  EXPECT_EQ(all.type, Mark::kPublished);
  EXPECT_EQ(must_parse(cache_words("list"), kRedis).log_level, log::Level::kWarning) << "a command, no service";
}

TEST(CacheCommand, TakesKeysAsTheyAre) {
  const std::vector<std::string> awkward{"2024/a b", "2024/*?[", "2024/\n", "2024/\xff", "2024/a\\b", "2024/--x"};
  for (const auto& key : awkward) {
    const auto shown = cache("show", {key}).keys;
    ASSERT_EQ(shown.size(), 1u);
    EXPECT_EQ(shown.front().str(), key);
    EXPECT_EQ(cache("delete", {"--key", key}).keys, shown);
  }
  EXPECT_EQ(cache("delete", {"--key", "2024/a", "--key=2024/b"}).keys.size(), 2u);
}

TEST(CacheCommand, AKeyMayStandAloneIfTheBucketsAreKnown) {
  auto variables = kRedis;
  variables["AWS_S3_BUCKET"] = "photos";
  variables["GCP_BUCKET_NAME"] = "archive";
  const auto settings = must_parse({"cache", "show", "a"}, variables);
  EXPECT_EQ(settings.job.source_bucket.str(), "photos");
  ASSERT_EQ(settings.cache.keys.size(), 1u);
  EXPECT_EQ(settings.cache.keys.front().str(), "a");
}

TEST(CacheCommand, NeedsRedisOnly) {
  EXPECT_NE(must_refuse(cache_words("list")).find("REDIS_ADDRESS is not set"), std::string::npos);
  const TempFile password{"r3dis"};
  auto variables = kRedis;
  variables["REDIS_PASSWORD_FILE"] = password.path();
  EXPECT_EQ(must_parse(cache_words("list"), variables).service.redis.password, "r3dis");
}

TEST(CacheCommand, WordsThatCanNotBeMeantAreRefused_F140) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> bads{
      {{"cache"}, "a subcommand of cache is missing, one of: list, show, delete, failures, rebuild-from-target"},
      {{"cache", "flush"}, "'flush' is not a subcommand of cache"},
      {cache_words("show"), "cache show wants a key"},
      {cache_words("show", {"2023/a"}), "a key is outside of SRC: the keys of this job begin with '2024/'"},
      {cache_words("show", {std::string(1'025, 'k')}), "a key has at most 1024 bytes"},
      {cache_words("show", {"2024/a", "--key", "2024/b"}), "--key is for cache delete"},
      {cache_words("list", {"2024/a"}), "'2024/a' is one word too many"},
      {cache_words("list", {"--all"}), "--all and --yes are for cache delete"},
      {cache_words("list", {"--type", "both"}), "--type 'both' is none of: published, consumed"},
      {cache_words("failures", {"--type", "consumed"}), "--type is for"},
      {cache_words("delete"), "which: --key KEY, or --all --yes"},
      {cache_words("delete", {"--type", "consumed"}), "which: --key KEY, or --all --yes"},
      {cache_words("delete", {"--all"}), "add --yes"},
      {cache_words("delete", {"--all", "--yes", "--key", "2024/a"}), "exclude each other"},
      {cache_words("delete", {"--key", ""}), "--key is empty"},
      {cache_words("list", {"--scan-interval", "1h"}), "is not an option of cache"},
  };
  for (const auto& [line, says] : bads) {
    const auto error = must_refuse(line, kRedis);
    EXPECT_NE(error.find(says), std::string::npos) << error << "  should say  " << says;
  }
  const TempFile file{"all: true\nyes: true\n"};
  const auto error = must_refuse(cache_words("delete", {"--config", file.path()}), kRedis);
  EXPECT_NE(error.find("line 1: all is for the command line only"), std::string::npos) << error;
}

}  // namespace
}  // namespace ferry::app
