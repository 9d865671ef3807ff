// F174: what the programs that we ship must look like from outside. This test program is built with the same flags, and
// is looked at, too: so a lost flag is seen even before the first program links.

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
  std::vector<std::string> paths{std::filesystem::read_symlink("/proc/self/exe")};
  const std::string list = FERRY_PROGRAMS;
  for (std::size_t from = 0; from < list.size();) {
    const auto end = std::min(list.find(':', from), list.size());
    paths.push_back(list.substr(from, end - from));
    from = end + 1;
  }
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
/// A copy whose length only the caller knows, into room whose size the compiler knows: the call that fortifying guards.
[[gnu::noinline]] char fortified_copy(std::string_view text) {
  std::array<char, 16> room{};
  std::memcpy(room.data(), text.data(), text.size());
  asm volatile("" : : "r"(room.data()) : "memory");
  return room[0];
}

TEST(Hardening, ReleaseBuildsCheckTheirCopies_F174) {
  EXPECT_EQ(fortified_copy("abc"), 'a');
  for (const auto& program : programs()) {
    EXPECT_TRUE(has(readelf("--dyn-syms", program), R"(\b__mem(cpy|move|set)_chk\b)")) << program;
  }
}
#endif

}  // namespace
}  // namespace ferry::house
