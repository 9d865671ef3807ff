#include "kit/net/http_client.hpp"

#include <cassert>
#include <cstdlib>

#include "kit/base/text.hpp"
#include "kit/net/dialer.hpp"
#include "kit/net/inbound.hpp"
#include "kit/net/pool.hpp"

namespace ferry::net {
namespace {

constexpr int kInterimMax = 16;

/// What the exchanges of one client share; lives as long as the last of them.
struct Core {
  Core(Executor executor, const ClientOptions& given, Clock* clock, ProxyRules proxies)
      : options(given),
        watchdog(executor, clock, given.progress_timeout),
        dialer(executor, clock, given.connect_timeout, std::move(proxies), given.ca_file, &watchdog, &traffic),
        pool(clock, given.idle_timeout, given.idle_max) {}
  ClientOptions options;
  HttpStats stats;
  Traffic traffic;
  Watchdog watchdog;
  Dialer dialer;
  Pool pool;
};

/// A request as it goes out.
struct Outgoing {
  Origin origin;
  std::string method;
  std::string head;
  std::uint64_t body_length = 0;
};

class Exchange final : public HttpExchange {
 public:
  Exchange(std::shared_ptr<Core> core, Outgoing request) : core_(std::move(core)), request_(std::move(request)) {}
  ~Exchange() override { hang_up(); }

  Task<Status> write(Buffers bytes) override;
  [[nodiscard]] bool reply_pending() const override { return answered_; }
  Task<Result<ResponseHead>> response() override;
  Task<Result<std::size_t>> read(std::span<char> into) override;
  Task<Result<std::string>> read_all(std::size_t limit) override;

 private:
  Task<Status> start(Buffers first);
  Task<Status> connect();
  Task<Result<ResponseText>> final_head();
  [[nodiscard]] bool may_repeat() const;
  void hang_up();
  void finish_if_complete();
  [[nodiscard]] Error at(std::string_view phase, Error error) const;

  std::shared_ptr<Core> core_;
  Outgoing request_;
  std::unique_ptr<Conn> conn_;
  std::optional<Inbound> inbound_;
  std::uint64_t body_sent_ = 0;
  bool started_ = false;
  bool reused_ = false;  ///< the connection has served before: it may have died unnoticed
  bool repeated_ = false;
  bool answered_ = false;  ///< before the whole request was sent
  bool keep_alive_ = false;
  bool complete_ = false;  ///< the reply was read to its end
};

void Exchange::hang_up() {
  if (!conn_) return;
  conn_->unwatch();
  inbound_.reset();
  conn_.reset();
}

/// The text names where and in which phase; the caller adds what for.
Error Exchange::at(std::string_view phase, Error error) const {
  return std::move(error).during(phase).during(request_.origin.url());
}

Task<Status> Exchange::connect() {
  hang_up();
  if (!repeated_) conn_ = core_->pool.take(request_.origin);
  reused_ = conn_ != nullptr;
  if (!conn_) {
    auto dialed = co_await core_->dialer.dial(request_.origin);
    if (!dialed) co_return fail(at("connect", std::move(dialed).error()));
    conn_ = *std::move(dialed);
    ++core_->stats.connects;
  }
  inbound_.emplace(conn_.get(), core_->options.head_bytes_max);
  conn_->watch();
  conn_->keep_pace(core_->options.progress_timeout, request_.body_length > 0 ? core_->options.progress_bytes_min : 1);
  co_return Unit{};
}

/// A connection that was closed by the peer while idle shows it only now. Nothing of the request can have been taken
/// in.
bool Exchange::may_repeat() const { return reused_ && !repeated_ && !conn_->interrupted(); }

/// The head, and with it the first bytes of the body.
Task<Status> Exchange::start(Buffers first) {
  started_ = true;
  for (;;) {
    if (auto connected = co_await connect(); !connected) co_return connected;
    ++core_->stats.requests;
    Pieces pieces;
    pieces.add(std::string_view(request_.head));
    pieces.add(first);
    auto sent = co_await conn_->write_all(pieces, &answered_);
    if (sent) co_return Unit{};
    if (!may_repeat()) co_return fail(at("send request", std::move(sent).error()));
    repeated_ = true;
  }
}

Task<Status> Exchange::write(Buffers bytes) {
  assert(body_sent_ + bytes.size() <= request_.body_length && "more body than announced");
  if (answered_) co_return Unit{};
  if (!started_) {
    auto sent = co_await start(bytes);
    if (sent && !answered_) body_sent_ += bytes.size();
    co_return sent;
  }
  if (!conn_) co_return fail(at("send body", Error{ErrorKind::kUnavailable, "connection is closed"}));
  if (conn_->peek() == Conn::Waiting::kBytes) {
    answered_ = true;
    co_return Unit{};
  }
  Pieces pieces;
  pieces.add(bytes);
  auto sent = co_await conn_->write_all(pieces, &answered_);
  if (!sent) co_return fail(at("send body", std::move(sent).error()));
  if (!answered_) body_sent_ += bytes.size();
  co_return Unit{};
}

Task<Result<ResponseHead>> Exchange::response() {
  if (!started_) {
    auto sent = co_await start(std::string_view{});
    if (!sent) co_return fail(std::move(sent).error());
  }
  assert((body_sent_ == request_.body_length || answered_) && "response() before the whole body was written");
  if (!conn_) co_return fail(at("wait for reply", Error{ErrorKind::kUnavailable, "connection is closed"}));
  auto reply = co_await final_head();
  if (!reply) {
    hang_up();
    co_return fail(at("wait for reply", std::move(reply).error()));
  }
  const auto framing = framing_of(*reply, request_.method);
  keep_alive_ = reply->keep_alive && framing.ends_by_itself() && body_sent_ == request_.body_length;
  inbound_->expect(framing);
  conn_->keep_pace(core_->options.progress_timeout, core_->options.progress_bytes_min);
  finish_if_complete();

  ResponseHead head;
  head.status = reply->status;
  head.content_length = reply->content_length;
  head.headers = std::move(reply->headers);
  co_return head;
}

/// The reply after all interim ones.
Task<Result<ResponseText>> Exchange::final_head() {
  int interim = 0;
  for (;;) {
    conn_->keep_pace(core_->options.progress_timeout, 1);
    auto text = co_await inbound_->head();
    const bool lost = text ? text->empty() : text.error().kind == ErrorKind::kUnavailable;
    if (lost && !inbound_->begun() && interim == 0 && request_.body_length == 0 && may_repeat()) {
      repeated_ = true;
      auto sent = co_await start(std::string_view{});
      if (!sent) co_return fail(std::move(sent).error());
      continue;
    }
    if (!text) co_return fail(std::move(text).error());
    if (text->empty()) co_return fail(ErrorKind::kUnavailable, "connection closed without a reply");
    auto reply = parse_response_head(*text);
    if (!reply || reply->status >= 200) co_return reply;
    if (reply->status == 101)
      co_return fail(ErrorKind::kCorrupt, "not proper HTTP: a switch of protocols nobody asked for");
    if (++interim > kInterimMax) co_return fail(ErrorKind::kCorrupt, "not proper HTTP: interim replies without end");
  }
}

/// Gives the connection to the next request, or closes it.
void Exchange::finish_if_complete() {
  if (!inbound_->complete()) return;
  complete_ = true;
  const bool reusable = keep_alive_ && !inbound_->has_rest();
  inbound_.reset();
  conn_->unwatch();
  conn_->relax();
  auto conn = std::move(conn_);
  if (reusable) core_->pool.put(request_.origin, std::move(conn));
}

Task<Result<std::size_t>> Exchange::read(std::span<char> into) {
  if (complete_) co_return 0;
  if (!conn_) co_return fail(at("read reply body", Error{ErrorKind::kUnavailable, "connection is closed"}));
  auto got = co_await inbound_->read(into);
  if (!got) {
    hang_up();
    co_return fail(at("read reply body", std::move(got).error()));
  }
  finish_if_complete();
  co_return got;
}

Task<Result<std::string>> Exchange::read_all(std::size_t limit) {
  if (complete_) co_return std::string{};
  if (!conn_) co_return fail(at("read reply body", Error{ErrorKind::kUnavailable, "connection is closed"}));
  auto text = co_await inbound_->read_all(limit);
  if (!text) {
    hang_up();
    co_return fail(at("read reply body", std::move(text).error()));
  }
  finish_if_complete();
  co_return text;
}

class Client final : public HttpClient {
 public:
  explicit Client(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  Task<Result<std::unique_ptr<HttpExchange>>> open(Origin origin, RequestHead head,
                                                   std::uint64_t body_length) override {
    Outgoing request;
    auto composed = compose(origin, head, body_length);
    if (!composed) co_return fail(std::move(composed).error().during(origin.url()));
    request.head = *std::move(composed);
    request.origin = std::move(origin);
    request.method = std::move(head.method);
    request.body_length = body_length;
    co_return std::make_unique<Exchange>(core_, std::move(request));
  }

  [[nodiscard]] HttpStats stats() const override {
    auto stats = core_->stats;
    stats.bytes_sent = core_->traffic.sent;
    stats.bytes_received = core_->traffic.received;
    return stats;
  }

 private:
  [[nodiscard]] Result<std::string> compose(const Origin& origin, const RequestHead& head,
                                            std::uint64_t body_length) const;

  std::shared_ptr<Core> core_;
};

bool is_target(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  }
  return !text.empty();
}

/// Headers that would contradict what the client itself says about the message.
Status check_framing(const Headers& headers, std::uint64_t body_length) {
  if (headers.find("transfer-encoding"))
    return fail(ErrorKind::kInvalid, "Transfer-Encoding is not the caller's to set");
  const auto length = headers.find("content-length");
  if (length && *length != std::to_string(body_length)) {
    return fail(ErrorKind::kInvalid,
                "Content-Length header contradicts the announced length " + std::to_string(body_length));
  }
  return Unit{};
}

Result<std::string> Client::compose(const Origin& origin, const RequestHead& head, std::uint64_t body_length) const {
  if (!is_token(head.method)) return fail(ErrorKind::kInvalid, "request method has characters that no method may have");
  if (!is_target(head.target)) {
    return fail(ErrorKind::kInvalid, "request target is empty or has a blank or control character: encode it first");
  }
  if (auto checked = check_framing(head.headers, body_length); !checked) return fail(std::move(checked).error());

  std::string text;
  text.reserve(512);
  text.append(head.method).append(" ");
  const auto* proxy = origin.tls ? nullptr : core_->dialer.proxy_for(origin);
  if (proxy) text.append("http://").append(origin.host_header());
  text.append(head.target).append(" HTTP/1.1\r\n");
  if (!head.headers.find("host")) text.append("Host: ").append(origin.host_header()).append("\r\n");
  if (auto added = append_headers(&text, head.headers); !added) return fail(std::move(added).error());
  if (proxy && !proxy->authorization.empty())
    text.append("Proxy-Authorization: ").append(proxy->authorization).append("\r\n");
  const bool length_expected = body_length > 0 || head.method == "POST" || head.method == "PUT";
  if (length_expected && !head.headers.find("content-length")) {
    text.append("Content-Length: ").append(std::to_string(body_length)).append("\r\n");
  }
  return text.append("\r\n");
}

}  // namespace

void proxies_from_environment(ClientOptions* options) {
  const auto read = [](std::initializer_list<const char*> names) -> std::string {
    for (const char* name : names) {
      const char* value = std::getenv(name);
      if (value && *value) return value;
    }
    return {};
  };
  options->http_proxy = read({"http_proxy"});
  options->https_proxy = read({"HTTPS_PROXY", "https_proxy"});
  options->no_proxy = read({"NO_PROXY", "no_proxy"});
}

Result<std::unique_ptr<HttpClient>> make_http_client(Executor executor, ClientOptions options, Clock* clock) {
  ignore_broken_pipes();
  auto proxies = ProxyRules::make(options.http_proxy, options.https_proxy, options.no_proxy);
  if (!proxies) return fail(std::move(proxies).error());
  auto core = std::make_shared<Core>(executor, options, clock, *std::move(proxies));
  if (options.ca_file) {
    if (auto prepared = core->dialer.prepare_tls(); !prepared) return fail(std::move(prepared).error());
  }
  return std::make_unique<Client>(std::move(core));
}

}  // namespace ferry::net
