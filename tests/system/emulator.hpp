#pragma once
// Google's own Pub/Sub emulator, for as long as one object: a broker that we did not write.

#include <cstdint>
#include <filesystem>
#include <string>

#include "testing/net/ports.hpp"
#include "tests/system/process.hpp"

namespace ferry::system_test {

class Emulator {
 public:
  /// Answers when this returns. `folder` becomes its home. A port can be given to start it where one was before: it
  /// forgets everything when it ends.
  explicit Emulator(const std::filesystem::path& folder, std::uint16_t port = testing::free_port());
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }  ///< no scheme

 private:
  std::uint16_t port_;
  Process process_;
};

}  // namespace ferry::system_test
