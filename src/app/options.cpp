#include "app/options.hpp"

#include <algorithm>
#include <iterator>

#include "app/options_service.hpp"
#include "app/options_verify.hpp"
#include "app/read_value.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kTransfersMax = 20'000;
constexpr std::size_t kThreadsMax = 256;
constexpr std::uint64_t kGraceSecondsMax = 3'600;
constexpr std::uint64_t kRestoreDaysMax = 365;
constexpr std::uint64_t kRateMax = 1ULL << 50;
constexpr std::uint64_t kObjectRateMax = 10'000'000;

/// A region becomes part of a host name.
std::string read_region(const std::string& text, std::optional<std::string>* into) {
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

/// "FROM=TO[,FROM=TO…]"
std::string apply_storage_class(Settings* settings, const Given& given) {
  constexpr std::string_view kClasses[] = {"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"};
  auto& map = settings->metadata.storage_classes;
  map.clear();
  for (std::string_view rest = given.text;;) {
    const auto entry = rest.substr(0, rest.find(','));
    const auto equals = entry.find('=');
    const auto from = trim(entry.substr(0, equals));
    const auto to = equals == std::string_view::npos ? std::string_view{} : trim(entry.substr(equals + 1));
    if (from.empty() || std::ranges::find(kClasses, to) == std::end(kClasses)) {
      return "is not S3CLASS=GCSCLASS, with STANDARD, NEARLINE, COLDLINE or ARCHIVE behind the =; an example: "
             "STANDARD_IA=NEARLINE,GLACIER_IR=COLDLINE";
    }
    if (std::ranges::find(map, from, &std::pair<std::string, std::string>::first) != map.end()) {
      return "names a class twice";
    }
    map.emplace_back(from, to);
    if (entry.size() == rest.size()) return {};
    rest.remove_prefix(entry.size() + 1);
  }
}

/// Becomes part of an address.
std::string apply_kms_key(Settings* settings, const Given& given) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view{"-_/.:"}.find(c) != std::string_view::npos;
  };
  if (!given.text.starts_with("projects/") || given.text.find("/cryptoKeys/") == std::string::npos ||
      given.text.size() > 1024 || !std::ranges::all_of(given.text, allowed)) {
    return "is not the name of a key: projects/PROJECT/locations/PLACE/keyRings/RING/cryptoKeys/KEY";
  }
  settings->gcs.kms_key = given.text;
  return {};
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

/// "CLASS[,CLASS…]", of whatever name: servers have their own.
std::string apply_class_filter(Settings* settings, const Given& given) {
  constexpr std::size_t kClassBytesMax = 64;
  const auto allowed = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  for (std::string_view rest = given.text;;) {
    const auto entry = rest.substr(0, rest.find(','));
    const auto name = trim(entry);
    if (name.empty() || name.size() > kClassBytesMax || !std::ranges::all_of(name, allowed)) {
      return "is not a storage class of S3, or several; an example: STANDARD,STANDARD_IA";
    }
    settings->filter.storage_classes.emplace_back(name);
    if (entry.size() == rest.size()) return {};
    rest.remove_prefix(entry.size() + 1);
  }
}

std::string apply_restore(Settings* settings, const Given& given) {
  std::uint64_t days = 0;
  auto wrong = read_number(given.text, 1, kRestoreDaysMax, &days);
  if (wrong.empty()) settings->restore_days = static_cast<std::uint32_t>(days);
  return wrong;
}

/// Whether it names a bucket and something in it, the one who opens it says.
std::string apply_inventory(Settings* settings, const Given& given) {
  if (!given.text.starts_with("s3://")) return "is not the address of an inventory: s3://bucket/path/manifest.json";
  return read_text(given.text, &settings->listing.inventory);
}

constexpr Choice<OnForeign> kOnForeign[] = {{"fail", OnForeign::kFail}, {"overwrite", OnForeign::kOverwrite}};
constexpr Choice<Integrity> kIntegrity[] = {
    {"auto", Integrity::kAuto}, {"full", Integrity::kFull}, {"fast", Integrity::kFast}};
constexpr Choice<NamePolicy> kNames[] = {
    {"fail", NamePolicy::kFail}, {"skip", NamePolicy::kSkip}, {"escape", NamePolicy::kEscape}};
constexpr Choice<TagsTo> kTags[] = {
    {"metadata", TagsTo::kMetadata}, {"contexts", TagsTo::kContexts}, {"none", TagsTo::kNowhere}};
constexpr Choice<std::string_view> kRestoreTier[] = {
    {"bulk", "Bulk"}, {"standard", "Standard"}, {"expedited", "Expedited"}};
constexpr Choice<bool> kCustomTime[] = {{"none", false}, {"modified", true}};
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
           .commands = kInCopy | kInServices | kInPlan,
           .help = "a target object that bucketferry did not write is in the way: fail or overwrite (default: fail)",
           .apply = [](Settings* s, const Given& g) { return read_choice(g.text, kOnForeign, &s->on_foreign); }},
          {.name = "integrity",
           .value = "HOW",
           .environment = {{"FERRY_INTEGRITY", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInMigrator | kInPlan,
           .help = "what to spend on proof: auto, the cheapest checksum that S3 holds; full, every one, and a second "
                   "reading where there is none; fast, only what GCS verifies by itself (default: auto)",
           .apply = [](Settings* s, const Given& g) { return read_choice(g.text, kIntegrity, &s->integrity); }},
          {.name = "dry-run",
           .value = "",
           .environment = {},
           .group = Group::kWork,
           .commands = kInCopy,
           .help = "say what would be copied, and with --delete deleted; write nothing anywhere",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->dry_run); }},
          {.name = "grace",
           .value = "SECONDS",
           .environment = {{"FERRY_GRACE", false}},
           .group = Group::kWork,
           .commands = kInCopy | kInMigrator,
           .help = "after Ctrl-C or SIGTERM: time for small objects to finish (default: 10, migrator: 25)",
           .apply = apply_grace}};
}

/// "100MiB": a number, and K, M, G or T for powers of 1024; "B" or "iB" may follow.
std::string apply_rate(Settings* settings, const Given& given) {
  constexpr std::string_view kUnits = "KMGT";
  std::string_view text = given.text;
  if (text.ends_with('B')) text.remove_suffix(1);
  if (text.ends_with('i')) text.remove_suffix(1);
  const auto unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
  if (unit != std::string_view::npos) text.remove_suffix(1);
  const auto number = parse_u64(text);
  const auto shift = unit == std::string_view::npos ? 0 : 10 * (unit + 1);
  if (!number || *number == 0 || *number > kRateMax >> shift) {
    return "is not a rate in bytes per second; an example: 100MiB";
  }
  settings->plan.bytes_per_second = *number << shift;
  return {};
}

std::string apply_object_rate(Settings* settings, const Given& given) {
  return read_number(given.text, 1, kObjectRateMax, &settings->plan.objects_per_second);
}

std::vector<Option> plan_options() {
  return {{.name = "rate",
           .value = "BYTES",
           .environment = {},
           .group = Group::kPlan,
           .commands = kInPlan,
           .help = "bytes per second that a copy will reach, for the estimate of time (default: 100MiB)",
           .apply = apply_rate},
          {.name = "object-rate",
           .value = "N",
           .environment = {},
           .group = Group::kPlan,
           .commands = kInPlan,
           .help = "objects per second that it will reach (default: 500)",
           .apply = apply_object_rate},
          {.name = "prices",
           .value = "FILE",
           .environment = {{"FERRY_PRICES", false}},
           .group = Group::kPlan,
           .commands = kInPlan,
           .help = "price table, YAML (default: a built-in one, whose date and source it names)",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->plan.price_file); }},
          {.name = "print-prices",
           .value = "",
           .environment = {},
           .group = Group::kPlan,
           .commands = kInPlan,
           .help = "print the built-in price table, to be edited, and end; needs no SRC",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->plan.print_prices); },
           .flag_only = true}};
}

std::vector<Option> selection_options() {
  return {{.name = "include",
           .value = "GLOB",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInScans,
           .help = "only keys that match; may be repeated (default: all)",
           .apply = [](Settings* s, const Given& g) { return apply_glob(&s->filter.include, g); },
           .list = true},
          {.name = "exclude",
           .value = "GLOB",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInScans,
           .help = "no keys that match; outranks --include; may be repeated",
           .apply = [](Settings* s, const Given& g) { return apply_glob(&s->filter.exclude, g); },
           .list = true},
          {.name = "min-size",
           .value = "SIZE",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInScans,
           .help = "no smaller objects; bytes, or with K, M, G or T behind it",
           .apply = [](Settings* s, const Given& g) { return read_size(g.text, &s->filter.size_min); }},
          {.name = "max-size",
           .value = "SIZE",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInScans,
           .help = "no larger objects",
           .apply = [](Settings* s, const Given& g) { return read_size(g.text, &s->filter.size_max); }},
          {.name = "modified-since",
           .value = "TIME",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInScans,
           .help = "only objects modified then or later: 2026-01-31, 2026-01-31T12:00:00Z, or 7d for seven days ago",
           .apply = [](Settings* s, const Given& g) { return read_moment(g.text, &s->filter.modified_since); }},
          {.name = "modified-before",
           .value = "TIME",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInScans,
           .help = "only objects modified earlier",
           .apply = [](Settings* s, const Given& g) { return read_moment(g.text, &s->filter.modified_before); }},
          {.name = "storage-class",
           .value = "CLASS",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInScans,
           .help = "only objects of this class of S3, or of several: STANDARD,STANDARD_IA; may be repeated",
           .apply = apply_class_filter,
           .list = true}};
}

std::vector<Option> listing_options() {
  return {{.name = "manifest",
           .value = "FILE",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInScans,
           .help = "only these keys, from a file here or s3://bucket/key: CSV bucket,key[,version] with keys "
                   "URL-encoded, or a plain key on each line; costs a request per key",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->listing.manifest); }},
          {.name = "inventory",
           .value = "URL",
           .environment = {},
           .group = Group::kSelection,
           .commands = kInScans,
           .help = "take the listing from an S3 inventory (CSV) instead of the bucket: s3://bucket/path/manifest.json",
           .apply = apply_inventory}};
}

std::vector<Option> restore_options() {
  return {{.name = "restore",
           .value = "DAYS",
           .environment = {{"FERRY_RESTORE", false}},
           .group = Group::kSelection,
           .commands = kInCopy | kInServices,
           .help = "ask S3 to restore archived objects for so many days, which costs money; a later run or scan copies "
                   "them (default: leave them)",
           .apply = apply_restore},
          {.name = "restore-tier",
           .value = "TIER",
           .environment = {{"FERRY_RESTORE_TIER", false}},
           .group = Group::kSelection,
           .commands = kInCopy | kInMigrator,
           .help = "how fast and how dear: bulk, standard or expedited (default: bulk)",
           .apply = [](Settings* s, const Given& g) {
             std::string_view tier;
             auto wrong = read_choice(g.text, kRestoreTier, &tier);
             if (wrong.empty()) s->restore_tier = tier;
             return wrong;
           }}};
}

std::vector<Option> source_options() {
  return {{.name = "s3-endpoint",
           .value = "URL",
           .environment = {{"AWS_ENDPOINT_URL_S3"}, {"AWS_ENDPOINT_URL"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "another server that speaks S3, path style (default: Amazon's of the region)",
           .apply = [](Settings* s, const Given& g) { return read_endpoint(g.text, &s->s3.endpoint); }},
          {.name = "s3-region",
           .value = "NAME",
           .environment = {{"AWS_REGION"}, {"AWS_DEFAULT_REGION"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "region of the bucket (default: the profile's, else us-east-1)",
           .apply = [](Settings* s, const Given& g) { return read_region(g.text, &s->s3.region); }},
          {.name = "s3-path-style",
           .value = "",
           .environment = {{"FERRY_S3_PATH_STYLE", false}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "bucket in the path, not in the host name",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->s3.path_style); }},
          {.name = "s3-requester-pays",
           .value = "",
           .environment = {{"FERRY_S3_REQUESTER_PAYS", false}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "agree to pay for requests and traffic of such a bucket",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->s3.requester_pays); }},
          {.name = "sse-c-key-file",
           .value = "FILE",
           .environment = {{"FERRY_SSE_C_KEY_FILE", false}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "key of objects that are encrypted with a customer-provided key (SSE-C): 32 bytes, raw or base64",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.customer_key_file); }}};
}

std::vector<Option> source_credential_options() {
  return {{.name = "s3-profile",
           .value = "NAME",
           .environment = {{"AWS_PROFILE"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "profile of the shared files (default: default)",
           .apply = apply_profile},
          {.name = "s3-credentials-file",
           .value = "FILE",
           .environment = {{"AWS_SHARED_CREDENTIALS_FILE"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "shared credentials (default: ~/.aws/credentials)",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.credentials_file); }},
          {.name = "s3-config-file",
           .value = "FILE",
           .environment = {{"AWS_CONFIG_FILE"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "shared configuration (default: ~/.aws/config)",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.config_file); }},
          {.name = "s3-anonymous",
           .value = "",
           .environment = {{"FERRY_S3_ANONYMOUS", false}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "a public bucket: send no credentials",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->s3.anonymous); }},
          {.name = "s3-access-key-id",
           .value = "TEXT",
           .environment = {{"AWS_ACCESS_KEY_ID"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "access key; never a flag",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.access_key_id); },
           .secret = true},
          {.name = "s3-secret-access-key",
           .value = "TEXT",
           .environment = {{"AWS_SECRET_ACCESS_KEY"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "its secret; never a flag",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.secret_access_key); },
           .secret = true},
          {.name = "s3-session-token",
           .value = "TEXT",
           .environment = {{"AWS_SESSION_TOKEN"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "its session token, if it is temporary; never a flag",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.session_token); },
           .secret = true}};
}

std::vector<Option> source_role_options() {
  return {{.name = "s3-role-arn",
           .value = "ARN",
           .environment = {{"AWS_ROLE_ARN"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "role to take on with an identity token",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.role_arn); }},
          {.name = "s3-web-identity-token-file",
           .value = "FILE",
           .environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "file that holds the token; read again whenever one is needed",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.token_file); }},
          {.name = "s3-google-identity",
           .value = "AUDIENCE",
           .environment = {{"FERRY_S3_GOOGLE_IDENTITY", false}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "take the role on as the Google service account that we are, with a token for this audience",
           .apply = [](Settings* s, const Given& g) { return read_text(g.text, &s->s3.google_identity); }},
          {.name = "s3-sts-endpoint",
           .value = "URL",
           .environment = {{"AWS_ENDPOINT_URL_STS"}, {"AWS_ENDPOINT_URL"}},
           .group = Group::kSource,
           .commands = kInCopy | kInVerify | kInServices | kInPlan,
           .help = "another server that gives credentials for roles (default: Amazon's of the region)",
           .apply = [](Settings* s, const Given& g) { return read_endpoint(g.text, &s->s3.sts_endpoint); }}};
}

std::vector<Option> target_options() {
  return {
      {.name = "gcs-endpoint",
       .value = "URL",
       .environment = {{"STORAGE_EMULATOR_HOST"}},
       .group = Group::kTarget,
       .help = "another server that speaks GCS's JSON API (default: https://storage.googleapis.com)",
       .apply = apply_gcs_endpoint},
      {.name = "gcs-credentials",
       .value = "FILE",
       .environment = {{"GCP_CREDENTIALS", true, true}, {"GOOGLE_APPLICATION_CREDENTIALS"}},
       .group = Group::kTarget,
       .help = "credentials file, such as a service-account key; GCP_CREDENTIALS may also hold the JSON text itself "
               "(default: what gcloud left, else the metadata server)",
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
       .help = "a token endpoint, besides Google's, that the file may name",
       .apply = [](Settings* s, const Given& g) { return read_endpoint(g.text, &s->gcs.token_origin); }}};
}

std::vector<Option> name_options() {
  return {
      {.name = "names",
       .value = "WHAT",
       .environment = {{"FERRY_NAMES", false}},
       .group = Group::kTarget,
       .commands = kInCopy | kInVerify | kInServices | kInPlan,
       .help = "keys that GCS can't hold as names: fail; skip, leave them out; or escape, write each byte in the way "
               "as ~xNN (default: fail)",
       .apply = [](Settings* s, const Given& g) { return read_choice(g.text, kNames, &s->job.names.policy); }},
      {.name = "hierarchical",
       .value = "",
       .environment = {{"FERRY_HIERARCHICAL", false}},
       .group = Group::kTarget,
       .commands = kInCopy | kInVerify | kInServices | kInPlan,
       .help = "the target bucket has a hierarchical namespace, whose rules for names are stricter",
       .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->job.names.hierarchical); }}};
}

std::vector<Option> metadata_options() {
  return {
      {.name = "tags",
       .value = "WHERE",
       .environment = {{"FERRY_TAGS", false}},
       .group = Group::kTarget,
       .commands = kInCopy | kInMigrator,
       .help = "tags become custom metadata, contexts or nothing: metadata, contexts or none (default: metadata)",
       .apply = [](Settings* s, const Given& g) { return read_choice(g.text, kTags, &s->metadata.tags); }},
      {.name = "storage-class-map",
       .value = "MAP",
       .environment = {{"FERRY_STORAGE_CLASS_MAP", false}},
       .group = Group::kTarget,
       .commands = kInCopy | kInMigrator | kInPlan,
       .help = "which class of S3 becomes which of GCS, as STANDARD_IA=NEARLINE,*=STANDARD (default: that of the "
               "target bucket)",
       .apply = apply_storage_class},
      {.name = "custom-time",
       .value = "WHAT",
       .environment = {{"FERRY_CUSTOM_TIME", false}},
       .group = Group::kTarget,
       .commands = kInCopy | kInMigrator,
       .help = "set customTime to when the source object was modified: none or modified (default: none)",
       .apply = [](Settings* s,
                   const Given& g) { return read_choice(g.text, kCustomTime, &s->metadata.modified_as_custom_time); }},
      {.name = "kms-key",
       .value = "NAME",
       .environment = {{"FERRY_KMS_KEY", false}},
       .group = Group::kTarget,
       .commands = kInCopy | kInMigrator,
       .help = "key that encrypts what is uploaded, projects/…/cryptoKeys/KEY (default: the target bucket's)",
       .apply = apply_kms_key}};
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
           .commands = kInCopy | kInVerify | kInCache | kInPlan | kInDoctor,
           .help = "the summary as one JSON object on stdout (cache: lines of JSON; doctor: its checks)",
           .apply = [](Settings* s, const Given& g) { return read_switch(g.text, &s->json); }},
          {.name = "progress",
           .value = "HOW",
           .environment = {{"FERRY_PROGRESS", false}},
           .group = Group::kOutput,
           .commands = kInCopy | kInVerify | kInCache | kInPlan,
           .help = "auto, bar, plain or none (default: auto, a bar on a terminal, else a line every 10 s)",
           .apply = [](Settings* s, const Given& g) { return read_choice(g.text, kProgress, &s->progress); }},
          {.name = "quiet",
           .value = "",
           .environment = {},
           .group = Group::kOutput,
           .commands = kInCopy | kInVerify | kInCache | kInPlan,
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

bool names_what_we_talk_to(Group group) {
  return group == Group::kSource || group == Group::kTarget || group == Group::kPubsub || group == Group::kRedis;
}

std::vector<Option> make_options() {
  std::vector<Option> table;
  for (auto part : {plan_options,
                    work_options,
                    adoption_options,
                    deletion_options,
                    verify_options,
                    schedule_options,
                    selection_options,
                    listing_options,
                    restore_options,
                    source_options,
                    source_credential_options,
                    source_role_options,
                    target_options,
                    name_options,
                    metadata_options,
                    pubsub_options,
                    redis_options,
                    admin_options,
                    cache_options,
                    output_options,
                    evidence_options,
                    general_options}) {
    std::ranges::move(part(), std::back_inserter(table));
  }
  for (Option& option : table) {
    if (names_what_we_talk_to(option.group)) option.commands |= kInDoctor;
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
    case Group::kCache: return "Which";
    case Group::kPlan: return "Plan";
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
