#pragma once
// What the tests of the command line share: variables, words that must be taken or refused, files that go away.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/cli.hpp"

namespace ferry::app {

using Variables = std::map<std::string, std::string>;

inline Environment environment(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

inline Settings must_parse(std::vector<std::string> words, Variables variables = {}) {
  auto invocation = parse_command_line(std::move(words), environment(std::move(variables)));
  EXPECT_TRUE(invocation) << invocation.error().what;
  return invocation ? std::move(invocation->settings) : Settings{};
}

inline std::string must_refuse(std::vector<std::string> words, Variables variables = {}) {
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

}  // namespace ferry::app
