#pragma once
// The places that Google's access tokens come from, and identity tokens for others. @see protocol-facts 4.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "target/gcs/credentials.hpp"

namespace ferry::gcs {

inline constexpr std::string_view kCloudScope = "https://www.googleapis.com/auth/cloud-platform";

/// Something signed that another cloud's identity is exchanged for; `audience`: who is to accept it.
using ForeignSubject = std::function<Task<Result<std::string>>(net::Routes, std::string audience)>;

struct TokenSettings {
  std::string scope;                          ///< separated by spaces
  std::optional<net::Origin> origin_allowed;  ///< a token server, besides Google's, that a file may name
  ForeignSubject aws;                         ///< for files that name AWS as their source; absent: they are refused
  Clock* clock = nullptr;
};

/// From a credentials file's text, whatever of Google's types it is: service_account, authorized_user,
/// external_account, impersonated_service_account. The servers that it names must be Google's, or `origin_allowed`.
/// @error kInvalid: names the field that is wrong, never its value
[[nodiscard]] Result<std::shared_ptr<TokenSource>> file_source(std::string_view json, TokenSettings settings);

/// Of the machine or pod that we run on. `origin`: http://metadata.google.internal
[[nodiscard]] std::shared_ptr<TokenSource> metadata_source(net::Origin origin, TokenSettings settings);

/// Identity tokens (JWTs) that name us to somebody else.
using IdentityFetch = std::function<Task<Result<std::string>>(net::Routes)>;
[[nodiscard]] IdentityFetch metadata_identity(net::Origin origin, std::string audience);
/// @error kInvalid: not a service-account key
[[nodiscard]] Result<IdentityFetch> service_account_identity(std::string_view json, std::string audience,
                                                             TokenSettings settings);

// ---- what the sources share

/// The address in `field` of a file. @error kInvalid: not one of Google's servers for credentials, nor the allowed one
[[nodiscard]] Result<net::Url> google_url(std::string_view text, std::string_view field,
                                          const std::optional<net::Origin>& allowed);

Task<Result<net::WholeReply>> post_form(net::HttpClient* http, net::Url url, std::string form);
/// The same to a token endpoint. @error with `where` in front, `remedy` behind a refusal
Task<Result<TokenSource::Fetched>> exchange_token(net::HttpClient* http, net::Url url, std::string form,
                                                  std::string where, std::string_view remedy);
/// What a token server's refusal means: status and reason, never its text, which may quote us.
[[nodiscard]] Error token_refusal(const net::WholeReply& reply, const std::string& where, std::string_view remedy);
/// A non-empty text of a JSON object that may stand in a header; nothing if there is none.
[[nodiscard]] std::optional<std::string> text_field(std::string_view json, std::string_view name);

[[nodiscard]] Result<std::shared_ptr<TokenSource>> service_account_source(std::string_view json,
                                                                          TokenSettings settings);
[[nodiscard]] Result<std::shared_ptr<TokenSource>> user_source(std::string_view json, TokenSettings settings);
[[nodiscard]] Result<std::shared_ptr<TokenSource>> external_source(std::string_view json, TokenSettings settings);
[[nodiscard]] Result<std::shared_ptr<TokenSource>> impersonated_source(std::string_view json, TokenSettings settings);

/// Tokens of another service account, for one who may act as it. `settings.scope` is what they are for.
[[nodiscard]] std::shared_ptr<TokenSource> acting_as(std::shared_ptr<TokenSource> who, net::Url url,
                                                     std::string delegates_json, std::uint64_t life_seconds,
                                                     TokenSettings settings);

}  // namespace ferry::gcs
