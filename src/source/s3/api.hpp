#pragma once
// What every verb of the API shares: address, signature, and the repairs that let a refused request succeed at once.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"
#include "kit/resilience/brake.hpp"
#include "source/s3/endpoint.hpp"
#include "source/s3/errors.hpp"
#include "source/s3/sigv4.hpp"

namespace ferry::s3 {

/// One request, before it has an address and a signature.
struct Call {
  std::string method;
  std::optional<ObjectKey> key;  ///< nothing: about the bucket itself
  std::string query;             ///< encoded, without "?"; the version's id is added
  net::Headers headers;
  std::optional<VersionId> version = std::nullopt;
  std::string body = {};
  bool of_content = false;  ///< about the object's bytes, which a customer key may have encrypted
  Call(std::string m, std::optional<ObjectKey> k) : method(std::move(m)), key(std::move(k)) {}
};

/// A reply with status 200, 202 or 206, its body still to be read.
struct Reply {
  std::unique_ptr<net::HttpExchange> exchange;
  net::ResponseHead head;
};

class Api {
 public:
  /// Options were checked.
  Api(Options options, std::shared_ptr<CredentialProvider> credentials, net::HttpClient* http, Clock* clock, Rng* rng);

  /// Sends, and repairs each of these once per call: the region (from the server's hint, inside the configured endpoint
  /// or Amazon's domain; Location headers are never followed), credentials that another reading makes good, our clock,
  /// a customer key that the object wants or doesn't want (the next call begins as the last one succeeded).
  /// Whatever else is refused is the Error that the refusal means, with the place in its text.
  Task<Result<Reply>> send(Call call);

  [[nodiscard]] std::string place(const Call& call) const;  ///< "GET s3://bucket/key", printable
  [[nodiscard]] Seconds now() const;                        ///< the server's time, as far as we know it
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] Clock* clock() const { return clock_; }
  [[nodiscard]] Rng* rng() const { return rng_; }

 private:
  /// What one attempt was signed with.
  struct Terms {
    std::optional<Credentials> credentials;
    std::string region;
    Seconds now;
    bool with_customer_key;
  };
  Task<Result<Reply>> attempt(const Call* call, const Terms* terms);
  Task<Result<Reply>> exchange(const Call* call, const Terms* terms);
  net::RequestHead signed_head(const Call& call, const Terms& terms);
  Task<Failure> refusal(Reply* reply);
  Task<Result<bool>> apply(Repair repair, const Failure* failure, const Terms* terms);
  [[nodiscard]] Error refused(const Call& call, const Failure& failure) const;
  bool move_to(const std::string& region, const Terms& terms);
  Task<Result<bool>> renew_credentials(const Terms* terms);

  Options options_;
  std::shared_ptr<CredentialProvider> credentials_;
  net::HttpClient* http_;
  Clock* clock_;
  Rng* rng_;
  Brake brake_;
  Signer signer_{"s3"};
  std::string region_;  // where the bucket turned out to live
  Address address_;
  std::chrono::seconds clock_offset_{0};
  std::uint64_t requests_ = 0;
  net::Headers customer_key_;  ///< as headers; none without a key
  bool use_customer_key_;
};

}  // namespace ferry::s3
