#include "app/help.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "app/cli.hpp"
#include "app/options.hpp"

namespace ferry::app {
namespace {

std::string file(const std::string& path) {
  std::ifstream stream{std::string{FERRY_SOURCE_DIR "/"} + path, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

const Environment kNoEnvironment = [](const std::string&) { return std::nullopt; };
/// What a service cannot start without.
const Environment kServiceEnvironment = [](const std::string& name) -> std::optional<std::string> {
  if (name == "REDIS_ADDRESS") return "redis.internal:6379";
  if (name == "GCP_PROJECT_ID") return "my-project";
  if (name == "SYSTEM_ADMIN_USERNAME") return "operator";
  if (name == "SYSTEM_ADMIN_PASSWORD") return "correct-horse-battery";
  return std::nullopt;
};

/// A shell line as words; single quotes only, as the examples use them.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words{""};
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  std::erase(words, "");
  return words;
}

TEST(Help, IsTheGoldenPage) {
  // After a wanted change: build/dev/bin/bucketferry copy --help > src/app/golden/copy.txt (and so on); then read the
  // diff.
  EXPECT_EQ(program_help(), file("src/app/golden/program.txt"));
  EXPECT_EQ(command_help(Command::kCopy), file("src/app/golden/copy.txt"));
  EXPECT_EQ(command_help(Command::kVerify), file("src/app/golden/verify.txt"));
  EXPECT_EQ(command_help(Command::kPublisher), file("src/app/golden/publisher.txt"));
  EXPECT_EQ(command_help(Command::kMigrator), file("src/app/golden/migrator.txt"));
}

TEST(Help, FitsATerminal) {
  for (const auto& page : {program_help(), command_help(Command::kCopy), command_help(Command::kVerify),
                           command_help(Command::kPublisher), command_help(Command::kMigrator)}) {
    std::istringstream lines{page};
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
  }
}

TEST(Help, EveryExampleIsACommandThatTheParserTakes) {
  int examples = 0;
  for (const auto& page : {command_help(Command::kCopy), command_help(Command::kVerify),
                           command_help(Command::kPublisher), command_help(Command::kMigrator), file("README.md")}) {
    std::istringstream lines{page};
    for (std::string line; std::getline(lines, line);) {
      std::smatch match;
      if (!std::regex_match(
              line, match,
              std::regex{R"(\s*(?:build/release/bin/)?bucketferry ((?:copy|verify|publisher|migrator) s3[^\\#]*).*)"}))
        continue;
      ++examples;
      const auto parsed = parse_command_line(words_of(match[1]), kServiceEnvironment);
      EXPECT_TRUE(parsed) << line << "\n" << parsed.error().what;
    }
  }
  EXPECT_GE(examples, 10);
}

TEST(Help, EveryFormOfAskingIsAnswered) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--help"}, {"-h"}, {"help"}, {"copy", "--help"}, {"verify", "-h"}, {"--version"}}) {
    const auto invocation = parse_command_line(words, kNoEnvironment);
    ASSERT_TRUE(invocation);
    EXPECT_TRUE(invocation->print) << words.front();
  }
}

TEST(ConfigurationPage, NamesEverySettingAndNothingElse) {
  const std::string page = file("docs/configuration.md");
  std::set<std::string> known{"config", "help", "version"};
  for (const Option& option : options()) {
    known.emplace(option.name);
    EXPECT_NE(page.find("`" + std::string{option.secret ? "" : "--"} + std::string{option.name}), std::string::npos)
        << option.name;
    for (const auto& name : option.environment) {
      EXPECT_NE(page.find("`" + std::string{name.name} + "`"), std::string::npos) << name.name;
    }
  }
  for (const auto* name :
       {"FERRY_CONFIG", "AWS_S3_BUCKET", "GCP_BUCKET_NAME", "XDG_STATE_HOME", "HTTPS_PROXY", "NO_PROXY"}) {
    EXPECT_NE(page.find(name), std::string::npos) << name;
  }
  const std::regex flag{R"(`--([a-z0-9-]+))"};
  for (auto match = std::sregex_iterator(page.begin(), page.end(), flag); match != std::sregex_iterator(); ++match) {
    EXPECT_TRUE(known.contains((*match)[1])) << "the page names --" << (*match)[1] << ", the program doesn't";
  }
}

TEST(ConfigurationPage, ItsSettingsFileIsOneThatTheParserTakes) {
  const std::string page = file("docs/configuration.md");
  const auto begin = page.find("```yaml\n");
  ASSERT_NE(begin, std::string::npos);
  const std::string yaml = page.substr(begin + 8, page.find("```", begin + 8) - begin - 8);
  char path[] = "/tmp/ferry-help-test-XXXXXX";
  ::close(::mkstemp(path));
  std::ofstream{path} << yaml;
  const auto parsed = parse_command_line({"copy", "--config", path}, kNoEnvironment);
  ::unlink(path);
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(parsed->settings.transfers, 256u);
  EXPECT_EQ(parsed->settings.job.target_prefix, "photos/2024/");
}

}  // namespace
}  // namespace ferry::app
