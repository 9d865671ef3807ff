#pragma once
// From an origin to a connection that is ready for a request: name, addresses, proxy, TLS.

#include <map>
#include <memory>
#include <vector>

#include "kit/async/task_group.hpp"
#include "kit/net/conn.hpp"
#include "kit/net/dns.hpp"
#include "kit/net/http_client.hpp"
#include "kit/net/proxy.hpp"

namespace ferry::net {

class Dialer {
 public:
  Dialer(Executor executor, Clock* clock, Milliseconds timeout, ProxyRules proxies, std::optional<std::string> ca_file,
         Watchdog* watchdog, Traffic* traffic);

  /// @error kUnavailable says which step failed, and how.
  Task<Result<std::unique_ptr<Conn>>> dial(Origin origin);
  /// Loads the roots, unless that is done: it takes a while, and plain HTTP doesn't need it. @error kInvalid
  Status prepare_tls();
  [[nodiscard]] const Proxy* proxy_for(const Origin& origin) const { return proxies_.find(origin); }

 private:
  using Outcome = Result<std::unique_ptr<Conn>>;
  struct Race;

  Task<> work(Origin origin, Outcome* outcome, TaskGroup* group);
  Task<> give_up(Outcome* outcome, TaskGroup* group);
  Task<Outcome> establish(Origin origin);
  Task<Result<Socket>> connect(Origin address);
  Task<> attempt(Race* race, std::size_t index);
  Task<> stagger(Race* race, std::size_t index);
  void start_attempt(Race* race, std::size_t index);
  static Task<Status> open_tunnel(Conn* conn, const Proxy* proxy, const Origin* origin);
  Task<Status> secure(Conn* conn, const Origin* origin);

  Executor executor_;
  Clock* clock_;
  Milliseconds timeout_;
  ProxyRules proxies_;
  std::optional<std::string> ca_file_;
  SslContext context_;
  Watchdog* watchdog_;
  Traffic* traffic_;
  Dns dns_;
  std::map<Origin, SslTicket> tickets_;  ///< of the last session: a resumed handshake saves most of its cost
};

}  // namespace ferry::net
