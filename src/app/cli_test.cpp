#include "app/cli.hpp"

#include <gtest/gtest.h>

#include "app/command_line_test.hpp"
#include "app/options.hpp"

namespace ferry::app {
namespace {

std::vector<std::string> copy_words(std::vector<std::string> more = {}) {
  std::vector<std::string> words{"copy", "s3://photos", "gs://archive"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

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
  EXPECT_EQ(settings.filter.include, (std::vector<std::string>{"[ab]*,c", "*.jpg"}));
  EXPECT_EQ(settings.filter.exclude, (std::vector<std::string>{"{x}"}));
}

TEST(CommandLine, ReadsWhichObjectsAreInScope) {
  const auto filter = must_parse(copy_words({"--min-size", "4096", "--max-size", "5G", "--modified-since", "7d",
                                             "--modified-before", "2026-01-31T12:00:00+01:00", "--storage-class",
                                             "STANDARD, STANDARD_IA", "--storage-class", "GLACIER_IR"}))
                          .filter;
  EXPECT_EQ(filter.size_min, 4096u);
  EXPECT_EQ(filter.size_max, 5ULL << 30);
  ASSERT_TRUE(filter.modified_since && filter.modified_before);
  EXPECT_EQ(filter.modified_since->time, std::nullopt);
  EXPECT_EQ(filter.modified_since->ago, std::chrono::days{7});
  EXPECT_EQ(filter.modified_before->time, parse_rfc3339("2026-01-31T11:00:00Z"));
  EXPECT_EQ(filter.storage_classes, (std::vector<std::string>{"STANDARD", "STANDARD_IA", "GLACIER_IR"}));
  const auto date = must_parse(copy_words({"--modified-since", "2026-01-31"})).filter;
  EXPECT_EQ(date.modified_since->time, parse_rfc3339("2026-01-31T00:00:00Z"));
}

TEST(CommandLine, RefusesAScopeThatNothingCanBeIn) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"--min-size", "4k"},
                                                                 {"--min-size", "M"},
                                                                 {"--max-size", "9000000T"},
                                                                 {"--modified-since", "yesterday"},
                                                                 {"--modified-since", "2026-02-30"},
                                                                 {"--modified-before", "99999999w"},
                                                                 {"--storage-class", "standard"},
                                                                 {"--storage-class", "STANDARD,"}}) {
    EXPECT_NE(must_refuse(copy_words(words)).find(words[0]), std::string::npos);
  }
  EXPECT_NE(must_refuse(copy_words({"--min-size", "2K", "--max-size", "1K"})).find("--min-size"), std::string::npos);
  EXPECT_NE(must_refuse(copy_words({"--modified-since", "2026-02-01", "--modified-before", "2026-02-01"}))
                .find("--modified-since"),
            std::string::npos);
}

TEST(CommandLine, ReadsWhereTheListingComesFromAndWhatToRestore) {
  const auto settings = must_parse(
      copy_words({"--inventory", "s3://reports/daily/manifest.json", "--restore", "7", "--restore-tier", "expedited"}));
  EXPECT_EQ(settings.listing.inventory, "s3://reports/daily/manifest.json");
  EXPECT_EQ(settings.restore_days, 7u);
  EXPECT_EQ(settings.restore_tier, "Expedited");
  EXPECT_EQ(must_parse(copy_words()).restore_days, std::nullopt) << "it costs money";
  EXPECT_EQ(must_parse(copy_words({"--manifest", "keys.csv"})).listing.manifest, "keys.csv");
  for (const auto& words : std::vector<std::vector<std::string>>{{"--inventory", "manifest.json"},
                                                                 {"--restore", "0"},
                                                                 {"--restore-tier", "Bulk"},
                                                                 {"--inventory", "s3://r/m.json", "--manifest", "k"},
                                                                 {"--delete", "--manifest", "keys.csv"},
                                                                 {"--delete", "--inventory", "s3://r/m.json"}}) {
    EXPECT_NE(must_refuse(copy_words(words)).find(words[0]), std::string::npos);
  }
}

TEST(CommandLine, ReadsACustomerKeyRawOrInBase64_F166) {
  const std::string key = "0123456789abcdef0123456789abcdef";
  for (const auto& text : {key, std::string{"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"}}) {
    const TempFile file{text};
    const auto settings = must_parse(copy_words({"--sse-c-key-file", file.path()}));
    EXPECT_EQ(settings.s3.customer_key, key);
    EXPECT_TRUE(settings.warnings.empty());
  }
  const TempFile open{key, 0644};
  const auto warnings = must_parse(copy_words({"--sse-c-key-file", open.path()})).warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("chmod 600"), std::string::npos);
  const TempFile wrong{"canary, which is no key"};
  const auto error = must_refuse(copy_words({"--sse-c-key-file", wrong.path()}));
  EXPECT_EQ(error.find("canary"), std::string::npos) << error;
}

TEST(CommandLine, TakesListsAndSwitchesFromTheFile) {
  const TempFile file{
      "include: ['*.jpg', '*.png']\ns3-path-style: yes\ndeep: true\nsource: s3://photos/x\ntarget: gs://archive\n"};
  const auto settings = must_parse({"copy", "--config", file.path()});
  EXPECT_EQ(settings.filter.include, (std::vector<std::string>{"*.jpg", "*.png"}));
  EXPECT_TRUE(settings.s3.path_style);
  EXPECT_FALSE(settings.deep) << "a setting of another command";
  EXPECT_EQ(settings.job.source_prefix, "x/");
}

TEST(CommandLine, TakesBucketsFromTheEnvironmentWhenNoneAreNamed) {
  const auto settings = must_parse({"copy"}, {{"AWS_S3_BUCKET", "photos"}, {"GCP_BUCKET_NAME", "archive"}});
  EXPECT_EQ(settings.job.source_bucket.str(), "photos");
  EXPECT_EQ(settings.job.target_bucket.str(), "archive");
}

TEST(CommandLine, ASampleIsANumberOrAShareOfWhatIsLookedAtClosely) {
  const auto verify = [](std::vector<std::string> more) {
    std::vector<std::string> words{"verify", "s3://photos", "gs://archive"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  EXPECT_EQ(must_parse(verify({"--deep", "--sample", "500"})).sample->objects, 500u);
  EXPECT_DOUBLE_EQ(must_parse(verify({"--metadata", "--sample", "2.5%"})).sample->share, 0.025);
  EXPECT_EQ(must_parse(verify({"--deep", "--sample", "1%", "--seed", "0"})).seed, 0u);
  for (const auto* wrong : {"0", "-1", "0%", "101%", "5 of 6", "100001", "%", "1e2%", "nan%"}) {
    EXPECT_NE(must_refuse(verify({"--deep", "--sample", wrong})).find("--sample"), std::string::npos) << wrong;
  }
  EXPECT_NE(must_refuse(verify({"--sample", "5"})).find("--deep"), std::string::npos);
  EXPECT_NE(must_refuse(verify({"--deep", "--seed", "5"})).find("--sample"), std::string::npos);
}

TEST(CommandLine, DeletionsAreOffAndLimitedByANumberOrAShare) {
  EXPECT_FALSE(must_parse(copy_words()).prune);
  const auto settings = must_parse(copy_words({"--delete"}));
  EXPECT_TRUE(settings.prune);
  EXPECT_EQ(settings.prune_limit.of(1'000), 100u);
  EXPECT_EQ(must_parse(copy_words({"--delete", "--max-delete", "7"})).prune_limit.of(1'000), 7u);
  EXPECT_EQ(must_parse(copy_words({"--delete", "--max-delete", "0"})).prune_limit.of(1'000), 0u);
  EXPECT_EQ(must_parse(copy_words({"--delete", "--max-delete", "0.5%"})).prune_limit.of(1'000), 5u);
  for (const auto* wrong : {"-1", "all", "0%", "200%", "1 %x"}) {
    EXPECT_NE(must_refuse(copy_words({"--delete", "--max-delete", wrong})).find("--max-delete"), std::string::npos);
  }
  EXPECT_NE(must_refuse(copy_words({"--allow-empty-source"})).find("--delete"), std::string::npos);
  EXPECT_NE(must_refuse(copy_words({"--delete", "--min-size", "1M"})).find("--include"), std::string::npos);
  EXPECT_TRUE(must_parse(copy_words({"--delete", "--include", "*.log"})).prune);
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
      {{"--integrity", "some"}, {}, "--integrity 'some' is none of: auto, full, fast"},
      {{"--tags", "here"}, {}, "--tags 'here' is none of: metadata, contexts, none"},
      {{"--storage-class-map", "A=B"}, {}, "--storage-class-map 'A=B' is not S3CLASS=GCSCLASS"},
      {{"--storage-class-map", "A=NEARLINE,"}, {}, "is not S3CLASS=GCSCLASS"},
      {{"--storage-class-map", "A=NEARLINE,A=COLDLINE"}, {}, "names a class twice"},
      {{"--kms-key", "k?x=1"}, {}, "--kms-key 'k?x=1' is not the name of a key"},
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

}  // namespace
}  // namespace ferry::app
