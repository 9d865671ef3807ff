#pragma once
// A server and a client in one io_context, for tests of anything that speaks HTTP.

#include <memory>
#include <string>
#include <utility>

#include "kit/async/task_group.hpp"
#include "kit/net/http_client.hpp"
#include "kit/net/http_server.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::testing {

/// Real sockets need real time: the clock is the system's unless a test is about time-outs. Then time jumps whenever no
/// socket is ready, so such a test has no peer outside of this io_context.
class Site {
 public:
  enum class Time { kReal, kSimulated };
  explicit Site(net::ClientOptions options = {}, Time time = Time::kReal)
      : simulated_(time == Time::kSimulated),
        client(net::make_http_client(context.get_executor(), std::move(options), clock()).value()) {}
  ~Site() { stop(); }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  [[nodiscard]] Clock* clock() { return simulated_ ? static_cast<Clock*>(&time) : system_clock(); }

  /// Starts a server and returns its URL's port.
  std::uint16_t serve(net::Handler handler, net::ServerOptions options = {}) {
    server = net::make_http_server(context.get_executor(), std::move(options), std::move(handler), clock()).value();
    group.spawn(server->run());
    return server->port();
  }
  template <class T>
  T run(Task<T> task) {
    return testing::run(context, std::move(task), simulated_ ? &time : nullptr);
  }
  void stop() { run(end(this)); }

 private:
  static Task<> end(Site* site) {
    if (site->server) site->server->stop();
    site->background.cancel();
    co_await site->background.join();
    co_await site->group.join();
  }

  bool simulated_;

 public:
  asio::io_context context{1};
  SimulatedClock time;
  std::unique_ptr<net::HttpServer> server;
  std::unique_ptr<net::HttpClient> client;
  TaskGroup group{context.get_executor()};       ///< runs until the server stops
  TaskGroup background{context.get_executor()};  ///< cancelled at the end
};

[[nodiscard]] inline net::Origin plain(std::uint16_t port) {
  net::Origin origin;
  origin.tls = false;
  origin.host = "127.0.0.1";
  origin.port = port;
  return origin;
}

}  // namespace ferry::testing
