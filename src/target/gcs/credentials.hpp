#pragma once
// Who we are towards Google. Providers belong to one io_context thread; one refresh at a time.

#include <memory>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"
#include "kit/net/http.hpp"
#include "kit/resilience/backoff.hpp"

namespace ferry::gcs {

class TokenProvider {
 public:
  virtual ~TokenProvider() = default;
  /// An access token; nothing = send no Authorization (emulator). Refreshed ahead of expiry; the old one is used while
  /// it is valid and a refresh fails. @error kDenied / kInvalid / kUnavailable with the place that was asked
  virtual Task<Result<std::optional<std::string>>> token() = 0;
  virtual void invalidate() = 0;  ///< a server answered 401
  [[nodiscard]] virtual std::string describe() const = 0;
};

[[nodiscard]] std::shared_ptr<TokenProvider> no_token();

/// A service-account key (JSON text, type service_account). Its token_uri must be Google's, or `token_origin_allowed`.
/// @error kInvalid: not such a key; names the field, never its value
[[nodiscard]] Result<std::shared_ptr<TokenProvider>> service_account(std::string json, std::string scope,
                                                                     std::optional<net::Origin> token_origin_allowed,
                                                                     net::HttpClient* http, Clock* clock, Rng* rng,
                                                                     Backoff backoff = {});

/// Reads a key file: regular file, at most 64 KiB. `warning` is set when others can read it.
[[nodiscard]] Result<std::string> read_key_file(std::string path, std::optional<std::string>* warning);

}  // namespace ferry::gcs
