#include "kit/net/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>

#include "testing/net/scripted_peer.hpp"
#include "testing/net/site.hpp"

namespace ferry::net {
namespace {

using testing::await_head;
using testing::finish;
using ::testing::HasSubstr;
using testing::hold;
using ::testing::Not;
using testing::plain;
using testing::reset;
using testing::ScriptedPeer;
using testing::send;
using testing::send_sliced;
using testing::Site;
using Script = ScriptedPeer::Script;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Answer {
  int status = 0;
  std::string body;
};

Task<Result<Answer>> fetch(HttpClient* client, Origin origin, RequestHead head, std::string body = {}) {
  auto exchange = co_await client->open(std::move(origin), std::move(head), body.size());
  if (!exchange) co_return fail(exchange.error());
  if (!body.empty()) {
    auto written = co_await (*exchange)->write(std::string_view(body));
    if (!written) co_return fail(written.error());
  }
  auto reply = co_await (*exchange)->response();
  if (!reply) co_return fail(reply.error());
  auto text = co_await (*exchange)->read_all(1 << 24);
  if (!text) co_return fail(text.error());
  Answer answer;
  answer.status = reply->status;
  answer.body = *std::move(text);
  co_return answer;
}

Task<Result<Answer>> get(HttpClient* client, Origin origin, std::string target = "/") {
  return fetch(client, std::move(origin), RequestHead("GET", std::move(target)));
}

/// A client, and a peer that plays scripts.
struct Scene {
  explicit Scene(std::vector<Script> scripts, ClientOptions options = {}, Site::Time time = Site::Time::kReal)
      : site(std::move(options), time), peer(site.context.get_executor(), std::move(scripts)) {
    site.background.spawn(peer.run());
  }
  ~Scene() { site.stop(); }
  Result<Answer> get(std::string target = "/") {
    return site.run(net::get(site.client.get(), origin(), std::move(target)));
  }
  Result<Answer> fetch(RequestHead head, std::string body = {}) {
    return site.run(net::fetch(site.client.get(), origin(), std::move(head), std::move(body)));
  }
  [[nodiscard]] Origin origin() const { return plain(peer.port()); }
  Site site;
  ScriptedPeer peer;
};

TEST(HttpClient, SendsTheTargetUntouchedAndOnlyTheHeadersItMust) {
  Scene scene{{{await_head(), send(kOk), hold()}}};
  ASSERT_EQ(scene.fetch({"GET", "/a//b/../c%2F?x=%20&y", {{"X-One", "1"}}})->body, "ok");
  EXPECT_EQ(scene.peer.received(),
            "GET /a//b/../c%2F?x=%20&y HTTP/1.1\r\nHost: " + scene.origin().host_header() + "\r\nX-One: 1\r\n\r\n");
}

TEST(HttpClient, SendsZeroLengthForPostAndPutWithoutBody) {
  Scene scene{{{await_head(), send(kOk), await_head(), send(kOk), await_head(), send(kOk), hold()}}};
  ASSERT_TRUE(scene.fetch({"POST", "/"}));
  ASSERT_TRUE(scene.fetch({"PUT", "/"}));
  EXPECT_EQ(scene.peer.received().find("Content-Length: 0"), scene.peer.received().find("Content-Length"));
  ASSERT_TRUE(scene.fetch({"DELETE", "/"}));
  EXPECT_THAT(scene.peer.received().substr(scene.peer.received().find("DELETE")), Not(HasSubstr("Content-Length")));
}

TEST(HttpClient, ReusesTheLastConnectionAndCounts) {
  Scene scene{{{await_head(), send(kOk), await_head(), send(kOk), await_head(), send(kOk), hold()}}};
  for (int i = 0; i < 3; ++i) ASSERT_EQ(scene.get()->body, "ok");
  const auto stats = scene.site.client->stats();
  EXPECT_EQ(stats.requests, 3u);
  EXPECT_EQ(stats.connects, 1u);
  EXPECT_EQ(stats.bytes_sent, scene.peer.received().size());
  EXPECT_EQ(stats.bytes_received, 3 * std::string_view(kOk).size());
}

TEST(HttpClient, ReadsEveryKindOfBody) {
  struct Case {
    std::string reply, body;
    bool reusable;
  };
  const std::vector<Case> cases{
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true},
      {"HTTP/1.1 200 OK\r\ncontent-length:   5  \r\n\r\nhello", "hello", true},
      {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "x", true},
      {"HTTP/1.1 204 No Content\r\n\r\n", "", true},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", "", true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;ext=\"1\"\r\n0123456789\r\n0\r\n\r\n",
       "abc0123456789", true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nTrailer: x\r\nOther:\r\n\r\n", "", true},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "x", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", false},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", "x", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", "x", false},  // more than was said: nothing to trust
  };
  for (const auto& each : cases) {
    Scene scene{
        {{await_head(), send(each.reply), await_head(), send(kOk), finish()}, {await_head(), send(kOk), finish()}}};
    const auto answer = scene.get();
    ASSERT_TRUE(answer) << each.reply << "\n" << answer.error().what;
    EXPECT_EQ(answer->body, each.body) << each.reply;
    ASSERT_TRUE(scene.get());
    EXPECT_EQ(scene.peer.connections(), each.reusable ? 1 : 2) << each.reply;
  }
}

TEST(HttpClient, TakesABodyWithoutLengthUntilTheConnectionCloses) {
  Scene scene{{{await_head(), send("HTTP/1.1 200 OK\r\n\r\nall of it"), finish()}}};
  EXPECT_EQ(scene.get()->body, "all of it");
}

TEST(HttpClient, ExpectsNoBodyAfterHead) {
  Scene scene{
      {{await_head(), send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), await_head(), send(kOk), hold()}}};
  const auto head = [](HttpClient* client, Origin origin) -> Task<Result<ResponseHead>> {
    auto exchange = co_await client->open(origin, RequestHead("HEAD", "/"), 0);
    co_return co_await (*exchange)->response();
  };
  EXPECT_EQ(scene.site.run(head(scene.site.client.get(), scene.origin()))->content_length, 1000u);
  EXPECT_EQ(scene.get()->body, "ok");
  EXPECT_EQ(scene.peer.connections(), 1);
}

TEST(HttpClient, SkipsInterimReplies_F083) {
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
  Scene scene{{{await_head(), send(interim + kOk), hold()}}};
  EXPECT_EQ(scene.fetch({"PUT", "/"}, "body")->body, "ok");
}

TEST(HttpClient, BoundsInterimReplies_F083) {
  std::string interim;
  for (int i = 0; i < 50; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  Scene scene{{{await_head(), send(interim + kOk), hold()}}};
  EXPECT_EQ(scene.get().error().kind, ErrorKind::kCorrupt);
}

TEST(HttpClient, DoesNotCareHowTcpCutsTheReply_F077) {
  Scene scene{{{await_head(),
                send_sliced("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3\r\nabc\r\nb\r\n0123456789!\r\n0\r\nA: b\r\n\r\n"),
                await_head(), send_sliced("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nxyz"), hold()}}};
  EXPECT_EQ(scene.get()->body, "abc0123456789!");
  EXPECT_EQ(scene.get()->body, "xyz");
  EXPECT_EQ(scene.peer.connections(), 1);
}

TEST(HttpClient, RejectsRepliesThatAreNotProperHttp_F082_F150) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  std::string many = ok;
  for (int i = 0; i < 3000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& reply : {
           ok + "X: " + std::string(100'000, 'x') + "\r\n\r\n",
           many + "\r\n",
           ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
           ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
           ok + "Content-Length: 5, 5\r\n\r\nhello",
           ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           ok + "Content-Length: -1\r\n\r\n",
           ok + "Content-Length: +5\r\n\r\nhello",
           ok + "Content-Length: \r\n\r\n",
           ok + "Content-Length: 9223372036854775808\r\n\r\n",
           ok + "Content-Length: 18446744073709551621\r\n\r\nhello",
           ok + "Transfer-Encoding: gzip, chunked\r\n\r\n",
           ok + "X: a\r\n folded\r\n\r\n",
           ok + "X : a\r\n\r\n",
           ok + "no colon\r\n\r\n",
           ok + ": no name\r\n\r\n",
           ok + "X: a\n\r\n",
           ok + "X: a\rb\r\n\r\n",
           ok + std::string("X: a\0b\r\n\r\n", 10),
           std::string("HTTP/2 200 OK\r\n\r\n"),
           std::string("HTTP/1.1 20 OK\r\n\r\n"),
           std::string("HTTP/1.1 2000 OK\r\n\r\n"),
           std::string("HTTP/1.1 999 OK\r\n\r\n"),
           std::string("HTTP/1.1 101 Switching\r\n\r\n"),
           std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
           std::string("\r\n\r\n"),
           chunked + "xyz\r\n",
           chunked + "-1\r\n",
           chunked + "\r\n",
           chunked + "fffffffffffffffff\r\n",
           chunked + "8000000000000000\r\n",
           chunked + "3\nabc\r\n0\r\n\r\n",
           chunked + "3\r\nabcd\r\n0\r\n\r\n",
           chunked + "3\r\nabc\n0\r\n\r\n",
           chunked + "3;" + std::string(100'000, 'e') + "\r\nabc\r\n0\r\n\r\n",
           chunked + "0\r\n" + std::string(100'000, 't'),
           chunked + "0\r\n folded\r\n\r\n",
       }) {
    Scene scene{{{await_head(), send(reply), finish()}, {await_head(), send(kOk), finish()}}};
    const auto answer = scene.get();
    ASSERT_FALSE(answer) << reply.substr(0, 200);
    EXPECT_EQ(answer.error().kind, ErrorKind::kCorrupt) << reply.substr(0, 200) << "\n" << answer.error().what;
    EXPECT_THAT(answer.error().what, HasSubstr(scene.origin().url()));
    ASSERT_TRUE(scene.get());
    EXPECT_EQ(scene.peer.connections(), 2) << "the broken connection must not be used again";
  }
}

TEST(HttpClient, ReportsABodyThatEndsEarly_F010_F076) {
  for (const auto* reply : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"}) {
    Scene scene{{{await_head(), send(reply), finish()}}};
    const auto answer = scene.get();
    ASSERT_FALSE(answer) << reply;
    EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(answer.error().what, HasSubstr("before the body was complete"));
  }
}

TEST(HttpClient, ReadsNothingAfterAFailure) {
  Scene scene{{{await_head(), send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"), finish()}}};
  const auto reads = [](HttpClient* client, Origin origin) -> Task<int> {
    auto exchange = co_await client->open(origin, RequestHead("GET", "/"), 0);
    EXPECT_TRUE(co_await (*exchange)->response());
    std::string buffer(100, '\0');
    int failures = 0;
    EXPECT_EQ((co_await (*exchange)->read(buffer)).value(), 5u);
    for (int i = 0; i < 2; ++i) failures += (co_await (*exchange)->read(buffer)).has_value() ? 0 : 1;
    co_return failures;
  };
  EXPECT_EQ(scene.site.run(reads(scene.site.client.get(), scene.origin())), 2) << "a cut body must never look complete";
}

TEST(HttpClient, ReportsResetsInHeadersAndInTheBody_F075) {
  for (const auto* part : {"", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"}) {
    Scene scene{{{await_head(), send(part), reset()}}};
    const auto answer = scene.get();
    ASSERT_FALSE(answer) << part;
    EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
    EXPECT_EQ(scene.peer.connections(), 1) << "a fresh connection that fails is the caller's to retry";
  }
}

TEST(HttpClient, ReplacesAKeptAliveConnectionThatThePeerClosed_F075) {
  for (const auto& end : {finish(), reset()}) {
    Scene scene{{{await_head(), send(kOk), end}, {await_head(), send(kOk), hold()}}};
    ASSERT_TRUE(scene.get());
    scene.site.context.poll();  // the close arrives while the connection is idle
    EXPECT_EQ(scene.get()->body, "ok");
    EXPECT_EQ(scene.peer.connections(), 2);
  }
}

TEST(HttpClient, RepeatsARequestWhoseReusedConnectionDiesBeforeTheReply_F075) {
  for (const auto& end : {finish(), reset()}) {
    Scene scene{{{await_head(), send(kOk), await_head(), end}, {await_head(), send(kOk), hold()}}};
    ASSERT_TRUE(scene.get());
    EXPECT_EQ(scene.get()->body, "ok");
    EXPECT_EQ(scene.peer.connections(), 2);
    EXPECT_EQ(scene.site.client->stats().connects, 2u);
  }
}

TEST(HttpClient, DoesNotRepeatARequestWhoseBodyWasSent_F075) {
  Scene scene{{{await_head(), send(kOk), await_head(), finish()}, {await_head(), send(kOk), hold()}}};
  ASSERT_TRUE(scene.get());
  EXPECT_EQ(scene.fetch({"POST", "/"}, "once").error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(scene.peer.connections(), 1);
}

TEST(HttpClient, DoesNotRepeatAfterTheFirstByteOfAReply_F075) {
  Scene scene{{{await_head(), send(kOk), await_head(), send("HTTP"), finish()}, {await_head(), send(kOk), hold()}}};
  ASSERT_TRUE(scene.get());
  EXPECT_EQ(scene.get().error().kind, ErrorKind::kUnavailable);
}

TEST(HttpClient, ReportsARefusedConnection_F071) {
  Site site;
  asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor{site.context.get_executor(),
                                                                {asio::ip::address_v4::loopback(), 0}};
  const auto port = acceptor.local_endpoint().port();
  acceptor.close();
  const auto answer = site.run(get(site.client.get(), plain(port)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(answer.error().what, plain(port).url() + ": connect: Connection refused");
}

TEST(HttpClient, ReportsANameThatCannotBeResolved) {
  Site site;
  auto origin = plain(80);
  origin.host = std::string(70, 'x') + ".invalid";  // a label too long for any name server to be asked
  static constexpr auto one = [](HttpClient* client, Origin to, int* failures) -> Task<> {
    const auto answer = co_await get(client, to);
    if (!answer && answer.error().kind == ErrorKind::kUnavailable &&
        answer.error().what.find("name can't be resolved") != std::string::npos) {
      ++*failures;
    }
  };
  static constexpr auto pair = [](Site* s, Origin to, int* failures) -> Task<> {
    TaskGroup group{s->context.get_executor()};
    for (int i = 0; i < 2; ++i) group.spawn(one(s->client.get(), to, failures));
    co_await group.join();
  };
  int failures = 0;
  site.run(pair(&site, origin, &failures));
  EXPECT_EQ(failures, 2);
}

TEST(HttpClient, GivesUpWhenNothingAnswersTheConnect_F072) {
  Site site{{}, Site::Time::kSimulated};
  // A listener whose queue is full drops further requests to connect, like a firewall does.
  using Tcp = asio::ip::tcp;
  asio::basic_socket_acceptor<Tcp, Executor> full{site.context.get_executor()};
  full.open(Tcp::v4());
  full.bind({asio::ip::address_v4::loopback(), 0});
  full.listen(0);
  std::vector<asio::basic_stream_socket<Tcp, Executor>> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(site.context.get_executor(), Tcp::v4());
    fillers.back().native_non_blocking(true);
    const auto endpoint = full.local_endpoint();
    ::connect(fillers.back().native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  }
  const auto answer = site.run(get(site.client.get(), plain(full.local_endpoint().port())));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(answer.error().what, HasSubstr("no connection within 10000 ms"));
  EXPECT_EQ(site.time.elapsed(), seconds{10});
}

TEST(HttpClient, GivesUpOnAPeerThatSaysNothing_F072_F073) {
  for (const Script& script :
       {Script{hold()}, Script{await_head(), send("HTTP/1.1 200 OK\r\nContent-Le"), hold()},
        Script{await_head(), send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"), hold()}}) {
    Scene scene{{script}, {}, Site::Time::kSimulated};
    const auto answer = scene.get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(answer.error().what, HasSubstr("no byte moved in time"));
    EXPECT_GE(scene.site.time.elapsed(), seconds{60});
    EXPECT_LE(scene.site.time.elapsed(), seconds{63});
  }
}

TEST(HttpClient, GivesUpOnATlsPeerThatSaysNothing_F073) {
  Scene scene{{{hold()}}, {}, Site::Time::kSimulated};
  auto origin = scene.origin();
  origin.tls = true;
  const auto answer = scene.site.run(get(scene.site.client.get(), origin));
  ASSERT_FALSE(answer);
  EXPECT_EQ(scene.site.time.elapsed(), seconds{10});
}

TEST(HttpClient, EndsAReplyThatOnlyDrips_F074) {
  Site site{{}, Site::Time::kSimulated};
  static constexpr auto drip = [](Clock* clock, ServerExchange* exchange) -> Task<> {
    auto moved = co_await exchange->begin(200, {}, std::nullopt);
    while (moved) {
      co_await clock->sleep(seconds{1});
      moved = co_await exchange->write(std::string_view("x"));
    }
  };
  const auto port = site.serve([clock = site.clock()](ServerExchange* exchange) { return drip(clock, exchange); });
  const auto answer = site.run(get(site.client.get(), plain(port)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(answer.error().what, HasSubstr("slower than the minimum speed"));
  EXPECT_GE(site.time.elapsed(), seconds{60});
  EXPECT_LE(site.time.elapsed(), seconds{64});
}

TEST(HttpClient, BoundsABodyWithoutEnd_F149) {
  Site site;
  bool cut = false;
  static constexpr auto flood = [](bool* ended, ServerExchange* exchange) -> Task<> {
    const std::string piece(8192, 'x');
    auto moved = co_await exchange->begin(500, {}, std::nullopt);
    while (moved) moved = co_await exchange->write(std::string_view(piece));
    *ended = true;
  };
  const auto port = site.serve([&cut](ServerExchange* exchange) { return flood(&cut, exchange); });
  static constexpr auto read = [](HttpClient* client, Origin origin) -> Task<Result<std::string>> {
    auto exchange = co_await client->open(origin, RequestHead("GET", "/"), 0);
    auto reply = co_await (*exchange)->response();
    EXPECT_EQ(reply->status, 500);
    co_return co_await (*exchange)->read_all(64 * 1024);
  };
  const auto text = site.run(read(site.client.get(), plain(port)));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::kCorrupt);
  EXPECT_LE(site.client->stats().bytes_received, 200u * 1024) << "what was already on its way, no more";
  site.stop();
  EXPECT_TRUE(cut) << "the connection is closed, not drained";
}

TEST(HttpClient, ReadsABodyOfExactlyTheLimit) {
  Scene scene{
      {{await_head(), send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"), hold()}}};
  static constexpr auto read = [](HttpClient* client, Origin origin, std::size_t limit) -> Task<Result<std::string>> {
    auto exchange = co_await client->open(origin, RequestHead("GET", "/"), 0);
    EXPECT_TRUE(co_await (*exchange)->response());
    co_return co_await (*exchange)->read_all(limit);
  };
  EXPECT_EQ(scene.site.run(read(scene.site.client.get(), scene.origin(), 4)).value(), "abcd");
}

TEST(HttpClient, LetsNoLineBreakIntoARequest_F152) {
  Scene scene{{{await_head(), send(kOk), hold()}}};
  for (const RequestHead& head : {
           RequestHead("GET", "/a\r\nX: y"),
           RequestHead("GET", "/a b"),
           RequestHead("GET", ""),
           RequestHead("GET", std::string("/\0", 2)),
           RequestHead("GET", "/a\n"),
           RequestHead("GET\r\nX:", "/"),
           RequestHead("", "/"),
           RequestHead("GET", "/", {{"X", "a\r\nY: b"}}),
           RequestHead("GET", "/", {{"X", "a\n"}}),
           RequestHead("GET", "/", {{"X", std::string("a\0b", 3)}}),
           RequestHead("GET", "/", {{"X\r\nY", "a"}}),
           RequestHead("GET", "/", {{"", "a"}}),
           RequestHead("GET", "/", {{"X Y", "a"}}),
           RequestHead("GET", "/", {{"Transfer-Encoding", "chunked"}}),
           RequestHead("PUT", "/", {{"Content-Length", "7"}}),
       }) {
    const auto answer = scene.fetch(head);
    ASSERT_FALSE(answer) << head.target;
    EXPECT_EQ(answer.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(answer.error().what, Not(HasSubstr("\n")));
  }
  EXPECT_EQ(scene.peer.received(), "");
}

TEST(HttpClient, KeepsTargetsOutOfErrors) {
  Scene scene{{{await_head(), reset()}}};
  EXPECT_THAT(scene.get("/path?X-Amz-Signature=geheim").error().what, Not(HasSubstr("geheim")));
}

/// Writes up to `pieces` MiB, but stops when the reply is there.
Task<Result<Answer>> upload(HttpClient* client, Origin origin, int pieces, int* written) {
  const std::string piece(1 << 20, 'u');
  auto exchange =
      co_await client->open(origin, RequestHead("PUT", "/"), piece.size() * static_cast<std::size_t>(pieces));
  for (*written = 0; *written < pieces && !(*exchange)->reply_pending(); ++*written) {
    auto moved = co_await (*exchange)->write(std::string_view(piece));
    if (!moved) co_return fail(moved.error());
  }
  auto reply = co_await (*exchange)->response();
  if (!reply) co_return fail(reply.error());
  Answer answer;
  answer.status = reply->status;
  answer.body = (co_await (*exchange)->read_all(1000)).value_or("?");
  co_return answer;
}

TEST(HttpClient, SeesTheReplyOfAPeerThatWantsNoMoreBody) {
  const auto busy = send("HTTP/1.1 503 Slow Down\r\nContent-Length: 4\r\n\r\nbusy");
  for (const Script& script : {Script{await_head(), busy, finish()}, Script{await_head(), busy}}) {
    Scene scene{{script}};
    int written = 0;
    const auto answer = scene.site.run(upload(scene.site.client.get(), scene.origin(), 500, &written));
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->status, 503);
    EXPECT_EQ(answer->body, "busy");
    EXPECT_LT(written, 400) << "it stopped writing";
    ASSERT_TRUE(scene.site.client);
  }
}

/// Answers, reads nothing, and keeps the connection open.
Task<> answer_and_wait(Clock* clock, ServerExchange* exchange) {
  const std::string reply = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  EXPECT_TRUE(co_await exchange->write_raw(std::string_view(reply)));
  co_await clock->sleep(seconds{1});
}

TEST(HttpClient, SeesTheReplyWhileItsWriteIsBlocked) {
  Site site;
  const auto port =
      site.serve([clock = site.clock()](ServerExchange* exchange) { return answer_and_wait(clock, exchange); });
  int written = 0;
  const auto answer = site.run(upload(site.client.get(), plain(port), 500, &written));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 400);
}

TEST(HttpClient, DoesNotReuseAConnectionWhoseRequestWasCutShort) {
  const auto early = send("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
  Scene scene{{{await_head(), early, hold()}, {await_head(), send(kOk), hold()}}};
  int written = 0;
  ASSERT_TRUE(scene.site.run(upload(scene.site.client.get(), scene.origin(), 500, &written)));
  ASSERT_TRUE(scene.get());
  EXPECT_EQ(scene.peer.connections(), 2);
}

TEST(HttpClient, ClosesAConnectionThatSpeaksUnasked) {
  Scene scene{{{await_head(), send(kOk), send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), hold()},
               {await_head(), send(kOk), hold()}}};
  ASSERT_TRUE(scene.get());
  scene.site.context.poll();
  EXPECT_EQ(scene.get()->body, "ok");
}

TEST(HttpClient, ClosesConnectionsThatWereIdleTooLong) {
  ClientOptions options;
  options.idle_timeout = seconds{50};
  Scene scene{{{await_head(), send(kOk), await_head(), send(kOk), hold()}, {await_head(), send(kOk), hold()}},
              options,
              Site::Time::kSimulated};
  ASSERT_TRUE(scene.get());
  scene.site.time.advance(seconds{49});
  ASSERT_TRUE(scene.get());
  EXPECT_EQ(scene.peer.connections(), 1);
  scene.site.time.advance(seconds{51});
  ASSERT_TRUE(scene.get());
  EXPECT_EQ(scene.peer.connections(), 2);
}

TEST(HttpClient, KeepsNoMoreIdleConnectionsThanAllowed) {
  ClientOptions options;
  options.idle_max = 1;
  Site site{options};
  static constexpr auto ok = [](ServerExchange* exchange) -> Task<> { co_await exchange->respond(200, {}, "ok"); };
  const auto port = site.serve(ok);
  static constexpr auto pair = [](Site* s, Origin origin) -> Task<> {
    TaskGroup group{s->context.get_executor()};
    static constexpr auto one = [](HttpClient* client, Origin to) -> Task<> { EXPECT_TRUE(co_await get(client, to)); };
    for (int i = 0; i < 4; ++i) group.spawn(one(s->client.get(), origin));
    co_await group.join();
  };
  site.run(pair(&site, plain(port)));
  site.run(pair(&site, plain(port)));
  EXPECT_EQ(site.client->stats().connects, 7u) << "four, then one of them again and three more";
}

TEST(HttpClient, LeavesNothingOnTheIoContextWhenIdle) {
  Site site;
  static constexpr auto ok = [](ServerExchange* exchange) -> Task<> { co_await exchange->respond(200, {}, "ok"); };
  const auto port = site.serve(ok);
  ASSERT_TRUE(site.run(get(site.client.get(), plain(port))));
  site.stop();
  site.context.restart();
  site.context.poll();
  EXPECT_TRUE(site.context.stopped()) << "no timer, no wait is left of client or server";
}

TEST(HttpClient, CancellationClosesTheConnectionAndHarmsNobodyElse) {
  Scene scene{{{await_head(), send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"), hold()},
               {await_head(), send(kOk), hold()}}};
  TaskGroup group{scene.site.context.get_executor()};
  bool finished = false;
  static constexpr auto wait = [](HttpClient* client, Origin origin, bool* done) -> Task<> {
    co_await get(client, origin);
    *done = true;
  };
  group.spawn(wait(scene.site.client.get(), scene.origin(), &finished));
  while (scene.site.client->stats().bytes_received == 0) scene.site.context.run_one();
  static constexpr auto cancel = [](TaskGroup* tasks) -> Task<> {
    tasks->cancel();
    co_await tasks->join();
  };
  scene.site.run(cancel(&group));
  EXPECT_FALSE(finished);
  EXPECT_EQ(scene.get()->body, "ok");
  EXPECT_EQ(scene.peer.connections(), 2);
}

TEST(HttpClient, CancellationEndsAConnectAttempt) {
  Site site;
  TaskGroup group{site.context.get_executor()};
  auto origin = plain(1);
  origin.host = "192.0.2.1";  // TEST-NET-1: nobody is there
  static constexpr auto wait = [](HttpClient* client, Origin to) -> Task<> { co_await get(client, to); };
  static constexpr auto cancel = [](TaskGroup* tasks) -> Task<> {
    tasks->cancel();
    co_await tasks->join();
  };
  group.spawn(wait(site.client.get(), origin));
  site.context.poll();
  site.run(cancel(&group));
  EXPECT_EQ(group.size(), 0u);
}

TEST(HttpClient, SuspendsWritesWhileTheServerDoesNotRead) {
  Site site;
  struct Gate {
    bool open = false;
    std::uint64_t read = 0;
  } gate;
  static constexpr auto slow = [](Gate* g, Clock* clock, ServerExchange* exchange) -> Task<> {
    while (!g->open) co_await clock->sleep(milliseconds{1});
    std::string buffer(1 << 16, '\0');
    for (;;) {
      auto got = co_await exchange->read(buffer);
      if (!got || *got == 0) break;
      g->read += *got;
    }
    co_await exchange->respond(200, {}, "done");
  };
  const auto port = site.serve([&gate, clock = site.clock()](ServerExchange* e) { return slow(&gate, clock, e); });
  static constexpr int kPieces = 64;
  int written = 0;
  Result<Answer> answer = fail(ErrorKind::kUnavailable, "not finished");
  static constexpr auto send_all = [](Site* s, Origin origin, int* count, Result<Answer>* result) -> Task<> {
    *result = co_await upload(s->client.get(), origin, kPieces, count);
  };
  site.background.spawn(send_all(&site, plain(port), &written, &answer));
  std::uint64_t before = 0;
  do {
    before = site.client->stats().bytes_sent;
    site.run(site.clock()->sleep(milliseconds{20}));
  } while (site.client->stats().bytes_sent != before || before == 0);
  EXPECT_LT(written, kPieces) << "what the kernel holds, and no more";

  gate.open = true;
  site.run(site.background.join());
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->body, "done");
  EXPECT_EQ(gate.read, std::uint64_t{kPieces} << 20);
}

TEST(HttpClient, SuspendsTheServerWhileNobodyReadsTheReply) {
  Site site;
  static constexpr std::uint64_t kBytes = 64 << 20;
  std::uint64_t sent = 0;
  static constexpr auto stream = [](std::uint64_t* total, ServerExchange* exchange) -> Task<> {
    const std::string piece(1 << 20, 's');
    auto moved = co_await exchange->begin(200, {}, kBytes);
    for (; moved && *total < kBytes; *total += piece.size()) moved = co_await exchange->write(std::string_view(piece));
    if (moved) moved = co_await exchange->finish();
    EXPECT_TRUE(moved);
  };
  const auto port = site.serve([&sent](ServerExchange* exchange) { return stream(&sent, exchange); });
  static constexpr auto slow = [](Site* s, Origin origin, std::uint64_t* total) -> Task<std::uint64_t> {
    auto exchange = co_await s->client->open(origin, RequestHead("GET", "/"), 0);
    EXPECT_TRUE(co_await (*exchange)->response());
    std::uint64_t before = 0;
    do {
      before = *total;
      co_await s->clock()->sleep(milliseconds{20});
    } while (*total != before);
    EXPECT_LT(*total, kBytes);
    std::string buffer(1 << 18, '\0');
    std::uint64_t read = 0;
    for (std::size_t got = 1; got > 0; read += got) got = (co_await (*exchange)->read(buffer)).value_or(0);
    co_return read;
  };
  EXPECT_EQ(site.run(slow(&site, plain(port), &sent)), kBytes);
}

TEST(HttpClient, CarriesAThousandRequestsAtOnce) {
  Site site;
  static constexpr auto echo = [](ServerExchange* exchange) -> Task<> {
    const auto body = co_await exchange->read_all(1 << 20);
    co_await exchange->respond(200, {}, exchange->request().target + *body);
  };
  const auto port = site.serve(echo);
  static constexpr auto one = [](HttpClient* client, Origin origin, int i, int* right) -> Task<> {
    for (int round = 0; round < 3; ++round) {
      const auto target = "/" + std::to_string(i);
      const auto answer = co_await fetch(client, origin, RequestHead("PUT", target), std::string(1000, 'b'));
      if (answer && answer->body == target + std::string(1000, 'b')) ++*right;
    }
  };
  static constexpr auto all = [](Site* s, Origin origin, int* right) -> Task<> {
    TaskGroup group{s->context.get_executor()};
    for (int i = 0; i < 1000; ++i) group.spawn(one(s->client.get(), origin, i, right));
    co_await group.join();
  };
  int right = 0;
  site.run(all(&site, plain(port), &right));
  EXPECT_EQ(right, 3000);
  EXPECT_LE(site.client->stats().connects, 1000u);
}

TEST(HttpClient, GoesByTheProxyWithTheWholeUrl) {
  Scene proxy{{{await_head(), send(kOk), hold()}}};
  ClientOptions options;
  options.http_proxy = "http://user:pa%20ss@127.0.0.1:" + std::to_string(proxy.peer.port());
  auto client = make_http_client(proxy.site.context.get_executor(), options, system_clock()).value();
  Origin origin;
  origin.tls = false;
  origin.host = "bucket.example.com";
  origin.port = 80;
  EXPECT_EQ(proxy.site.run(get(client.get(), origin, "/key?q"))->body, "ok");
  EXPECT_EQ(proxy.peer.received(),
            "GET http://bucket.example.com/key?q HTTP/1.1\r\nHost: bucket.example.com\r\n"
            "Proxy-Authorization: Basic dXNlcjpwYSBzcw==\r\n\r\n");
}

TEST(HttpClient, ReportsAProxyThatRefusesTheTunnel) {
  Scene proxy{
      {{await_head(), send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"), hold()}}};
  ClientOptions options;
  options.https_proxy = proxy.peer.url();
  auto client = make_http_client(proxy.site.context.get_executor(), options, system_clock()).value();
  Origin origin;
  origin.host = "bucket.example.com";
  const auto answer =
      proxy.site.run(fetch(client.get(), origin, RequestHead("GET", "/", {{"Authorization", "geheim"}})));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(answer.error().what, HasSubstr("407"));
  EXPECT_EQ(proxy.peer.received(), "CONNECT bucket.example.com:443 HTTP/1.1\r\nHost: bucket.example.com:443\r\n\r\n");
}

TEST(HttpClient, RefusesSettingsItCannotUse) {
  asio::io_context context;
  ClientOptions options;
  options.https_proxy = "socks5://x:1";
  EXPECT_EQ(make_http_client(context.get_executor(), options, system_clock()).error().kind, ErrorKind::kInvalid);
  options = {};
  options.ca_file = "/nowhere/ca.pem";
  const auto client = make_http_client(context.get_executor(), options, system_clock());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(client.error().what, HasSubstr("/nowhere/ca.pem"));
}

}  // namespace
}  // namespace ferry::net
