#pragma once
// A real redis-server of a test's own: on a free port of 127.0.0.1, keeping nothing, never outliving the test.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "testing/base/temporary_folder.hpp"

namespace ferry::testing {

class RedisServer {
 public:
  struct Options {
    std::vector<std::string> lines;  ///< of its configuration file, after our own
    bool tls = false;                ///< listens for TLS only; the lines name the certificate
    bool sentinel = false;
  };

  RedisServer() : RedisServer(Options{}) {}
  /// Returns when it accepts connections. Throws std::runtime_error with its last words.
  explicit RedisServer(Options options);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string address() const;  ///< "127.0.0.1:PORT"
  [[nodiscard]] bool running() const { return pid_ > 0; }

  void signal(int number) const;
  void kill();   ///< SIGKILL, as a crash; does nothing if it is not running
  void start();  ///< again, on the same port, with nothing in it

 private:
  void configure();
  void launch();

  Options options_;
  TemporaryFolder folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  int output_ = -1;  ///< what it prints: kept open, so that it may go on printing
};

}  // namespace ferry::testing
