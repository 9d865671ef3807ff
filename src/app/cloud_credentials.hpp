#pragma once
// Who we are on both sides: which of the usual places for credentials counts, and what all threads share of it.

#include <memory>
#include <string>

#include "app/environment.hpp"
#include "app/settings.hpp"
#include "kit/async/clock.hpp"
#include "source/s3/credential_chain.hpp"
#include "target/gcs/token_sources.hpp"

namespace ferry::app {

/// What to do where there are none.
inline constexpr std::string_view kNoGoogleCredentials =
    "no Google credentials: set GOOGLE_APPLICATION_CREDENTIALS or --gcs-credentials to a credentials file, run gcloud "
    "auth "
    "application-default login, or give --gcs-anonymous to send none";

struct CloudCredentials {
  std::shared_ptr<s3::CredentialSource> aws_source;  ///< null: anonymous, or no source is needed
  std::shared_ptr<s3::SharedCredentials> aws;        ///< the same, shared
  bool aws_guessed = false;                          ///< nothing was configured
  std::string region;                                ///< of the settings, the profile, or the default
  std::shared_ptr<gcs::TokenSource> google_source;   ///< null: no token is sent
  std::shared_ptr<gcs::SharedTokens> google;
  bool google_guessed = false;
};

/// Reads files and variables; asks no server.
/// @error kInvalid: what was named is not there or can't be used: which setting, and what to do
[[nodiscard]] Result<CloudCredentials> find_credentials(Settings* settings, const Environment& environment,
                                                        Clock* clock, Rng* rng);

/// Asks once at the places that were only guessed, with little patience: whoever has configured nothing wants to know
/// at once. @error kInvalid: there is nothing; what to set
[[nodiscard]] Status check_guesses(const CloudCredentials& found, Clock* clock);

/// What nobody configures stands in the clients' place: no proxy, little patience.
[[nodiscard]] Result<std::unique_ptr<net::HttpClient>> make_near_client(Executor executor, Clock* clock);

}  // namespace ferry::app
