#include "kit/net/dialer.hpp"

#include <boost/asio/redirect_error.hpp>

#include "kit/net/inbound.hpp"

namespace ferry::net {
namespace {

constexpr Milliseconds kStagger{250};  // RFC 8305
constexpr std::size_t kTunnelHeadMax = 16 * 1024;

int keep_ticket(SSL* session, SSL_SESSION* ticket) {
  static_cast<SslTicket*>(SSL_get_app_data(session))->reset(ticket);
  return 1;  // it is ours now
}

}  // namespace

Dialer::Dialer(Executor executor, Clock* clock, Milliseconds timeout, ProxyRules proxies,
               std::optional<std::string> ca_file, Watchdog* watchdog, Traffic* traffic)
    : executor_(executor),
      clock_(clock),
      timeout_(timeout),
      proxies_(std::move(proxies)),
      ca_file_(std::move(ca_file)),
      watchdog_(watchdog),
      traffic_(traffic),
      dns_(executor, clock) {}

Status Dialer::prepare_tls() {
  if (context_) return Unit{};
  auto context = make_client_context(ca_file_);
  if (!context) return fail(std::move(context).error());
  context_ = *std::move(context);
  SSL_CTX_sess_set_new_cb(context_.get(), keep_ticket);
  return Unit{};
}

Task<Result<std::unique_ptr<Conn>>> Dialer::dial(Origin origin) {
  Outcome outcome{nullptr};
  TaskGroup group{executor_};
  group.spawn(work(std::move(origin), &outcome, &group));
  group.spawn(give_up(&outcome, &group));
  co_await group.join();
  co_return outcome;
}

Task<> Dialer::work(Origin origin, Outcome* outcome, TaskGroup* group) {
  *outcome = co_await establish(std::move(origin));
  group->cancel();
}

Task<> Dialer::give_up(Outcome* outcome, TaskGroup* group) {
  co_await clock_->sleep(timeout_);
  *outcome = fail(ErrorKind::kUnavailable, "no connection within " + std::to_string(timeout_.count()) + " ms");
  group->cancel();
}

Task<Dialer::Outcome> Dialer::establish(Origin origin) {
  const Proxy* proxy = proxies_.find(origin);
  auto socket = co_await connect(proxy ? proxy->address : origin);
  if (!socket)
    co_return fail(proxy ? std::move(socket).error().during("proxy " + proxy->address.url())
                         : std::move(socket).error());
  auto conn = std::make_unique<Conn>(*std::move(socket), watchdog_, traffic_);
  if (!origin.tls) co_return conn;
  if (proxy) {
    auto tunnel = co_await open_tunnel(conn.get(), proxy, &origin);
    if (!tunnel) co_return fail(std::move(tunnel).error().during("proxy " + proxy->address.url()));
  }
  auto secured = co_await secure(conn.get(), &origin);
  if (!secured) co_return fail(std::move(secured).error().during("TLS handshake"));
  co_return conn;
}

/// Attempts run into each other by a quarter of a second: an address that leads nowhere costs no more than that.
struct Dialer::Race {
  Race(Executor executor, std::vector<Tcp::endpoint> all) : endpoints(std::move(all)), group(executor) {}
  std::vector<Tcp::endpoint> endpoints;
  std::size_t started = 0, running = 0;
  std::optional<Socket> winner;
  std::string fault;
  TaskGroup group;
};

Task<Result<Socket>> Dialer::connect(Origin address) {
  auto addresses = co_await dns_.resolve(address.host);
  if (!addresses) co_return fail(std::move(addresses).error());
  std::vector<Tcp::endpoint> endpoints;
  for (const auto& each : *addresses) endpoints.emplace_back(each, address.port);

  Race race{executor_, std::move(endpoints)};
  start_attempt(&race, 0);
  co_await race.group.join();
  if (race.winner) co_return *std::move(race.winner);
  dns_.forget(address.host);
  co_return fail(ErrorKind::kUnavailable, race.fault);
}

void Dialer::start_attempt(Race* race, std::size_t index) {
  if (race->winner || race->started != index || index == race->endpoints.size()) return;
  ++race->started;
  ++race->running;
  race->group.spawn(attempt(race, index));
  if (race->started < race->endpoints.size()) race->group.spawn(stagger(race, race->started));
}

Task<> Dialer::stagger(Race* race, std::size_t index) {
  co_await clock_->sleep(kStagger);
  start_attempt(race, index);
}

Task<> Dialer::attempt(Race* race, std::size_t index) {
  Socket socket{executor_};
  boost::system::error_code code;
  co_await socket.async_connect(race->endpoints[index], asio::redirect_error(use_task, code));
  --race->running;
  if (code) {
    race->fault = code.message();
    start_attempt(race, index + 1);
  } else if (!race->winner) {
    race->winner = std::move(socket);
  }
  if (race->winner || race->running == 0) race->group.cancel();
}

Task<Status> Dialer::open_tunnel(Conn* conn, const Proxy* proxy, const Origin* origin) {
  auto target = origin->host_header();
  if (origin->port == 443) target += ":443";
  auto request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!proxy->authorization.empty()) request += "Proxy-Authorization: " + proxy->authorization + "\r\n";
  request += "\r\n";
  Pieces pieces;
  pieces.add(std::string_view(request));
  if (auto sent = co_await conn->write_all(pieces); !sent) co_return sent;

  Inbound inbound{conn, kTunnelHeadMax};
  auto head = co_await inbound.head();
  if (!head) co_return fail(std::move(head).error());
  if (head->empty()) co_return fail(ErrorKind::kUnavailable, "closed the connection");
  auto reply = parse_response_head(*head);
  if (!reply) co_return fail(std::move(reply).error());
  if (reply->status / 100 != 2) {
    co_return fail(ErrorKind::kUnavailable, "refused the tunnel with status " + std::to_string(reply->status));
  }
  if (inbound.has_rest()) co_return fail(ErrorKind::kCorrupt, "sent bytes into a tunnel that was not in use yet");
  co_return Unit{};
}

Task<Status> Dialer::secure(Conn* conn, const Origin* origin) {
  if (auto prepared = prepare_tls(); !prepared) co_return prepared;
  auto handle = make_client_handle(context_.get(), origin->host);
  if (!handle) co_return fail(ErrorKind::kUnavailable, ssl_error_text(nullptr));
  auto& ticket = tickets_[*origin];
  SSL_set_app_data(handle.get(), &ticket);
  if (ticket) SSL_set_session(handle.get(), ticket.get());
  conn->start_tls(std::move(handle));
  co_return co_await conn->handshake();
}

}  // namespace ferry::net
