#include "app/clients.hpp"

#include <filesystem>
#include <utility>

#include "app/cloud_credentials.hpp"
#include "kit/base/text.hpp"
#include "kit/net/http_client.hpp"
#include "source/catalog/catalog_source.hpp"
#include "source/s3/s3_source.hpp"
#include "target/gcs/gcs_target.hpp"

namespace ferry::app {
namespace {

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
  CloudCredentials credentials;
  net::ClientOptions http;
  Listing listing;
  Clock* clock = nullptr;
  Rng* rng = nullptr;
};

bool needs_target(const Settings& settings) { return !settings.job.target_bucket.empty(); }
bool needs_source(const Settings& settings) { return settings.command != Command::kCache; }

/// What Pub/Sub asks for, and which token it was given last.
class Bearer {
 public:
  explicit Bearer(std::shared_ptr<gcs::TokenProvider> provider) : provider_(std::move(provider)) {}
  Task<Result<std::string>> get() {
    auto token = co_await provider_->token();
    if (!token) co_return fail(std::move(token).error());
    last_ = token->value_or("");
    co_return last_.empty() ? std::string{} : "Bearer " + last_;
  }
  void refused() { provider_->refused(last_); }

 private:
  std::shared_ptr<gcs::TokenProvider> provider_;
  std::string last_;
};

net::Routes routes_of(const Clients& clients) { return {clients.http.get(), clients.near.get()}; }

std::shared_ptr<s3::CredentialProvider> aws_credentials(const Recipe& recipe, const Clients& clients) {
  const auto& shared = recipe.credentials.aws;
  return shared ? shared->provider(routes_of(clients)) : s3::anonymous_credentials();
}

s3::Options s3_options(const Recipe& recipe, Backoff backoff) {
  const S3Settings& s3 = recipe.settings.s3;
  s3::Options from;
  from.bucket = recipe.settings.job.source_bucket;
  from.region = recipe.credentials.region;
  from.endpoint = s3.endpoint;
  from.path_style = s3.path_style;
  from.requester_pays = s3.requester_pays;
  from.customer_key = s3.customer_key;
  from.backoff = backoff;
  return from;
}

Result<std::unique_ptr<ObjectSource>> make_source(const Recipe& recipe, s3::Options from, Clients* clients) {
  auto credentials = aws_credentials(recipe, *clients);
  return s3::make_source(std::move(from), std::move(credentials), clients->http.get(), recipe.clock, recipe.rng);
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
  const auto& shared = recipe.credentials.google;
  auto tokens = shared ? shared->provider(routes_of(*clients)) : gcs::no_token();
  gcs::Options to;
  to.bucket = recipe.settings.job.target_bucket;
  to.endpoint = recipe.settings.gcs.endpoint;
  to.kms_key = recipe.settings.gcs.kms_key;
  to.backoff = backoff;
  if (shared) {
    auto bearer = std::make_shared<Bearer>(tokens);
    clients->authorization = [bearer] { return bearer->get(); };
    clients->authorization_refused = [bearer] { bearer->refused(); };
  }
  auto target = gcs::make_target(std::move(to), std::move(tokens), clients->http.get(), recipe.clock, recipe.rng);
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
  if (recipe.credentials.aws || recipe.credentials.google) {
    auto near = make_near_client(executor, recipe.clock);
    if (!near) return fail(std::move(near).error());
    clients.near = *std::move(near);
  }
  if (needs_source(recipe.settings)) {
    if (auto added = add_source(recipe, backoff, &clients); !added) return fail(std::move(added).error());
  }
  if (needs_target(recipe.settings)) {
    if (auto added = add_target(recipe, backoff, &clients); !added) return fail(std::move(added).error());
  }
  return clients;
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

}  // namespace

Result<MakeClients> connect(Settings* settings, const Environment& environment, Clock* clock, Rng* rng) {
  auto credentials = find_credentials(settings, environment, clock, rng);
  if (!credentials) return fail(std::move(credentials).error());
  // A service stays up and tries again: what it asks may be about to start.
  if (!is_service(settings->command)) {
    if (auto checked = check_guesses(*credentials, clock); !checked) return fail(std::move(checked).error());
  }
  auto recipe = std::make_shared<Recipe>();
  recipe->credentials = *std::move(credentials);
  recipe->settings = *settings;
  auto listing = listing_of(*settings);
  if (!listing) return fail(std::move(listing).error());
  recipe->listing = *std::move(listing);
  recipe->http.ca_file = settings->ca_file;
  net::proxies_from_environment(&recipe->http);
  recipe->clock = clock;
  recipe->rng = rng;
  return MakeClients{
      [recipe](Executor executor, Patience patience) { return make_clients(*recipe, executor, patience); }};
}

}  // namespace ferry::app
