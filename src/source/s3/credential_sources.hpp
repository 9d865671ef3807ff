#pragma once
// The places that AWS credentials come from, one factory each. @see protocol-facts 2; the order among them is
// credential_chain.hpp's.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kit/base/time.hpp"
#include "source/s3/credentials.hpp"

namespace ferry::s3 {

/// Amazon's token service.
struct Sts {
  std::optional<net::Origin> endpoint;  ///< nothing: Amazon's own of the region
  std::string region = "us-east-1";
  Clock* clock = nullptr;
};

/// What to ask STS for.
struct Role {
  std::string arn;
  std::string session_name = "bucketferry";
  std::string external_id;                        ///< empty: none
  std::optional<std::uint32_t> duration_seconds;  ///< nothing: STS's default, an hour
};

Task<Result<CredentialSource::Fetched>> assume_role_with_web_identity(Sts sts, Role role, std::string token,
                                                                      net::HttpClient* http);
Task<Result<CredentialSource::Fetched>> assume_role(Sts sts, Role role, Credentials base, net::HttpClient* http);

/// Gives an identity token (a JWT) each time it is called; where it comes from is in its errors.
using IdentityToken = std::function<Task<Result<std::string>>(net::Routes)>;

/// A role taken on with somebody else's identity token. `token_place`: "the token in FILE", for describe().
[[nodiscard]] std::shared_ptr<CredentialSource> web_identity_source(Sts sts, Role role, IdentityToken token,
                                                                    std::string token_place);
/// Read anew each time: whoever writes it renews it.
[[nodiscard]] IdentityToken token_file(std::string path);

struct ContainerSettings {
  std::string relative_uri, full_uri;             ///< the former wins
  std::string authorization, authorization_file;  ///< the latter wins, and is read each time
  [[nodiscard]] bool given() const { return !relative_uri.empty() || !full_uri.empty(); }
};
/// ECS tasks and EKS pod identity. @error kInvalid: the address is none that credentials may be fetched from
[[nodiscard]] Result<std::shared_ptr<CredentialSource>> container_source(ContainerSettings settings, Clock* clock);

/// EC2 instances, by IMDSv2 only. `endpoint`: nothing: http://169.254.169.254
[[nodiscard]] std::shared_ptr<CredentialSource> instance_source(std::optional<net::Origin> endpoint, Clock* clock);

/// Credentials as JSON: `{AccessKeyId, SecretAccessKey, Token or SessionToken, Expiration}`. `date`: the clock that
/// wrote Expiration. @error kUnavailable: not that, or expired; names the field, never a value
[[nodiscard]] Result<CredentialSource::Fetched> parse_credentials(std::string_view json, Seconds date,
                                                                  std::string_view where);

/// The output of a command that profiles name; without a shell. @error kUnavailable, kDenied
Task<Result<CredentialSource::Fetched>> run_credential_process(std::string command, Clock* clock);

/// A signed request to GetCallerIdentity as text, which `audience` may exchange for credentials of its own. The token
/// is as good as the credentials for a quarter of an hour.
[[nodiscard]] std::string signed_caller_identity(const Credentials& credentials, const std::string& region,
                                                 const std::string& audience, Clock* clock);

}  // namespace ferry::s3
