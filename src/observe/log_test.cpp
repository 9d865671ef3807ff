#include "observe/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <csignal>
#include <limits>
#include <thread>
#include <vector>

namespace ferry::log {
namespace {

/// Puts a pipe in the place of stderr; the old one comes back at the end.
class PipedStderr {
 public:
  PipedStderr() : saved_(dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    read_end_ = ends[0];
    fcntl(read_end_, F_SETFL, O_NONBLOCK);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    configure(Level::kInfo, Format::kText);
    info("test.begun", {});  // what an earlier test's stderr lost is reported here, not in the test's own lines
    static_cast<void>(text());
  }
  ~PipedStderr() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    close_reader();
    configure(Level::kInfo, Format::kText);
  }
  PipedStderr(const PipedStderr&) = delete;
  PipedStderr& operator=(const PipedStderr&) = delete;

  void close_reader() {
    if (read_end_ >= 0) close(read_end_);
    read_end_ = -1;
  }
  /// What has been written since the last call.
  std::string text() {
    std::string all;
    std::array<char, 8192> piece{};
    for (ssize_t got = 0; (got = read(read_end_, piece.data(), piece.size())) > 0;) {
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
  }
  std::vector<std::string> lines() {
    std::vector<std::string> result;
    const auto all = text();
    for (std::size_t from = 0; from < all.size();) {
      const auto end = std::min(all.find('\n', from), all.size());
      result.push_back(all.substr(from, end - from));
      from = end + 1;
    }
    return result;
  }

 private:
  int saved_;
  int read_end_ = -1;
};

/// Without the time stamp in front of it.
std::string after_time(const std::string& line) { return line.substr(line.find(' ') + 1); }

constexpr std::string_view kHostile = "a\nb\r\x1b[31m\x9b\xff\xe2\x80\xae\"quoted\" back\\slash %s%n{}";

TEST(Log, WritesTextAsOneEventWithStableKeys) {
  PipedStderr err;
  configure(Level::kInfo, Format::kText);
  info("transfer.finished",
       {{"key", "logs/a.gz"}, {"bytes", std::uint64_t{8388608}}, {"delta", -3}, {"rate", 0.5}, {"whole", true}});
  const auto lines = err.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(after_time(lines[0]),
            R"(info transfer.finished key="logs/a.gz" bytes=8388608 delta=-3 rate=0.5 whole=true)");
  EXPECT_EQ(lines[0].find('Z'), std::string_view{"2026-01-02T03:04:05.678"}.size()) << lines[0];
}

TEST(Log, WritesJsonThatParsesToTheSameFields) {
  PipedStderr err;
  configure(Level::kInfo, Format::kJson);
  warn("scan.finished", {{"key", "größe"}, {"objects", std::uint64_t{18446744073709551615U}}, {"ok", false}});
  const auto lines = err.lines();
  ASSERT_EQ(lines.size(), 1U);
  const auto line = boost::json::parse(lines[0]).as_object();
  EXPECT_EQ(line.at("level").as_string(), "warning");
  EXPECT_EQ(line.at("event").as_string(), "scan.finished");
  EXPECT_EQ(line.at("key").as_string(), "größe");
  EXPECT_EQ(line.at("objects").as_uint64(), 18446744073709551615U);
  EXPECT_EQ(line.at("ok").as_bool(), false);
  EXPECT_EQ(line.at("time").as_string().size(), std::string_view{"2026-01-02T03:04:05.678Z"}.size());
}

TEST(Log, KeepsAnyValueOnOneHarmlessLineOfText_F151) {
  PipedStderr err;
  configure(Level::kInfo, Format::kText);
  error("copy.failed", {{"key", kHostile}});
  const auto lines = err.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(after_time(lines[0]),
            "error copy.failed "
            R"(key="a\x0ab\x0d\x1b[31m\x9b\xff\u{202e}\"quoted\" back\\slash %s%n{}")");
}

TEST(Log, KeepsAnyValueInsideItsJsonString_F151) {
  PipedStderr err;
  configure(Level::kInfo, Format::kJson);
  std::string formats;
  while (formats.size() < 1024) formats += "%s%n";
  error("copy.failed", {{"key", kHostile}, {"what", formats}});
  const auto lines = err.lines();
  ASSERT_EQ(lines.size(), 1U);
  const auto line = boost::json::parse(lines[0]).as_object();
  EXPECT_EQ(line.at("key").as_string(), R"(a\x0ab\x0d\x1b[31m\x9b\xff\u{202e}"quoted" back\\slash %s%n{})");
  EXPECT_EQ(line.at("what").as_string(), formats);
}

TEST(Log, WritesNullForNumbersThatJsonDoesNotHave) {
  PipedStderr err;
  configure(Level::kInfo, Format::kJson);
  info("rate.measured", {{"rate", std::numeric_limits<double>::infinity()}, {"eta", std::nan("")}});
  const auto line = boost::json::parse(err.lines().at(0)).as_object();
  EXPECT_TRUE(line.at("rate").is_null());
  EXPECT_TRUE(line.at("eta").is_null());
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  PipedStderr err;
  configure(Level::kWarning, Format::kText);
  debug("a.b", {});
  info("a.b", {});
  warn("a.b", {});
  error("a.b", {});
  const auto lines = err.lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(after_time(lines[0]), "warning a.b");
  configure(Level::kDebug, Format::kText);
  debug("a.b", {});
  EXPECT_EQ(err.lines().size(), 1U);
}

TEST(Log, KeepsLinesOfManyThreadsApart) {
  PipedStderr err;
  configure(Level::kInfo, Format::kText);
  std::array<std::thread, 4> threads;
  for (auto& thread : threads) {
    thread = std::thread{[] {
      for (int i = 0; i < 100; ++i) info("step.done", {{"key", "0123456789"}});
    }};
  }
  for (auto& thread : threads) thread.join();
  const auto lines = err.lines();
  EXPECT_EQ(lines.size(), 400U);
  for (const auto& line : lines) EXPECT_EQ(after_time(line), R"(info step.done key="0123456789")");
}

TEST(Log, SurvivesAReaderThatWentAway) {
  PipedStderr err;
  configure(Level::kInfo, Format::kText);
  err.close_reader();
  for (int i = 0; i < 3; ++i) info("still.here", {});  // SIGPIPE would end the program here
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0) << "and no signal is left to end it later";
}

TEST(Log, SurvivesAClosedStderr) {
  PipedStderr err;
  configure(Level::kInfo, Format::kText);
  close(STDERR_FILENO);
  info("still.here", {});
}

TEST(Log, NeverLeavesDescriptorTwoForTheNextFile) {
  PipedStderr err;
  close(STDERR_FILENO);
  configure(Level::kInfo, Format::kText);
  const int next = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  EXPECT_GT(next, STDERR_FILENO) << "a socket opened here would get the log";
  close(next);
}

TEST(Log, APinnedLineStaysBelowWhatIsLogged) {
  PipedStderr err;
  pin("[==>  ] 40%");
  EXPECT_EQ(err.text(), "\r\x1b[K[==>  ] 40%");
  print("stopping");
  EXPECT_EQ(err.text(), "\r\x1b[Kstopping\n[==>  ] 40%");
  info("step.done", {});
  const auto event = err.text();
  EXPECT_TRUE(event.starts_with("\r\x1b[K")) << event;
  EXPECT_TRUE(event.ends_with("info step.done\n[==>  ] 40%")) << event;
  pin("");
  EXPECT_EQ(err.text(), "\r\x1b[K");
  print("done");
  EXPECT_EQ(err.text(), "done\n");
}

TEST(Log, APrintedLineIsANoteAmongEventsInJson_F151) {
  PipedStderr err;
  configure(Level::kError, Format::kJson);
  print("Copied 3 of 3 \"objects\"");
  const auto lines = err.lines();
  ASSERT_EQ(lines.size(), 1U);
  const auto line = boost::json::parse(lines[0]).as_object();
  EXPECT_EQ(line.at("event"), "note");
  EXPECT_EQ(line.at("text"), "Copied 3 of 3 \"objects\"");
}

TEST(Log, DropsAndCountsLinesWhileNobodyReads) {
  PipedStderr err;
  configure(Level::kInfo, Format::kText);
  const std::string long_key(1000, 'k');
  const std::uint64_t written = 500;  // half a megabyte; a pipe holds 64 KiB
  for (std::uint64_t i = 0; i < written; ++i) info("step.done", {{"key", long_key}});
  const auto before = err.lines();
  info("reader.back", {});

  const auto after = err.lines();
  ASSERT_GE(after.size(), 2U);
  EXPECT_EQ(after_time(after.back()), "info reader.back");
  const auto cut = before.back().ends_with('"') ? 0U : 1U;
  const auto dropped = written - (before.size() - cut);
  EXPECT_EQ(after_time(after[after.size() - 2]), "warning log.dropped lines=" + std::to_string(dropped));
}

}  // namespace
}  // namespace ferry::log
