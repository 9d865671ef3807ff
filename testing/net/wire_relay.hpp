#pragma once
// A wire between a program and a server that a test can cut: the program is told the relay's address instead of the
// server's. On a thread of its own, so that a test may wait for processes meanwhile.

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "kit/async/task.hpp"

namespace ferry::testing {

class WireRelay {
 public:
  /// Listens on a free port of `address` (any of 127.0.0.0/8), or on `port`, and passes everything on to `server`, a
  /// port of 127.0.0.1.
  explicit WireRelay(std::uint16_t server, const std::string& address = "127.0.0.1", std::uint16_t port = 0);
  ~WireRelay();
  WireRelay(const WireRelay&) = delete;
  WireRelay& operator=(const WireRelay&) = delete;

  [[nodiscard]] std::uint16_t port() const { return place_.port(); }
  [[nodiscard]] std::string address() const;  ///< "127.0.0.1:1234"
  [[nodiscard]] std::string origin() const { return "http://" + address(); }

  /// Ends all connections; new ones end at once until mend(). (The port is kept: another test would take it.)
  void cut();
  void mend();
  [[nodiscard]] int connections() const { return connections_; }  ///< that were ever made

 private:
  using Tcp = asio::ip::tcp;
  using Socket = asio::basic_stream_socket<Tcp, Executor>;
  using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
  struct Wire;

  void accept();
  void connect(const std::shared_ptr<Wire>& wire);
  template <class Call>
  void on_thread(Call call);

  asio::io_context context_{1};
  asio::executor_work_guard<Executor> guard_{context_.get_executor()};
  Tcp::endpoint server_;
  Acceptor acceptor_;
  Tcp::endpoint place_;
  bool cut_ = false;  ///< on the thread
  std::list<std::weak_ptr<Wire>> wires_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace ferry::testing
