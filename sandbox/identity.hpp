#pragma once
// What stands beside a machine and says who it is: Amazon's instance metadata (IMDSv2), container agent and STS,
// Google's metadata server and STS. What it hands out is short-lived, and the S3 and GCS servers really check it.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"
#include "sandbox/service.hpp"
#include "sandbox/sigv4.hpp"
#include "sandbox/token.hpp"

namespace ferry::sandbox {

/// Temporary AWS credentials, known for as long as the sandbox runs. Any thread.
class KeyBook {
 public:
  struct Entry {
    S3Keys keys;
    WallTime good_until;
  };
  KeyBook(Clock* clock, Rng* rng, std::chrono::seconds life) : clock_(clock), rng_(rng), life_(life) {}
  [[nodiscard]] Entry issue();
  [[nodiscard]] std::optional<Entry> find(std::string_view access_key_id) const;
  void expire_all();  ///< before the time that was promised
  [[nodiscard]] bool expired(const Entry& entry) const { return clock_->wall() >= entry.good_until; }

 private:
  Clock* const clock_;
  Rng* const rng_;
  const std::chrono::seconds life_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

/// Identity tokens that are good here: those of its own metadata server, and any text of the form
/// sandbox-identity.ANYTHING.ANYTHING, for token files. The container's token is "sandbox-container-token".
class IdentityService final : public Service {
 public:
  IdentityService(KeyBook* keys, TokenBook* tokens, Clock* clock, Rng* rng)
      : keys_(keys), tokens_(tokens), clock_(clock), rng_(rng) {}

  std::string_view name() const override { return "identity"; }
  Route route(const net::ServerRequest& request) const override;
  Task<> serve(Call* call) override;
  void mutate(const std::string&, const std::string&, const std::optional<std::string>&) override {}

 private:
  struct Answer {
    int status = 200;
    std::string body;
    std::string type = "application/json";
  };
  Answer instance(const Call& call);
  Answer container(const Call& call);
  Answer google_metadata(const Call& call);
  Answer assume_role(const Query& form);
  Answer exchange(const Query& form);
  [[nodiscard]] std::string keys_json();
  [[nodiscard]] std::string token_json();
  [[nodiscard]] std::string date() const;

  KeyBook* const keys_;
  TokenBook* const tokens_;
  Clock* const clock_;
  Rng* const rng_;
};

}  // namespace ferry::sandbox
