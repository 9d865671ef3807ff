#include "testing/net/redis_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "testing/net/ports.hpp"

namespace ferry::testing {
namespace {

constexpr int kAttempts = 5;  // somebody else may take the port before the server does
constexpr int kOutputBytes = 1024 * 1024;

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

RedisServer::RedisServer(Options options) : options_(std::move(options)) {
  for (int attempt = 1;; ++attempt) {
    port_ = free_port();
    try {
      configure();
      launch();
      return;
    } catch (const std::runtime_error&) {
      if (attempt == kAttempts) throw;
    }
  }
}

RedisServer::~RedisServer() { kill(); }

std::string RedisServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void RedisServer::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void RedisServer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  ::close(std::exchange(output_, -1));
}

void RedisServer::start() { launch(); }

void RedisServer::configure() {
  std::ofstream file{folder_.path() / "redis.conf"};
  file << "bind 127.0.0.1\n"
       << (options_.tls ? "port 0\ntls-port " : "port ") << port_ << "\ndir " << folder_.path().native() << "\n"
       << "daemonize no\nloglevel notice\nlogfile \"\"\n";
  if (!options_.sentinel) {
    // A cluster's nodes talk on a second port.
    file << "save \"\"\nappendonly no\nenable-debug-command yes\nshutdown-timeout 0\ncluster-port " << free_port()
         << "\n";
  }
  for (const auto& line : options_.lines) file << line << "\n";
}

void RedisServer::launch() {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "pipe");
  ::fcntl(ends[1], F_SETPIPE_SZ, kOutputBytes);
  const auto file = (folder_.path() / "redis.conf").native();
  const pid_t child = ::fork();
  check(child, "fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);  // sockets of the test's would stay open in there
    ::execlp("redis-server", "redis-server", file.c_str(), options_.sentinel ? "--sentinel" : nullptr,
             static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(ends[1]);
  pid_ = child;
  output_ = ends[0];
  const char* const ready = options_.sentinel ? "+monitor master" : "Ready to accept connections";
  std::string said;
  std::array<char, 4096> piece{};
  while (said.find(ready) == std::string::npos) {
    const auto got = ::read(output_, piece.data(), piece.size());
    if (got <= 0) {
      kill();
      throw std::runtime_error("redis-server did not start: " + said);
    }
    said.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace ferry::testing
