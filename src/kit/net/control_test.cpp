#include "kit/net/control.hpp"

#include <gtest/gtest.h>

#include "testing/base/fake_http.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::net {
namespace {

TEST(ControlUrl, IsOriginAndTarget) {
  const auto url = Url::parse("http://169.254.170.2/a/b?c=d").value();
  EXPECT_EQ(url.origin.url(), "http://169.254.170.2:80");
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_EQ(Url::parse("https://host").value().target, "/");
  EXPECT_EQ(Url::parse("https://host:8443?x=1").value().target, "/?x=1");
}

TEST(ControlUrl, WhatIsNoneIsRefusedWithoutQuotingIt) {
  for (const auto* text : {"", "host/path", "ftp://host/", "https://user:canary@host/", "https://host/a b",
                           "https://host/\r\nX: y", "https://host/#canary", "https:///x"}) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(url.error().what.find("canary"), std::string::npos) << url.error().what;
  }
}

TEST(ControlForm, EncodesWhatAFormCantHold) {
  EXPECT_EQ(form_encode({{"Action", "a b"}, {"x", "&=+/"}}), "Action=a%20b&x=%26%3D%2B%2F");
}

TEST(ControlExchange, SendsTheBodyAndReadsTheWholeReply) {
  testing::FakeHttp http;
  http.push(testing::FakeReply{201, {{"Date", "Thu, 01 Jan 2026 00:00:00 GMT"}}, "answer"});
  http.push(testing::FakeReply{200, {}, std::string(100, 'x')});
  const Origin origin{true, "host", 443};
  const auto reply = testing::run(exchange_whole(&http, origin, {"POST", "/"}, "question", 100)).value();
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "answer");
  EXPECT_EQ(http.requests().at(0).body, "question");
  EXPECT_EQ(date_of(reply, {}), std::chrono::sys_days{std::chrono::year{2026} / 1 / 1});
  EXPECT_FALSE(testing::run(exchange_whole(&http, origin, {"GET", "/"}, "", 99))) << "longer than it may be";
}

}  // namespace
}  // namespace ferry::net
