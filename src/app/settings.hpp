#pragma once
// Everything a run can be told, after flags, environment and settings file were merged and checked (design §7).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domain/job.hpp"
#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"
#include "observe/log.hpp"
#include "plan/decide.hpp"
#include "plan/filter.hpp"
#include "plan/integrity.hpp"
#include "plan/metadata_map.hpp"
#include "plan/prune_limit.hpp"
#include "state/record.hpp"
#include "verify/sample.hpp"

namespace ferry::app {

enum class Command { kCopy, kVerify, kPublisher, kMigrator, kCache, kPlan, kDoctor };
[[nodiscard]] constexpr bool is_service(Command command) {
  return command == Command::kPublisher || command == Command::kMigrator;
}

enum class ProgressMode { kAuto, kBar, kPlain, kNone };

struct S3Settings {
  std::optional<net::Origin> endpoint;  ///< nothing: Amazon's own
  std::optional<std::string> region;    ///< nothing: of the profile, else us-east-1
  bool path_style = false;
  bool requester_pays = false;
  bool anonymous = false;
  std::optional<std::string> customer_key_file;  ///< of SSE-C
  std::string customer_key;                      ///< read from it: 32 bytes
  std::optional<std::string> profile;
  bool profile_by_flag = false;  ///< then it outranks keys in the environment, as with Amazon's own tools
  std::optional<std::string> access_key_id, secret_access_key, session_token;
  std::string credentials_file, config_file;   ///< shared files; empty: ~/.aws/…
  std::string role_arn;                        ///< to take on with an identity token
  std::string token_file;                      ///< that holds one
  std::optional<std::string> google_identity;  ///< audience of one of Google's, to take it on with instead
  std::optional<net::Origin> sts_endpoint;     ///< nothing: Amazon's own
};

struct GcsSettings {
  std::optional<net::Origin> endpoint;  ///< nothing: Google's own
  bool emulator = false;                ///< endpoint named by STORAGE_EMULATOR_HOST
  bool anonymous = false;
  std::optional<std::string> key_file;  ///< credentials file of any kind
  std::optional<std::string> key_text;  ///< the same, as JSON text
  bool key_named = false;               ///< by flag or settings file, so it is meant for an emulator, too
  std::optional<net::Origin> token_origin;
  std::optional<std::string> kms_key;  ///< of what is uploaded
};

struct PubsubSettings {
  std::string project;
  std::string topic = "bucketferry", subscription = "bucketferry-migrators";
  std::string host = "pubsub.googleapis.com:443";  ///< host:port, IPv6 in brackets
  bool tls = true;                                 ///< false: an emulator; no token is sent there
  std::optional<std::string> dead_letter_topic;
  std::chrono::seconds lease{60};
};

struct RedisSettings {
  std::string address;  ///< as redis::ClientOptions; may hold a password
  std::string username, password;
  std::optional<std::string> password_file;  ///< was read into `password`
  std::string secret;                        ///< encrypts upload sessions; empty: they are not kept
  std::uint64_t expected_objects = 1'000'000;
};

struct AdminSettings {
  std::string address = "127.0.0.1";  ///< IPv4 or IPv6
  std::uint16_t port = 8080;          ///< 0: any free one
  std::string username, password;
  std::optional<std::string> password_file;               ///< was read into `password`
  std::optional<std::string> certificate_file, key_file;  ///< both or none
};

/// What publisher and migrators have besides; `cache` has only Redis.
struct ServiceSettings {
  PubsubSettings pubsub;
  RedisSettings redis;
  AdminSettings admin;
  Milliseconds scan_interval{600'000};
  Milliseconds audit_interval{86'400'000};
  Milliseconds republish_after{3'600'000};
};

/// A listing that comes from a file instead of the bucket.
struct ListingSettings {
  std::optional<std::string> manifest;   ///< a file of keys: here, or s3://bucket/key
  std::optional<std::string> inventory;  ///< s3://bucket/…/manifest.json
  [[nodiscard]] bool from_file() const { return manifest || inventory; }
};

enum class CacheAction { kList, kShow, kDelete, kFailures, kRebuild };

struct CacheSettings {
  CacheAction action = CacheAction::kList;
  std::optional<Mark> type;     ///< nothing: both
  std::vector<ObjectKey> keys;  ///< of show (one) and delete; all are keys of the job
  bool all = false;             ///< delete: instead of keys
  bool yes = false;             ///< delete: all is meant
};

struct PlanSettings {
  std::optional<std::string> price_file;  ///< nothing: the built-in prices
  std::uint64_t bytes_per_second = 100 << 20;
  std::uint64_t objects_per_second = 500;
  bool print_prices = false;
};

struct Settings {
  Command command = Command::kCopy;
  Job job;
  S3Settings s3;
  GcsSettings gcs;
  ServiceSettings service;
  CacheSettings cache;
  PlanSettings plan;

  std::size_t transfers = 128;         ///< at once, over all threads
  std::optional<std::size_t> threads;  ///< nothing: one per core, at most two
  std::optional<std::string> ca_file;
  Filter filter;
  ListingSettings listing;
  std::optional<std::uint32_t> restore_days;  ///< ask for archived objects to be made readable
  std::string restore_tier = "Bulk";

  OnForeign on_foreign = OnForeign::kFail;
  bool adopt = false;
  bool prune = false;  ///< delete what left the source
  PruneLimit prune_limit{};
  bool allow_empty_source = false;
  Integrity integrity = Integrity::kAuto;
  MetadataChoices metadata{};
  bool dry_run = false;
  std::optional<std::string> state_file;  ///< nothing: below $XDG_STATE_HOME, by job
  Milliseconds grace{10'000};

  bool deep = false;
  bool compare_metadata = false;
  std::optional<Sample> sample;       ///< without its seed
  std::optional<std::uint64_t> seed;  ///< nothing: any
  bool ignore_extra = false;
  std::optional<std::string> html_file;

  std::optional<std::string> report_file;
  bool json = false;
  bool quiet = false;
  ProgressMode progress = ProgressMode::kAuto;
  log::Level log_level = log::Level::kWarning;
  log::Format log_format = log::Format::kText;

  std::vector<std::string> warnings;  ///< found while reading the settings; one line each
};

}  // namespace ferry::app
