#include "testing/net/raw_client.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

namespace ferry::testing {
namespace {

using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, Executor>;

Task<Socket> connect(std::uint16_t port) {
  Socket socket{co_await asio::this_coro::executor};
  const Tcp::endpoint endpoint{asio::ip::address_v4::loopback(), port};
  co_await socket.async_connect(endpoint, use_task);
  socket.set_option(Tcp::no_delay(true));
  co_return socket;
}

Task<std::string> read_until(Socket* socket, std::size_t enough) {
  std::string all;
  std::string piece(64 * 1024, '\0');
  boost::system::error_code code;
  while (!code && all.size() < enough) {
    const auto got = co_await socket->async_read_some(asio::buffer(piece), asio::redirect_error(use_task, code));
    all.append(piece, 0, got);
  }
  if (code == asio::error::connection_reset) all += "<reset>";
  co_return all;
}

}  // namespace

Task<std::string> talk(std::uint16_t port, std::vector<std::string> pieces) {
  auto socket = co_await connect(port);
  boost::system::error_code code;
  for (const auto& piece : pieces) {
    co_await asio::async_write(socket, asio::buffer(piece), asio::redirect_error(use_task, code));
  }
  co_return co_await read_until(&socket, SIZE_MAX);
}

Task<std::string> talk_sliced(std::uint16_t port, std::string bytes) {
  auto socket = co_await connect(port);
  boost::system::error_code code;
  for (const char& byte : bytes) {
    co_await asio::async_write(socket, asio::buffer(&byte, 1), asio::redirect_error(use_task, code));
    for (int turn = 0; turn < 4; ++turn) co_await asio::post(socket.get_executor(), use_task);
  }
  co_return co_await read_until(&socket, SIZE_MAX);
}

Task<std::string> talk_until(std::uint16_t port, std::string bytes, std::size_t enough) {
  auto socket = co_await connect(port);
  boost::system::error_code code;
  co_await asio::async_write(socket, asio::buffer(bytes), asio::redirect_error(use_task, code));
  co_return co_await read_until(&socket, enough);
}

}  // namespace ferry::testing
