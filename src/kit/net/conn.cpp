#include "kit/net/conn.hpp"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>
#include <cstring>

namespace ferry::net {
namespace {
constexpr unsigned kInARowMax = 16;
constexpr std::size_t kRecord = 16 * 1024;  // of TLS, at most

[[noreturn]] void throw_cancelled() { throw boost::system::system_error(asio::error::operation_aborted); }
}  // namespace

void Pieces::skip(std::size_t bytes) {
  while (bytes > 0) {
    auto& piece = pieces_[first_];
    const auto part = std::min(bytes, piece.iov_len);
    piece.iov_base = static_cast<char*>(piece.iov_base) + part;
    piece.iov_len -= part;
    bytes -= part;
    if (piece.iov_len == 0) ++first_;
  }
}

/// Shared with the pending wait, which may outlive the connection by a moment.
struct Conn::Alarm {
  Conn* conn = nullptr;
  bool pending = false;
  bool rang = false;
  bool wanted = false;  ///< a blocked write is to be woken
};

Conn::Conn(Socket socket, Watchdog* watchdog, Traffic* traffic)
    : socket_(std::move(socket)), watchdog_(watchdog), traffic_(traffic) {
  boost::system::error_code ignored;
  socket_.set_option(Tcp::no_delay(true), ignored);
}

Conn::~Conn() {
  if (alarm_) alarm_->conn = nullptr;
  close();
}

void Conn::start_tls(SslHandle session) {
  boost::system::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  tls_ = std::move(session);
  SSL_set_fd(tls_.get(), socket_.native_handle());
}

Task<Status> Conn::handshake() {
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(tls_.get());
    if (done == 1) co_return Unit{};
    const auto need = tls_outcome(done);
    if (need == Io::kEnd) co_return fail(ErrorKind::kUnavailable, "connection closed");
    if (need == Io::kFailed) co_return failure();
    if (auto ready = co_await wait(need); !ready) co_return ready;
  }
}

Task<Result<std::size_t>> Conn::read_some(std::span<char> into) {
  // What was only just sent can't have been answered: looking would be a system call for nothing.
  if (std::exchange(sent_last_, false)) {
    if (auto ready = co_await wait_readable(); !ready) co_return fail(std::move(ready).error());
  }
  std::size_t moved = 0;
  for (;;) {
    if (++in_a_row_ >= kInARowMax) {
      if (auto turn = co_await breathe(); !turn) co_return fail(std::move(turn).error());
    }
    const auto io = try_read(into, &moved);
    if (io == Io::kMoved) co_return moved;
    if (io == Io::kEnd) co_return 0;
    if (io == Io::kFailed) co_return failure();
    if (auto ready = co_await wait(io); !ready) co_return fail(std::move(ready).error());
  }
}

Task<Status> Conn::write_all(Pieces pieces, bool* answered) {
  while (!pieces.empty()) {
    if (++in_a_row_ >= kInARowMax) {
      if (auto turn = co_await breathe(); !turn) co_return turn;
    }
    std::size_t moved = 0;
    const auto io = try_write(pieces, &moved);
    if (io == Io::kMoved) {
      pieces.skip(moved);
      continue;
    }
    const auto waiting = answered ? peek() : Waiting::kEnd;
    if (waiting == Waiting::kBytes) {
      *answered = true;
      co_return Unit{};
    }
    if (io == Io::kFailed || io == Io::kEnd) co_return failure();
    if (waiting == Waiting::kNothing) raise_alarm();
    auto ready = co_await wait(io);
    if (alarm_) alarm_->wanted = alarm_->rang = false;
    if (!ready) co_return ready;
  }
  sent_last_ = true;
  co_return Unit{};
}

Task<Status> Conn::wait_readable() {
  if (tls_ && SSL_has_pending(tls_.get())) co_return Unit{};
  co_return co_await wait(Io::kNeedsRead);
}

Conn::Waiting Conn::peek() {
  char byte = 0;
  if (tls_) {
    ERR_clear_error();
    const int got = SSL_peek(tls_.get(), &byte, 1);
    if (got > 0) return Waiting::kBytes;
    const auto io = tls_outcome(got);
    return io == Io::kNeedsRead || io == Io::kNeedsWrite ? Waiting::kNothing : Waiting::kEnd;
  }
  const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return Waiting::kBytes;
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? Waiting::kNothing : Waiting::kEnd;
}

void Conn::interrupt(std::string_view reason) {
  interrupted_ = reason;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Conn::shutdown_write(bool politely) {
  boost::system::error_code ignored;
  if (tls_ && politely) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
  }
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Conn::close() {
  if (!socket_.is_open()) return;
  if (tls_ && failure_.empty() && interrupted_.empty() && SSL_is_init_finished(tls_.get())) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());  // says goodbye; doesn't wait for the answer
  }
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Conn::reset() {
  boost::system::error_code ignored;
  socket_.set_option(Socket::linger(true, 0), ignored);
  failure_ = "connection was reset by this side";
  socket_.close(ignored);
}

Conn::Io Conn::failed(int error) {
  failure_ = std::strerror(error);
  return Io::kFailed;
}

Conn::Io Conn::tls_outcome(int returned) {
  const int system_error = errno;
  switch (SSL_get_error(tls_.get(), returned)) {
    case SSL_ERROR_ZERO_RETURN: return Io::kEnd;
    case SSL_ERROR_WANT_READ: return Io::kNeedsRead;
    case SSL_ERROR_WANT_WRITE: return Io::kNeedsWrite;
    case SSL_ERROR_SYSCALL:
      if (system_error != 0 && ERR_peek_error() == 0) return failed(system_error);
      [[fallthrough]];
    default: failure_ = ssl_error_text(tls_.get()); return Io::kFailed;
  }
}

Conn::Io Conn::try_read(std::span<char> into, std::size_t* moved) {
  if (!socket_.is_open()) return Io::kFailed;
  std::size_t got = 0;
  auto io = Io::kMoved;
  if (tls_) {
    int returned = 1;
    ERR_clear_error();
    while (got < into.size() &&
           (returned = SSL_read(tls_.get(), into.data() + got,
                                static_cast<int>(std::min<std::size_t>(into.size() - got, 1 << 30)))) > 0) {
      got += static_cast<std::size_t>(returned);
    }
    if (got == 0) io = tls_outcome(returned);
  } else {
    const auto returned = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    if (returned == 0) return Io::kEnd;
    if (returned < 0) return errno == EAGAIN || errno == EINTR ? Io::kNeedsRead : failed(errno);
    got = static_cast<std::size_t>(returned);
  }
  *moved = got;
  moved_ += got;
  traffic_->received += got;
  return io;
}

Conn::Io Conn::try_write(const Pieces& pieces, std::size_t* moved) {
  if (!socket_.is_open()) return Io::kFailed;
  if (tls_) return tls_write(pieces, moved);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.rest().data());
  message.msg_iovlen = pieces.rest().size();
  const auto returned = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (returned < 0) return errno == EAGAIN || errno == EINTR ? Io::kNeedsWrite : failed(errno);
  *moved = static_cast<std::size_t>(returned);
  moved_ += *moved;
  traffic_->sent += *moved;
  return Io::kMoved;
}

Conn::Io Conn::tls_write(const Pieces& pieces, std::size_t* moved) {
  // Small pieces share a record. A write that must be repeated finds the same bytes again: nothing was skipped since.
  std::array<char, kRecord> together;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  auto chunk = std::string_view(static_cast<const char*>(pieces.rest()[0].iov_base), pieces.rest()[0].iov_len);
  if (chunk.size() < kRecord && pieces.rest().size() > 1) {
    std::size_t filled = 0;
    for (const auto& piece : pieces.rest()) {
      const auto part = std::min(piece.iov_len, kRecord - filled);
      std::memcpy(together.data() + filled, piece.iov_base, part);
      filled += part;
    }
    chunk = {together.data(), filled};
  }
  ERR_clear_error();
  const int returned =
      SSL_write(tls_.get(), chunk.data(), static_cast<int>(std::min<std::size_t>(chunk.size(), 1 << 30)));
  if (returned <= 0) return tls_outcome(returned);
  *moved = static_cast<std::size_t>(returned);
  moved_ += *moved;
  traffic_->sent += *moved;
  return Io::kMoved;
}

Task<Status> Conn::wait(Io need) {
  boost::system::error_code code;
  if (!interrupted_.empty()) co_return outcome(code);
  in_a_row_ = 0;
  waiting_ = true;
  co_await socket_.async_wait(need == Io::kNeedsWrite ? Socket::wait_write : Socket::wait_read,
                              asio::redirect_error(use_task, code));
  waiting_ = false;
  co_return outcome(code);
}

Task<Status> Conn::breathe() {
  in_a_row_ = 0;
  co_await asio::post(socket_.get_executor(), use_task);
  co_return outcome({});
}

Status Conn::outcome(const boost::system::error_code& code) const {
  if (!interrupted_.empty()) return fail(ErrorKind::kUnavailable, std::string(interrupted_));
  if (!code) return Unit{};
  if (code != asio::error::operation_aborted) return fail(ErrorKind::kUnavailable, code.message());
  if (alarm_ && alarm_->rang) return Unit{};
  throw_cancelled();
}

tl::unexpected<Error> Conn::failure() const {
  return fail(ErrorKind::kUnavailable, failure_.empty() ? "connection is closed" : failure_);
}

void Conn::raise_alarm() {
  if (!alarm_) alarm_ = std::make_shared<Alarm>();
  alarm_->conn = this;
  alarm_->wanted = true;
  if (alarm_->pending) return;
  alarm_->pending = true;
  socket_.async_wait(Socket::wait_read, [alarm = alarm_](const boost::system::error_code& code) {
    alarm->pending = false;
    if (code || !alarm->conn || !alarm->wanted) return;
    alarm->rang = true;
    boost::system::error_code ignored;
    alarm->conn->socket_.cancel(ignored);
  });
}

}  // namespace ferry::net
