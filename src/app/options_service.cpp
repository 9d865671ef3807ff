#include "app/options_service.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <limits>
#include <utility>

#include "app/read_value.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kProjectBytesMax = 100;
constexpr std::size_t kResourceBytesMin = 3, kResourceBytesMax = 255;  // protocol limits of Pub/Sub
constexpr std::uint64_t kLeaseSecondsMin = 10, kLeaseSecondsMax = 600;
constexpr std::uint64_t kObjectsMax = 1'000'000'000'000;
constexpr std::size_t kStateSecretBytesMin = 16;
constexpr std::uint16_t kTlsPort = 443;

constexpr Choice<Mark> kMarks[] = {{"published", Mark::kPublished}, {"consumed", Mark::kConsumed}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_only(std::string_view text, std::string_view marks) {
  return std::all_of(text.begin(), text.end(), [marks](char c) {
    return is_letter(c) || is_digit(c) || marks.find(c) != std::string_view::npos;
  });
}

/// Id or number; "example.com:id" is an old form.
std::string read_project(const std::string& text, std::string* into) {
  if (text.empty() || text.size() > kProjectBytesMax || !has_only(text, "-.:_")) {
    return "is not the id of a project; an example: my-project-123";
  }
  *into = text;
  return {};
}

/// Of a topic or subscription: becomes part of projects/P/topics/T.
std::string read_resource(const std::string& text, std::string* into) {
  const bool sized = text.size() >= kResourceBytesMin && text.size() <= kResourceBytesMax;
  if (!sized || !is_letter(text.front()) || !has_only(text, "-_.~+%") || text.starts_with("goog")) {
    return "is not an id of Pub/Sub: 3 to 255 letters, digits or -_.~+%, a letter first, not goog; no projects/… "
           "before it";
  }
  *into = text;
  return {};
}

std::string read_resource(const std::string& text, std::optional<std::string>* into) {
  std::string id;
  auto wrong = read_resource(text, &id);
  if (wrong.empty()) *into = std::move(id);
  return wrong;
}

/// Google's own is spoken to with TLS, however it is written: a token never goes out in the clear.
std::string apply_pubsub_host(Settings* settings, const Given& given) {
  const std::string& text = given.text;
  const bool bare = text.find("://") == std::string::npos;
  const auto origin = net::Origin::parse(bare ? "https://" + text : text);
  if (!origin) return "is not the address of a Pub/Sub server; write host:port for an emulator, else https://host";
  const bool google = origin->host == "googleapis.com" || origin->host.ends_with(".googleapis.com");
  if (google && !origin->tls) return "is Google's, which is reached by https only";
  if (google && given.name == "PUBSUB_EMULATOR_HOST") return "is no emulator; GCP_PUBSUB_HOST names other servers";
  if (bare && !google && origin->port == kTlsPort && !text.ends_with(":443")) {
    return "names no port; an example: localhost:8085";
  }
  const bool is_v6 = origin->host.find(':') != std::string::npos;
  settings->service.pubsub.tls = google || (origin->tls && !bare);
  settings->service.pubsub.host =
      (is_v6 ? "[" + origin->host + "]" : origin->host) + ":" + std::to_string(origin->port);
  return {};
}

std::string apply_lease(Settings* settings, const Given& given) {
  std::uint64_t seconds = 0;
  auto wrong = read_number(given.text, kLeaseSecondsMin, kLeaseSecondsMax, &seconds);
  if (wrong.empty()) settings->service.pubsub.lease = std::chrono::seconds{seconds};
  return wrong;
}

/// What else may be wrong with it, the client says.
std::string apply_redis_address(Settings* settings, const Given& given) {
  if (given.origin == Origin::kFlag && given.text.find('@') != std::string::npos) {
    return "with a user or password is never a flag, because everybody can read command lines; set REDIS_ADDRESS";
  }
  return read_text(given.text, &settings->service.redis.address);
}

std::string apply_state_secret(Settings* settings, const Given& given) {
  if (given.text.size() < kStateSecretBytesMin) return "is too short; it has at least 16 characters";
  settings->service.redis.secret = given.text;
  return {};
}

std::string apply_listen(Settings* settings, const Given& given) {
  constexpr const char* kWrong =
      "is not ADDRESS:PORT with an IP address; examples: 127.0.0.1:8080, 0.0.0.0:8080, [::]:8080";
  const auto colon = given.text.rfind(':');
  if (colon == std::string::npos) return kWrong;
  std::uint64_t port = 0;
  if (!read_number(given.text.substr(colon + 1), 0, std::numeric_limits<std::uint16_t>::max(), &port).empty()) {
    return kWrong;
  }
  std::string address = given.text.substr(0, colon);
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  boost::system::error_code unreadable;
  const auto parsed = boost::asio::ip::make_address(address, unreadable);
  if (unreadable || parsed.is_v6() != bracketed) return kWrong;
  settings->service.admin.address = std::move(address);
  settings->service.admin.port = static_cast<std::uint16_t>(port);
  return {};
}

std::string apply_type(Settings* settings, const Given& given) {
  Mark mark{};
  auto wrong = read_choice(given.text, kMarks, &mark);
  if (wrong.empty()) settings->cache.type = mark;
  return wrong;
}

std::string apply_key(Settings* settings, const Given& given) {
  settings->cache.keys.emplace_back(given.text);
  return {};
}

}  // namespace

std::vector<Option> schedule_options() {
  return {{.name = "scan-interval",
           .value = "TIME",
           .environment = {{"FERRY_SCAN_INTERVAL", false}},
           .group = Group::kWork,
           .commands = kInPublisher,
           .help = "from the begin of one scan to that of the next, as 30s, 10m or 6h (default: 10m)",
           .apply = [](Settings* s, const Given& g) { return read_duration(g.text, &s->service.scan_interval); }},
          {.name = "audit-interval",
           .value = "TIME",
           .environment = {{"FERRY_AUDIT_INTERVAL", false}},
           .group = Group::kWork,
           .commands = kInPublisher,
           .help = "how often a scan ignores the cache and publishes all that the target lacks (default: 24h)",
           .apply = [](Settings* s, const Given& g) { return read_duration(g.text, &s->service.audit_interval); }},
          {.name = "republish-after",
           .value = "TIME",
           .environment = {{"FERRY_REPUBLISH_AFTER", false}},
           .group = Group::kWork,
           .commands = kInPublisher,
           .help = "what was published so long ago and did not arrive is published again (default: 1h)",
           .apply = [](Settings* s, const Given& g) { return read_duration(g.text, &s->service.republish_after); }}};
}

std::vector<Option> pubsub_options() {
  return {{.name = "pubsub-project",
           .value = "ID",
           .environment = {{"GCP_PROJECT_ID"}, {"GOOGLE_CLOUD_PROJECT"}},
           .group = Group::kPubsub,
           .commands = kInServices,
           .help = "project of topic and subscription; an emulator needs none",
           .apply = [](Settings* s, const Given& g) { return read_project(g.text, &s->service.pubsub.project); }},
          {.name = "pubsub-topic",
           .value = "ID",
           .environment = {{"GCP_TOPIC_ID"}},
           .group = Group::kPubsub,
           .commands = kInServices,
           .help = "made if it isn't there (default: bucketferry)",
           .apply = [](Settings* s, const Given& g) { return read_resource(g.text, &s->service.pubsub.topic); }},
          {.name = "pubsub-subscription",
           .value = "ID",
           .environment = {{"GCP_SUBSCRIPTION_ID"}},
           .group = Group::kPubsub,
           .commands = kInServices,
           .help = "made if it isn't there (default: bucketferry-migrators)",
           .apply = [](Settings* s, const Given& g) { return read_resource(g.text, &s->service.pubsub.subscription); }},
          {.name = "pubsub-host",
           .value = "HOST:PORT",
           .environment = {{"PUBSUB_EMULATOR_HOST"}, {"GCP_PUBSUB_HOST"}},
           .group = Group::kPubsub,
           .commands = kInServices,
           .help = "host:port of an emulator, without TLS and token, or https://HOST[:PORT] (default: Google's)",
           .apply = apply_pubsub_host},
          {.name = "dead-letter-topic",
           .value = "ID",
           .environment = {{"FERRY_DEAD_LETTER_TOPIC", false}},
           .group = Group::kPubsub,
           .commands = kInServices,
           .help = "where the broker puts what failed 20 times; must exist (default: none, the ledger is enough)",
           .apply = [](Settings* s,
                       const Given& g) { return read_resource(g.text, &s->service.pubsub.dead_letter_topic); }},
          {.name = "lease",
           .value = "SECONDS",
           .environment = {{"FERRY_LEASE", false}},
           .group = Group::kPubsub,
           .commands = kInServices,
           .help = "how long a message is another's after its migrator went silent, 10 to 600 (default: 60)",
           .apply = apply_lease}};
}

std::vector<Option> redis_options() {
  return {
      {.name = "redis",
       .value = "ADDRESS",
       .environment = {{"REDIS_ADDRESS"}},
       .group = Group::kRedis,
       .commands = kInServices | kInCache,
       .help = "needed: host:port, redis://, rediss:// (TLS), redis-sentinel://h1,h2/master or redis-cluster://h1,h2; "
               "with a password in it, never a flag",
       .apply = apply_redis_address,
       .discreet = true},
      {.name = "redis-username",
       .value = "NAME",
       .environment = {{"REDIS_USERNAME"}},
       .group = Group::kRedis,
       .commands = kInServices | kInCache,
       .help = "user of Redis's access lists (default: Redis's default user)",
       .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.redis.username); }},
      {.name = "redis-password",
       .value = "TEXT",
       .environment = {{"REDIS_PASSWORD"}},
       .group = Group::kRedis,
       .commands = kInServices | kInCache,
       .help = "its password; never a flag",
       .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.redis.password); },
       .secret = true},
      {.name = "redis-password-file",
       .value = "FILE",
       .environment = {{"REDIS_PASSWORD_FILE"}},
       .group = Group::kRedis,
       .commands = kInServices | kInCache,
       .help = "file that holds the password, as a mounted secret",
       .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.redis.password_file); }},
      {.name = "state-secret",
       .value = "TEXT",
       .environment = {{"FERRY_STATE_SECRET", false}},
       .group = Group::kRedis,
       .commands = kInServices,
       .help = "encrypts the upload sessions kept in Redis, alike for all; without it large uploads start over after "
               "a crash; never a flag",
       .apply = apply_state_secret,
       .secret = true},
      {.name = "expected-objects",
       .value = "N",
       .environment = {{"FERRY_EXPECTED_OBJECTS", false}},
       .group = Group::kRedis,
       .commands = kInServices | kInCache,
       .help = "of the bucket, about: decides how compact Redis keeps them (default: 1000000)",
       .apply = [](Settings* s, const Given& g) {
         return read_number(g.text, 1, kObjectsMax, &s->service.redis.expected_objects);
       }}};
}

std::vector<Option> admin_options() {
  return {{.name = "listen",
           .value = "ADDRESS:PORT",
           .environment = {{"FERRY_LISTEN", false}},
           .group = Group::kAdmin,
           .commands = kInServices,
           .help = "where probes, metrics and the publisher's API are served; port 0: any (default: 127.0.0.1:8080)",
           .apply = apply_listen},
          {.name = "admin-username",
           .value = "NAME",
           .environment = {{"SYSTEM_ADMIN_USERNAME"}},
           .group = Group::kAdmin,
           .commands = kInServices,
           .help = "for all but /healthz and /readyz; needed",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.admin.username); }},
          {.name = "admin-password",
           .value = "TEXT",
           .environment = {{"SYSTEM_ADMIN_PASSWORD"}},
           .group = Group::kAdmin,
           .commands = kInServices,
           .help = "its password, at least 12 characters; needed; never a flag",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.admin.password); },
           .secret = true},
          {.name = "admin-password-file",
           .value = "FILE",
           .environment = {{"SYSTEM_ADMIN_PASSWORD_FILE"}},
           .group = Group::kAdmin,
           .commands = kInServices,
           .help = "file that holds the password, as a mounted secret",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.admin.password_file); }},
          {.name = "tls-cert",
           .value = "FILE",
           .environment = {{"FERRY_TLS_CERT", false}},
           .group = Group::kAdmin,
           .commands = kInServices,
           .help = "certificate chain (PEM) to serve https with (default: plain http)",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.admin.certificate_file); }},
          {.name = "tls-key",
           .value = "FILE",
           .environment = {{"FERRY_TLS_KEY", false}},
           .group = Group::kAdmin,
           .commands = kInServices,
           .help = "its key (PEM)",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.admin.key_file); }}};
}

std::vector<Option> cache_options() {
  return {{.name = "type",
           .value = "TYPE",
           .environment = {},
           .group = Group::kCache,
           .commands = kInCache,
           .help = "list, delete: published or consumed (default: both)",
           .apply = apply_type,
           .flag_only = true},
          {.name = "key",
           .value = "KEY",
           .environment = {},
           .group = Group::kCache,
           .commands = kInCache,
           .help = "delete: of this key, exactly as it is in the bucket; may be repeated",
           .apply = apply_key,
           .list = true,
           .flag_only = true},
          {.name = "all",
           .value = "",
           .environment = {},
           .group = Group::kCache,
           .commands = kInCache,
           .help = "delete: of all keys of this SRC and DST; wants --yes, too",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->cache.all); },
           .flag_only = true},
          {.name = "yes",
           .value = "",
           .environment = {},
           .group = Group::kCache,
           .commands = kInCache,
           .help = "delete: all is what you mean",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->cache.yes); },
           .flag_only = true}};
}

}  // namespace ferry::app
