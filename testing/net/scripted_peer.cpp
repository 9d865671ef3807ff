#include "testing/net/scripted_peer.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

namespace ferry::testing {

Act await_head() { return {Act::Kind::kAwaitHead, {}, 0}; }
Act await_bytes(std::size_t count) { return {Act::Kind::kAwaitBytes, {}, count}; }
Act send(std::string bytes) { return {Act::Kind::kSend, std::move(bytes), 0}; }
Act send_sliced(std::string bytes) { return {Act::Kind::kSendSliced, std::move(bytes), 0}; }
Act finish() { return {Act::Kind::kFinish, {}, 0}; }
Act reset() { return {Act::Kind::kReset, {}, 0}; }
Act hold() { return {Act::Kind::kHold, {}, 0}; }

ScriptedPeer::ScriptedPeer(Executor executor, std::vector<Script> scripts)
    : acceptor_(executor, Tcp::endpoint{asio::ip::address_v4::loopback(), 0}),
      scripts_(std::move(scripts)),
      group_(executor) {}

std::uint16_t ScriptedPeer::port() const { return acceptor_.local_endpoint().port(); }
std::string ScriptedPeer::url() const { return "http://127.0.0.1:" + std::to_string(port()); }

Task<> ScriptedPeer::run() {
  group_.spawn(accept());
  co_await group_.join();
}

Task<> ScriptedPeer::accept() {
  for (;;) {
    auto socket = co_await acceptor_.async_accept(use_task);
    socket.set_option(Tcp::no_delay(true));
    const auto index = static_cast<std::size_t>(connections_++);
    group_.spawn(play(std::move(socket), std::min(index, scripts_.size() - 1)));
  }
}

Task<> ScriptedPeer::play(Socket socket, std::size_t index) {
  std::string unread;
  for (const auto& act : scripts_[index]) {
    if (!socket.is_open()) co_return;
    co_await perform(&socket, &act, &unread);
  }
}

Task<bool> ScriptedPeer::read_more(Socket* socket, std::string* unread) {
  std::string piece(64 * 1024, '\0');
  boost::system::error_code code;
  const auto got = co_await socket->async_read_some(asio::buffer(piece), asio::redirect_error(use_task, code));
  unread->append(piece, 0, got);
  received_.append(piece, 0, got);
  co_return !code;
}

Task<> ScriptedPeer::perform(Socket* socket, const Act* act, std::string* unread) {
  boost::system::error_code code;
  switch (act->kind) {
    case Act::Kind::kAwaitHead:
      while (unread->find("\r\n\r\n") == std::string::npos) {
        if (!co_await read_more(socket, unread)) co_return;
      }
      unread->erase(0, unread->find("\r\n\r\n") + 4);
      break;
    case Act::Kind::kAwaitBytes:
      while (unread->size() < act->count) {
        if (!co_await read_more(socket, unread)) co_return;
      }
      unread->erase(0, act->count);
      break;
    case Act::Kind::kSend:
      co_await asio::async_write(*socket, asio::buffer(act->bytes), asio::redirect_error(use_task, code));
      break;
    case Act::Kind::kSendSliced:
      for (const char& byte : act->bytes) {
        co_await asio::async_write(*socket, asio::buffer(&byte, 1), asio::redirect_error(use_task, code));
        for (int turn = 0; turn < 4; ++turn) co_await asio::post(socket->get_executor(), use_task);
      }
      break;
    case Act::Kind::kFinish:
      socket->shutdown(Socket::shutdown_send, code);
      while (co_await read_more(socket, unread)) unread->clear();
      socket->close(code);
      break;
    case Act::Kind::kReset:
      socket->set_option(Socket::linger(true, 0), code);
      socket->close(code);
      break;
    case Act::Kind::kHold:
      while (co_await read_more(socket, unread)) unread->clear();
      break;
  }
}

}  // namespace ferry::testing
