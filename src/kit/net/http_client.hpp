#pragma once
// The HttpClient that talks over sockets.

#include <memory>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"

namespace ferry::net {

struct ClientOptions {
  Milliseconds connect_timeout{10'000};     ///< all addresses together, TLS handshake included
  Milliseconds progress_timeout{60'000};    ///< no byte moved in this time, in either direction
  std::uint64_t progress_bytes_min = 1024;  ///< … and at least this many bytes per progress_timeout while a body moves
  Milliseconds idle_timeout{50'000};        ///< pooled connections older than this are closed
  std::size_t idle_max = 4096;              ///< pooled connections in all
  std::size_t head_bytes_max = 64 * 1024;
  std::optional<std::string> ca_file;  ///< in addition to the system's roots
  /// Proxies as the environment names them; empty: none.
  std::string http_proxy, https_proxy, no_proxy;
};

/// Reads HTTPS_PROXY, https_proxy, http_proxy, NO_PROXY, no_proxy (not HTTP_PROXY: CVE-2016-5385).
void proxies_from_environment(ClientOptions* options);

[[nodiscard]] Result<std::unique_ptr<HttpClient>> make_http_client(Executor executor, ClientOptions options,
                                                                   Clock* clock);

}  // namespace ferry::net
