// F174: what the programs that we ship must look like from outside.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <regex>

#include "tests/house/tree.hpp"

namespace ferry::house {
namespace {

std::vector<std::string> programs() {
  std::vector<std::string> paths;
  const std::string list = FERRY_PROGRAMS;
  for (std::size_t from = 0; from < list.size();) {
    const auto end = std::min(list.find(':', from), list.size());
    paths.push_back(list.substr(from, end - from));
    from = end + 1;
  }
  EXPECT_FALSE(paths.empty());
  return paths;
}

struct Close {
  void operator()(FILE* pipe) const { pclose(pipe); }
};

std::string readelf(const std::string& options, const std::string& program) {
  const auto command = "LC_ALL=C readelf --wide " + options + " '" + program + "' 2>&1";
  const std::unique_ptr<FILE, Close> pipe{popen(command.c_str(), "r")};
  std::string output;
  std::array<char, 4096> piece{};
  for (std::size_t got = 0; (got = fread(piece.data(), 1, piece.size(), pipe.get())) > 0;)
    output.append(piece.data(), got);
  return output;
}

bool has(const std::string& text, const char* pattern) {
  return std::regex_search(text, std::regex{pattern, std::regex::multiline});
}

TEST(Hardening, ProgramsArePositionIndependent_F174) {
  for (const auto& program : programs()) {
    EXPECT_TRUE(has(readelf("--file-header", program), R"(Type:\s+DYN)")) << program;
    EXPECT_TRUE(has(readelf("--dynamic", program), R"(FLAGS_1.*\bPIE\b)")) << program;
  }
}

TEST(Hardening, ProgramsBindEverythingBeforeMainAndSealIt_F174) {
  for (const auto& program : programs()) {
    EXPECT_TRUE(has(readelf("--program-headers", program), R"(^\s+GNU_RELRO\b)")) << program;
    EXPECT_TRUE(has(readelf("--dynamic", program), R"(FLAGS_1.*\bNOW\b)")) << program;
  }
}

TEST(Hardening, ProgramsHaveAStackThatDoesNotExecute_F174) {
  for (const auto& program : programs()) {
    EXPECT_TRUE(has(readelf("--program-headers", program), R"(^\s+GNU_STACK\s.*\sRW\s)")) << program;
  }
}

TEST(Hardening, ProgramsLoadLibrariesFromTheSystemOnly_F174) {
  for (const auto& program : programs())
    EXPECT_FALSE(has(readelf("--dynamic", program), R"(RPATH|RUNPATH)")) << program;
}

TEST(Hardening, ProgramsGuardTheirStacks_F174) {
  for (const auto& program : programs()) {
    EXPECT_TRUE(has(readelf("--dyn-syms", program), R"(\b__stack_chk_fail\b)")) << program;
  }
}

#ifdef FERRY_FORTIFIED  // release builds; in the others the sanitizers watch copies
TEST(Hardening, ReleaseBuildsCheckTheirCopies_F174) {
  for (const auto& program : programs()) {
    EXPECT_TRUE(has(readelf("--dyn-syms", program), R"(\b__mem(cpy|move|set)_chk\b)")) << program;
  }
}
#endif

}  // namespace
}  // namespace ferry::house
