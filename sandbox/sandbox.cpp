#include "sandbox/sandbox.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "kit/base/text.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {

Sandbox::Sandbox(Settings settings, Clock* clock, Rng* rng)
    : settings_(std::move(settings)),
      clock_(clock),
      rng_(rng),
      account_(settings_.account ? settings_.account
                                 : std::make_shared<const ServiceAccount>(ServiceAccount::make(rng))),
      tokens_(clock, rng, settings_.token_life),
      keys_(clock, rng, settings_.token_life) {}

Result<std::unique_ptr<Sandbox>> Sandbox::make(Settings settings, Clock* clock, Rng* rng) {
  std::unique_ptr<Sandbox> sandbox(new Sandbox(std::move(settings), clock, rng));
  if (auto opened = sandbox->open(); !opened) return fail(std::move(opened).error());
  sandbox->make_buckets();
  return sandbox;
}

Status Sandbox::open() {
  auto log = EventLog::open(settings_.event_log, settings_.events_kept, clock_);
  if (!log) return fail(std::move(log).error());
  log_ = *std::move(log);
  s3_store_ = std::make_unique<S3Store>(clock_);
  gcs_store_ = std::make_unique<GcsStore>(clock_, settings_.limit_mutations);
  if (settings_.data_dir) {
    if (settings_.discard) return fail(ErrorKind::kInvalid, "--discard and --data exclude each other");
    std::error_code bad;
    std::filesystem::create_directories(*settings_.data_dir, bad);
    if (bad) return fail(ErrorKind::kInvalid, "data folder " + *settings_.data_dir + ": " + bad.message());
    // Both stores write one file: a journal's offsets then mean the same for both.
    auto bytes = file_store(*settings_.data_dir + "/bytes");
    if (!bytes) return fail(std::move(bytes).error());
    auto journal = Journal::open(*settings_.data_dir, s3_store_.get(), gcs_store_.get(), bytes->get());
    if (!journal) return fail(std::move(journal).error());
    journal_ = *std::move(journal);
    s3_bytes_ = *std::move(bytes);
  } else {
    s3_bytes_ = memory_store();
    if (settings_.discard) gcs_bytes_ = discarding_store();
  }
  auto* gcs_bytes = gcs_bytes_ ? gcs_bytes_.get() : s3_bytes_.get();
  s3_ = std::make_unique<S3Service>(settings_.s3, s3_store_.get(), s3_bytes_.get(), &keys_, log_.get(), clock_, rng_);
  gcs_ = std::make_unique<GcsService>(settings_.gcs, gcs_store_.get(), gcs_bytes, &tokens_, log_.get(), rng_);
  token_ = std::make_unique<TokenService>(account_.get(), &tokens_, clock_);
  identity_ = std::make_unique<IdentityService>(&keys_, &tokens_, clock_, rng_);
  return {};
}

void Sandbox::make_buckets() {
  const auto info = [&](std::string_view text) {
    const auto at = text.find('@');
    S3BucketInfo bucket;
    bucket.name = text.substr(0, at);
    bucket.region = at == std::string_view::npos ? settings_.s3.region : std::string(text.substr(at + 1));
    bucket.created = clock_->wall();
    bucket.requester_pays =
        std::ranges::find(settings_.buckets_requester_pays, bucket.name) != settings_.buckets_requester_pays.end();
    bucket.open = std::ranges::find(settings_.buckets_open, bucket.name) != settings_.buckets_open.end();
    return bucket;
  };
  for (const auto& name : settings_.buckets_s3)
    (void)s3_store_->make_bucket(info(name));  // kept from an earlier run: fine
  for (const auto& name : settings_.buckets_requester_pays) (void)s3_store_->make_bucket(info(name));
  for (const auto& name : settings_.buckets_open) (void)s3_store_->make_bucket(info(name));
  for (const auto& name : settings_.buckets_gcs) (void)gcs_store_->make_bucket(name);
  for (const auto& spec : settings_.synthetic) {
    auto bucket = info(spec.bucket);
    constexpr auto kModified = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};  // the same in every run
    bucket.created = kModified;
    s3_store_->make_synthetic(std::move(bucket), SyntheticKeys(spec.count, spec.size, spec.bucket));
  }
}

void Sandbox::spoil(Service* service, Call* call, Wire* wire) {
  const auto& route = call->route;
  auto action = faults_.match(service->name(), route.operation, route.bucket, route.key);
  if (!action) return;
  wire->arm(*std::move(action), route.uploads, [service, call](const FaultMutation& mutation) {
    service->mutate(mutation.bucket.empty() ? call->route.bucket : mutation.bucket,
                    mutation.key.empty() ? call->route.key : mutation.key, mutation.replacement);
  });
}

Task<> Sandbox::handle(Service* service, net::ServerExchange* exchange) {
  Wire wire(exchange, settings_.pace, clock_);
  constexpr std::string_view kOwn = "/_sandbox/";
  if (const std::string_view target = wire.request().target; target.starts_with(kOwn)) {
    co_return co_await administer(&wire, target.substr(kOwn.size()));
  }
  Service* served = service;
  if (service == gcs_.get() && wire.request().target == "/token") served = token_.get();
  Call call{&wire, served->route(wire.request())};
  spoil(served, &call, &wire);
  if (!co_await wire.intervene()) co_await served->serve(&call);

  RequestEvent event;
  event.service = served->name();
  event.operation = call.route.operation;
  event.bucket = call.route.bucket;
  const auto safe_key = is_utf8(call.route.key) ? std::string{} : printable(call.route.key);
  event.key = safe_key.empty() ? std::string_view(call.route.key) : std::string_view(safe_key);
  event.range = call.range;
  event.generation = call.generation;
  event.status = wire.status();
  event.bytes_in = wire.bytes_in();
  event.bytes_out = wire.bytes_out();
  if (wire.fault()) event.fault = wire.fault()->text;
  log_->request(event);
}

Status Sandbox::start_pubsub(pubsub::ServerOptions options) {
  pubsub_watch_ = std::make_unique<PubsubWatch>(&faults_, log_.get(), settings_.gcs.check_tokens ? &tokens_ : nullptr);
  auto started = pubsub::start_server(std::move(options), pubsub_watch_.get(), clock_, rng_);
  if (!started) return fail(std::move(started).error());
  pubsub_ = *std::move(started);
  return {};
}

/// The body of the answer; nothing: not a request about the broker, or there is none.
std::optional<std::string> Sandbox::administer_pubsub(std::string_view method, std::string_view name,
                                                      const Target& target) {
  if (!pubsub_) return std::nullopt;
  if (method == "GET" && name == "pubsub") return to_json(pubsub_->holdings());
  if (method != "POST") return std::nullopt;
  const auto asked = target.query.get("code");
  const auto code = pubsub::parse_code(asked.empty() ? "UNAVAILABLE" : asked);
  if (name == "pubsub/expire") {
    pubsub_->expire_leases();
  } else if (name == "pubsub/forget") {
    pubsub_->forget();
  } else if (name == "pubsub/end-streams" && code) {
    pubsub_->end_streams(*code);
  } else {
    return std::nullopt;
  }
  return "{}";
}

Task<> Sandbox::administer(Wire* wire, std::string_view path) {
  const auto& method = wire->request().method;
  const auto target = parse_target(wire->request().target);
  const auto name = path.substr(0, path.find('?'));
  int status = 200;
  std::string body = "{}";
  std::string type = "application/json";
  if (method == "GET" && name == "health") {
    body = R"({"ok":true})";
  } else if (method == "GET" && name == "events" && target) {
    log_->flush();
    type = "application/x-ndjson";
    body = log_->read(parse_u64(target->query.get("after")).value_or(0),
                      parse_u64(target->query.get("limit")).value_or(10'000));
  } else if (method == "GET" && name == "counters") {
    body = log_->counters();
  } else if (method == "GET" && name == "sessions") {
    const auto counts = gcs_store_->session_counts();
    body.clear();
    JsonObject(&body).number("open", counts.open).number("finished", counts.finished).number("dead", counts.dead).end();
  } else if (method == "POST" && name == "reset") {
    log_->reset();
  } else if (method == "GET" && name == "faults") {
    body = faults_.describe();
  } else if (method == "DELETE" && name == "faults") {
    faults_.clear();
  } else if (method == "POST" && name == "revoke-tokens") {
    tokens_.revoke_all();
    keys_.expire_all();
  } else if (method == "POST" && name == "faults") {
    const auto lines = co_await wire->read_all(16 << 20);
    if (!lines) co_return;
    if (const auto added = faults_.add_lines(*lines); !added) {
      status = 400;
      body.clear();
      JsonObject(&body).text("error", added.error().what).end();
    }
  } else if (auto answer = target ? administer_pubsub(method, name, *target) : std::nullopt) {
    body = *std::move(answer);
  } else {
    status = 404;
    body =
        R"({"error":"known are GET health, events, counters, sessions, faults; POST faults, reset, revoke-tokens; )"
        R"(DELETE faults; with --pubsub GET pubsub, POST pubsub/expire, pubsub/forget, pubsub/end-streams?code=NAME"})";
  }
  net::Headers headers{{"Content-Type", type}};
  (void)co_await wire->respond(status, std::move(headers), std::move(body));
}

}  // namespace ferry::sandbox
