#include "app/options.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "kit/base/text.hpp"
#include "target/gcs/credentials.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kTransfersMax = 20'000;
constexpr std::size_t kThreadsMax = 256;
constexpr std::uint64_t kGraceSecondsMax = 3'600;

/// `text` as a whole number from `first` to `last`, or what is wrong with it.
std::string read_number(const std::string& text, std::uint64_t first, std::uint64_t last, std::uint64_t* number) {
  const auto parsed = parse_u64(text);
  if (!parsed || *parsed < first || *parsed > last) {
    return "is not a whole number from " + std::to_string(first) + " to " + std::to_string(last);
  }
  *number = *parsed;
  return {};
}

std::string read_switch(const std::string& text, bool* on) {
  const std::string word = to_lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") {
    *on = true;
  } else if (word == "false" || word == "no" || word == "off" || word == "0") {
    *on = false;
  } else {
    return "is neither true nor false";
  }
  return {};
}

template <class T>
struct Choice {
  std::string_view word;
  T value;
};

template <class T, std::size_t N>
std::string read_choice(const std::string& text, const Choice<T> (&choices)[N], T* chosen) {
  std::string known;
  for (const auto& choice : choices) {
    if (text == choice.word) {
      *chosen = choice.value;
      return {};
    }
    known += (known.empty() ? "" : ", ") + std::string{choice.word};
  }
  return "is none of: " + known;
}

std::string read_text(const std::string& text, std::string* into) {
  if (text.empty()) return "is empty";
  *into = text;
  return {};
}

std::string read_text(const std::string& text, std::optional<std::string>* into) {
  if (text.empty()) return "is empty";
  *into = text;
  return {};
}

std::string read_endpoint(const std::string& text, std::optional<net::Origin>* into) {
  auto origin = net::Origin::parse(text);
  if (!origin) return "is not the address of a server; write https://host[:port]";
  *into = *std::move(origin);
  return {};
}

/// A region becomes part of a host name.
std::string read_region(const std::string& text, std::string* into) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (text.empty() || text.size() > 32 || !std::all_of(text.begin(), text.end(), allowed)) {
    return "is not the name of a region; an example: eu-west-1";
  }
  *into = text;
  return {};
}

std::string apply_gcs_endpoint(Settings* settings, const Given& given) {
  const bool emulator = given.name == "STORAGE_EMULATOR_HOST";
  const bool bare = emulator && given.text.find("://") == std::string::npos;
  settings->gcs.emulator = emulator;
  return read_endpoint(bare ? "http://" + given.text : given.text, &settings->gcs.endpoint);
}

std::string apply_gcs_credentials(Settings* settings, const Given& given) {
  if (given.text.empty()) return "is empty";
  settings->gcs.key_named = given.origin != Origin::kEnvironment;
  if (given.name == "GCP_CREDENTIALS" && trim(given.text).starts_with('{')) {
    settings->gcs.key_text = given.text;
  } else {
    settings->gcs.key_file = given.text;
  }
  return {};
}

std::string apply_profile(Settings* settings, const Given& given) {
  settings->s3.profile_by_flag = given.origin == Origin::kFlag;
  return read_text(given.text, &settings->s3.profile);
}

/// "30s", "10m", "6h", "2d"; a bare number is seconds.
std::string read_duration(const std::string& text, Milliseconds* into) {
  constexpr std::uint64_t kSecondsMax = 30 * 86'400;
  const std::string_view units = "smhd";
  constexpr std::uint64_t kSeconds[] = {1, 60, 3'600, 86'400};
  const auto unit = text.empty() ? std::string_view::npos : units.find(text.back());
  const auto number =
      parse_u64(std::string_view{text}.substr(0, text.size() - (unit == std::string_view::npos ? 0 : 1)));
  const auto factor = unit == std::string_view::npos ? 1 : kSeconds[unit];
  if (!number || *number == 0 || *number > kSecondsMax / factor) return "is not a time from 1s to 30d, as 10m";
  *into = std::chrono::seconds{*number * factor};
  return {};
}

/// The name of a project, topic or subscription. protocol-facts 5.1
std::string read_resource(const std::string& text, std::string* into) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-_.~+%"}.find(c) != std::string_view::npos;
  };
  const bool letter = !text.empty() && std::isalpha(static_cast<unsigned char>(text.front()));
  if (!letter || text.size() < 3 || text.size() > 255 || !std::all_of(text.begin(), text.end(), allowed)) {
    return "is not an id: 3 to 255 letters, digits or -_.~+%, a letter first";
  }
  *into = text;
  return {};
}

/// A mounted secret: its last line break is not part of it.
std::string read_secret_file(Settings* settings, const std::string& path, std::string* into) {
  std::optional<std::string> warning;
  auto secret = gcs::read_key_file(path, &warning);
  if (!secret) return "can't be read: " + secret.error().what;
  if (warning) settings->warnings.push_back(*std::move(warning));
  while (secret->ends_with('\n') || secret->ends_with('\r')) secret->pop_back();
  if (secret->empty()) return "is an empty file";
  *into = *std::move(secret);
  return {};
}

std::string apply_pubsub_host(Settings* settings, const Given& given) {
  constexpr std::string_view kHttp = "http://", kHttps = "https://";
  auto& pubsub = settings->service.pubsub;
  std::string_view host = given.text;
  const bool tls = host.starts_with(kHttps);
  if (tls) host.remove_prefix(kHttps.size());
  if (host.starts_with(kHttp)) host.remove_prefix(kHttp.size());
  auto origin = net::Origin::parse((tls ? "https://" : "http://") + std::string{host});
  if (!origin) return "is not an address; write host:port, or https://host";
  const bool google = origin->host.ends_with(".googleapis.com");
  pubsub.tls = tls || google;
  const std::uint16_t port = google && !tls && origin->port == 80 ? 443 : origin->port;
  pubsub.host = origin->host + ":" + std::to_string(port);
  return {};
}

std::string apply_dead_letter_topic(Settings* settings, const Given& given) {
  std::string topic;
  auto wrong = read_resource(given.text, &topic);
  if (wrong.empty()) settings->service.pubsub.dead_letter_topic = std::move(topic);
  return wrong;
}

std::string apply_lease(Settings* settings, const Given& given) {
  std::uint64_t seconds = 0;
  auto wrong = read_number(given.text, 10, 600, &seconds);
  if (wrong.empty()) settings->service.pubsub.lease = std::chrono::seconds{seconds};
  return wrong;
}

std::string apply_redis_address(Settings* settings, const Given& given) {
  if (given.origin == Origin::kFlag && given.text.find('@') != std::string::npos) {
    return "holds a password, and everybody can read command lines; set REDIS_ADDRESS";
  }
  return read_text(given.text, &settings->service.redis.address);
}

std::string apply_state_secret(Settings* settings, const Given& given) {
  if (given.text.size() < 16) return "is too short; 16 characters or more";
  settings->service.redis.secret = given.text;
  return {};
}

std::string apply_expected_objects(Settings* settings, const Given& given) {
  return read_number(given.text, 1, 1'000'000'000'000, &settings->service.redis.expected_objects);
}

std::string apply_listen(Settings* settings, const Given& given) {
  const auto colon = given.text.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : parse_u64(std::string_view{given.text}.substr(colon + 1));
  if (!port || *port > 65'535 || colon == 0) return "is not ADDRESS:PORT; an example: 0.0.0.0:8080";
  auto address = given.text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  settings->service.admin.address = std::move(address);
  settings->service.admin.port = static_cast<std::uint16_t>(*port);
  return {};
}

std::string apply_transfers(Settings* settings, const Given& given) {
  std::uint64_t number = 0;
  auto wrong = read_number(given.text, 1, kTransfersMax, &number);
  if (wrong.empty()) settings->transfers = number;
  return wrong;
}

std::string apply_threads(Settings* settings, const Given& given) {
  std::uint64_t number = 0;
  auto wrong = read_number(given.text, 1, kThreadsMax, &number);
  if (wrong.empty()) settings->threads = number;
  return wrong;
}

std::string apply_grace(Settings* settings, const Given& given) {
  std::uint64_t number = 0;
  auto wrong = read_number(given.text, 0, kGraceSecondsMax, &number);
  if (wrong.empty()) settings->grace = std::chrono::seconds{number};
  return wrong;
}

std::string apply_glob(std::vector<std::string>* globs, const Given& given) {
  if (given.text.empty()) return "is empty; an example: 'logs/*'";
  globs->push_back(given.text);
  return {};
}

constexpr Choice<OnForeign> kOnForeign[] = {{"fail", OnForeign::kFail}, {"overwrite", OnForeign::kOverwrite}};
constexpr Choice<ProgressMode> kProgress[] = {{"auto", ProgressMode::kAuto},
                                              {"bar", ProgressMode::kBar},
                                              {"plain", ProgressMode::kPlain},
                                              {"none", ProgressMode::kNone}};
constexpr Choice<log::Level> kLogLevel[] = {{"debug", log::Level::kDebug},
                                            {"info", log::Level::kInfo},
                                            {"warning", log::Level::kWarning},
                                            {"error", log::Level::kError}};
constexpr Choice<log::Format> kLogFormat[] = {{"text", log::Format::kText}, {"json", log::Format::kJson}};

std::vector<Option> work_options() {
  return {{.name = "transfers",
           .value = "N",
           .environment = {{"SYSTEM_MAX_WORKERS", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInVerify | kInMigrator,
           .help = "objects under way at once (default: 128)",
           .apply = apply_transfers},
          {.name = "threads",
           .value = "N",
           .environment = {{"FERRY_THREADS", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInMigrator,
           .help = "threads that move data (default: one per core, at most 2)",
           .apply = apply_threads},
          {.name = "state",
           .value = "FILE",
           .environment = {{"FERRY_STATE", false}},
           .group = Group::kWork,
           .commands = kInCopy,
           .help = "what is remembered between runs, a SQLite file (default: ~/.local/state/bucketferry/JOB.sqlite)",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->state_file); }},
          {.name = "on-foreign",
           .value = "WHAT",
           .environment = {{"FERRY_ON_FOREIGN", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInServices,
           .help = "a target object that bucketferry did not write is in the way: fail or overwrite (default: fail)",
           .apply = [](Settings* s, const Given& g) { return read_choice(g.text, kOnForeign, &s->on_foreign); }},
          {.name = "dry-run",
           .value = "",
           .environment = {},
           .group = Group::kWork,
           .commands = kInCopy,
           .help = "say what would be copied; write nothing anywhere",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->dry_run); }},
          {.name = "grace",
           .value = "SECONDS",
           .environment = {{"FERRY_GRACE", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInMigrator,
           .help = "after Ctrl-C: time for small objects to finish (default: 10, migrator: 25)",
           .apply = apply_grace},
          {.name = "deep",
           .value = "",
           .environment = {},
           .group = Group::kWork,
           .commands = kInVerify,
           .help = "read every source object again and compare its CRC32C with the target's",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->deep); }},
          {.name = "ignore-extra",
           .value = "",
           .environment = {},
           .group = Group::kWork,
           .commands = kInVerify,
           .help = "objects that only the target has are no difference",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->ignore_extra); }}};
}

std::vector<Option> selection_options() {
  return {{.name = "include",
           .value = "GLOB",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInCopy | kInVerify | kInPublisher,
           .help = "only keys that match; may be repeated (default: all)",
           .apply = [](Settings* s, const Given& g) { return apply_glob(&s->include, g); },
           .list = true},
          {.name = "exclude",
           .value = "GLOB",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInCopy | kInVerify | kInPublisher,
           .help = "no keys that match; outranks --include; may be repeated",
           .apply = [](Settings* s, const Given& g) { return apply_glob(&s->exclude, g); },
           .list = true}};
}

std::vector<Option> source_options() {
  return {{.name = "s3-endpoint",
           .value = "URL",
           .environment = {{"AWS_ENDPOINT_URL_S3"}, {"AWS_ENDPOINT_URL"}},
           .group = Group::kSource,
           .help = "another server that speaks S3, path style (default: Amazon's of the region)",
           .apply = [](Settings* s, const Given& g) { return read_endpoint(g.text, &s->s3.endpoint); }},
          {.name = "s3-region",
           .value = "NAME",
           .environment = {{"AWS_REGION"}, {"AWS_DEFAULT_REGION"}},
           .group = Group::kSource,
           .help = "region of the bucket (default: us-east-1)",
           .apply = [](Settings* s, const Given& g) { return read_region(g.text, &s->s3.region); }},
          {.name = "s3-path-style",
           .value = "",
           .environment = {{"FERRY_S3_PATH_STYLE", false}},
           .group = Group::kSource,
           .help = "bucket in the path, not in the host name",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->s3.path_style); }},
          {.name = "s3-requester-pays",
           .value = "",
           .environment = {{"FERRY_S3_REQUESTER_PAYS", false}},
           .group = Group::kSource,
           .help = "agree to pay for requests and traffic of such a bucket",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->s3.requester_pays); }}};
}

std::vector<Option> source_credential_options() {
  return {{.name = "s3-profile",
           .value = "NAME",
           .environment = {{"AWS_PROFILE"}},
           .group = Group::kSource,
           .help = "profile in ~/.aws/credentials (default: default)",
           .apply = apply_profile},
          {.name = "s3-credentials-file",
           .value = "FILE",
           .environment = {{"AWS_SHARED_CREDENTIALS_FILE"}},
           .group = Group::kSource,
           .help = "shared credentials (default: ~/.aws/credentials)",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.credentials_file); }},
          {.name = "s3-config-file",
           .value = "FILE",
           .environment = {{"AWS_CONFIG_FILE"}},
           .group = Group::kSource,
           .help = "shared configuration (default: ~/.aws/config)",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.config_file); }},
          {.name = "s3-anonymous",
           .value = "",
           .environment = {{"FERRY_S3_ANONYMOUS", false}},
           .group = Group::kSource,
           .help = "a public bucket: send no credentials",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->s3.anonymous); }},
          {.name = "s3-access-key-id",
           .value = "TEXT",
           .environment = {{"AWS_ACCESS_KEY_ID"}},
           .group = Group::kSource,
           .help = "access key; never a flag",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.access_key_id); },
           .secret = true},
          {.name = "s3-secret-access-key",
           .value = "TEXT",
           .environment = {{"AWS_SECRET_ACCESS_KEY"}},
           .group = Group::kSource,
           .help = "its secret; never a flag",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.secret_access_key); },
           .secret = true},
          {.name = "s3-session-token",
           .value = "TEXT",
           .environment = {{"AWS_SESSION_TOKEN"}},
           .group = Group::kSource,
           .help = "its session token, if it is temporary; never a flag",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.session_token); },
           .secret = true}};
}

std::vector<Option> target_options() {
  return {{.name = "gcs-endpoint",
           .value = "URL",
           .environment = {{"STORAGE_EMULATOR_HOST"}},
           .group = Group::kTarget,
           .help = "another server that speaks GCS's JSON API (default: https://storage.googleapis.com)",
           .apply = apply_gcs_endpoint},
          {.name = "gcs-credentials",
           .value = "FILE",
           .environment = {{"GCP_CREDENTIALS", true, true}, {"GOOGLE_APPLICATION_CREDENTIALS"}},
           .group = Group::kTarget,
           .help = "service-account key; GCP_CREDENTIALS may also hold the JSON text itself",
           .apply = apply_gcs_credentials},
          {.name = "gcs-anonymous",
           .value = "",
           .environment = {{"FERRY_GCS_ANONYMOUS", false}},
           .group = Group::kTarget,
           .help = "send no credentials",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->gcs.anonymous); }},
          {.name = "gcs-token-origin",
           .value = "URL",
           .environment = {{"FERRY_TOKEN_ORIGIN", false}},
           .group = Group::kTarget,
           .help = "a token endpoint, besides Google's, that the key may name",
           .apply = [](Settings* s, const Given& g) { return read_endpoint(g.text, &s->gcs.token_origin); }}};
}

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
           .help = "project of topic and subscription (an emulator needs none)",
           .apply = [](Settings* s, const Given& g) { return read_resource(g.text, &s->service.pubsub.project); }},
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
           .help = "an emulator, without TLS and token, or https://HOST (default: pubsub.googleapis.com)",
           .apply = apply_pubsub_host},
          {.name = "dead-letter-topic",
           .value = "ID",
           .environment = {{"FERRY_DEAD_LETTER_TOPIC", false}},
           .group = Group::kPubsub,
           .commands = kInServices,
           .help = "where the broker puts what failed 20 times; must exist (default: none, the ledger is enough)",
           .apply = apply_dead_letter_topic},
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
       .commands = kInServices,
       .help = "host:port, redis://, rediss:// (TLS), redis-sentinel://h1,h2/master or redis-cluster://h1,h2",
       .apply = apply_redis_address,
       .discreet = true},
      {.name = "redis-username",
       .value = "NAME",
       .environment = {{"REDIS_USERNAME"}},
       .group = Group::kRedis,
       .commands = kInServices,
       .help = "user of Redis's access lists (default: Redis's default user)",
       .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.redis.username); }},
      {.name = "redis-password",
       .value = "TEXT",
       .environment = {{"REDIS_PASSWORD"}},
       .group = Group::kRedis,
       .commands = kInServices,
       .help = "its password; never a flag",
       .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->service.redis.password); },
       .secret = true},
      {.name = "redis-password-file",
       .value = "FILE",
       .environment = {{"REDIS_PASSWORD_FILE"}},
       .group = Group::kRedis,
       .commands = kInServices,
       .help = "the same from a file, as a mounted secret",
       .apply = [](Settings* s, const Given& g) { return read_secret_file(s, g.text, &s->service.redis.password); }},
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
       .commands = kInServices,
       .help = "of the bucket, about: decides how compact Redis keeps them (default: 1000000)",
       .apply = apply_expected_objects}};
}

std::vector<Option> admin_options() {
  return {
      {.name = "listen",
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
       .help = "the same from a file, as a mounted secret",
       .apply = [](Settings* s, const Given& g) { return read_secret_file(s, g.text, &s->service.admin.password); }},
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

std::vector<Option> output_options() {
  return {{.name = "report",
           .value = "FILE",
           .environment = {},
           .group = Group::kOutput,
           .commands = kInCopy | kInVerify,
           .help = "evidence, one line of JSON per object (copy leaves out what was unchanged)",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->report_file); }},
          {.name = "json",
           .value = "",
           .environment = {},
           .group = Group::kOutput,
           .commands = kInCopy | kInVerify,
           .help = "the summary as one JSON object on stdout",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->json); }},
          {.name = "progress",
           .value = "HOW",
           .environment = {{"FERRY_PROGRESS", false}},
           .group = Group::kOutput,
           .commands = kInCopy | kInVerify,
           .help = "auto, bar, plain or none (default: auto, a bar on a terminal, else a line every 10 s)",
           .apply = [](Settings* s, const Given& g) { return read_choice(g.text, kProgress, &s->progress); }},
          {.name = "quiet",
           .value = "",
           .environment = {},
           .group = Group::kOutput,
           .commands = kInCopy | kInVerify,
           .help = "no progress and no summary, unless something is wrong",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->quiet); }},
          {.name = "log-level",
           .value = "LEVEL",
           .environment = {{"FERRY_LOG_LEVEL", false}},
           .group = Group::kOutput,
           .help = "debug, info, warning or error (default: warning, services: info)",
           .apply = [](Settings* s, const Given& g) { return read_choice(g.text, kLogLevel, &s->log_level); }},
          {.name = "log-format",
           .value = "FORMAT",
           .environment = {{"FERRY_LOG_FORMAT", false}},
           .group = Group::kOutput,
           .help = "text or json, to stderr (default: text, services: json)",
           .apply = [](Settings* s, const Given& g) { return read_choice(g.text, kLogFormat, &s->log_format); }}};
}

std::vector<Option> general_options() {
  return {{.name = "ca-file",
           .value = "FILE",
           .environment = {{"FERRY_CA_FILE", false}},
           .group = Group::kGeneral,
           .help = "certificate authorities (PEM) to trust besides the system's",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->ca_file); }}};
}

std::vector<Option> make_options() {
  std::vector<Option> table;
  for (auto part : {work_options, schedule_options, selection_options, source_options, source_credential_options,
                    target_options, pubsub_options, redis_options, admin_options, output_options, general_options}) {
    std::ranges::move(part(), std::back_inserter(table));
  }
  return table;
}

}  // namespace

std::string_view heading(Group group) {
  switch (group) {
    case Group::kWork: return "Work";
    case Group::kSelection: return "Selection";
    case Group::kSource: return "Source (S3)";
    case Group::kTarget: return "Target (GCS)";
    case Group::kPubsub: return "Pub/Sub";
    case Group::kRedis: return "Redis";
    case Group::kAdmin: return "HTTP";
    case Group::kOutput: return "Output";
    case Group::kGeneral: return "General";
  }
  return {};
}

const std::vector<Option>& options() {
  static const std::vector<Option> table = make_options();
  return table;
}

bool belongs_to(const Option& option, Command command) {
  return (option.commands & (1U << static_cast<unsigned>(command))) != 0;
}

}  // namespace ferry::app
