#pragma once
// Which of the places that credentials may come from counts, as Amazon's own tools order them.

#include <memory>
#include <optional>
#include <string>

#include "source/s3/credential_sources.hpp"
#include "source/s3/profile_source.hpp"

namespace ferry::s3 {

struct ChainSettings {
  bool anonymous = false;
  std::optional<Credentials> keys;  ///< of environment or settings
  ProfileSettings profile;          ///< its `environment`, `container` and `sts` are filled in here
  bool profile_named = false;       ///< by anybody: it must exist
  bool profile_by_flag = false;     ///< outranks keys
  std::string role_arn, role_session_name, token_file;
  IdentityToken identity;      ///< where set: outranks keys, and takes role_arn on
  std::string identity_place;  ///< "an identity token of …"
  ContainerSettings container;
  bool instance_disabled = false;
  std::optional<net::Origin> instance;
  Sts sts;
};

struct Chosen {
  std::shared_ptr<CredentialSource> source;  ///< null: anonymous
  bool guessed = false;  ///< nothing was configured: it is the instance's metadata, if this is an instance
};

/// Reads files, asks no server. Order: anonymous · identity · profile by flag · keys · profile with a role · web
/// identity · profile · container · instance.
/// @error kInvalid: what was named is not there or can't be used, or nothing is configured and nothing can be guessed
[[nodiscard]] Result<Chosen> choose_credentials(ChainSettings settings);

/// What to do where there are none.
inline constexpr std::string_view kNoCredentials =
    "no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or --s3-profile, or --s3-anonymous for a "
    "public bucket";

}  // namespace ferry::s3
