#include "source/s3/profile_source.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "kit/base/text.hpp"

namespace ferry::s3 {
namespace {

using Fetched = CredentialSource::Fetched;
using Way = ProfilePlan::Way;

/// Ways to keys that need a person or a cache of the AWS tools.
constexpr std::string_view kUnsupported[] = {"sso_session", "sso_start_url", "sso_account_id", "login_session",
                                             "mfa_serial"};

/// Reads plans out of the two files' texts.
class Planner {
 public:
  Planner(const ProfileSettings& settings, std::string_view credentials, std::string_view config)
      : settings_(settings), credentials_(credentials), config_(config) {}

  Result<std::optional<ProfilePlan>> plan(const std::string& name) {
    const auto keys = find_profile(credentials_, name);
    const auto more = find_profile(config_, name == "default" ? name : "profile " + name);
    if (!keys && !more) return std::optional<ProfilePlan>{};
    Profile all = more.value_or(Profile{});
    if (keys) {
      for (const auto& [setting, value] : *keys) all.insert_or_assign(setting, value);
    }
    const bool behind_role = std::ranges::find(visited_, name) != visited_.end();
    if (all.contains("role_arn") && !behind_role) return role_of(name, all);
    if (keys && keys->contains("aws_access_key_id")) return keys_of(name, *keys, settings_.credentials_file);
    if (more && more->contains("aws_access_key_id")) return keys_of(name, *more, settings_.config_file);
    return way_without_keys(name, all);
  }

 private:
  static std::string value(const Profile& profile, std::string_view setting) {
    const auto found = profile.find(setting);
    return found == profile.end() ? std::string{} : found->second;
  }

  static tl::unexpected<Error> wrong(const std::string& name, const std::string& why) {
    return fail(ErrorKind::kInvalid, "profile '" + printable(name) + "': " + why);
  }

  static Result<std::optional<ProfilePlan>> keys_of(const std::string& name, const Profile& profile,
                                                    const std::string& file) {
    ProfilePlan plan;
    plan.file = file;
    plan.region = value(profile, "region");
    plan.keys = {value(profile, "aws_access_key_id"), value(profile, "aws_secret_access_key"), std::nullopt};
    if (auto token = value(profile, "aws_session_token"); !token.empty()) plan.keys.session_token = std::move(token);
    if (plan.keys.access_key_id.empty() || plan.keys.secret_access_key.empty()) {
      return wrong(name,
                   "in " + printable(file) + ": aws_access_key_id and aws_secret_access_key must both have a value");
    }
    return std::optional{std::move(plan)};
  }

  static Result<std::optional<ProfilePlan>> way_without_keys(const std::string& name, const Profile& profile) {
    if (const auto process = value(profile, "credential_process"); !process.empty()) {
      ProfilePlan plan;
      plan.way = Way::kProcess;
      plan.process = process;
      plan.region = value(profile, "region");
      return std::optional{std::move(plan)};
    }
    for (const auto setting : kUnsupported) {
      if (!profile.contains(setting)) continue;
      return wrong(name, "uses " + std::string{setting} +
                             ", which is not supported; add the line credential_process = "
                             "aws configure export-credentials --profile " +
                             printable(name) + " --format process to a profile of its own, and name that one");
    }
    return std::optional<ProfilePlan>{};
  }

  Result<std::optional<ProfilePlan>> role_of(const std::string& name, const Profile& profile) {
    if (profile.contains("mfa_serial")) return way_without_keys(name, profile);
    visited_.push_back(name);
    ProfilePlan plan;
    plan.region = value(profile, "region");
    plan.role.arn = value(profile, "role_arn");
    plan.role.external_id = value(profile, "external_id");
    if (auto session = value(profile, "role_session_name"); !session.empty()) plan.role.session_name = session;
    if (const auto text = value(profile, "duration_seconds"); !text.empty()) {
      const auto seconds = parse_u64(text);
      if (!seconds || *seconds < 900 || *seconds > 43'200) return wrong(name, "duration_seconds is not 900 to 43200");
      plan.role.duration_seconds = static_cast<std::uint32_t>(*seconds);
    }
    plan.token_file = value(profile, "web_identity_token_file");
    if (!plan.token_file.empty()) {
      plan.way = Way::kWebIdentity;
      return std::optional{std::move(plan)};
    }
    plan.way = Way::kRole;
    auto base = base_of(name, profile);
    if (!base) return fail(std::move(base).error());
    plan.base = std::make_shared<ProfilePlan>(*std::move(base));
    return std::optional{std::move(plan)};
  }

  /// Who takes the role on.
  Result<ProfilePlan> base_of(const std::string& name, const Profile& profile) {
    const auto source = value(profile, "source_profile");
    const auto provider = value(profile, "credential_source");
    if (source.empty() == provider.empty()) {
      return wrong(name, "role_arn needs one of source_profile, credential_source and web_identity_token_file");
    }
    if (!provider.empty()) return provided_by(name, provider);
    const bool again = std::ranges::find(visited_, source) != visited_.end();
    if (again && source != name) return wrong(name, "source_profile '" + printable(source) + "' leads in a circle");
    auto base = plan(source);
    if (!base) return fail(std::move(base).error());
    if (!*base) return wrong(name, "source_profile '" + printable(source) + "' has no credentials");
    return **std::move(base);
  }

  static Result<ProfilePlan> provided_by(const std::string& name, const std::string& provider) {
    ProfilePlan plan;
    if (provider == "Environment") {
      plan.way = Way::kEnvironment;
    } else if (provider == "EcsContainer") {
      plan.way = Way::kContainer;
    } else if (provider == "Ec2InstanceMetadata") {
      plan.way = Way::kInstance;
    } else {
      return wrong(name, "credential_source '" + printable(provider) +
                             "' is none of Environment, EcsContainer, Ec2InstanceMetadata");
    }
    return plan;
  }

  const ProfileSettings& settings_;
  std::string_view credentials_, config_;
  std::vector<std::string> visited_;
};

class ProfileSource final : public CredentialSource {
 public:
  explicit ProfileSource(ProfileSettings settings) : settings_(std::move(settings)) {}

  Task<Result<Fetched>> fetch(net::Routes routes) override {
    auto plan = read();
    if (!plan) co_return fail(std::move(plan).error());
    auto fetched = co_await follow(std::make_shared<const ProfilePlan>(*std::move(plan)), routes);
    if (!fetched) co_return fail(std::move(fetched).error().during("profile '" + printable(settings_.name) + "'"));
    co_return fetched;
  }

  bool outdated() override {
    const std::lock_guard lock{mutex_};
    return stamp_of(settings_.credentials_file) != credentials_stamp_ ||
           stamp_of(settings_.config_file) != config_stamp_;
  }

  std::string describe() const override {
    const std::lock_guard lock{mutex_};
    auto text = "profile " + printable(settings_.name);
    if (!role_.empty()) return text + ", role " + printable(role_);
    return text + " in " + printable(found_in_.empty() ? settings_.credentials_file : found_in_);
  }

 private:
  Result<ProfilePlan> read() {
    FileStamp credentials_stamp, config_stamp;
    const auto credentials = read_small_file(settings_.credentials_file, &credentials_stamp);
    if (!credentials) return fail(credentials.error());
    const auto config = read_small_file(settings_.config_file, &config_stamp);
    if (!config) return fail(config.error());
    auto plan = plan_profile(settings_, *credentials, *config);
    const std::lock_guard lock{mutex_};
    const bool known = std::exchange(known_, true);
    credentials_stamp_ = credentials_stamp;
    config_stamp_ = config_stamp;
    // Somebody may be writing a file that was good: worth another look.
    if (!plan) return fail(known ? ErrorKind::kUnavailable : plan.error().kind, plan.error().what);
    if (!*plan) {
      return fail(known ? ErrorKind::kUnavailable : ErrorKind::kInvalid,
                  "profile '" + printable(settings_.name) + "' has no credentials in " +
                      printable(settings_.credentials_file) + " or " + printable(settings_.config_file));
    }
    found_in_ = (*plan)->file;
    role_ = (*plan)->role.arn;
    return **std::move(plan);
  }

  Task<Result<Fetched>> follow(std::shared_ptr<const ProfilePlan> plan, net::Routes routes) {
    switch (plan->way) {
      case Way::kKeys: co_return Fetched{plan->keys};
      case Way::kRole: co_return co_await take_role(plan, routes);
      case Way::kProcess: co_return co_await run_credential_process(plan->process, settings_.sts.clock);
      case Way::kInstance: co_return co_await instance_source(settings_.instance, settings_.sts.clock)->fetch(routes);
      case Way::kWebIdentity: {
        auto source = web_identity_source(sts_of(*plan), plan->role, token_file(plan->token_file), plan->token_file);
        co_return co_await source->fetch(routes);
      }
      case Way::kEnvironment: {
        if (settings_.environment) co_return Fetched{*settings_.environment};
        co_return fail(ErrorKind::kInvalid, "credential_source = Environment, but AWS_ACCESS_KEY_ID is not set");
      }
      case Way::kContainer: {
        if (!settings_.container.given()) {
          co_return fail(ErrorKind::kInvalid, "credential_source = EcsContainer, but there is no such container");
        }
        auto source = container_source(settings_.container, settings_.sts.clock);
        if (!source) co_return fail(std::move(source).error());
        co_return co_await (*source)->fetch(routes);
      }
    }
    co_return fail(ErrorKind::kInvalid, "unknown kind of profile");
  }

  Task<Result<Fetched>> take_role(std::shared_ptr<const ProfilePlan> plan, net::Routes routes) {
    auto base = co_await follow(plan->base, routes);
    if (!base) co_return fail(std::move(base).error());
    co_return co_await assume_role(sts_of(*plan), plan->role, std::move(base->credentials), routes.far);
  }

  Sts sts_of(const ProfilePlan& plan) const {
    Sts sts = settings_.sts;
    if (!plan.region.empty()) sts.region = plan.region;
    return sts;
  }

  const ProfileSettings settings_;
  mutable std::mutex mutex_;  // guards the rest
  std::string found_in_, role_;
  FileStamp credentials_stamp_, config_stamp_;  // of what was read last
  bool known_ = false;                          // it was there once
};

}  // namespace

Result<std::optional<ProfilePlan>> plan_profile(const ProfileSettings& settings, std::string_view credentials,
                                                std::string_view config) {
  return Planner{settings, credentials, config}.plan(settings.name);
}

Result<std::optional<ProfilePlan>> read_profile(const ProfileSettings& settings) {
  FileStamp stamp;
  const auto credentials = read_small_file(settings.credentials_file, &stamp);
  if (!credentials) return fail(credentials.error());
  const auto config = read_small_file(settings.config_file, &stamp);
  if (!config) return fail(config.error());
  return plan_profile(settings, *credentials, *config);
}

std::string profile_region(const ProfileSettings& settings) {
  FileStamp stamp;
  const auto section = settings.name == "default" ? settings.name : "profile " + settings.name;
  for (const auto& [file, name] :
       {std::pair{settings.config_file, section}, {settings.credentials_file, settings.name}}) {
    const auto text = read_small_file(file, &stamp);
    const auto profile = text ? find_profile(*text, name) : std::nullopt;
    const auto region = profile ? profile->find("region") : Profile::const_iterator{};
    if (profile && region != profile->end()) return region->second;
  }
  return {};
}

std::shared_ptr<CredentialSource> profile_source(ProfileSettings settings) {
  return std::make_shared<ProfileSource>(std::move(settings));
}

}  // namespace ferry::s3
