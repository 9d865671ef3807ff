#pragma once
// The servers that people, scripts and Kubernetes talk to: the publisher's HTTP API with its dashboard (design section
// 8, docs/http-api.md), and the small one that every migrator has. One thread each: the one that runs the executor.
//
// Everything but GET and HEAD of /healthz and /readyz wants Basic authentication, and is asked for it before anything
// else is looked at.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "admin/operator.hpp"
#include "kit/async/clock.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"

namespace ferry::admin {

/// Refuses what should protect nothing: an empty or impossible name; a password that is empty, shorter than 12 bytes,
/// longer than 256, the name again, one byte repeated, or well known. Settings call it before anything else starts.
/// @error kInvalid: says what is wrong and which settings to change; never quotes the password
[[nodiscard]] Status check_credentials(std::string_view user, std::string_view password);

struct AdminOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                                 ///< 0: any free one
  std::optional<std::string> certificate_file, key_file;  ///< PEM; both: TLS
  std::string user, password;                             ///< as check_credentials() wants them

  std::size_t body_bytes_max = 64 * 1024;
  std::size_t head_bytes_max = 16 * 1024;
  std::size_t connections_max = 1'000;
  std::size_t event_clients_max = 64;  ///< of GET /events; more get 503
  Milliseconds head_timeout{10'000};   ///< from the first byte of a request to its last header byte
  Milliseconds idle_timeout{30'000};   ///< between requests
  Milliseconds body_timeout{30'000};   ///< without progress, either direction
  std::string realm = "bucketferry";   ///< what a browser shows when it asks for the password
};

class AdminServer {
 public:
  virtual ~AdminServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;  ///< bound and listening from construction on
  virtual Task<> run() = 0;                              ///< until stop() or cancellation; requests under way end first
  virtual void stop() = 0;                               ///< on the server's thread; ends event streams, too
};

/// The publisher's. Pointers outlive the server.
/// @error kInvalid: credentials that protect nothing, address or port that can't be bound, a certificate that can't be
/// read; names it
[[nodiscard]] Result<std::unique_ptr<AdminServer>> make_admin_api(Executor executor, AdminOptions options,
                                                                  Operator* service, Clock* clock);

/// What a migrator tells of itself. Calls come from the server's thread.
class Probe {
 public:
  virtual ~Probe() = default;
  /// Everything that is needed to work was reachable lately.
  [[nodiscard]] virtual bool ready() const = 0;
  /// Prometheus text format, version 0.0.4.
  virtual Task<Result<std::string>> metrics() = 0;
};

/// /healthz and /readyz for everybody, /metrics for who has the password, nothing else. Errors as above.
[[nodiscard]] Result<std::unique_ptr<AdminServer>> make_probe_server(Executor executor, AdminOptions options,
                                                                     Probe* probe, Clock* clock);

}  // namespace ferry::admin
