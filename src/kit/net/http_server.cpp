#include "kit/net/http_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/intrusive/list.hpp>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <vector>

#include "kit/async/task_group.hpp"
#include "kit/base/time.hpp"
#include "kit/net/inbound.hpp"

namespace ferry::net {
namespace {

using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;

constexpr std::uint64_t kDrainMax = 256 * 1024;      // of a request body that the handler left
constexpr std::size_t kLingerMax = 4 * 1024 * 1024;  // read and dropped so that the peer gets to see the last answer
constexpr Milliseconds kLinger{2'000};
constexpr Milliseconds kPauseWithoutDescriptors{100};
constexpr Milliseconds kPauseWithoutRoom{20};
constexpr Milliseconds kIdleMin{1'000};        // before a connection has to make room for another
constexpr std::size_t kEvictedShare = 8;       // of all connections, at once
constexpr std::uint64_t kBodyBytesMin = 1024;  // per body_timeout
constexpr std::size_t kScratch = 16 * 1024;

std::string_view reason_of(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
  }
}

/// The Date header, written anew once a second.
class DateLine {
 public:
  explicit DateLine(Clock* clock) : clock_(clock) {}
  std::string_view text() {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_->wall());
    if (text_.empty() || now != at_) {
      at_ = now;
      text_ = "Date: " + http_date(now) + "\r\n";
    }
    return text_;
  }

 private:
  Clock* clock_;
  Seconds at_{};
  std::string text_;
};

/// What all connections of a server share.
struct Shared {
  Shared(Executor executor, ServerOptions given, Handler call, Clock* c)
      : options(std::move(given)),
        handler(std::move(call)),
        clock(c),
        date(c),
        watchdog(executor, c, std::min({options.head_timeout, options.idle_timeout, options.body_timeout})) {}
  ServerOptions options;
  Handler handler;
  Clock* clock;
  DateLine date;
  SslContext context;
  Traffic traffic;
  Watchdog watchdog;
  bool stopping = false;
};

std::pair<Headers, std::string> own_answer(const ServerOptions& options, int status) {
  return options.own_answer ? options.own_answer(status) : std::pair<Headers, std::string>{};
}

class Served final : public ServerExchange {
 public:
  Served(Shared* shared, Conn* conn, Inbound* inbound, RequestText text, const std::string& peer);

  [[nodiscard]] const ServerRequest& request() const override { return request_; }
  Task<Result<std::size_t>> read(std::span<char> into) override;
  Task<Result<std::string>> read_all(std::size_t limit) override;
  Task<Status> respond(int status, Headers headers, std::string body) override;
  Task<Status> begin(int status, Headers headers, std::optional<std::uint64_t> length) override;
  Task<Status> write(Buffers bytes) override;
  Task<Status> finish() override;
  Task<Status> write_raw(Buffers bytes) override;
  void abort(bool reset) override;

  /// After the handler: completes what it left. True if the connection may serve another request.
  Task<bool> conclude();
  /// The end should wait for the peer to have seen the answer.
  [[nodiscard]] bool lingers() const { return stage_ == Stage::kDone || stage_ == Stage::kRaw; }

 private:
  enum class Stage { kUnanswered, kBegun, kDone, kRaw, kBroken };
  enum class Body { kNone, kLength, kChunked, kUntilClose };
  Result<std::string> compose(int status, const Headers& headers, std::optional<std::uint64_t> length);
  Task<Status> grant_body();
  Task<Status> send(Pieces pieces);
  Task<Status> drain();
  [[nodiscard]] bool body_is_a_burden() const;

  Shared* shared_;
  Conn* conn_;
  Inbound* inbound_;
  ServerRequest request_;
  bool http_1_0_;
  bool keep_alive_;
  bool continue_owed_;
  Stage stage_ = Stage::kUnanswered;
  Body body_ = Body::kNone;
  std::uint64_t body_left_ = 0;
  std::string head_;  ///< composed, but not sent yet
};

Served::Served(Shared* shared, Conn* conn, Inbound* inbound, RequestText text, const std::string& peer)
    : shared_(shared),
      conn_(conn),
      inbound_(inbound),
      http_1_0_(text.http_1_0),
      keep_alive_(text.keep_alive),
      continue_owed_(text.expects_continue) {
  request_.method = std::move(text.method);
  request_.target = std::move(text.target);
  request_.headers = std::move(text.headers);
  if (!text.chunked) request_.content_length = text.content_length.value_or(0);
  request_.peer = peer;
  inbound->expect(text.chunked ? Framing::chunked() : Framing::length(*request_.content_length));
}

Task<Status> Served::send(Pieces pieces) {
  if (stage_ == Stage::kBroken)
    co_return fail(ErrorKind::kUnavailable, "answer to " + request_.peer + ": connection was closed");
  auto sent = co_await conn_->write_all(pieces);
  if (sent) co_return sent;
  stage_ = Stage::kBroken;
  co_return fail(std::move(sent).error().during("answer to " + request_.peer));
}

/// A client that asked first sends its body only after this.
Task<Status> Served::grant_body() {
  continue_owed_ = false;
  if (inbound_->complete() || stage_ != Stage::kUnanswered || inbound_->has_rest()) co_return Unit{};
  Pieces pieces;
  pieces.add(std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
  co_return co_await send(pieces);
}

Task<Result<std::size_t>> Served::read(std::span<char> into) {
  if (continue_owed_) {
    if (auto granted = co_await grant_body(); !granted) co_return fail(std::move(granted).error());
  }
  auto got = co_await inbound_->read(into);
  if (got) co_return got;
  keep_alive_ = false;
  co_return fail(std::move(got).error().during("request body from " + request_.peer));
}

Task<Result<std::string>> Served::read_all(std::size_t limit) {
  if (continue_owed_) {
    if (auto granted = co_await grant_body(); !granted) co_return fail(std::move(granted).error());
  }
  auto text = co_await inbound_->read_all(limit);
  if (text) co_return text;
  keep_alive_ = false;
  co_return fail(std::move(text).error().during("request body from " + request_.peer));
}

/// A rest of the request body that isn't worth waiting for, or that may never come.
bool Served::body_is_a_burden() const {
  return !inbound_->complete() && (continue_owed_ || request_.content_length.value_or(0) > kDrainMax);
}

Result<std::string> Served::compose(int status, const Headers& headers, std::optional<std::uint64_t> length) {
  const bool bodiless = status == 204 || status == 304;
  if (body_is_a_burden() || shared_->stopping) keep_alive_ = false;
  body_ = bodiless || request_.method == "HEAD" ? Body::kNone
          : length                              ? Body::kLength
          : http_1_0_                           ? Body::kUntilClose
                                                : Body::kChunked;
  if (body_ == Body::kUntilClose) keep_alive_ = false;
  body_left_ = body_ == Body::kLength ? *length : 0;

  if (headers.find("content-length") || headers.find("transfer-encoding")) {
    return fail(ErrorKind::kInvalid, "Content-Length and Transfer-Encoding of an answer are the server's to set");
  }
  std::string text;
  text.reserve(512);
  text.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason_of(status)).append("\r\n");
  if (auto added = append_headers(&text, headers); !added) return fail(std::move(added).error());
  if (!headers.find("date")) text.append(shared_->date.text());
  if (!bodiless) {
    if (length) text.append("Content-Length: ").append(std::to_string(*length)).append("\r\n");
    if (!length && !http_1_0_) text.append("Transfer-Encoding: chunked\r\n");
  }
  if (!keep_alive_) text.append("Connection: close\r\n");
  if (keep_alive_ && http_1_0_) text.append("Connection: keep-alive\r\n");
  return text.append("\r\n");
}

Task<Status> Served::respond(int status, Headers headers, std::string body) {
  assert((stage_ == Stage::kUnanswered || stage_ == Stage::kBroken) && "one answer per request");
  auto head = compose(status, headers, body.size());
  if (!head) co_return fail(std::move(head).error());
  Pieces pieces;
  pieces.add(std::string_view(*head));
  if (body_ != Body::kNone) pieces.add(std::string_view(body));
  auto sent = co_await send(pieces);
  if (sent) stage_ = Stage::kDone;
  co_return sent;
}

Task<Status> Served::begin(int status, Headers headers, std::optional<std::uint64_t> length) {
  assert((stage_ == Stage::kUnanswered || stage_ == Stage::kBroken) && "one answer per request");
  auto head = compose(status, headers, length);
  if (!head) co_return fail(std::move(head).error());
  head_ = *std::move(head);
  if (stage_ != Stage::kBroken) stage_ = Stage::kBegun;
  // Bytes of known number follow at once; a stream may have nothing to say for a while.
  if (length) co_return Unit{};
  co_return co_await write(std::string_view{});
}

Task<Status> Served::write(Buffers bytes) {
  assert((stage_ == Stage::kBegun || stage_ == Stage::kBroken) && "write() goes between begin() and finish()");
  assert((body_ != Body::kLength || bytes.size() <= body_left_) && "more body than announced");
  const auto head = std::exchange(head_, {});
  const bool chunk = body_ == Body::kChunked && bytes.size() > 0;
  std::array<char, 24> size_line;
  Pieces pieces;
  pieces.add(std::string_view(head));
  if (chunk) {
    auto* end = std::to_chars(size_line.data(), size_line.data() + 16, bytes.size(), 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    pieces.add(std::string_view(size_line.data(), end));
  }
  if (body_ != Body::kNone) pieces.add(bytes);
  if (chunk) pieces.add(std::string_view("\r\n"));
  auto sent = co_await send(pieces);
  if (sent && body_ == Body::kLength) body_left_ -= bytes.size();
  co_return sent;
}

Task<Status> Served::finish() {
  assert((stage_ == Stage::kBegun || stage_ == Stage::kBroken) && "finish() goes after begin()");
  if (body_left_ > 0) {
    co_return fail(ErrorKind::kInvalid, "answer is " + std::to_string(body_left_) + " bytes shorter than announced");
  }
  const auto head = std::exchange(head_, {});
  Pieces pieces;
  pieces.add(std::string_view(head));
  if (body_ == Body::kChunked) pieces.add(std::string_view("0\r\n\r\n"));
  auto sent = co_await send(pieces);
  if (sent) stage_ = Stage::kDone;
  co_return sent;
}

Task<Status> Served::write_raw(Buffers bytes) {
  if (stage_ != Stage::kBroken) stage_ = Stage::kRaw;
  keep_alive_ = false;
  const auto head = std::exchange(head_, {});
  Pieces pieces;
  pieces.add(std::string_view(head));
  pieces.add(bytes);
  co_return co_await send(pieces);
}

void Served::abort(bool reset) {
  stage_ = Stage::kBroken;
  if (reset) return conn_->reset();
  conn_->shutdown_write(/*politely=*/false);
}

Task<Status> Served::drain() {
  std::string scratch(kScratch, '\0');
  for (std::uint64_t drained = 0; !inbound_->complete();) {
    auto got = co_await inbound_->read(scratch);
    if (!got) co_return fail(std::move(got).error());
    drained += *got;
    if (drained > kDrainMax) co_return fail(ErrorKind::kCorrupt, "more of a body than anybody wants");
  }
  co_return Unit{};
}

Task<bool> Served::conclude() {
  if (stage_ == Stage::kUnanswered) {
    auto [headers, body] = own_answer(shared_->options, 500);
    auto answered = co_await respond(500, std::move(headers), std::move(body));
    if (!answered) co_return false;
  }
  if (stage_ != Stage::kDone || !keep_alive_ || body_is_a_burden()) co_return false;
  if (inbound_->complete()) co_return true;
  auto drained = co_await drain();
  co_return drained.has_value();
}

/// One connection, from accept to close.
class Link : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Link(Shared* shared, Socket socket, std::string peer)
      : shared_(shared),
        peer_(std::move(peer)),
        conn_(std::move(socket), &shared->watchdog, &shared->traffic),
        inbound_(&conn_, shared->options.head_bytes_max),
        idle_since_(shared->clock->now()) {
    conn_.watch();
  }
  ~Link() { conn_.unwatch(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  Task<> serve();
  void stop() {
    if (!busy_) conn_.interrupt("the server stops");
  }
  /// Since when nothing was asked that is not answered. Nothing: it is being answered, or is told to go already.
  [[nodiscard]] std::optional<SteadyTime> idle_since() const {
    return busy_ || evicted_ ? std::nullopt : std::optional(idle_since_);
  }
  void evict() {
    evicted_ = true;
    conn_.interrupt("another connection needs the place");
  }

 private:
  void give(Milliseconds time, std::string_view reason) { conn_.due(shared_->clock->now() + time, reason); }
  Task<bool> secure();
  Task<bool> await_request();
  Task<bool> serve_one();
  Task<Result<std::string_view>> read_head();
  Task<> refuse(bool too_large);
  Task<> linger();

  Shared* shared_;
  std::string peer_;
  Conn conn_;
  Inbound inbound_;
  SteadyTime idle_since_;
  bool busy_ = false;  ///< answering; until then it may be stopped without loss
  bool evicted_ = false;
  bool lingers_ = false;
};

Task<> Link::serve() {
  if (shared_->context && !co_await secure()) co_return;
  while (co_await serve_one()) {
  }
  if (lingers_) co_await linger();
}

Task<bool> Link::secure() {
  give(shared_->options.head_timeout, "no TLS handshake in time");
  SslHandle handle{SSL_new(shared_->context.get())};
  if (!handle) co_return false;
  SSL_set_accept_state(handle.get());
  conn_.start_tls(std::move(handle));
  auto secured = co_await conn_.handshake();
  co_return secured.has_value();
}

/// Until the first byte of a request is there. Holds no buffer meanwhile.
Task<bool> Link::await_request() {
  if (inbound_.has_rest()) co_return true;
  if (shared_->stopping) co_return false;
  inbound_.rest();
  give(shared_->options.idle_timeout, "no request for a while");
  auto ready = co_await conn_.wait_readable();
  co_return ready.has_value();
}

Task<Result<std::string_view>> Link::read_head() {
  give(shared_->options.head_timeout, "no complete request head in time");
  auto head = co_await inbound_.head();
  if (head && *head == "\r\n")
    head = co_await inbound_.head();  // one empty line before a request is forgiven (RFC 9112, 2.2)
  co_return head;
}

Task<bool> Link::serve_one() {
  if (!co_await await_request()) co_return false;
  auto head = co_await read_head();
  if (head && head->empty()) co_return false;
  auto text = head ? parse_request_head(*head) : Result<RequestText>(fail(head.error()));
  conn_.keep_pace(shared_->options.body_timeout, kBodyBytesMin);
  busy_ = true;
  if (!text) {
    if (text.error().kind == ErrorKind::kCorrupt) co_await refuse(inbound_.over_limit());
    co_return false;
  }
  Served exchange{shared_, &conn_, &inbound_, *std::move(text), peer_};
  co_await shared_->handler(&exchange);
  const bool again = co_await exchange.conclude();
  busy_ = !again;
  idle_since_ = shared_->clock->now();
  lingers_ = exchange.lingers();
  co_return again;
}

/// To a peer that doesn't speak proper HTTP.
Task<> Link::refuse(bool too_large) {
  const int status = too_large ? 431 : 400;
  const auto [headers, body] = own_answer(shared_->options, status);
  auto text = "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason_of(status)) + "\r\n";
  if (auto added = append_headers(&text, headers); !added) co_return;
  text += "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body;
  Pieces pieces;
  pieces.add(std::string_view(text));
  auto sent = co_await conn_.write_all(pieces);
  lingers_ = sent.has_value();
}

/// Closing while bytes arrive would reset the connection, and the peer would lose the answer that is on its way.
Task<> Link::linger() {
  give(kLinger, "closed");
  conn_.shutdown_write();
  std::string scratch(kScratch, '\0');
  for (std::size_t dropped = 0; dropped < kLingerMax;) {
    auto got = co_await conn_.read_some(scratch);
    if (!got || *got == 0) co_return;
    dropped += *got;
  }
}

class Server final : public HttpServer {
 public:
  Server(Executor executor, ServerOptions options, Handler handler, Clock* clock)
      : shared_(executor, std::move(options), std::move(handler), clock), acceptor_(executor), group_(executor) {}

  Status open();
  [[nodiscard]] std::uint16_t port() const override { return port_; }
  Task<> run() override;
  void stop() override;

 private:
  Status listen(const Tcp::endpoint& endpoint);
  Task<> accept();
  Task<> make_room();
  void evict_some();
  Task<> serve(Socket socket);

  Shared shared_;
  Acceptor acceptor_;
  TaskGroup group_;
  boost::intrusive::list<Link, boost::intrusive::constant_time_size<false>> links_;
  std::uint16_t port_ = 0;
};

Status Server::open() {
  const auto& options = shared_.options;
  if (options.certificate_file.has_value() != options.key_file.has_value()) {
    return fail(ErrorKind::kInvalid, "a certificate needs its key, and a key its certificate: only one of them is set");
  }
  if (options.certificate_file) {
    auto context = make_server_context(*options.certificate_file, *options.key_file);
    if (!context) return fail(std::move(context).error());
    shared_.context = *std::move(context);
  }
  boost::system::error_code fault;
  const auto address = asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, fault);
  if (fault)
    return fail(ErrorKind::kInvalid, "'" + options.address + "' is no address to listen on: give an IP address");
  return listen({address, options.port});
}

Status Server::listen(const Tcp::endpoint& endpoint) {
  boost::system::error_code fault;
  if (acceptor_.open(endpoint.protocol(), fault); !fault) acceptor_.set_option(Acceptor::reuse_address(true), fault);
  if (!fault && shared_.options.reuse_port) {
    const int on = 1;
    if (::setsockopt(acceptor_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
      fault.assign(errno, boost::system::system_category());
    }
  }
  if (!fault) acceptor_.bind(endpoint, fault);
  if (!fault) acceptor_.listen(Acceptor::max_listen_connections, fault);
  if (fault) {
    return fail(ErrorKind::kInvalid, "can't listen on " + endpoint.address().to_string() + " port " +
                                         std::to_string(endpoint.port()) + ": " + fault.message());
  }
  port_ = acceptor_.local_endpoint().port();
  return Unit{};
}

Task<> Server::run() {
  group_.spawn(accept());
  co_await group_.join();
}

void Server::stop() {
  shared_.stopping = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  for (auto& link : links_) link.stop();
}

Task<> Server::accept() {
  while (!shared_.stopping) {
    boost::system::error_code fault;
    auto socket = co_await acceptor_.async_accept(asio::redirect_error(use_task, fault));
    if (!fault) {
      co_await make_room();
      group_.spawn(serve(std::move(socket)));
    } else if (fault == asio::error::operation_aborted) {
      co_return;
    } else {
      co_await shared_.clock->sleep(kPauseWithoutDescriptors);
    }
  }
}

/// A newcomer has the place of one of those who have asked nothing for longest, or waits until an answer is finished.
Task<> Server::make_room() {
  while (group_.size() > shared_.options.connections_max && !shared_.stopping) {  // accept() is one of the group
    evict_some();
    co_await shared_.clock->sleep(kPauseWithoutRoom);
  }
}

/// Several at once: where one newcomer waits at the door, others often do.
void Server::evict_some() {
  const auto latest = shared_.clock->now() - kIdleMin;
  std::vector<Link*> idle;
  for (auto& link : links_) {
    const auto since = link.idle_since();
    if (since && *since <= latest) idle.push_back(&link);
  }
  const auto count = std::min(idle.size(), std::max<std::size_t>(1, shared_.options.connections_max / kEvictedShare));
  const auto last = idle.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(idle.begin(), last, idle.end(), [](Link* a, Link* b) { return a->idle_since() < b->idle_since(); });
  std::for_each(idle.begin(), last, [](Link* link) { link->evict(); });
}

Task<> Server::serve(Socket socket) {
  boost::system::error_code gone;
  const auto peer = socket.remote_endpoint(gone);
  if (gone) co_return;
  Link link{&shared_, std::move(socket), peer.address().to_string()};
  links_.push_back(link);
  co_await link.serve();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> make_http_server(Executor executor, ServerOptions options, Handler handler,
                                                     Clock* clock) {
  ignore_broken_pipes();
  auto server = std::make_unique<Server>(executor, std::move(options), std::move(handler), clock);
  if (auto opened = server->open(); !opened) return fail(std::move(opened).error());
  return server;
}

}  // namespace ferry::net
