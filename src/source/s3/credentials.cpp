#include "source/s3/credentials.hpp"

#include <utility>

#include "kit/base/text.hpp"
#include "source/s3/profile_file.hpp"

namespace ferry::s3 {
namespace {

class FixedCredentials final : public CredentialProvider {
 public:
  FixedCredentials(std::optional<Credentials> credentials, std::string description)
      : credentials_(std::move(credentials)), description_(std::move(description)) {}
  Task<Result<std::optional<Credentials>>> get() override { co_return credentials_; }
  void invalidate() override {}
  std::string describe() const override { return description_; }

 private:
  std::optional<Credentials> credentials_;
  std::string description_;
};

/// Settings that would have to be followed to somewhere else before keys come out of them.
constexpr std::string_view kIndirections[] = {"role_arn",      "source_profile",         "credential_source",
                                              "sso_session",   "sso_start_url",          "credential_process",
                                              "login_session", "web_identity_token_file"};

class ProfileCredentials final : public CredentialProvider {
 public:
  ProfileCredentials(std::string profile, std::string credentials_file, std::string config_file)
      : profile_(std::move(profile)),
        credentials_file_(std::move(credentials_file)),
        config_file_(std::move(config_file)) {}

  Task<Result<std::optional<Credentials>>> get() override { co_return current(); }
  void invalidate() override { stale_ = true; }
  std::string describe() const override {
    return "profile " + printable(profile_) + " in " + printable(found_in_.empty() ? credentials_file_ : found_in_);
  }

 private:
  Result<std::optional<Credentials>> current() {
    const bool same_files =
        stamp_of(credentials_file_) == credentials_stamp_ && stamp_of(config_file_) == config_stamp_;
    if (cached_ && same_files && !stale_) return cached_;
    auto loaded = load();
    if (loaded) {
      cached_ = *std::move(loaded);
      stale_ = false;
      return cached_;
    }
    // Somebody is writing the file in place: what we have is good until a server says otherwise.
    if (cached_ && !stale_) return cached_;
    auto error = std::move(loaded).error();
    if (cached_) error.kind = ErrorKind::kUnavailable;
    return fail(std::move(error));
  }

  Result<Credentials> load() {
    const auto in_credentials = read_small_file(credentials_file_, &credentials_stamp_);
    if (!in_credentials) return fail(in_credentials.error());
    const auto in_config = read_small_file(config_file_, &config_stamp_);
    if (!in_config) return fail(in_config.error());

    const auto config_section = profile_ == "default" ? profile_ : "profile " + profile_;
    const auto first = find_profile(*in_credentials, profile_);
    const auto second = find_profile(*in_config, config_section);
    if (!first && !second) {
      return fail(ErrorKind::kInvalid, "no profile '" + printable(profile_) + "' in " + printable(credentials_file_) +
                                           " or " + printable(config_file_) + "; check AWS_PROFILE or --s3-profile");
    }
    if (first && first->contains("aws_access_key_id")) return keys_of(*first, credentials_file_);
    if (second && second->contains("aws_access_key_id")) return keys_of(*second, config_file_);
    return fail(without_keys(first ? *first : *second, second ? *second : *first));
  }

  Result<Credentials> keys_of(const Profile& profile, const std::string& file) {
    const auto value = [&profile](std::string_view name) {
      const auto found = profile.find(name);
      return found == profile.end() ? std::string{} : found->second;
    };
    Credentials credentials{value("aws_access_key_id"), value("aws_secret_access_key"), std::nullopt};
    if (auto token = value("aws_session_token"); !token.empty()) credentials.session_token = std::move(token);
    for (const auto* text : {&credentials.access_key_id, &credentials.secret_access_key}) {
      if (text->empty()) {
        return fail(ErrorKind::kInvalid, "profile '" + printable(profile_) + "' in " + printable(file) +
                                             ": aws_access_key_id and aws_secret_access_key must both have a value");
      }
    }
    found_in_ = file;
    return credentials;
  }

  Error without_keys(const Profile& first, const Profile& second) const {
    for (const auto name : kIndirections) {
      if (!first.contains(name) && !second.contains(name)) continue;
      return {ErrorKind::kInvalid, "profile '" + printable(profile_) + "' uses " + std::string{name} +
                                       ", which is not supported yet; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
                                       "AWS_SESSION_TOKEN, or choose a profile with keys"};
    }
    return {ErrorKind::kInvalid, "profile '" + printable(profile_) + "' in " + printable(credentials_file_) + " or " +
                                     printable(config_file_) + " has no aws_access_key_id"};
  }

  std::string profile_, credentials_file_, config_file_;
  std::string found_in_;
  std::optional<Credentials> cached_;
  FileStamp credentials_stamp_, config_stamp_;  // of what was read last
  bool stale_ = false;
};

}  // namespace

std::shared_ptr<CredentialProvider> static_credentials(Credentials credentials) {
  return std::make_shared<FixedCredentials>(std::move(credentials), "fixed keys");
}

std::shared_ptr<CredentialProvider> anonymous_credentials() {
  return std::make_shared<FixedCredentials>(std::nullopt, "anonymous");
}

std::shared_ptr<CredentialProvider> profile_credentials(std::string profile, std::string credentials_file,
                                                        std::string config_file) {
  return std::make_shared<ProfileCredentials>(std::move(profile), std::move(credentials_file), std::move(config_file));
}

}  // namespace ferry::s3
