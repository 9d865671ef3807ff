// Time, chance and the environment come in through seams; nothing reaches round them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "tests/house/tree.hpp"

namespace ferry::house {
namespace {

struct Forbidden {
  std::vector<std::string> words;
  std::vector<std::string> allowed;  ///< beginnings or ends of paths
  std::string instead;
};

const std::vector<Forbidden>& forbidden() {
  static const std::string kClock = "src/kit/async/clock.cpp";
  static const std::vector<Forbidden> rules{
      {{"_clock::now", "gettimeofday", "clock_gettime", "time(nullptr)", "time(0)", "time(NULL)"},
       {kClock},
       "take a Clock*"},
      {{"sleep_for", "sleep_until", "usleep", "nanosleep"}, {}, "co_await clock->sleep()"},
      {{"random_device", "srand", "rand()", "RAND_bytes"}, {kClock}, "take an Rng*"},
      {{"getenv", "environ"},
       {"src/app/", "src/kit/net/http_client.cpp", "sandbox/main.cpp",
        "src/source/s3/credential_process.cpp"},  // for the program that it starts
       "settings are read in app"},
      {{"std::cout", "std::cerr", "std::clog", "printf(", "fprintf(", "puts("},
       {"src/app/", "sandbox/"},
       "use observe/log.hpp; stdout belongs to programs"},
      {{"setenv", "unsetenv", "putenv"}, {"_test.cpp"}, "only a test may change its environment"},
      {{"GTEST_SKIP", "DISABLED_"}, {}, "a test that does not run shows nothing"},
  };
  return rules;
}

bool allowed(const Forbidden& rule, const std::string& path) {
  return std::ranges::any_of(rule.allowed,
                             [&](const auto& part) { return path.starts_with(part) || path.ends_with(part); });
}

/// Where the rule is broken; the beginnings of longer words do not count, nor do their ends.
std::vector<std::size_t> places(const Forbidden& rule, std::string_view code) {
  const auto letter = [&](std::size_t place) {
    return place < code.size() && (std::isalnum(static_cast<unsigned char>(code[place])) != 0 || code[place] == '_');
  };
  std::vector<std::size_t> found;
  for (const auto& word : rule.words) {
    for (auto place = code.find(word); place != std::string_view::npos; place = code.find(word, place + 1)) {
      const auto end = place + word.size();
      const bool begins_inside = word.front() != '_' && letter(place) && place > 0 && letter(place - 1);
      const bool ends_inside = word.back() != '_' && letter(end - 1) && letter(end);
      if (!begins_inside && !ends_inside) found.push_back(place);
    }
  }
  return found;
}

TEST(House, ReachesTheOutsideOnlyThroughSeams) {
  for (const auto& file : sources_in({"src", "sandbox", "testing"})) {
    for (const auto& rule : forbidden()) {
      if (allowed(rule, file.path)) continue;
      for (const auto place : places(rule, file.code)) {
        ADD_FAILURE() << file.path << ":" << line_of(file.code, place) << ": " << file.code.substr(place, 20)
                      << "…: " << rule.instead;
      }
    }
  }
}

TEST(House, CallRulesMatchWhatTheyForbid) {
  const auto matches = [](std::string_view code) {
    return std::ranges::any_of(forbidden(), [&](const auto& rule) { return !places(rule, code).empty(); });
  };
  for (const auto* code :
       {"std::chrono::steady_clock::now()", "std::this_thread::sleep_for(1s)", "std::random_device d",
        "std::getenv(name)", "time(nullptr)", "std::cerr << 1", "GTEST_SKIP()", "DISABLED_Name"}) {
    EXPECT_TRUE(matches(code)) << code;
  }
  for (const auto* code : {"clock->sleep(wait)", "clock->now()", "rng->next()", "fmt::format(text)",
                           "snprintf(b, 1, f)", "secure_getenv_like(x)", "runtime(0)", "operand()"}) {
    EXPECT_FALSE(matches(code)) << code;
  }
}

TEST(House, CommentsAndLiteralsAreNotCode) {
  EXPECT_EQ(without_comments_and_literals("a // b\nc"), "a     \nc");
  EXPECT_EQ(without_comments_and_literals("a /* b\n */ c"), "a     \n    c");
  EXPECT_EQ(without_comments_and_literals(R"(f("a\"{b") + c)"), "f(       ) + c");
  EXPECT_EQ(without_comments_and_literals("f(R\"x({)\")x\") + c"), "f(          ) + c");
  EXPECT_EQ(without_comments_and_literals("g('{', '\\'', 1'000'000)"), "g(   ,     , 1'000'000)");
}

}  // namespace
}  // namespace ferry::house
