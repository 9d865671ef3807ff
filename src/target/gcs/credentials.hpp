#pragma once
// Who we are towards Google. Where tokens come from is a TokenSource, one for the process; every thread has a
// TokenProvider of its own in front of it.

#include <memory>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"
#include "kit/net/control.hpp"

namespace ferry::gcs {

/// Belongs to one io_context thread.
class TokenProvider {
 public:
  virtual ~TokenProvider() = default;
  /// An access token; nothing = send no Authorization (emulator). Renewed ahead of expiry, once for all threads; the
  /// old one is used while it is valid and a renewal fails. @error kDenied / kInvalid / kUnavailable with the place
  /// that was asked
  virtual Task<Result<std::optional<std::string>>> token() = 0;
  /// A server answered 401 to this one: unless there is another by now, the next token() asks for a new one.
  virtual void refused(const std::string& token) = 0;
  [[nodiscard]] virtual std::string describe() const = 0;
};

/// A place that access tokens come from.
class TokenSource {
 public:
  struct Fetched {
    std::string token;
    Milliseconds life;  ///< from when it was asked for
    Fetched(std::string t, Milliseconds l) : token(std::move(t)), life(l) {}
  };
  virtual ~TokenSource() = default;
  /// Asks once, on the thread that `routes` belong to; by one coroutine at a time, over all threads.
  /// @error kUnavailable: worth another try; kDenied, kInvalid: a person must mend it. Names the place, never a secret.
  virtual Task<Result<Fetched>> fetch(net::Routes routes) = 0;
  [[nodiscard]] virtual std::string describe() const = 0;  ///< any thread
};

/// What all threads share. Any thread.
class SharedTokens {
 public:
  SharedTokens(std::shared_ptr<TokenSource> source, Clock* clock, Rng* rng);
  ~SharedTokens();
  /// For the thread that `routes` belong to.
  [[nodiscard]] std::shared_ptr<TokenProvider> provider(net::Routes routes);
  [[nodiscard]] std::string describe() const;

 private:
  struct Core;
  class Provider;
  std::shared_ptr<Core> core_;
};

[[nodiscard]] std::shared_ptr<TokenProvider> no_token();

/// Reads a key file: regular file, at most 64 KiB. `warning` is set when others can read it.
[[nodiscard]] Result<std::string> read_key_file(std::string path, std::optional<std::string>* warning);

}  // namespace ferry::gcs
