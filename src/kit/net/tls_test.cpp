#include "kit/net/tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "kit/net/dialer.hpp"
#include "kit/net/inbound.hpp"
#include "testing/net/scripted_peer.hpp"
#include "testing/net/site.hpp"
#include "testing/net/throwaway_ca.hpp"

namespace ferry::net {
namespace {

using testing::await_head;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::plain;
using testing::ScriptedPeer;
using testing::Site;
using testing::ThrowawayCa;

struct Counting {
  int requests = 0;
  [[nodiscard]] Handler handler() {
    return [this](ServerExchange* exchange) { return answer(this, exchange); };
  }
  static Task<> answer(Counting* counting, ServerExchange* exchange) {
    ++counting->requests;
    auto body = co_await exchange->read_all(64 << 20);
    co_await exchange->respond(200, {}, body.value_or("?"));
  }
};

ServerOptions with(const ThrowawayCa::Issued& issued) {
  ServerOptions options;
  options.certificate_file = issued.certificate_file;
  options.key_file = issued.key_file;
  return options;
}

ClientOptions trusting(const ThrowawayCa& ca) {
  ClientOptions options;
  options.ca_file = ca.ca_file();
  return options;
}

Origin secure(std::uint16_t port, std::string host = "localhost") {
  Origin origin;
  origin.host = std::move(host);
  origin.port = port;
  return origin;
}

Task<Result<std::string>> put(HttpClient* client, Origin origin, std::string body) {
  auto exchange = co_await client->open(origin, RequestHead("PUT", "/", {{"Authorization", "geheim"}}), body.size());
  if (!exchange) co_return fail(exchange.error());
  if (!body.empty()) {
    auto written = co_await (*exchange)->write(std::string_view(body));
    if (!written) co_return fail(written.error());
  }
  auto reply = co_await (*exchange)->response();
  if (!reply) co_return fail(reply.error());
  co_return co_await (*exchange)->read_all(64 << 20);
}

TEST(Tls, CarriesBodiesOfEverySizeBothWays) {
  ThrowawayCa ca;
  Counting counting;
  Site site{trusting(ca)};
  const auto port = site.serve(counting.handler(), with(ca.issue("DNS:localhost")));
  for (const std::size_t size : {0, 1, 100, 16'383, 16'384, 16'385, 70'000, 10'000'000}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 + i / 251);
    const auto reply = site.run(put(site.client.get(), secure(port), body));
    ASSERT_TRUE(reply) << reply.error().what;
    EXPECT_TRUE(*reply == body) << size;
  }
  EXPECT_EQ(site.client->stats().connects, 1u);
}

TEST(Tls, VerifiesAddressesToo) {
  ThrowawayCa ca;
  Counting counting;
  Site site{trusting(ca)};
  const auto port = site.serve(counting.handler(), with(ca.issue("IP:127.0.0.1")));
  EXPECT_TRUE(site.run(put(site.client.get(), secure(port, "127.0.0.1"), "x")));
}

TEST(Tls, RefusesCertificatesForAnotherHostExpiredOrOfUnknownIssuer_F079) {
  ThrowawayCa ca, stranger;
  struct Case {
    ThrowawayCa::Issued issued;
    std::string reason;
  };
  for (const auto& each : {Case{ca.issue("DNS:other.example.com"), "hostname mismatch"},
                           Case{ca.issue("IP:127.0.0.1"), "hostname mismatch"},
                           Case{ca.issue("DNS:localhost", -60), "certificate has expired"},
                           Case{stranger.issue("DNS:localhost"), "unable to get local issuer certificate"}}) {
    Counting counting;
    Site site{trusting(ca)};
    const auto port = site.serve(counting.handler(), with(each.issued));
    const auto reply = site.run(put(site.client.get(), secure(port), "x"));
    ASSERT_FALSE(reply) << each.reason;
    EXPECT_EQ(reply.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(reply.error().what, HasSubstr(each.reason));
    EXPECT_THAT(reply.error().what, HasSubstr("https://localhost:" + std::to_string(port)));
    EXPECT_EQ(counting.requests, 0);
    EXPECT_EQ(site.client->stats().bytes_sent, 0u) << "nothing of the request left";
  }
}

TEST(Tls, SendsNoCredentialToAPeerWithoutTls_F079) {
  Site site;
  ScriptedPeer peer{site.context.get_executor(),
                    {{testing::await_bytes(1), testing::send("HTTP/1.1 400 Bad Request\r\n\r\n"), testing::finish()}}};
  site.background.spawn(peer.run());
  const auto reply = site.run(put(site.client.get(), secure(peer.port()), "x"));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(reply.error().what, HasSubstr("TLS handshake"));
  EXPECT_THAT(peer.received(), Not(HasSubstr("geheim")));
  EXPECT_THAT(peer.received(), Not(HasSubstr("PUT")));
  site.stop();
}

TEST(Tls, AServerWithTlsDropsPlainRequests_F079) {
  ThrowawayCa ca;
  Counting counting;
  Site site;
  const auto port = site.serve(counting.handler(), with(ca.issue("DNS:localhost")));
  EXPECT_FALSE(site.run(put(site.client.get(), plain(port), "x")));
  EXPECT_EQ(counting.requests, 0);
}

TEST(Tls, ResumesSessionsOnNewConnections) {
  ThrowawayCa ca;
  Counting counting;
  Site site;
  const auto port = site.serve(counting.handler(), with(ca.issue("DNS:localhost")));
  Watchdog watchdog{site.context.get_executor(), system_clock(), std::chrono::seconds{60}};
  Traffic traffic;
  Dialer dialer{site.context.get_executor(),
                system_clock(),
                std::chrono::seconds{10},
                ProxyRules::make("", "", "").value(),
                ca.ca_file(),
                &watchdog,
                &traffic};
  static constexpr auto talk_once = [](Dialer* d, Origin origin) -> Task<bool> {
    auto conn = co_await d->dial(origin);
    EXPECT_TRUE(conn) << conn.error().what;
    Pieces pieces;
    pieces.add(std::string_view("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_TRUE(co_await (*conn)->write_all(pieces));
    Inbound inbound{conn->get(), 1000};
    EXPECT_TRUE(co_await inbound.head());  // the tickets come along with it
    co_return SSL_session_reused((*conn)->tls()) == 1;
  };
  EXPECT_FALSE(site.run(talk_once(&dialer, secure(port))));
  EXPECT_TRUE(site.run(talk_once(&dialer, secure(port))));
}

TEST(Tls, TakesABareEndOfAnUnboundedBodyForATruncation_F076) {
  ThrowawayCa ca;
  Site site{trusting(ca)};
  static constexpr auto cut = [](ServerExchange* exchange) -> Task<> {
    EXPECT_TRUE(co_await exchange->write_raw(std::string_view("HTTP/1.1 200 OK\r\n\r\nhalf of")));
    exchange->abort(false);
  };
  const auto port = site.serve(cut, with(ca.issue("DNS:localhost")));
  const auto reply = site.run(put(site.client.get(), secure(port), ""));
  ASSERT_FALSE(reply) << *reply;
  EXPECT_EQ(reply.error().kind, ErrorKind::kUnavailable);
}

using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, Executor>;

Task<> pump(Socket* from, Socket* to) {
  std::string buffer(1 << 16, '\0');
  boost::system::error_code code;
  for (;;) {
    const auto got = co_await from->async_read_some(asio::buffer(buffer), asio::redirect_error(use_task, code));
    if (got > 0)
      co_await asio::async_write(*to, asio::buffer(buffer.data(), got), asio::redirect_error(use_task, code));
    if (code) break;
  }
  to->shutdown(Socket::shutdown_send, code);
}

/// A proxy that knows CONNECT, for one connection, and leads everything to one port.
Task<> tunnel(asio::basic_socket_acceptor<Tcp, Executor>* acceptor, std::uint16_t port, std::string* request) {
  auto client = co_await acceptor->async_accept(use_task);
  std::string buffer(1 << 12, '\0');
  while (!request->ends_with("\r\n\r\n")) {
    const auto got = co_await client.async_read_some(asio::buffer(buffer), use_task);
    request->append(buffer, 0, got);
  }
  Socket server{acceptor->get_executor()};
  const Tcp::endpoint endpoint{asio::ip::address_v4::loopback(), port};
  co_await server.async_connect(endpoint, use_task);
  const std::string established = "HTTP/1.1 200 Connection established\r\n\r\n";
  co_await asio::async_write(client, asio::buffer(established), use_task);
  TaskGroup group{acceptor->get_executor()};
  group.spawn(pump(&client, &server));
  group.spawn(pump(&server, &client));
  co_await group.join();
}

TEST(Tls, GoesThroughAProxyEndToEnd) {
  ThrowawayCa ca;
  Counting counting;
  Site site;
  const auto port = site.serve(counting.handler(), with(ca.issue("DNS:bucket.example.com")));
  asio::basic_socket_acceptor<Tcp, Executor> acceptor{site.context.get_executor(),
                                                      {asio::ip::address_v4::loopback(), 0}};
  std::string request;
  site.background.spawn(tunnel(&acceptor, port, &request));
  auto options = trusting(ca);
  options.https_proxy = "http://u:p@127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  auto client = make_http_client(site.context.get_executor(), options, system_clock()).value();
  const auto reply = site.run(put(client.get(), secure(443, "bucket.example.com"), "through the tunnel"));
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(*reply, "through the tunnel");
  EXPECT_EQ(request,
            "CONNECT bucket.example.com:443 HTTP/1.1\r\nHost: bucket.example.com:443\r\nProxy-Authorization: Basic "
            "dTpw\r\n\r\n");
  client.reset();
  site.stop();
}

}  // namespace
}  // namespace ferry::net
