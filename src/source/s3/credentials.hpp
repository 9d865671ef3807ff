#pragma once
// Who we are towards S3. Providers belong to one io_context thread.

#include <memory>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"

namespace ferry::s3 {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::optional<std::string> session_token;
};

class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  /// Nothing = anonymous. @error kInvalid / kDenied / kUnavailable with the place that was asked
  virtual Task<Result<std::optional<Credentials>>> get() = 0;
  /// A server said that these are no longer good: read them again before the next get().
  virtual void invalidate() = 0;
  [[nodiscard]] virtual std::string describe()
      const = 0;  ///< "environment", "profile prod in ~/.aws/credentials": no secret
};

[[nodiscard]] std::shared_ptr<CredentialProvider> static_credentials(Credentials credentials);
[[nodiscard]] std::shared_ptr<CredentialProvider> anonymous_credentials();
/// Shared files (AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE or ~/.aws/…), re-read after invalidate() and when they
/// change.
[[nodiscard]] std::shared_ptr<CredentialProvider> profile_credentials(std::string profile, std::string credentials_file,
                                                                      std::string config_file);

}  // namespace ferry::s3
