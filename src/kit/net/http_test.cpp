#include "kit/net/http.hpp"

#include <gtest/gtest.h>

#include "kit/net/http_client.hpp"
#include "kit/net/http_server.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::net {
namespace {

TEST(Origin, ReadsSchemeHostAndPort) {
  EXPECT_EQ(Origin::parse("https://S3.Example.com").value(), (Origin{true, "s3.example.com", 443}));
  EXPECT_EQ(Origin::parse("http://127.0.0.1:9000/").value(), (Origin{false, "127.0.0.1", 9000}));
  EXPECT_EQ(Origin::parse("http://[::1]:80").value(), (Origin{false, "::1", 80}));
}

TEST(Origin, RefusesWhatIsNotAnEndpoint) {
  for (const auto* url :
       {"", "example.com", "ftp://x", "http://", "http://x:0", "http://x:65536", "http://x:", "http://x:1a",
        "http://a/b", "http://a?b", "http://a b", "http://a\r\nb", "http://[::1", "http://u:p@h", "http://x//"}) {
    const auto origin = Origin::parse(url);
    ASSERT_FALSE(origin) << url;
    EXPECT_EQ(origin.error().kind, ErrorKind::kInvalid);
  }
}

TEST(Origin, KeepsPasswordsOutOfErrors) {
  const auto origin = Origin::parse("http://user:geheim@host");
  ASSERT_FALSE(origin);
  EXPECT_EQ(origin.error().what.find("geheim"), std::string::npos) << origin.error().what;
}

TEST(Origin, WritesHostWithPortOnlyWhereNeeded) {
  EXPECT_EQ((Origin{true, "a.b", 443}).host_header(), "a.b");
  EXPECT_EQ((Origin{true, "a.b", 80}).host_header(), "a.b:80");
  EXPECT_EQ((Origin{false, "::1", 80}).host_header(), "[::1]");
  EXPECT_EQ((Origin{false, "::1", 8080}).url(), "http://[::1]:8080");
}

TEST(Headers, FindsTheFirstInAnyCase) {
  const Headers headers{{"ETag", "a"}, {"etag", "b"}};
  EXPECT_EQ(headers.find("ETAG"), "a");
  EXPECT_EQ(headers.find("x"), std::nullopt);
}

}  // namespace
}  // namespace ferry::net
