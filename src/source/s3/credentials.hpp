#pragma once
// Who we are towards S3. Where credentials come from is a CredentialSource, one for the process; every thread has a
// CredentialProvider of its own in front of it.

#include <memory>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"
#include "kit/net/control.hpp"

namespace ferry::s3 {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::optional<std::string> session_token;
  bool operator==(const Credentials&) const = default;
};

/// Belongs to one io_context thread.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  /// Nothing = anonymous. Renewed ahead of expiry, once for all threads; the old ones serve while they are valid and a
  /// renewal fails. @error kInvalid / kDenied / kUnavailable with the place that was asked
  virtual Task<Result<std::optional<Credentials>>> get() = 0;
  /// A server said that these are no longer good: unless there are others by now, the next get() asks for new ones.
  virtual void refused(const Credentials& credentials) = 0;
  /// "environment", "profile prod in ~/.aws/credentials": no secret
  [[nodiscard]] virtual std::string describe() const = 0;
};

/// A place that credentials come from.
class CredentialSource {
 public:
  struct Fetched {
    Credentials credentials;
    std::optional<Milliseconds> life;  ///< from now; nothing: until they are refused
    explicit Fetched(Credentials c, std::optional<Milliseconds> l = std::nullopt)
        : credentials(std::move(c)), life(l) {}
  };
  virtual ~CredentialSource() = default;
  /// Asks once, on the thread that `routes` belong to; by one coroutine at a time, over all threads.
  /// @error kUnavailable: worth another try; kDenied, kInvalid: a person must mend it. Names the place, never a secret.
  virtual Task<Result<Fetched>> fetch(net::Routes routes) = 0;
  /// True where something outside (a file) is other than fetch() found it. Any thread, cheap.
  [[nodiscard]] virtual bool outdated() { return false; }
  [[nodiscard]] virtual std::string describe() const = 0;  ///< any thread
};

/// What all threads share. Any thread.
class SharedCredentials {
 public:
  SharedCredentials(std::shared_ptr<CredentialSource> source, Clock* clock, Rng* rng);
  ~SharedCredentials();
  /// For the thread that `routes` belong to.
  [[nodiscard]] std::shared_ptr<CredentialProvider> provider(net::Routes routes);
  [[nodiscard]] std::string describe() const;

 private:
  struct Core;
  class Provider;
  std::shared_ptr<Core> core_;
};

[[nodiscard]] std::shared_ptr<CredentialProvider> static_credentials(Credentials credentials);
[[nodiscard]] std::shared_ptr<CredentialProvider> anonymous_credentials();

}  // namespace ferry::s3
