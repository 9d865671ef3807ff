#include "state/redis/address.hpp"

#include <gmock/gmock.h>

namespace ferry::redis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RedisAddress, TakesHostAndPort) {
  const auto plain = parse_address("cache.example:7000").value();
  EXPECT_EQ(plain.kind, Address::Kind::kSingle);
  EXPECT_EQ(plain.name(), "cache.example:7000");
  EXPECT_FALSE(plain.hosts[0].tls);
  EXPECT_EQ(parse_address("Cache").value().name(), "cache:6379");
  EXPECT_EQ(parse_address("[2001:db8::1]:7000").value().hosts[0].host, "2001:db8::1");
  EXPECT_EQ(parse_address("[2001:db8::1]").value().name(), "[2001:db8::1]:6379");
}

TEST(RedisAddress, TakesAUrlWithLoginAndDatabase) {
  const auto url = parse_address("rediss://us%3Aer:p%40ss%2F@h:7000/3").value();
  EXPECT_TRUE(url.hosts[0].tls);
  EXPECT_EQ(url.username, "us:er");
  EXPECT_EQ(url.password, "p@ss/");
  EXPECT_EQ(url.database, 3u);
  EXPECT_EQ(url.name(), "h:7000");
  const auto no_user = parse_address("redis://:secret@h").value();
  EXPECT_EQ(no_user.username, "");
  EXPECT_EQ(no_user.password, "secret");
  EXPECT_EQ(parse_address("redis://h/").value().database, 0u);
}

TEST(RedisAddress, TakesSentinelsAndTheirMaster) {
  const auto sentinels = parse_address("redis-sentinel://u:p@a,b:7000,[::1]/my%20master/2").value();
  EXPECT_EQ(sentinels.kind, Address::Kind::kSentinel);
  EXPECT_EQ(sentinels.name(), "a:26379,b:7000,[::1]:26379/my master");
  EXPECT_EQ(sentinels.master, "my master");
  EXPECT_EQ(sentinels.password, "p");
  EXPECT_EQ(sentinels.database, 2u);
  EXPECT_TRUE(parse_address("rediss-sentinel://a/m").value().hosts[0].tls);
}

TEST(RedisAddress, TakesNodesOfACluster) {
  const auto cluster = parse_address("redis-cluster://a:7000,b").value();
  EXPECT_EQ(cluster.kind, Address::Kind::kCluster);
  EXPECT_EQ(cluster.name(), "a:7000,b:6379");
  EXPECT_TRUE(parse_address("rediss-cluster://a").value().hosts[0].tls);
}

TEST(RedisAddress, RefusesWhatCanNotBeAnAddress) {
  for (const char* wrong : {"",
                            ":",
                            "h:",
                            "h:0",
                            "h:65536",
                            "h:x",
                            "http://h",
                            "redis://",
                            "redis://h/x",
                            "redis://h/-1",
                            "redis://h/0?x=1",
                            "h/1/2",
                            "a,b",
                            "redis://a,b",
                            "redis-sentinel://a",
                            "redis-sentinel://a/",
                            "redis-sentinel:///m",
                            "redis-sentinel://a/m/x",
                            "redis-cluster://a/1",
                            "[::1",
                            "[::1]x",
                            "[::1]:",
                            "[]",
                            "a b",
                            "user@h",
                            "redis://us%er@h"}) {
    const auto address = parse_address(wrong);
    ASSERT_FALSE(address) << wrong;
    EXPECT_EQ(address.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(address.error().what, HasSubstr("redis://")) << "says how to write it";
  }
}

TEST(RedisAddress, NeverShowsWhatStandsBeforeTheHost_F110) {
  for (const char* wrong : {"redis://user:QX@ZW@h:x", "redis://user:QX/ZW@h:x", "redis://user:QX%zzZW@h",
                            "nonsense://user:QXZW@h", "user:QXZW@h", "redis://user:QX://ZW@h:x"}) {
    const auto address = parse_address(wrong);
    ASSERT_FALSE(address) << wrong;
    EXPECT_THAT(address.error().what, Not(HasSubstr("QX"))) << wrong;
    EXPECT_THAT(address.error().what, Not(HasSubstr("ZW"))) << wrong;
  }
}

}  // namespace
}  // namespace ferry::redis
