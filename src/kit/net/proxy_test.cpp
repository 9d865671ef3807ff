#include "kit/net/proxy.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "kit/net/http_client.hpp"

namespace ferry::net {
namespace {

bool direct(const std::string& no_proxy, const std::string& url) {
  const auto rules = ProxyRules::make("proxy:3128", "http://proxy:3129/", no_proxy).value();
  return rules.find(Origin::parse(url).value()) == nullptr;
}

TEST(ProxyRules, PicksTheProxyByScheme) {
  const auto rules = ProxyRules::make("proxy:3128", "http://proxy:3129/", "").value();
  EXPECT_EQ(rules.find(Origin::parse("http://a").value())->address.port, 3128);
  EXPECT_EQ(rules.find(Origin::parse("https://a").value())->address.port, 3129);
  const auto none = ProxyRules::make("", "", "").value();
  EXPECT_EQ(none.find(Origin::parse("http://a").value()), nullptr);
}

TEST(ProxyRules, MatchesExceptionsLikeOtherTools) {
  EXPECT_TRUE(direct("*", "https://anything"));
  EXPECT_TRUE(direct("a.com , example.com", "https://example.com"));
  EXPECT_TRUE(direct("EXAMPLE.com", "https://s3.Example.com"));
  EXPECT_TRUE(direct(".example.com", "https://s3.example.com"));
  EXPECT_TRUE(direct("*.example.com", "https://s3.example.com"));
  EXPECT_FALSE(direct(".example.com", "https://example.com"));
  EXPECT_FALSE(direct("example.com", "https://badexample.com"));
  EXPECT_FALSE(direct("example.com", "https://example.com.evil.org"));
  EXPECT_TRUE(direct("example.com:8443", "https://example.com:8443"));
  EXPECT_FALSE(direct("example.com:8443", "https://example.com"));
  EXPECT_TRUE(direct("127.0.0.1", "http://127.0.0.1:9000"));
  EXPECT_TRUE(direct("127.0.0.1:9000", "http://127.0.0.1:9000"));
  EXPECT_FALSE(direct("127.0.0.1:9001", "http://127.0.0.1:9000"));
  EXPECT_TRUE(direct("10.0.0.0/8", "http://10.1.2.3"));
  EXPECT_FALSE(direct("10.0.0.0/8", "http://11.1.2.3"));
  EXPECT_FALSE(direct("nonsense/8", "http://11.1.2.3"));
  EXPECT_TRUE(direct("fd00::/8", "http://[fd00::1]"));
  EXPECT_TRUE(direct("::1", "http://[::1]:8080"));
  EXPECT_FALSE(direct("10.0.0.0/8", "http://[::1]"));
  EXPECT_FALSE(direct("", "http://a"));
}

TEST(ProxyRules, RefusesWhatItCannotUseAndKeepsThePasswordOut) {
  for (const auto* url :
       {"https://proxy:1", "socks5://user:geheim@proxy", "user:geheim@proxy:x", "user:%zgeheim@proxy", "http://"}) {
    const auto rules = ProxyRules::make("", url, "");
    ASSERT_FALSE(rules) << url;
    EXPECT_EQ(rules.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(rules.error().what.find("geheim"), std::string::npos) << rules.error().what;
    EXPECT_EQ(rules.error().what.find("HTTPS_PROXY"), 0u);
  }
}

TEST(ProxyRules, ComeFromTheEnvironmentButNotFromHttpProxyInUpperCase) {
  // HTTP_PROXY is what a CGI server makes of a header "Proxy:" (CVE-2016-5385).
  ::setenv("HTTP_PROXY", "http://evil:1", 1);
  ::setenv("https_proxy", "http://lower:1", 1);
  ::setenv("HTTPS_PROXY", "http://upper:1", 1);
  ::setenv("no_proxy", "x", 1);
  ClientOptions options;
  proxies_from_environment(&options);
  EXPECT_EQ(options.http_proxy, "");
  EXPECT_EQ(options.https_proxy, "http://upper:1");
  EXPECT_EQ(options.no_proxy, "x");
  for (const auto* name : {"HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy"}) ::unsetenv(name);
}

}  // namespace
}  // namespace ferry::net
