#include "state/redis/protocol.hpp"

#include <gmock/gmock.h>

#include <random>

namespace ferry::redis {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

constexpr std::size_t kMost = 1024 * 1024;

Reply must(Decoder* decoder) {
  auto reply = decoder->next();
  if (!reply) throw std::runtime_error(reply.error().what);
  if (!*reply) throw std::runtime_error("no whole reply");
  return **std::move(reply);
}

TEST(RedisProtocol, WritesRequestsByteForByte) {
  Commands commands;
  commands.command("GET", 2).arg("k\r\n\0"s);
  commands.command("PING");
  commands.command("EXPIRE", 3).arg("").arg(std::int64_t{-12});
  EXPECT_EQ(commands.bytes(),
            "*2\r\n$3\r\nGET\r\n$4\r\nk\r\n\0\r\n*1\r\n$4\r\nPING\r\n*3\r\n$6\r\nEXPIRE\r\n$0\r\n\r\n$3\r\n-12\r\n"s);
  ASSERT_EQ(commands.size(), 3u);
  EXPECT_EQ(commands.at(1), "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(commands.at(2), "*3\r\n$6\r\nEXPIRE\r\n$0\r\n\r\n$3\r\n-12\r\n");
}

TEST(RedisProtocol, CallsAScriptByItsDigest) {
  const Script script{"return 1"};
  EXPECT_EQ(script.sha1, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
  Commands commands;
  commands.call(&script, 1, 1).arg("key").arg("value");
  EXPECT_EQ(commands.bytes(),
            "*5\r\n$7\r\nEVALSHA\r\n$40\r\n" + script.sha1 + "\r\n$1\r\n1\r\n$3\r\nkey\r\n$5\r\nvalue\r\n");
  EXPECT_EQ(commands.script(), &script);
}

TEST(RedisProtocol, ReadsRepliesOfAllKinds) {
  Decoder decoder{kMost};
  decoder.feed("+OK\r\n:-7\r\n$4\r\na\r\nb\r\n$-1\r\n-ERR no\r\n*2\r\n$1\r\nx\r\n*1\r\n:1\r\n"s);
  EXPECT_EQ(must(&decoder).view().text(), "OK");
  EXPECT_EQ(must(&decoder).view().integer(), -7);
  EXPECT_EQ(must(&decoder).view().text(), "a\r\nb");
  EXPECT_TRUE(must(&decoder).view().is_nil());
  const auto error = must(&decoder);
  EXPECT_TRUE(error.view().is_error("ERR"));
  EXPECT_FALSE(error.view().is_error("ER"));
  EXPECT_FALSE(error.view().text());
  const auto array = must(&decoder);
  ASSERT_EQ(array.view().size(), 2u);
  EXPECT_EQ(array.view().at(0).text(), "x");
  EXPECT_EQ(array.view().at(1).at(0).integer(), 1);
  EXPECT_FALSE(*decoder.next()) << "that was all";
}

TEST(RedisProtocol, ReadsRepliesThatComeByteByByte) {
  Decoder decoder{kMost};
  const auto bytes = "*2\r\n$5\r\nhello\r\n:42\r\n"s;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    decoder.feed(bytes.substr(i, 1));
    EXPECT_FALSE(*decoder.next());
  }
  decoder.feed("\n");
  EXPECT_EQ(must(&decoder).view().at(1).integer(), 42);
}

TEST(RedisProtocol, RefusesWhatIsNotRedis) {
  for (const char* garbage : {"HTTP/1.1 400 Bad Request\r\n\r\n", "$x\r\n", "*-5\r\n", "$99999999999999999999\r\n",
                              ":12x\r\n", "*1\r\n?\r\n", "%1\r\n+a\r\n+b\r\n"}) {
    Decoder decoder{kMost};
    decoder.feed(garbage);
    const auto reply = decoder.next();
    ASSERT_FALSE(reply) << garbage;
    EXPECT_EQ(reply.error().kind, ErrorKind::kUnavailable);
  }
}

TEST(RedisProtocol, RefusesNestingWithoutEnd) {
  Decoder decoder{kMost};
  std::string bytes;
  for (int depth = 0; depth < 1000; ++depth) bytes += "*1\r\n";
  decoder.feed(bytes);
  EXPECT_FALSE(decoder.next());
}

TEST(RedisProtocol, RefusesRepliesOverTheLimit) {
  Decoder decoder{1000};
  decoder.feed("$100000\r\n" + std::string(500, 'x'));
  EXPECT_FALSE(*decoder.next());
  decoder.feed(std::string(600, 'x'));
  const auto reply = decoder.next();
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().what, HasSubstr("more than"));
}

TEST(RedisProtocol, RefusesAnnouncedArraysThatWouldFillTheMemory) {
  Decoder decoder{kMost};
  decoder.feed("*2147483646\r\n");
  EXPECT_FALSE(decoder.next());
}

TEST(RedisProtocol, ManySmallRepliesAreNoLongReply) {
  Decoder decoder{1000};
  for (int i = 0; i < 10'000; ++i) {
    decoder.feed("$10\r\n0123456789\r\n");
    EXPECT_EQ(must(&decoder).view().text(), "0123456789");
  }
}

TEST(RedisProtocol, SurvivesRandomBytes) {
  std::mt19937 chance{1};
  constexpr std::string_view kAlphabet{"*$+-:0123456789\r\n\r\n\r\nab\0", 24};
  for (int round = 0; round < 20'000; ++round) {
    Decoder decoder{kMost};
    for (auto left = chance() % 40; left > 0; --left) decoder.feed(kAlphabet.substr(chance() % kAlphabet.size(), 1));
    for (;;) {
      const auto reply = decoder.next();
      if (!reply || !*reply) break;
    }
  }
}

TEST(RedisProtocol, SaysWhatAnErrorMeansAndWhatToDo) {
  const auto kind = [](std::string_view text) { return explain(text).kind; };
  EXPECT_EQ(kind("WRONGPASS invalid username-password pair or user is disabled."), ErrorKind::kDenied);
  EXPECT_EQ(kind("NOAUTH Authentication required."), ErrorKind::kDenied);
  EXPECT_EQ(kind("NOPERM this user has no permissions to run the 'hget' command"), ErrorKind::kDenied);
  EXPECT_EQ(kind("ERR The user executing the script can't run this command or subcommand script: x, on @user_script:1"),
            ErrorKind::kDenied);
  EXPECT_EQ(kind("OOM command not allowed when used memory > 'maxmemory'."), ErrorKind::kUnavailable);
  EXPECT_EQ(kind("READONLY You can't write against a read only replica."), ErrorKind::kUnavailable);
  EXPECT_EQ(kind("SOMETHING new"), ErrorKind::kUnavailable);
  EXPECT_THAT(explain("OOM command not allowed").what, HasSubstr("raise its maxmemory"));
  EXPECT_THAT(explain("ERR a\r\nb\x1b[0m").what, HasSubstr("a\\x0d\\x0ab\\x1b")) << "one line, no control characters";
  EXPECT_LT(explain(std::string(100'000, 'x')).what.size(), 1000u);
}

}  // namespace
}  // namespace ferry::redis
