#pragma once
// Loopback sockets of a test's own.

#include <cstdint>
#include <string>

namespace ferry::testing {

/// Listens and answers nobody: a stranger's server that would love to see a signature.
class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string origin() const;  ///< http://127.0.0.1:1234
  [[nodiscard]] bool was_called() const;     ///< since the last call

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

[[nodiscard]] std::uint16_t free_port();    ///< where nobody listens at this moment
[[nodiscard]] std::string closed_origin();  ///< http://127.0.0.1:1234, where nobody listens

}  // namespace ferry::testing
