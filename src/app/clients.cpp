#include "app/clients.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <utility>

#include "kit/base/text.hpp"
#include "kit/net/http_client.hpp"
#include "source/catalog/catalog_source.hpp"
#include "source/s3/credentials.hpp"
#include "source/s3/s3_source.hpp"
#include "target/gcs/credentials.hpp"
#include "target/gcs/gcs_target.hpp"

namespace ferry::app {
namespace {

constexpr std::string_view kStorageScope = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr std::string_view kServiceScopes =
    "https://www.googleapis.com/auth/devstorage.read_write https://www.googleapis.com/auth/pubsub";
constexpr Backoff kFirstPageBackoff{.first = Milliseconds{200}, .ceiling = Milliseconds{2'000}, .attempts_max = 5};
constexpr Milliseconds kFirstPageConnectTimeout{4'000};

/// A file that the source is listed from.
struct Listing {
  std::shared_ptr<catalog::Catalog> catalog;  ///< null: the bucket lists itself
  BucketName shelf;                           ///< that the file is in; empty: it is here
  std::string flag;
};

/// Everything that every thread's clients are made from.
struct Recipe {
  Settings settings;
  std::string credentials_file, config_file;  ///< of the AWS profile
  std::optional<std::string> key;             ///< service-account JSON; nothing: no token
  net::ClientOptions http;
  Listing listing;
  Clock* clock = nullptr;
  Rng* rng = nullptr;
};

bool needs_source(const Settings& settings) { return settings.command != Command::kCache; }

std::shared_ptr<s3::CredentialProvider> s3_credentials(const Recipe& recipe) {
  const S3Settings& s3 = recipe.settings.s3;
  if (s3.anonymous) return s3::anonymous_credentials();
  if (s3.access_key_id && !s3.profile_by_flag) {
    s3::Credentials keys{*s3.access_key_id, *s3.secret_access_key, s3.session_token};
    return s3::static_credentials(std::move(keys));
  }
  return s3::profile_credentials(s3.profile.value_or("default"), recipe.credentials_file, recipe.config_file);
}

Result<std::shared_ptr<gcs::TokenProvider>> gcs_tokens(const Recipe& recipe, net::HttpClient* http, Backoff backoff) {
  if (!recipe.key) return gcs::no_token();
  const bool service = is_service(recipe.settings.command);
  return gcs::service_account(*recipe.key, std::string{service ? kServiceScopes : kStorageScope},
                              recipe.settings.gcs.token_origin, http, recipe.clock, recipe.rng, backoff);
}

Task<Result<std::string>> bearer(std::shared_ptr<gcs::TokenProvider> provider) {
  auto token = co_await provider->token();
  if (!token) co_return fail(std::move(token).error());
  co_return *token ? "Bearer " + **token : std::string{};
}

s3::Options s3_options(const Recipe& recipe, Backoff backoff) {
  const S3Settings& s3 = recipe.settings.s3;
  s3::Options from;
  from.bucket = recipe.settings.job.source_bucket;
  from.region = s3.region;
  from.endpoint = s3.endpoint;
  from.path_style = s3.path_style;
  from.requester_pays = s3.requester_pays;
  from.customer_key = s3.customer_key;
  from.backoff = backoff;
  return from;
}

Result<std::unique_ptr<ObjectSource>> make_source(const Recipe& recipe, s3::Options from, Clients* clients) {
  return s3::make_source(std::move(from), s3_credentials(recipe), clients->http.get(), recipe.clock, recipe.rng);
}

Status add_source(const Recipe& recipe, Backoff backoff, Clients* clients) {
  auto source = make_source(recipe, s3_options(recipe, backoff), clients);
  if (!source) return fail(std::move(source).error());
  clients->source = *std::move(source);
  if (!recipe.listing.catalog) return Unit{};
  std::unique_ptr<ObjectSource> shelf;
  if (!recipe.listing.shelf.empty()) {
    auto from = s3_options(recipe, backoff);
    from.bucket = recipe.listing.shelf;
    from.customer_key.clear();
    auto made = make_source(recipe, std::move(from), clients);
    if (!made) return fail(std::move(made).error().during(recipe.listing.flag));
    shelf = *std::move(made);
  }
  clients->source = catalog::catalog_source(recipe.listing.catalog, std::move(clients->source), std::move(shelf));
  return Unit{};
}

Status add_target(const Recipe& recipe, Backoff backoff, Clients* clients) {
  auto tokens = gcs_tokens(recipe, clients->http.get(), backoff);
  if (!tokens) return fail(std::move(tokens).error());
  gcs::Options to;
  to.bucket = recipe.settings.job.target_bucket;
  to.endpoint = recipe.settings.gcs.endpoint;
  to.kms_key = recipe.settings.gcs.kms_key;
  to.backoff = backoff;
  if (recipe.key) clients->authorization = [provider = *tokens] { return bearer(provider); };
  auto target = gcs::make_target(std::move(to), *std::move(tokens), clients->http.get(), recipe.clock, recipe.rng);
  if (!target) return fail(std::move(target).error());
  clients->target = *std::move(target);
  return Unit{};
}

Result<Clients> make_clients(const Recipe& recipe, Executor executor, Patience patience) {
  const bool first_page = patience == Patience::kFirstPage;
  auto http_options = recipe.http;
  if (first_page) http_options.connect_timeout = kFirstPageConnectTimeout;
  const Backoff backoff = first_page ? kFirstPageBackoff : Backoff{};

  Clients clients;
  auto http = net::make_http_client(executor, std::move(http_options), recipe.clock);
  if (!http) return fail(std::move(http).error().during("--ca-file or a proxy setting"));
  clients.http = *std::move(http);
  if (needs_source(recipe.settings)) {
    if (auto added = add_source(recipe, backoff, &clients); !added) return fail(std::move(added).error());
  }
  if (auto added = add_target(recipe, backoff, &clients); !added) return fail(std::move(added).error());
  return clients;
}

/// A profile that isn't there is better reported now than as the failure of a listing.
Status check_s3_credentials(const Recipe& recipe) {
  asio::io_context context{1};
  const auto provider = s3_credentials(recipe);
  Status outcome = Unit{};
  auto ask = [](s3::CredentialProvider* asked, Status* into) -> Task<> {
    auto credentials = co_await asked->get();
    if (!credentials) *into = fail(std::move(credentials).error());
  };
  asio::co_spawn(context.get_executor(), ask(provider.get(), &outcome), asio::detached);
  context.run();
  if (outcome || recipe.settings.s3.access_key_id || recipe.settings.s3.profile) return outcome;
  Error error = std::move(outcome).error();
  error.what +=
      "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or --s3-profile, or --s3-anonymous for a public bucket";
  return fail(std::move(error));
}

/// As Google's own clients do, an emulator gets no token, unless the settings say that this key is meant for it.
bool wants_token(const GcsSettings& gcs) {
  if (gcs.anonymous) return false;
  return !gcs.emulator || gcs.key_named || gcs.token_origin.has_value();
}

Result<std::optional<std::string>> gcs_key(Settings* settings) {
  const GcsSettings& gcs = settings->gcs;
  if (!wants_token(gcs)) return std::nullopt;
  if (gcs.key_text) return gcs.key_text;
  if (!gcs.key_file) {
    if (gcs.emulator) return std::nullopt;
    return fail(
        ErrorKind::kInvalid,
        "no Google credentials: set GOOGLE_APPLICATION_CREDENTIALS or --gcs-credentials to a service-account key file, "
        "or --gcs-anonymous to send none");
  }
  std::optional<std::string> warning;
  auto key = gcs::read_key_file(*gcs.key_file, &warning);
  if (!key) return fail(std::move(key).error().during("--gcs-credentials (or GOOGLE_APPLICATION_CREDENTIALS)"));
  if (warning) settings->warnings.push_back(*std::move(warning));
  return *std::move(key);
}

Result<Listing> listing_of(const Settings& settings) {
  constexpr std::string_view kScheme = "s3://";
  const auto& [manifest, inventory] = settings.listing;
  Listing listing;
  if (!manifest && !inventory) return listing;
  const std::string& text = inventory ? *inventory : *manifest;
  listing.flag = inventory ? "--inventory" : "--manifest";
  std::error_code bad;
  catalog::Place place;
  place.kind = inventory ? catalog::Kind::kInventory : catalog::Kind::kKeys;
  place.bucket = settings.job.source_bucket;
  place.name = (inventory ? "inventory " : "manifest ") + printable(text);
  place.on_shelf = text.starts_with(kScheme);
  place.path = text;
  place.sort_in = std::filesystem::temp_directory_path(bad);
  if (bad) place.sort_in = "/tmp";
  if (place.on_shelf) {
    const auto slash = text.find('/', kScheme.size());
    if (slash == std::string::npos || slash + 1 == text.size()) {
      return fail(ErrorKind::kInvalid, listing.flag + " " + printable(text) + ": write s3://bucket/key");
    }
    listing.shelf = BucketName{text.substr(kScheme.size(), slash - kScheme.size())};
    place.path = text.substr(slash + 1);
  }
  listing.catalog = catalog::make_catalog(std::move(place));
  return listing;
}

std::string below_home(const Environment& environment, std::string_view file) {
  return environment("HOME").value_or("") + "/.aws/" + std::string{file};
}

}  // namespace

Result<MakeClients> connect(Settings* settings, const Environment& environment, Clock* clock, Rng* rng) {
  auto recipe = std::make_shared<Recipe>();
  auto key = gcs_key(settings);
  if (!key) return fail(std::move(key).error());
  recipe->key = *std::move(key);
  recipe->settings = *settings;
  const S3Settings& s3 = settings->s3;
  recipe->credentials_file = s3.credentials_file.empty() ? below_home(environment, "credentials") : s3.credentials_file;
  recipe->config_file = s3.config_file.empty() ? below_home(environment, "config") : s3.config_file;
  auto listing = listing_of(*settings);
  if (!listing) return fail(std::move(listing).error());
  recipe->listing = *std::move(listing);
  recipe->http.ca_file = settings->ca_file;
  net::proxies_from_environment(&recipe->http);
  recipe->clock = clock;
  recipe->rng = rng;
  if (needs_source(*settings)) {
    if (auto checked = check_s3_credentials(*recipe); !checked) return fail(std::move(checked).error());
  }
  return MakeClients{
      [recipe](Executor executor, Patience patience) { return make_clients(*recipe, executor, patience); }};
}

}  // namespace ferry::app
