#include "kit/net/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/net/raw_client.hpp"
#include "testing/net/scripted_peer.hpp"
#include "testing/net/site.hpp"

namespace ferry::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::plain;
using testing::Site;
using ::testing::StartsWith;
using testing::talk;
using testing::talk_sliced;
using testing::talk_until;

/// Answers with what it was asked; counts.
struct Echo {
  int requests = 0;
  [[nodiscard]] Handler handler() {
    return [this](ServerExchange* exchange) { return answer(this, exchange); };
  }
  static Task<> answer(Echo* echo, ServerExchange* exchange) {
    ++echo->requests;
    auto body = co_await exchange->read_all(1 << 20);
    auto text = exchange->request().method + " " + exchange->request().target + " " + body.value_or("<no body>");
    co_await exchange->respond(200, {{"X", "y"}}, std::move(text));
  }
};

std::string body_of(const std::string& reply) {
  const auto end = reply.find("\r\n\r\n");
  return end == std::string::npos ? "<no reply>" : reply.substr(end + 4);
}

constexpr auto kClose = "Connection: close\r\n\r\n";

TEST(HttpServer, AnswersInOnePieceWithLengthAndDate) {
  Echo echo;
  Site site{{}, Site::Time::kSimulated};
  const auto port = site.serve(echo.handler());
  EXPECT_EQ(site.run(talk(port, {"GET /a//b%2f?c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"})),
            "HTTP/1.1 200 OK\r\nX: y\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 15\r\nConnection: "
            "close\r\n\r\n"
            "GET /a//b%2f?c ");
}

TEST(HttpServer, TakesPipelinedRequestsOneByOne) {
  Echo echo;
  Site site;
  const auto port = site.serve(echo.handler());
  const std::string post = "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
  const std::string chunked = "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  const auto reply = site.run(talk(port, {post + chunked + "\r\nGET /3 HTTP/1.1\r\nHost: h\r\n" + kClose}));
  EXPECT_EQ(echo.requests, 3);
  EXPECT_THAT(reply, HasSubstr("POST /1 abc"));
  EXPECT_THAT(reply, HasSubstr("POST /2 abc"));
  EXPECT_THAT(reply, EndsWith("GET /3 "));
}

TEST(HttpServer, DoesNotCareHowTcpCutsTheRequest_F077) {
  Echo echo;
  Site site;
  const auto port = site.serve(echo.handler());
  const std::string first =
      "POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n";
  const auto reply =
      site.run(talk_sliced(port, first + "PUT /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n" + kClose + "xy"));
  EXPECT_THAT(reply, HasSubstr("POST /1 abcde"));
  EXPECT_THAT(reply, EndsWith("PUT /2 xy"));
}

TEST(HttpServer, RefusesWhatTwoReadersCouldReadDifferently_F154) {
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const std::string& request : {
           post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
           post + "Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello",
           post + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
           post + "Content-Length: 0, 5\r\n\r\n",
           post + "Content-Length: +0\r\n\r\n",
           post + "Content-Length: 0x0\r\n\r\n",
           post + "Content-Length: 18446744073709551616\r\n\r\n",
           post + "Transfer-Encoding: identity\r\n\r\n",
           post + "Transfer-Encoding: chunked, chunked\r\n\r\n",
           post + "Transfer-Encoding: xchunked\r\n\r\n",
           post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
           post + "Content-Length : 0\r\n\r\n",
           post + "X: a\r\n Transfer-Encoding: chunked\r\n\r\n",
           post + "X: a\r\n\tfolded\r\n\r\n",
           std::string("GET / HTTP/1.1\nHost: h\n\n"),
           get + "X: a\n\r\n",
           get + "X: a\rY: b\r\n\r\n",
           get + std::string("X: \0\r\n\r\n", 8),
           get + "\0: x\r\n\r\n",
           get + ": x\r\n\r\n",
           get + "X\r\n\r\n",
           get + "Host: other\r\n\r\n",
           std::string("GET / HTTP/1.1\r\n\r\n"),
           std::string("GET / HTTP/1.1 \r\nHost: h\r\n\r\n"),
           std::string("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
           std::string("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"),
           std::string("GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
           std::string("GET /\r\nHost: h\r\n\r\n"),
           std::string("G(T / HTTP/1.1\r\nHost: h\r\n\r\n"),
           std::string("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
       }) {
    Echo echo;
    Site site;
    const auto port = site.serve(echo.handler());
    const auto reply = site.run(talk(port, {request + smuggled}));
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 400 Bad Request\r\n")) << request;
    EXPECT_EQ(reply.find("HTTP/1.1", 1), std::string::npos) << "one answer, and nothing after it:\n" << request;
    EXPECT_EQ(echo.requests, 0) << request;
  }
}

TEST(HttpServer, TakesNoSecondRequestFromABodyWithBadChunks_F154) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body : {"3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "g\r\n", "-1\r\n",
                           "3 \nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "ffffffffffffffffff\r\n",
                           "0\r\n X: y\r\n\r\n", "0\r\nX\n\r\n"}) {
    Echo echo;
    Site site;
    const auto port = site.serve(echo.handler());
    const auto reply = site.run(talk(port, {head + body + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"}));
    EXPECT_EQ(echo.requests, 1) << body;
    EXPECT_THAT(reply, HasSubstr("POST / <no body>")) << "the handler is told, and answers: " << body;
    EXPECT_THAT(reply, HasSubstr("Connection: close"));
    EXPECT_THAT(reply, Not(HasSubstr("smuggled")));
  }
}

TEST(HttpServer, BoundsTheHead_F155) {
  Echo echo;
  Site site;
  const auto port = site.serve(echo.handler());
  const auto reply =
      site.run(talk(port, {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n"}));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 431 "));
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 300; ++i) many += "a: b\r\n";
  EXPECT_THAT(site.run(talk(port, {many + "\r\n"})), StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(echo.requests, 0);
}

TEST(HttpServer, DressesItsOwnAnswersAsItsOwnerLikes) {
  Site site;
  ServerOptions options;
  options.own_answer = [](int status) {
    return std::pair(Headers{{"Content-Type", "text/plain"}}, "own " + std::to_string(status));
  };
  static constexpr auto forget_to_answer = [](ServerExchange*) -> Task<> { co_return; };
  const auto port = site.serve(forget_to_answer, options);
  EXPECT_EQ(
      site.run(talk(port, {"GET / HTTP/1.1\n\n"})),
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\nown 400");
  EXPECT_THAT(site.run(talk(port, {std::string("GET / HTTP/1.1\r\nHost: h\r\n") + kClose})), EndsWith("own 500"));
}

TEST(HttpServer, EndsSlowHeadsSlowBodiesAndIdleConnections_F155) {
  struct Case {
    std::string sent;
    milliseconds limit;
  };
  for (const auto& each : {Case{"GET / HTTP/1.1\r\nHost: h\r\nX: ", seconds{15}}, Case{"", seconds{75}},
                           Case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345", seconds{30}}}) {
    Echo echo;
    Site site{{}, Site::Time::kSimulated};
    const auto port = site.serve(echo.handler());
    site.run(talk(port, {each.sent}));
    EXPECT_GE(site.time.elapsed(), each.limit) << each.sent;
    EXPECT_LE(site.time.elapsed(), each.limit + seconds{4}) << each.sent;
  }
}

TEST(HttpServer, EndsBodiesThatOnlyDrip_F155) {
  Echo echo;
  Site site{{}, Site::Time::kSimulated};
  const auto port = site.serve(echo.handler());
  static constexpr auto drip = [](Site* s, std::uint16_t to) -> Task<Status> {
    auto exchange = co_await s->client->open(plain(to), RequestHead("POST", "/"), 1'000'000);
    auto moved = co_await (*exchange)->write(std::string_view("x"));
    while (moved && !(*exchange)->reply_pending()) {
      co_await s->clock()->sleep(seconds{5});
      moved = co_await (*exchange)->write(std::string_view("x"));
    }
    co_return moved;
  };
  site.run(drip(&site, port));
  EXPECT_GE(site.time.elapsed(), seconds{30});
  EXPECT_LE(site.time.elapsed(), seconds{50});
}

TEST(HttpServer, DoesNotReadAHugeBodyThatNobodyWants_F155) {
  Site site;
  static constexpr auto refuse = [](ServerExchange* exchange) -> Task<> {
    co_await exchange->respond(413, {}, "too much");
  };
  const auto port = site.serve(refuse);
  static constexpr auto upload = [](HttpClient* client, Origin origin) -> Task<int> {
    const std::string piece(1 << 20, 'x');
    auto exchange = co_await client->open(origin, RequestHead("PUT", "/"), 1 << 30);
    for (int i = 0; i < 1024 && !(*exchange)->reply_pending(); ++i) {
      if (!co_await (*exchange)->write(std::string_view(piece))) break;
    }
    auto reply = co_await (*exchange)->response();
    co_return reply ? reply->status : 0;
  };
  EXPECT_EQ(site.run(upload(site.client.get(), plain(port))), 413);
  EXPECT_LT(site.client->stats().bytes_sent, 64u << 20);
}

TEST(HttpServer, ServesOthersWhileManyConnectionsAreIdle_F155) {
  Echo echo;
  Site site;
  const auto port = site.serve(echo.handler());
  static constexpr auto idle = [](std::uint16_t to) -> Task<> { co_await talk(to, {"GET / HTTP/1.1\r\n"}); };
  for (int i = 0; i < 400; ++i) site.background.spawn(idle(port));
  for (int i = 0; i < 10'000; ++i) site.context.poll_one();
  EXPECT_THAT(site.run(talk(port, {std::string("GET /ok HTTP/1.1\r\nHost: h\r\n") + kClose})), EndsWith("GET /ok "));
}

TEST(HttpServer, HoldsBackConnectionsBeyondTheLimit) {
  Echo echo;
  Site site;
  ServerOptions options;
  options.connections_max = 1;
  const auto port = site.serve(echo.handler(), options);
  static constexpr auto ask = [](std::uint16_t to) -> Task<> {
    EXPECT_THAT(co_await talk(to, {std::string("GET / HTTP/1.1\r\nHost: h\r\n") + kClose}), EndsWith("GET / "));
  };
  static constexpr auto many = [](Site* s, std::uint16_t to) -> Task<> {
    TaskGroup group{s->context.get_executor()};
    for (int i = 0; i < 5; ++i) group.spawn(ask(to));
    co_await group.join();
  };
  site.run(many(&site, port));
  EXPECT_EQ(echo.requests, 5);
}

TEST(HttpServer, TakesThePlaceOfAnIdleConnectionForANewcomer_F155) {
  Echo echo;
  Site site{{}, Site::Time::kSimulated};
  ServerOptions options;
  options.connections_max = 2;
  const auto port = site.serve(echo.handler(), options);
  static constexpr auto idle = [](std::uint16_t to, std::string bytes) -> Task<> { co_await talk_until(to, bytes, 1); };
  site.background.spawn(idle(port, "GET / HTTP/1.1\r\n"));
  site.background.spawn(idle(port, ""));
  for (int i = 0; i < 1'000; ++i) site.context.poll_one();
  const auto began = site.clock()->now();
  EXPECT_THAT(site.run(talk(port, {std::string("GET /ok HTTP/1.1\r\nHost: h\r\n") + kClose})), EndsWith("GET /ok "));
  EXPECT_LT(site.clock()->now() - began, std::chrono::seconds{2});
}

TEST(HttpServer, GrantsTheBodyToWhoAsksFirst) {
  Echo echo;
  Site site;
  const auto port = site.serve(echo.handler());
  const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n";
  EXPECT_EQ(site.run(talk_until(port, head + "\r\n", 1)), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(site.run(talk(port, {head + kClose + "body"})), Not(HasSubstr("100 Continue"))) << "it is here already";
}

TEST(HttpServer, ClosesAfterAnAnswerToABodyThatWasNotGranted) {
  Site site;
  static constexpr auto refuse = [](ServerExchange* exchange) -> Task<> { co_await exchange->respond(401, {}, ""); };
  const auto port = site.serve(refuse);
  const auto reply =
      site.run(talk(port, {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"}));
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(reply, HasSubstr("Connection: close"));
}

TEST(HttpServer, DrainsASmallBodyThatTheHandlerLeft) {
  Site site;
  static constexpr auto ok = [](ServerExchange* exchange) -> Task<> {
    co_await exchange->respond(200, {}, exchange->request().target);
  };
  const auto port = site.serve(ok);
  const auto reply =
      site.run(talk(port, {"PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", std::string(100'000, 'x'),
                           std::string("GET /2 HTTP/1.1\r\nHost: h\r\n") + kClose}));
  EXPECT_THAT(reply, HasSubstr("/1HTTP/1.1 200"));
  EXPECT_THAT(reply, EndsWith("/2"));
}

TEST(HttpServer, SendsNoBodyToHeadAndWith204) {
  Site site;
  static constexpr auto answer = [](ServerExchange* exchange) -> Task<> {
    const auto& target = exchange->request().target;
    if (target == "/204") {
      co_await exchange->respond(204, {}, "");
    } else if (target == "/stream") {
      EXPECT_TRUE(co_await exchange->begin(200, {}, 1000));
      EXPECT_TRUE(co_await exchange->finish());
    } else {
      co_await exchange->respond(200, {}, "body");
    }
  };
  const auto port = site.serve(answer);
  EXPECT_THAT(site.run(talk(port, {std::string("GET /204 HTTP/1.1\r\nHost: h\r\n") + kClose})),
              Not(HasSubstr("Content-Length")));
  const auto head = site.run(talk(port, {std::string("HEAD / HTTP/1.1\r\nHost: h\r\n") + kClose}));
  EXPECT_THAT(head, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_EQ(body_of(head), "");
  const auto stream = site.run(talk(port, {std::string("HEAD /stream HTTP/1.1\r\nHost: h\r\n") + kClose}));
  EXPECT_THAT(stream, HasSubstr("Content-Length: 1000\r\n"));
  EXPECT_EQ(body_of(stream), "");
}

Task<> stream_letters(std::optional<std::uint64_t> length, ServerExchange* exchange) {
  EXPECT_TRUE(co_await exchange->begin(200, {}, length));
  EXPECT_TRUE(co_await exchange->write(std::string_view("abc")));
  EXPECT_TRUE(co_await exchange->write(std::string_view("")));
  EXPECT_TRUE(co_await exchange->write(Buffers(std::string_view("d"), std::string_view("e"))));
  EXPECT_TRUE(co_await exchange->finish());
}

TEST(HttpServer, StreamsWithLengthInChunksOrUntilClose) {
  Site site;
  const auto port = site.serve([](ServerExchange* exchange) {
    const bool known = exchange->request().target == "/known";
    return stream_letters(known ? std::optional<std::uint64_t>(5) : std::nullopt, exchange);
  });
  const std::string rest = std::string(" HTTP/1.1\r\nHost: h\r\n") + kClose;
  EXPECT_EQ(body_of(site.run(talk(port, {"GET /known" + rest}))), "abcde");
  EXPECT_EQ(body_of(site.run(talk(port, {"GET /" + rest}))), "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(site.run(talk(port, {"GET / HTTP/1.0\r\n\r\n"}))), "abcde");
}

TEST(HttpServer, SendsTheHeadOfAStreamAtOnce) {
  Site site;
  static constexpr auto wait = [](Clock* clock, ServerExchange* exchange) -> Task<> {
    EXPECT_TRUE(co_await exchange->begin(200, {{"Content-Type", "text/event-stream"}}, std::nullopt));
    co_await clock->sleep(std::chrono::hours{1});
  };
  const auto port = site.serve([clock = site.clock()](ServerExchange* exchange) { return wait(clock, exchange); });
  static constexpr auto head = [](HttpClient* client, Origin origin) -> Task<int> {
    auto exchange = co_await client->open(origin, RequestHead("GET", "/"), 0);
    auto reply = co_await (*exchange)->response();
    co_return reply ? reply->status : 0;
  };
  EXPECT_EQ(site.run(head(site.client.get(), plain(port))), 200);
  static constexpr auto cancel = [](Site* s) -> Task<> {
    s->group.cancel();
    co_await s->group.join();
  };
  site.run(cancel(&site));
}

TEST(HttpServer, LetsNoLineBreakIntoAnAnswer_F152) {
  Site site;
  bool refused = false;
  static constexpr auto evil = [](bool* result, ServerExchange* exchange) -> Task<> {
    auto sent = co_await exchange->respond(200, {{"X", "a\r\nSet-Cookie: b"}}, "");
    *result = !sent && sent.error().kind == ErrorKind::kInvalid;
  };
  const auto port = site.serve([&refused](ServerExchange* exchange) { return evil(&refused, exchange); });
  const auto reply = site.run(talk(port, {std::string("GET / HTTP/1.1\r\nHost: h\r\n") + kClose}));
  EXPECT_TRUE(refused);
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(reply, Not(HasSubstr("Set-Cookie")));
}

TEST(HttpServer, SendsRawBytesAndCloses) {
  Site site;
  static constexpr auto raw = [](ServerExchange* exchange) -> Task<> {
    EXPECT_TRUE(co_await exchange->begin(200, {}, 10));
    EXPECT_TRUE(co_await exchange->write(std::string_view("abc")));
    EXPECT_TRUE(co_await exchange->write_raw(std::string_view("!raw!")));
  };
  const auto port = site.serve(raw);
  EXPECT_EQ(body_of(site.run(talk(port, {"GET / HTTP/1.1\r\nHost: h\r\n\r\n"}))), "abc!raw!");
}

TEST(HttpServer, AbortsWithFinOrReset) {
  Site site;
  static constexpr auto cut = [](ServerExchange* exchange) -> Task<> {
    EXPECT_TRUE(co_await exchange->begin(200, {}, 10));
    EXPECT_TRUE(co_await exchange->write(std::string_view("abc")));
    exchange->abort(exchange->request().target == "/reset");
    EXPECT_FALSE(co_await exchange->write(std::string_view("d")));
  };
  const auto port = site.serve(cut);
  EXPECT_EQ(body_of(site.run(talk(port, {"GET /fin HTTP/1.1\r\nHost: h\r\n\r\n"}))), "abc");
  EXPECT_THAT(site.run(talk(port, {"GET /reset HTTP/1.1\r\nHost: h\r\n\r\n"})), EndsWith("<reset>"));
}

TEST(HttpServer, ClosesWhenAnAnswerEndsShort) {
  Site site;
  static constexpr auto short_answer = [](ServerExchange* exchange) -> Task<> {
    EXPECT_TRUE(co_await exchange->begin(200, {}, 10));
    EXPECT_TRUE(co_await exchange->write(std::string_view("abc")));
    EXPECT_FALSE(co_await exchange->finish());
  };
  const auto port = site.serve(short_answer);
  EXPECT_EQ(body_of(site.run(talk(port, {"GET / HTTP/1.1\r\nHost: h\r\n\r\n"}))), "abc");
}

TEST(HttpServer, Answers500ForAHandlerThatSaysNothing) {
  Site site;
  static constexpr auto silent = [](ServerExchange*) -> Task<> { co_return; };
  const auto port = site.serve(silent);
  EXPECT_THAT(site.run(talk(port, {std::string("GET / HTTP/1.1\r\nHost: h\r\n") + kClose})),
              StartsWith("HTTP/1.1 500 "));
}

TEST(HttpServer, StopsWhenRunningExchangesAreDone) {
  Site site;
  bool answered = false;
  static constexpr auto slow = [](Site* s, bool* done, ServerExchange* exchange) -> Task<> {
    s->server->stop();
    co_await s->clock()->sleep(milliseconds{20});
    *done = (co_await exchange->respond(200, {}, "late")).has_value();
  };
  const auto port =
      site.serve([&site, &answered](ServerExchange* exchange) { return slow(&site, &answered, exchange); });
  const auto reply = site.run(talk(port, {"GET / HTTP/1.1\r\nHost: h\r\n\r\n"}));
  EXPECT_THAT(reply, EndsWith("late"));
  EXPECT_THAT(reply, HasSubstr("Connection: close"));
  site.run(site.group.join());
  EXPECT_TRUE(answered);
}

TEST(HttpServer, RefusesAnAddressItCannotListenOn) {
  asio::io_context context;
  static constexpr auto silent = [](ServerExchange*) -> Task<> { co_return; };
  const auto first = make_http_server(context.get_executor(), {}, silent, system_clock()).value();
  ServerOptions options;
  options.port = first->port();
  const auto second = make_http_server(context.get_executor(), options, silent, system_clock());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(second.error().what, HasSubstr(std::to_string(first->port())));
  options = {};
  options.address = "no-address";
  EXPECT_EQ(make_http_server(context.get_executor(), options, silent, system_clock()).error().kind,
            ErrorKind::kInvalid);
  options = {};
  options.certificate_file = "/nowhere/cert.pem";
  EXPECT_EQ(make_http_server(context.get_executor(), options, silent, system_clock()).error().kind,
            ErrorKind::kInvalid);
  options.key_file = "/nowhere/key.pem";
  const auto unreadable = make_http_server(context.get_executor(), options, silent, system_clock());
  ASSERT_FALSE(unreadable);
  EXPECT_THAT(unreadable.error().what, HasSubstr("/nowhere/cert.pem"));
}

}  // namespace
}  // namespace ferry::net
