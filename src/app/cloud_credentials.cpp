#include "app/cloud_credentials.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <utility>

#include "kit/base/text.hpp"
#include "kit/net/http_client.hpp"

namespace ferry::app {
namespace {

constexpr std::string_view kStorageScope = "https://www.googleapis.com/auth/devstorage.read_write";
/// Changing metadata needs it; what the account may do is another matter.
constexpr std::string_view kFullStorageScope = "https://www.googleapis.com/auth/devstorage.full_control";
constexpr std::string_view kPubsubScope = " https://www.googleapis.com/auth/pubsub";
constexpr std::string_view kDefaultRegion = "us-east-1";
constexpr Milliseconds kNearConnect{2'000}, kNearProgress{4'000};

bool needs_aws(const Settings& settings) { return settings.command != Command::kCache; }

std::string value_of(const Environment& environment, const std::string& name) { return environment(name).value_or(""); }

bool is_true(const Environment& environment, const std::string& name) {
  return to_lower(value_of(environment, name)) == "true";
}

/// Makes what both sides need of settings and environment; the Google side first, because it may vouch for us in AWS.
class Finder {
 public:
  Finder(Settings* settings, const Environment* environment, Clock* clock, Rng* rng)
      : settings_(settings), environment_(environment), clock_(clock), rng_(rng) {}

  Result<CloudCredentials> find() {
    if (auto found = find_google(); !found) return fail(std::move(found).error());
    found_.region = region();
    if (needs_aws(*settings_)) {
      if (auto found = find_aws(); !found) return fail(std::move(found).error());
    }
    return std::move(found_);
  }

 private:
  // ---- Google

  /// A plan without a target needs none. As Google's own clients do, an emulator gets no token, unless the settings say
  /// that this key is meant for it.
  bool wants_token() const {
    const GcsSettings& gcs = settings_->gcs;
    const bool planned_without = settings_->job.target_bucket.empty() && !settings_->s3.google_identity;
    return !gcs.anonymous && !planned_without && (!gcs.emulator || gcs.key_named || gcs.token_origin.has_value());
  }

  Status find_google() {
    if (!wants_token()) return Unit{};
    auto text = google_file();
    if (!text) return fail(std::move(text).error());
    if (*text) {
      auto source = gcs::file_source(**text, token_settings());
      if (!source) return fail(std::move(source).error());
      found_.google_source = *std::move(source);
    } else if (settings_->gcs.emulator) {
      return Unit{};
    } else if (is_true(*environment_, "NO_GCE_CHECK")) {
      return fail(ErrorKind::kInvalid, std::string{kNoGoogleCredentials});
    } else {
      auto origin = metadata_origin();
      if (!origin) return fail(std::move(origin).error());
      found_.google_source = gcs::metadata_source(*std::move(origin), token_settings());
      found_.google_guessed = true;
    }
    found_.google = std::make_shared<gcs::SharedTokens>(found_.google_source, clock_, rng_);
    return Unit{};
  }

  /// The credentials file's text; nothing: there is none.
  Result<std::optional<std::string>> google_file() {
    const GcsSettings& gcs = settings_->gcs;
    if (gcs.key_text) return gcs.key_text;
    std::string path = gcs.key_file.value_or("");
    if (path.empty()) {
      path = left_by_gcloud();
      if (path.empty()) return std::nullopt;
    }
    std::optional<std::string> warning;
    auto text = gcs::read_key_file(path, &warning);
    if (!text) return fail(std::move(text).error().during("--gcs-credentials (or GOOGLE_APPLICATION_CREDENTIALS)"));
    if (warning) settings_->warnings.push_back(*std::move(warning));
    google_text_ = *text;
    return *std::move(text);
  }

  std::string left_by_gcloud() const {
    std::string folder = value_of(*environment_, "CLOUDSDK_CONFIG");
    const auto home = value_of(*environment_, "HOME");
    if (folder.empty() && !home.empty()) folder = home + "/.config/gcloud";
    const auto path = folder + "/application_default_credentials.json";
    std::error_code unreadable;
    return !folder.empty() && std::filesystem::exists(path, unreadable) ? path : std::string{};
  }

  Result<net::Origin> metadata_origin() const {
    for (const auto* name : {"GCE_METADATA_HOST", "GCE_METADATA_ROOT"}) {
      const auto host = value_of(*environment_, name);
      if (host.empty()) continue;
      auto origin = net::Origin::parse("http://" + host);
      if (!origin) return fail(std::move(origin).error().during(name));
      return origin;
    }
    return net::Origin{false, "metadata.google.internal", 80};
  }

  gcs::TokenSettings token_settings() const {
    gcs::TokenSettings to;
    const bool pubsub = is_service(settings_->command) || settings_->command == Command::kDoctor;
    to.scope = settings_->adopt ? kFullStorageScope : kStorageScope;
    if (pubsub) to.scope += kPubsubScope;
    to.origin_allowed = settings_->gcs.token_origin;
    to.clock = clock_;
    to.aws = [chain = machine_chain(), region = settings_->s3.region.value_or(std::string{kDefaultRegion})](
                 net::Routes routes, std::string audience) {
      return prove_in_aws(chain, region, std::move(audience), routes);
    };
    return to;
  }

  static Task<Result<std::string>> prove_in_aws(s3::ChainSettings chain, std::string region, std::string audience,
                                                net::Routes routes) {
    auto* const clock = chain.sts.clock;
    auto chosen = s3::choose_credentials(std::move(chain));
    if (!chosen) co_return fail(std::move(chosen).error());
    auto fetched = co_await chosen->source->fetch(routes);
    if (!fetched) co_return fail(std::move(fetched).error());
    co_return s3::signed_caller_identity(fetched->credentials, region, audience, clock);
  }

  // ---- AWS

  Status find_aws() {
    auto chain = full_chain();
    if (!chain) return fail(std::move(chain).error());
    auto chosen = s3::choose_credentials(*std::move(chain));
    if (!chosen) return fail(std::move(chosen).error());
    if (!chosen->source) return Unit{};
    found_.aws_source = std::move(chosen->source);
    found_.aws_guessed = chosen->guessed;
    found_.aws = std::make_shared<s3::SharedCredentials>(found_.aws_source, clock_, rng_);
    return Unit{};
  }

  std::string region() const {
    if (settings_->s3.region) return *settings_->s3.region;
    auto region = s3::profile_region(profile());
    return region.empty() ? std::string{kDefaultRegion} : region;
  }

  s3::ProfileSettings profile() const {
    const S3Settings& s3 = settings_->s3;
    s3::ProfileSettings profile;
    profile.name = s3.profile.value_or("default");
    profile.credentials_file = s3.credentials_file.empty() ? below_home("credentials") : s3.credentials_file;
    profile.config_file = s3.config_file.empty() ? below_home("config") : s3.config_file;
    return profile;
  }

  std::string below_home(std::string_view file) const {
    return value_of(*environment_, "HOME") + "/.aws/" + std::string{file};
  }

  /// Environment, container and instance: what also vouches for us in front of Google.
  s3::ChainSettings machine_chain() const {
    const S3Settings& s3 = settings_->s3;
    s3::ChainSettings chain;
    if (s3.access_key_id) chain.keys = s3::Credentials{*s3.access_key_id, *s3.secret_access_key, s3.session_token};
    chain.container = {value_of(*environment_, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
                       value_of(*environment_, "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
                       value_of(*environment_, "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
                       value_of(*environment_, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")};
    chain.instance_disabled = is_true(*environment_, "AWS_EC2_METADATA_DISABLED");
    chain.sts.clock = clock_;
    return chain;
  }

  Result<s3::ChainSettings> full_chain() {
    const S3Settings& s3 = settings_->s3;
    auto chain = machine_chain();
    chain.anonymous = s3.anonymous;
    chain.profile = profile();
    chain.profile_named = s3.profile.has_value();
    chain.profile_by_flag = s3.profile_by_flag;
    chain.role_arn = s3.role_arn;
    chain.role_session_name = value_of(*environment_, "AWS_ROLE_SESSION_NAME");
    chain.token_file = s3.token_file;
    chain.sts.endpoint = s3.sts_endpoint;
    chain.sts.region = found_.region;
    if (const auto text = value_of(*environment_, "AWS_EC2_METADATA_SERVICE_ENDPOINT"); !text.empty()) {
      auto origin = net::Origin::parse(text);
      if (!origin) return fail(std::move(origin).error().during("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
      chain.instance = *std::move(origin);
    }
    if (s3.google_identity) {
      if (auto vouched = by_google(*s3.google_identity, &chain); !vouched) return fail(std::move(vouched).error());
    }
    return chain;
  }

  /// With our own service-account key where there is one, else as who the metadata server says that we are.
  Status by_google(const std::string& audience, s3::ChainSettings* chain) {
    const auto text = settings_->gcs.key_text ? *settings_->gcs.key_text : google_text_;
    if (text.empty()) {
      auto origin = metadata_origin();
      if (!origin) return fail(std::move(origin).error());
      chain->identity_place = "an identity token of the metadata server " + origin->url();
      chain->identity = gcs::metadata_identity(*std::move(origin), audience);
      return Unit{};
    }
    auto identity = gcs::service_account_identity(text, audience, token_settings());
    if (!identity) return fail(std::move(identity).error().during("--s3-google-identity"));
    chain->identity_place = "an identity token of the Google service account";
    chain->identity = *std::move(identity);
    return Unit{};
  }

  Settings* settings_;
  const Environment* environment_;
  Clock* clock_;
  Rng* rng_;
  std::string google_text_;
  CloudCredentials found_;
};

/// Twice: a machine that has just started may need a moment.
template <class Source>
Task<> ask_twice(Source* source, net::Routes routes, std::optional<Error>* failure) {
  for (int i = 0; i < 2; ++i) {
    auto fetched = co_await source->fetch(routes);
    if (fetched) {
      failure->reset();
      co_return;
    }
    failure->emplace(std::move(fetched).error());
  }
}

template <class Source>
Status check_guess(Source* source, std::string_view remedy, Clock* clock) {
  asio::io_context context{1};
  auto near = make_near_client(context.get_executor(), clock);
  if (!near) return fail(std::move(near).error());
  const net::Routes routes{near->get(), near->get()};
  std::optional<Error> failure;
  asio::co_spawn(context, ask_twice(source, routes, &failure),
                 [&context](const std::exception_ptr&) { context.stop(); });
  context.run();
  if (!failure) return Unit{};
  return fail(ErrorKind::kInvalid, std::string{remedy} + " (" + failure->what + ")");
}

}  // namespace

Result<CloudCredentials> find_credentials(Settings* settings, const Environment& environment, Clock* clock, Rng* rng) {
  return Finder{settings, &environment, clock, rng}.find();
}

Status check_guesses(const CloudCredentials& found, Clock* clock) {
  if (found.aws_guessed) {
    auto checked = check_guess(found.aws_source.get(), s3::kNoCredentials, clock);
    if (!checked) return checked;
  }
  if (found.google_guessed) return check_guess(found.google_source.get(), kNoGoogleCredentials, clock);
  return Unit{};
}

Result<std::unique_ptr<net::HttpClient>> make_near_client(Executor executor, Clock* clock) {
  net::ClientOptions options;
  options.connect_timeout = kNearConnect;
  options.progress_timeout = kNearProgress;
  return net::make_http_client(executor, std::move(options), clock);
}

}  // namespace ferry::app
