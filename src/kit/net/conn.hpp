#pragma once
// One TCP or TLS connection, seen as bytes. It holds no buffer: bytes go from the socket to where the caller wants
// them.

#include <sys/uio.h>

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "kit/net/http.hpp"
#include "kit/net/tls.hpp"
#include "kit/net/watchdog.hpp"

namespace ferry::net {

using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, Executor>;

/// Bytes to send that lie in several places.
class Pieces {
 public:
  void add(std::span<const char> bytes) {
    if (!bytes.empty()) pieces_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  void add(std::string_view bytes) { add(std::span<const char>(bytes.data(), bytes.size())); }
  void add(const Buffers& buffers) {
    for (const auto piece : buffers.pieces()) add(piece);
  }
  void skip(std::size_t bytes);  ///< from the front: they are sent
  [[nodiscard]] bool empty() const { return first_ == count_; }
  [[nodiscard]] std::span<const iovec> rest() const { return {pieces_.data() + first_, count_ - first_}; }

 private:
  std::array<iovec, 8> pieces_{};
  std::size_t first_ = 0, count_ = 0;
};

/// Totals over many connections.
struct Traffic {
  std::uint64_t sent = 0, received = 0;
};

/// Reads and writes suspend; errors are kUnavailable without a place in the text: the caller knows it. One operation at
/// a time. Cancelling one leaves the connection fit for nothing but its end.
class Conn final : public Watch {
 public:
  Conn(Socket socket, Watchdog* watchdog, Traffic* traffic);
  ~Conn() override;

  /// From now on TLS; the handle knows its side.
  void start_tls(SslHandle session);
  Task<Status> handshake();

  /// At least one byte; 0: the peer ended its stream (with TLS: properly).
  Task<Result<std::size_t>> read_some(std::span<char> into);
  /// Everything. With `answered`: stops and sets it as soon as the peer has sent something, even if writing failed by
  /// then.
  Task<Status> write_all(Pieces pieces, bool* answered = nullptr);
  Task<Status> wait_readable();

  enum class Waiting { kNothing, kBytes, kEnd };  ///< kEnd: or a failure
  /// What has arrived unread; without waiting.
  [[nodiscard]] Waiting peek();

  /// Ends whatever operation is pending with this error; later ones, too.
  void interrupt(std::string_view reason);
  void shutdown_write(bool politely = true);  ///< the peer sees FIN; with TLS, politely, a close_notify before it
  void close();
  void reset();  ///< the peer sees RST
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] const SSL* tls() const { return tls_.get(); }  ///< null: plain
  [[nodiscard]] bool interrupted() const { return !interrupted_.empty(); }

  void watch() { watchdog_->add(this); }
  void unwatch() { watchdog_->remove(this); }

 private:
  struct Alarm;  ///< looks out for an answer while a write is blocked
  enum class Io { kMoved, kEnd, kNeedsRead, kNeedsWrite, kFailed };

  Io try_read(std::span<char> into, std::size_t* moved);
  Io try_write(const Pieces& pieces, std::size_t* moved);
  Io tls_write(const Pieces& pieces, std::size_t* moved);
  Io tls_outcome(int returned);
  Io failed(int error);
  Task<Status> wait(Io need);
  Task<Status> breathe();
  void raise_alarm();
  Status outcome(const boost::system::error_code& code) const;
  [[nodiscard]] tl::unexpected<Error> failure() const;
  void expire(std::string_view reason) override { interrupt(reason); }

  Socket socket_;
  SslHandle tls_;
  Watchdog* watchdog_;
  Traffic* traffic_;
  std::shared_ptr<Alarm> alarm_;
  std::string_view interrupted_;
  std::string failure_;
  bool sent_last_ = false;
  unsigned in_a_row_ = 0;  ///< operations that didn't have to wait: now and then the others get a turn
};

}  // namespace ferry::net
