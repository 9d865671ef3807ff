#pragma once
// Google's token endpoint: a service-account key that only this run knows, and access tokens that are really checked.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"
#include "sandbox/service.hpp"

namespace ferry::sandbox {

/// The tokens that are good right now. Any thread.
class TokenBook {
 public:
  TokenBook(Clock* clock, Rng* rng, std::chrono::seconds life) : clock_(clock), rng_(rng), life_(life) {}
  [[nodiscard]] std::string issue();
  [[nodiscard]] bool accepts(std::string_view token) const;
  void revoke_all();
  [[nodiscard]] std::chrono::seconds life() const { return life_; }

 private:
  Clock* const clock_;
  Rng* const rng_;
  const std::chrono::seconds life_;
  mutable std::mutex mutex_;
  std::map<std::string, WallTime, std::less<>> good_until_;
};

/// An RSA key pair with the identity it stands for.
class ServiceAccount {
 public:
  static ServiceAccount make(Rng* rng);
  ~ServiceAccount();
  ServiceAccount(ServiceAccount&&) noexcept;
  ServiceAccount& operator=(ServiceAccount&&) = delete;
  /// What Google's console lets one download; `token_uri` is where the key is to be used.
  [[nodiscard]] std::string key_file(std::string_view token_uri) const;
  [[nodiscard]] const std::string& email() const { return email_; }
  [[nodiscard]] const std::string& key_id() const { return key_id_; }
  [[nodiscard]] bool verify(std::string_view text, std::string_view signature) const;  ///< RS256
  [[nodiscard]] std::string sign(std::string_view text) const;

 private:
  struct Key;
  ServiceAccount(std::unique_ptr<Key> key, std::string email, std::string key_id);
  std::unique_ptr<Key> key_;
  std::string email_, key_id_;
};

/// POST /token with a signed JWT. `audience` is set when the port is known.
class TokenService final : public Service {
 public:
  TokenService(const ServiceAccount* account, TokenBook* book, Clock* clock)
      : account_(account), book_(book), clock_(clock) {}
  void set_audience(std::string uri) { audience_ = std::move(uri); }

  std::string_view name() const override { return "token"; }
  Route route(const net::ServerRequest& request) const override;
  Task<> serve(Call* call) override;
  void mutate(const std::string&, const std::string&, const std::optional<std::string>&) override {}

 private:
  [[nodiscard]] std::optional<std::string> refusal(std::string_view assertion) const;  ///< why; nothing: good
  const ServiceAccount* const account_;
  TokenBook* const book_;
  Clock* const clock_;
  std::string audience_;
};

}  // namespace ferry::sandbox
