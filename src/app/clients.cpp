#include "app/clients.hpp"

#include <utility>

#include "app/cloud_credentials.hpp"
#include "kit/net/http_client.hpp"
#include "source/s3/s3_source.hpp"
#include "target/gcs/gcs_target.hpp"

namespace ferry::app {
namespace {

constexpr Backoff kFirstPageBackoff{.first = Milliseconds{200}, .ceiling = Milliseconds{2'000}, .attempts_max = 5};
constexpr Milliseconds kFirstPageConnectTimeout{4'000};

/// Everything that every thread's clients are made from.
struct Recipe {
  Settings settings;
  CloudCredentials credentials;
  net::ClientOptions http;
  Clock* clock = nullptr;
  Rng* rng = nullptr;
};

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

Status add_source(const Recipe& recipe, Backoff backoff, Clients* clients) {
  s3::Options from;
  from.bucket = recipe.settings.job.source_bucket;
  from.region = recipe.credentials.region;
  from.endpoint = recipe.settings.s3.endpoint;
  from.path_style = recipe.settings.s3.path_style;
  from.requester_pays = recipe.settings.s3.requester_pays;
  from.backoff = backoff;
  auto credentials = aws_credentials(recipe, *clients);
  auto source = s3::make_source(std::move(from), std::move(credentials), clients->http.get(), recipe.clock, recipe.rng);
  if (!source) return fail(std::move(source).error());
  clients->source = *std::move(source);
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
  if (auto added = add_target(recipe, backoff, &clients); !added) return fail(std::move(added).error());
  return clients;
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
  recipe->http.ca_file = settings->ca_file;
  net::proxies_from_environment(&recipe->http);
  recipe->clock = clock;
  recipe->rng = rng;
  return MakeClients{
      [recipe](Executor executor, Patience patience) { return make_clients(*recipe, executor, patience); }};
}

}  // namespace ferry::app
