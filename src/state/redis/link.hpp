#pragma once
// One connection to one server, logged in. And the ways to get one: straight, by the sentinels, by a cluster's seeds.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "kit/net/dialer.hpp"
#include "state/redis/address.hpp"
#include "state/redis/protocol.hpp"
#include "state/redis/redis_client.hpp"

namespace ferry::redis {

/// One exchange at a time.
class Link {
 public:
  Link(std::unique_ptr<net::Conn> conn, net::Origin server, std::size_t reply_bytes_max);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Sends `requests` and appends their `count` replies, error replies included, as they come; after a failure those
  /// that came are there, and the link is fit for nothing but its end. @error kUnavailable
  /// @param patience  without one byte from the server
  Task<Status> exchange(std::string_view requests, std::size_t count, Replies* replies, Milliseconds patience);
  /// False: the server has closed it, or said something unasked.
  [[nodiscard]] bool is_quiet() const { return conn_->peek() == net::Conn::Waiting::kNothing; }
  [[nodiscard]] bool timed_out() const { return conn_->interrupted(); }
  [[nodiscard]] const net::Origin& server() const { return server_; }

 private:
  Task<Status> converse(std::string_view requests, std::size_t count, Replies* replies);
  Task<Result<Reply>> receive();

  std::unique_ptr<net::Conn> conn_;
  const net::Origin server_;
  Decoder decoder_;
  std::array<char, 16 * 1024> received_;
};

using LinkOutcome = Result<std::unique_ptr<Link>>;

class Connector {
 public:
  /// All must outlive it.
  Connector(net::Dialer* dialer, const Address* address, const ClientOptions* options)
      : dialer_(dialer), address_(address), options_(options) {}

  /// To wherever the address leads: the server, the current master, or any node of the cluster.
  /// @error kUnavailable, kDenied (login, permission); the text names the server
  Task<LinkOutcome> connect();
  /// To this server.
  Task<LinkOutcome> connect_to(net::Origin server);

 private:
  Task<LinkOutcome> connect_to_any();
  Task<LinkOutcome> connect_to_master();
  Task<Result<net::Origin>> ask_sentinel(const net::Origin* sentinel);
  Task<LinkOutcome> dial(net::Origin server);
  Task<Status> log_in(Link* link);
  Task<Status> authenticate(Link* link);
  Task<Result<Reply>> ask(Link* link, Commands commands);

  net::Dialer* dialer_;
  const Address* address_;
  const ClientOptions* options_;
};

/// "the Redis at 127.0.0.1:6379 <what>"
[[nodiscard]] Error at(const net::Origin& server, Error error);

}  // namespace ferry::redis
