#pragma once
// The sandbox on real sockets: threads, ports, the line that says "ready", and an orderly end.

#include <optional>
#include <string>

#include "sandbox/sandbox.hpp"

namespace ferry::sandbox {

struct ServeOptions {
  std::optional<std::uint16_t> s3, gcs, token, pubsub, identity;  ///< ports; 0: any free one; nothing: not served
  std::string address = "127.0.0.1";
  unsigned threads = 2;
  std::optional<std::string> certificate_file, key_file;
  std::optional<std::string> service_account_file;  ///< where to write it; nothing: a temporary file
  std::string faults;                               ///< instructions, one per line
  Settings settings;
};

/// Until SIGTERM or SIGINT. @return the exit code
[[nodiscard]] int serve(ServeOptions options);

}  // namespace ferry::sandbox
