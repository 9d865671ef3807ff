#include "source/s3/credential_chain.hpp"

#include <utility>

#include "kit/base/text.hpp"

namespace ferry::s3 {
namespace {

class KeysSource final : public CredentialSource {
 public:
  explicit KeysSource(Credentials keys) : keys_(std::move(keys)) {}
  Task<Result<Fetched>> fetch(net::Routes /*routes*/) override { co_return Fetched{keys_}; }
  std::string describe() const override { return "AWS_ACCESS_KEY_ID"; }

 private:
  const Credentials keys_;
};

Chosen chosen(std::shared_ptr<CredentialSource> source) { return {std::move(source), false}; }

Role role_of(const ChainSettings& settings) {
  Role role;
  role.arn = settings.role_arn;
  if (!settings.role_session_name.empty()) role.session_name = settings.role_session_name;
  return role;
}

Result<Chosen> by_identity(const ChainSettings& settings) {
  if (settings.role_arn.empty()) {
    return fail(ErrorKind::kInvalid, "an identity token takes a role on: set AWS_ROLE_ARN to it");
  }
  return chosen(web_identity_source(settings.sts, role_of(settings), settings.identity, settings.identity_place));
}

Result<Chosen> by_token_file(const ChainSettings& settings) {
  if (settings.role_arn.empty()) {
    return fail(ErrorKind::kInvalid, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
  }
  return chosen(web_identity_source(settings.sts, role_of(settings), token_file(settings.token_file),
                                    "the token in " + printable(settings.token_file)));
}

Result<Chosen> by_environment_of_the_machine(const ChainSettings& settings) {
  if (settings.container.given()) {
    auto source = container_source(settings.container, settings.sts.clock);
    if (!source) return fail(std::move(source).error());
    return chosen(*std::move(source));
  }
  if (settings.instance_disabled) {
    return fail(ErrorKind::kInvalid, std::string{kNoCredentials} + " (AWS_EC2_METADATA_DISABLED is set)");
  }
  return Chosen{instance_source(settings.instance, settings.sts.clock), true};
}

Error no_such_profile(const ProfileSettings& profile) {
  return {ErrorKind::kInvalid, "no profile '" + printable(profile.name) + "' with credentials in " +
                                   printable(profile.credentials_file) + " or " + printable(profile.config_file) +
                                   "; check AWS_PROFILE or --s3-profile"};
}

}  // namespace

Result<Chosen> choose_credentials(ChainSettings settings) {
  settings.profile.environment = settings.keys;
  settings.profile.container = settings.container;
  settings.profile.instance = settings.instance;
  settings.profile.sts = settings.sts;
  if (settings.anonymous) return Chosen{};
  if (settings.identity) return by_identity(settings);
  const bool keys_count = settings.keys && !settings.profile_by_flag;
  if (keys_count) return chosen(std::make_shared<KeysSource>(*settings.keys));

  const auto plan = read_profile(settings.profile);
  if (!plan) return fail(plan.error());
  if (!*plan && settings.profile_named && settings.token_file.empty()) return fail(no_such_profile(settings.profile));
  const bool role = *plan && !(*plan)->role.arn.empty();
  const bool web_identity = !settings.token_file.empty() && !settings.profile_by_flag;
  if (web_identity && !role) return by_token_file(settings);
  if (*plan) return chosen(profile_source(settings.profile));
  if (settings.profile_by_flag) return fail(no_such_profile(settings.profile));
  return by_environment_of_the_machine(settings);
}

}  // namespace ferry::s3
