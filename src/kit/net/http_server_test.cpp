#include "kit/net/http_server.hpp"

#include <gtest/gtest.h>

#include "kit/async/task_group.hpp"
#include "kit/net/http_client.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::net {
namespace {

using testing::run;
using testing::SimulatedClock;

struct Site {
  explicit Site(Handler handler, ServerOptions options = {}, ClientOptions client_options = {})
      : server(make_http_server(context.get_executor(), std::move(options), std::move(handler), &clock).value()),
        client(make_http_client(context.get_executor(), std::move(client_options), &clock).value()) {}
  ~Site() {
    group.spawn(stop(server.get()));
    run(context, group.join(), &clock);
  }
  static Task<> stop(HttpServer* server) {
    server->stop();
    co_return;
  }
  void start() { group.spawn(server->run()); }
  [[nodiscard]] Origin origin() const { return {false, "127.0.0.1", server->port()}; }

  asio::io_context context{1};
  SimulatedClock clock;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpClient> client;
  TaskGroup group{context.get_executor()};
};

Task<Result<std::string>> get(HttpClient* client, Origin origin, std::string target) {
  auto exchange = co_await client->open(origin, RequestHead("GET", target), 0);
  if (!exchange) co_return fail(exchange.error());
  auto reply = co_await (*exchange)->response();
  if (!reply) co_return fail(reply.error());
  co_return co_await (*exchange)->read_all(1 << 20);
}

Task<> echo_target(ServerExchange* exchange) {
  co_await exchange->respond(200, {{"Content-Type", "text/plain"}}, exchange->request().target);
}

TEST(HttpServer, AnswersOnKeptAliveConnections) {
  Site site{echo_target};
  site.start();
  for (int i = 0; i < 3; ++i) {
    const auto target = "/" + std::to_string(i);
    EXPECT_EQ(run(site.context, get(site.client.get(), site.origin(), target), &site.clock).value(), target);
  }
  EXPECT_EQ(site.client->stats().connects, 1u);
}

}  // namespace
}  // namespace ferry::net
