#pragma once
// A strict Pub/Sub broker in memory, served over gRPC on threads of its own. It keeps no history: what is acked, past
// its dead-letter limit, or forgotten on demand, is gone.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kit/async/clock.hpp"
#include "kit/base/error.hpp"
#include "sandbox/pubsub/watcher.hpp"

namespace ferry::sandbox::pubsub {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                               ///< 0: any free one
  std::optional<std::string> certificate_pem, key_pem;  ///< both: TLS
};

/// What one subscription holds at this moment.
struct Holdings {
  std::string subscription;
  std::uint64_t waiting = 0;  ///< to be delivered now
  std::uint64_t delayed = 0;  ///< to be delivered later: the retry policy
  std::uint64_t on_loan = 0;  ///< leases; a message that was delivered twice has two
  std::uint64_t streams = 0;
};

class Server {
 public:
  virtual ~Server() = default;  ///< ends all calls, waits for them
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::vector<Holdings> holdings() const = 0;

  virtual void expire_leases() = 0;        ///< every deadline passes now
  virtual void end_streams(int code) = 0;  ///< with this gRPC status; leases stay
  virtual void forget() = 0;  ///< as a restart of the emulator: no topic, no subscription, streams UNAVAILABLE
};

/// @error kInvalid: the port is taken, or the certificate can't be used
[[nodiscard]] Result<std::unique_ptr<Server>> start_server(ServerOptions options, Watcher* watcher, Clock* clock,
                                                           Rng* rng);

/// "UNAVAILABLE" → 14; nothing for a word that is no gRPC status.
[[nodiscard]] std::optional<int> parse_code(std::string_view name);

}  // namespace ferry::sandbox::pubsub
