#include "app/help.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
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
  return words;
}

constexpr std::pair<Command, const char*> kPages[] = {
    {Command::kCopy, "copy"},         {Command::kVerify, "verify"}, {Command::kPublisher, "publisher"},
    {Command::kMigrator, "migrator"}, {Command::kCache, "cache"},   {Command::kPlan, "plan"},
    {Command::kDoctor, "doctor"}};

TEST(Help, IsTheGoldenPage) {
  // After a wanted change: build/dev/bin/bucketferry copy --help > src/app/golden/copy.txt (and so on); then read the
  // diff.
  EXPECT_EQ(program_help(), file("src/app/golden/program.txt"));
  for (const auto& [command, name] : kPages) {
    EXPECT_EQ(command_help(command), file("src/app/golden/" + std::string{name} + ".txt"));
    EXPECT_NE(program_help().find("\n  " + std::string{name} + " "), std::string::npos) << name;
  }
}

TEST(Help, FitsATerminal) {
  std::vector<std::string> pages{program_help()};
  for (const auto& [command, name] : kPages) pages.push_back(command_help(command));
  for (const auto& page : pages) {
    std::istringstream lines{page};
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
  }
}

/// Commands of this page, each on one line: "copy s3://… …". What follows a pipe is not ours.
std::vector<std::string> examples_in(const std::string& page) {
  const std::regex call{R"(\s*(?:build/release/bin/|[A-Z_]+=\S+ )?bucketferry ([a-z]+ (?:[a-z-]+ )?s3[^|#]*[^|# ]).*)"};
  std::vector<std::string> examples;
  std::istringstream lines{std::regex_replace(page, std::regex{R"(\\\n\s*)"}, "")};
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, call)) examples.push_back(match[1]);
  }
  return examples;
}

TEST(Help, EveryExampleIsACommandThatTheParserTakes) {
  const std::map<std::string, std::string> variables{{"REDIS_ADDRESS", "127.0.0.1:6379"},
                                                     {"PUBSUB_EMULATOR_HOST", "127.0.0.1:8085"},
                                                     {"SYSTEM_ADMIN_USERNAME", "operator"},
                                                     {"SYSTEM_ADMIN_PASSWORD", "quite-a-long-one"}};
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional{found->second};
  };
  std::vector<std::string> examples = examples_in(file("README.md"));
  EXPECT_GE(examples.size(), 4u);
  for (const auto& [command, name] : kPages) {
    const auto own = examples_in(command_help(command));
    EXPECT_GE(own.size(), 2u) << name;
    examples.insert(examples.end(), own.begin(), own.end());
  }
  for (const auto& example : examples) {
    const auto parsed = parse_command_line(words_of(example), environment);
    EXPECT_TRUE(parsed) << example << "\n" << parsed.error().what;
  }
}

TEST(Help, EveryFormOfAskingIsAnswered) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"--help"},
                                                                 {"-h"},
                                                                 {"help"},
                                                                 {"copy", "--help"},
                                                                 {"verify", "-h"},
                                                                 {"cache", "--help"},
                                                                 {"cache", "list", "-h"},
                                                                 {"--version"}}) {
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
