#pragma once
// Profiles of the AWS tools' shared files: keys, or the way to them.

#include <memory>
#include <optional>
#include <string>

#include "source/s3/credential_sources.hpp"
#include "source/s3/profile_file.hpp"

namespace ferry::s3 {

struct ProfileSettings {
  std::string name = "default";
  std::string credentials_file, config_file;
  std::optional<Credentials> environment;  ///< for credential_source = Environment
  ContainerSettings container;             ///< for EcsContainer
  std::optional<net::Origin> instance;     ///< for Ec2InstanceMetadata; nothing: Amazon's address
  Sts sts;                                 ///< its region is used where the profile names none
};

/// What a profile says to do.
struct ProfilePlan {
  enum class Way { kKeys, kRole, kWebIdentity, kProcess, kEnvironment, kContainer, kInstance };
  Way way = Way::kKeys;
  std::string file;  ///< that holds the keys
  Credentials keys;
  std::string process;
  std::string token_file;
  Role role;
  std::string region;                 ///< empty: none
  std::shared_ptr<ProfilePlan> base;  ///< of kRole: who takes it on
};

/// `credentials` and `config` are the files' texts. Nothing where neither has the profile, or it has nothing about
/// credentials. @error kInvalid: names profile and setting, never a value
[[nodiscard]] Result<std::optional<ProfilePlan>> plan_profile(const ProfileSettings& settings,
                                                              std::string_view credentials, std::string_view config);

/// Both files are read now, and again whenever they change. Nothing as above.
[[nodiscard]] Result<std::optional<ProfilePlan>> read_profile(const ProfileSettings& settings);

/// The region that the profile names; empty: none. Files that can't be read name none.
[[nodiscard]] std::string profile_region(const ProfileSettings& settings);

[[nodiscard]] std::shared_ptr<CredentialSource> profile_source(ProfileSettings settings);

}  // namespace ferry::s3
