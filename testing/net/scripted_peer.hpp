#pragma once
// A peer that does exactly what a test says, byte by byte: for everything that a proper server would never do.

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kit/async/task_group.hpp"

namespace ferry::testing {

/// One thing that the peer does on a connection.
struct Act {
  enum class Kind { kAwaitHead, kAwaitBytes, kSend, kSendSliced, kFinish, kReset, kHold };
  Kind kind;
  std::string bytes;
  std::size_t count = 0;
};

[[nodiscard]] Act await_head();                    ///< reads until an empty line
[[nodiscard]] Act await_bytes(std::size_t count);  ///< reads so many bytes, beyond the head that was awaited before
[[nodiscard]] Act send(std::string bytes);
[[nodiscard]] Act send_sliced(
    std::string bytes);      ///< one byte at a time, each of them read before the next is sent, as far as TCP lets us
[[nodiscard]] Act finish();  ///< FIN; what arrives is read and dropped until the other side closes
[[nodiscard]] Act reset();   ///< RST
[[nodiscard]] Act hold();    ///< says nothing more and keeps the connection open

/// Listens on 127.0.0.1. The nth connection plays the nth script, the last script for all further ones.
class ScriptedPeer {
 public:
  using Script = std::vector<Act>;

  ScriptedPeer(Executor executor, std::vector<Script> scripts);
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;  ///< "http://127.0.0.1:PORT"
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] const std::string& received() const { return received_; }  ///< on all connections

  /// Plays until cancelled.
  Task<> run();

 private:
  using Tcp = asio::ip::tcp;
  using Socket = asio::basic_stream_socket<Tcp, Executor>;
  Task<> accept();
  Task<> play(Socket socket, std::size_t index);
  Task<> perform(Socket* socket, const Act* act, std::string* unread);
  Task<bool> read_more(Socket* socket, std::string* unread);

  asio::basic_socket_acceptor<Tcp, Executor> acceptor_;
  std::vector<Script> scripts_;
  int connections_ = 0;
  std::string received_;
  TaskGroup group_;
};

}  // namespace ferry::testing
