#include "testing/net/ports.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace ferry::testing {
namespace {

constexpr int kWaiting = 8;

void must(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

std::string origin_of(std::uint16_t port) { return "http://127.0.0.1:" + std::to_string(port); }

/// @return the port it got
std::uint16_t bind_loopback(int fd) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  must(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size), "bind");
  must(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

}  // namespace

Listener::Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  must(fd_, "socket");
  port_ = bind_loopback(fd_);
  must(::listen(fd_, kWaiting), "listen");
}

Listener::~Listener() { ::close(fd_); }

std::string Listener::origin() const { return origin_of(port_); }

bool Listener::was_called() const {
  const int call = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (call >= 0) ::close(call);
  return call >= 0;
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  must(fd, "socket");
  const auto port = bind_loopback(fd);
  ::close(fd);
  return port;
}

std::string closed_origin() { return origin_of(free_port()); }

}  // namespace ferry::testing
