#include "bench/limit/channel.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <regex>
#include <stdexcept>
#include <system_error>

namespace ferry::limit {
namespace {

// One system call brings several records.
constexpr std::size_t kReadAhead = 64 << 10;

[[noreturn]] void give_up(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(fmt::format("TLS: {}", what));
}

int dial(const Server& server) {
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(server.port);
  if (::inet_pton(AF_INET, server.address.c_str(), &peer.sin_addr) != 1) {
    throw std::runtime_error(server.address + ": an IPv4 address is expected");
  }
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) give_up("socket");
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) give_up("connect");
  return socket;
}

}  // namespace

Server Server::parse(const std::string& url) {
  static const std::regex kUrl{R"((https?)://([0-9.]+):([0-9]+)/([^/]+))"};
  std::smatch found;
  if (!std::regex_match(url, found, kUrl)) throw std::runtime_error(url + ": http://ADDRESS:PORT/BUCKET is expected");
  return {found.str(1) == "https", found.str(2), found.str(4), static_cast<std::uint16_t>(std::stoul(found.str(3)))};
}

Context make_context(const std::string& ca_file) {
  Context context{SSL_CTX_new(TLS_client_method())};
  require(context != nullptr, "can't be set up");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  require(SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) == 1, "the authority can't be read");
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_read_buffer_len(context.get(), kReadAhead);
  return context;
}

Channel::Channel(const Server& server, SSL_CTX* context) : socket_(dial(server)) {
  if (!server.tls) return;
  session_.reset(SSL_new(context));
  require(session_ != nullptr && SSL_set_fd(session_.get(), socket_) == 1, "no session");
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), server.address.c_str());
  require(SSL_connect(session_.get()) == 1, "the handshake failed");
}

Channel::~Channel() { ::close(socket_); }

void Channel::send(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t sent = 0;
    if (session_) {
      require(SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &sent) == 1, "the connection broke");
    } else {
      const auto size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size < 0) give_up("send");
      sent = static_cast<std::size_t>(size);
    }
    bytes.remove_prefix(sent);
  }
}

std::size_t Channel::receive(std::span<char> space) {
  std::size_t size = 0;
  if (session_) {
    require(SSL_read_ex(session_.get(), space.data(), space.size(), &size) == 1, "the connection broke");
    return size;
  }
  const auto got = ::recv(socket_, space.data(), space.size(), 0);
  if (got < 0) give_up("recv");
  if (got == 0) throw std::runtime_error("the server closed the connection");
  return static_cast<std::size_t>(got);
}

}  // namespace ferry::limit
