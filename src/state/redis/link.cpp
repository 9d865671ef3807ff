#include "state/redis/link.hpp"

#include "kit/base/text.hpp"

namespace ferry::redis {
namespace {

/// Watched while it lives.
class Watched {
 public:
  Watched(net::Conn* conn, Milliseconds patience) : conn_(conn) {
    conn_->watch();
    conn_->keep_pace(patience, 1);
  }
  ~Watched() {
    conn_->relax();
    conn_->unwatch();
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

 private:
  net::Conn* conn_;
};

}  // namespace

Error at(const net::Origin& server, Error error) {
  return Error{error.kind, "the Redis at " + host_and_port(server) + " " + error.what};
}

// ---- Link

Link::Link(std::unique_ptr<net::Conn> conn, net::Origin server, std::size_t reply_bytes_max)
    : conn_(std::move(conn)), server_(std::move(server)), decoder_(reply_bytes_max), received_{} {}

Link::~Link() = default;

Task<Status> Link::exchange(std::string_view requests, std::size_t count, Replies* replies, Milliseconds patience) {
  const Watched watched{conn_.get(), patience};
  auto done = co_await converse(requests, count, replies);
  if (!done) co_return fail(at(server_, std::move(done).error()));
  co_return done;
}

Task<Status> Link::converse(std::string_view requests, std::size_t count, Replies* replies) {
  net::Pieces pieces;
  pieces.add(requests);
  auto sent = co_await conn_->write_all(pieces);
  if (!sent) co_return fail(std::move(sent).error().during("takes no request"));
  for (std::size_t i = 0; i < count; ++i) {
    auto reply = co_await receive();
    if (!reply) co_return fail(std::move(reply).error());
    replies->push_back(*std::move(reply));
  }
  co_return Unit{};
}

Task<Result<Reply>> Link::receive() {
  for (;;) {
    auto reply = decoder_.next();
    if (!reply) co_return fail(std::move(reply).error());
    if (*reply) co_return **std::move(reply);
    const auto got = co_await conn_->read_some(received_);
    if (!got) co_return fail(Error{got.error()}.during("does not answer"));
    if (*got == 0) co_return fail(ErrorKind::kUnavailable, "closed the connection");
    decoder_.feed(std::string_view(received_.data(), *got));
  }
}

// ---- Connector

Task<LinkOutcome> Connector::connect() {
  switch (address_->kind) {
    case Address::Kind::kSingle: return connect_to(address_->hosts.front());
    case Address::Kind::kSentinel: return connect_to_master();
    case Address::Kind::kCluster: return connect_to_any();
  }
  return connect_to_any();
}

Task<LinkOutcome> Connector::connect_to_any() {
  LinkOutcome outcome{nullptr};
  for (const auto& node : address_->hosts) {
    outcome = co_await connect_to(node);
    if (outcome) break;
  }
  co_return outcome;
}

/// The sentinels in turn; the master that one names must agree that it is one. Each connect asks again.
Task<LinkOutcome> Connector::connect_to_master() {
  LinkOutcome outcome{nullptr};
  for (const auto& sentinel : address_->hosts) {
    auto master = co_await ask_sentinel(&sentinel);
    if (!master) {
      outcome = fail(std::move(master).error());
      continue;
    }
    outcome = co_await connect_to(*std::move(master));
    if (!outcome) continue;
    Commands question;
    question.command("ROLE");
    auto role = co_await ask(outcome->get(), std::move(question));
    if (!role) {
      outcome = fail(std::move(role).error());
      continue;
    }
    const auto view = role->view();
    if (view.size() > 0 && view.at(0).text() == "master") break;
    outcome = fail(at((*outcome)->server(), Error{ErrorKind::kUnavailable,
                                                  "is not the master that the sentinels take it for: waiting for "
                                                  "the failover to end"}));
  }
  co_return outcome;
}

Task<Result<net::Origin>> Connector::ask_sentinel(const net::Origin* sentinel) {
  auto link = co_await dial(*sentinel);
  if (!link) co_return fail(std::move(link).error());
  Commands question;
  question.command("SENTINEL", 3).arg("get-master-addr-by-name").arg(address_->master);
  auto answer = co_await ask(link->get(), question);
  if (!answer && answer.error().kind == ErrorKind::kDenied && !address_->password.empty()) {
    if (auto known = co_await authenticate(link->get()); !known) co_return fail(std::move(known).error());
    answer = co_await ask(link->get(), std::move(question));
  }
  if (!answer) co_return fail(std::move(answer).error());
  const auto view = answer->view();
  const auto host = view.size() == 2 ? view.at(0).text() : std::nullopt;
  const auto port = view.size() == 2 ? parse_u64(view.at(1).text().value_or("")) : std::nullopt;
  if (!host || host->empty() || !port || *port == 0 || *port > 65'535) {
    co_return fail(at(*sentinel, Error{ErrorKind::kUnavailable,
                                       "is a sentinel that knows no master \"" + printable(address_->master) + "\""}));
  }
  net::Origin master = *sentinel;
  master.host = to_lower(*host);
  master.port = static_cast<std::uint16_t>(*port);
  co_return master;
}

Task<LinkOutcome> Connector::connect_to(net::Origin server) {
  auto link = co_await dial(std::move(server));
  if (!link) co_return link;
  if (auto ready = co_await log_in(link->get()); !ready) co_return fail(std::move(ready).error());
  co_return link;
}

Task<LinkOutcome> Connector::dial(net::Origin server) {
  auto conn = co_await dialer_->dial(server);
  if (!conn) co_return fail(at(server, std::move(conn).error().during("can't be reached")));
  co_return std::make_unique<Link>(*std::move(conn), std::move(server), options_->reply_bytes_max);
}

Task<Status> Connector::log_in(Link* link) {
  if (!address_->username.empty() || !address_->password.empty()) {
    if (auto known = co_await authenticate(link); !known) co_return known;
  }
  if (address_->database == 0) co_return Unit{};
  Commands select;
  select.command("SELECT", 2).arg(std::to_string(address_->database));
  auto selected = co_await ask(link, std::move(select));
  if (!selected) co_return fail(std::move(selected).error());
  co_return Unit{};
}

/// HELLO asks for RESP2 and logs in at once; a server from before Redis 6 doesn't know it, and its complaint quotes our
/// password: of what it says nothing is kept.
Task<Status> Connector::authenticate(Link* link) {
  const std::string user = address_->username.empty() ? "default" : address_->username;
  Commands hello;
  hello.command("HELLO", 5).arg("2").arg("AUTH").arg(user).arg(address_->password);
  Replies replies;
  auto done = co_await link->exchange(hello.bytes(), 1, &replies, options_->connect_timeout);
  if (!done) co_return done;
  if (!replies[0].view().is_error("ERR") && !replies[0].view().is_error("NOPROTO")) {
    if (!replies[0].view().is_error()) co_return Unit{};
    co_return fail(at(link->server(), explain(replies[0].view().error())));
  }
  Commands auth;
  auth.command("AUTH", address_->username.empty() ? 2 : 3);
  if (!address_->username.empty()) auth.arg(address_->username);
  auth.arg(address_->password);
  replies.clear();
  done = co_await link->exchange(auth.bytes(), 1, &replies, options_->connect_timeout);
  if (!done) co_return done;
  if (!replies[0].view().is_error()) co_return Unit{};
  auto refusal = explain(replies[0].view().error());
  co_return fail(at(link->server(), Error{ErrorKind::kDenied, std::move(refusal.what)}));
}

Task<Result<Reply>> Connector::ask(Link* link, Commands commands) {
  Replies replies;
  auto done = co_await link->exchange(commands.bytes(), 1, &replies, options_->connect_timeout);
  if (!done) co_return fail(std::move(done).error());
  if (replies[0].view().is_error()) co_return fail(at(link->server(), explain(replies[0].view().error())));
  co_return std::move(replies[0]);
}

}  // namespace ferry::redis
