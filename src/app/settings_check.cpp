#include "app/settings_check.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "admin/api_server.hpp"
#include "app/bounded_file.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kSecretFileBytesMax = 4'096;
constexpr std::size_t kKeyBytesMax = 1'024;
constexpr std::uint64_t kDescriptorsBesides = 48;  // for all but transfers: queue, state, API, log, listings
constexpr std::string_view kEmulatorProject = "bucketferry-local";

tl::unexpected<Error> refuse(std::string why) { return fail(ErrorKind::kInvalid, std::move(why)); }

Status check_key_pair(const S3Settings& s3) {
  if (s3.anonymous || s3.access_key_id.has_value() == s3.secret_access_key.has_value()) return Unit{};
  return refuse(s3.access_key_id ? "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not"
                                 : "AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not");
}

/// A mounted secret is the first and only line of its file; the line break is not part of it.
Status read_secret(const std::string& variable, const std::optional<std::string>& path, std::string* secret,
                   std::vector<std::string>* warnings) {
  if (!path) return Unit{};
  if (!secret->empty()) return refuse(variable + " and " + variable + "_FILE are both set; unset one of them");
  const std::string place = variable + "_FILE: " + printable(*path);
  auto file = read_bounded(*path, kSecretFileBytesMax);
  if (!file) return fail(std::move(file).error().during(place));
  std::string& text = file->text;
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return refuse(place + ": is empty");
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(text, control) || !is_utf8(text)) return refuse(place + ": is not one line of plain text");
  if (file->readable_by_others) warnings->push_back(place + ": others can read this secret; chmod 600");
  *secret = std::move(text);
  return Unit{};
}

Status check_filter(const Filter& filter) {
  if (filter.size_min && filter.size_max && *filter.size_min > *filter.size_max) {
    return refuse("--min-size is larger than --max-size: no object could be in scope");
  }
  const auto& since = filter.modified_since;
  const auto& before = filter.modified_before;
  if (since && before && since->time && before->time && *since->time >= *before->time) {
    return refuse("--modified-since is not earlier than --modified-before: no object could be in scope");
  }
  return Unit{};
}

Status check_listing(const ListingSettings& listing) {
  if (listing.manifest && listing.inventory) return refuse("--manifest and --inventory exclude each other");
  return Unit{};
}

/// As raw bytes, or as base64 in one line of text.
std::optional<std::string> customer_key_of(const std::string& text) {
  constexpr std::size_t kKeyBytes = 32;
  if (text.size() == kKeyBytes) return text;
  auto raw = from_base64(trim(text));
  if (!raw || raw->size() != kKeyBytes) return std::nullopt;
  return raw;
}

Status read_customer_key(Settings* settings) {
  S3Settings& s3 = settings->s3;
  if (!s3.customer_key_file) return Unit{};
  const std::string place = "--sse-c-key-file " + printable(*s3.customer_key_file);
  auto file = read_bounded(*s3.customer_key_file, kSecretFileBytesMax);
  if (!file) return fail(std::move(file).error().during(place));
  auto key = customer_key_of(file->text);
  if (!key) return refuse(place + ": holds no key; it must be 32 bytes, raw or in base64");
  if (file->readable_by_others) settings->warnings.push_back(place + ": others can read this key; chmod 600");
  s3.customer_key = *std::move(key);
  return Unit{};
}

Status complete_redis(Settings* settings) {
  RedisSettings& redis = settings->service.redis;
  if (redis.address.empty()) {
    return refuse(
        "REDIS_ADDRESS is not set: publisher, migrators and cache share what they remember in Redis; set it "
        "or --redis, an example: 127.0.0.1:6379");
  }
  return read_secret("REDIS_PASSWORD", redis.password_file, &redis.password, &settings->warnings);
}

Status complete_pubsub(PubsubSettings* pubsub) {
  if (!pubsub->project.empty()) return Unit{};
  if (pubsub->tls) {
    return refuse(
        "GCP_PROJECT_ID is not set: the Google Cloud project of the Pub/Sub topic; set it or "
        "--pubsub-project, or PUBSUB_EMULATOR_HOST for an emulator");
  }
  pubsub->project = kEmulatorProject;
  return Unit{};
}

Status complete_admin(Settings* settings) {
  AdminSettings& admin = settings->service.admin;
  if (admin.certificate_file.has_value() != admin.key_file.has_value()) {
    return refuse(admin.certificate_file ? "--tls-cert (FERRY_TLS_CERT) is set, but --tls-key (FERRY_TLS_KEY) is not"
                                         : "--tls-key (FERRY_TLS_KEY) is set, but --tls-cert (FERRY_TLS_CERT) is not");
  }
  auto read = read_secret("SYSTEM_ADMIN_PASSWORD", admin.password_file, &admin.password, &settings->warnings);
  return read ? admin::check_credentials(admin.username, admin.password) : read;
}

Status complete_service(Settings* settings) {
  if (auto done = complete_redis(settings); !done) return done;
  if (auto done = complete_pubsub(&settings->service.pubsub); !done) return done;
  return complete_admin(settings);
}

/// Each option of `cache` belongs to some of its subcommands only.
Status check_cache_options(const CacheSettings& cache) {
  const bool lists = cache.action == CacheAction::kList, deletes = cache.action == CacheAction::kDelete;
  const std::size_t own_keys = cache.action == CacheAction::kShow ? 1 : 0;
  if (cache.type && !deletes && !lists) return refuse("--type is for cache list and cache delete");
  if (!deletes && (cache.all || cache.yes)) return refuse("--all and --yes are for cache delete");
  if (!deletes && cache.keys.size() > own_keys) return refuse("--key is for cache delete");
  if (!deletes) return Unit{};
  if (cache.all && !cache.keys.empty()) return refuse("--all and --key exclude each other");
  if (cache.all && !cache.yes) return refuse("--all forgets the marks of every key of this SRC and DST; add --yes");
  if (!cache.all && cache.keys.empty()) return refuse("cache delete wants to know which: --key KEY, or --all --yes");
  return Unit{};
}

Status complete_cache(Settings* settings) {
  if (auto checked = check_cache_options(settings->cache); !checked) return checked;
  for (const ObjectKey& key : settings->cache.keys) {
    if (key.str().size() > kKeyBytesMax) return refuse("a key has at most 1024 bytes");
    if (settings->job.covers(key)) continue;
    return refuse("a key is outside of SRC: the keys of this job begin with '" +
                  printable(settings->job.source_prefix) + "'; write keys as they are in the bucket");
  }
  return complete_redis(settings);
}

Status check_deletions(const Settings& settings) {
  if (settings.allow_empty_source && !settings.prune)
    return refuse("--allow-empty-source is about --delete; give that, too");
  if (settings.prune && settings.listing.from_file())
    return refuse("--delete needs the source's own listing: --manifest and --inventory don't show all that is there");
  if (settings.prune && !settings.filter.by_name_only())
    return refuse("--delete can't tell the size, age or class of what is gone: select by --include and --exclude only");
  return Unit{};
}

Status check_verify(const Settings& settings) {
  const bool closer = settings.deep || settings.compare_metadata;
  if (settings.sample && !closer)
    return refuse("--sample says how many objects --deep or --metadata look at; give one");
  if (settings.seed && !settings.sample) return refuse("--seed draws the objects of --sample; give that, too");
  return Unit{};
}

}  // namespace

Status complete(Settings* settings) {
  if (auto checked = check_key_pair(settings->s3); !checked) return checked;
  if (auto checked = check_filter(settings->filter); !checked) return checked;
  if (auto checked = check_listing(settings->listing); !checked) return checked;
  if (auto read = read_customer_key(settings); !read) return read;
  if (auto checked = check_deletions(*settings); !checked) return checked;
  if (is_service(settings->command)) return complete_service(settings);
  if (settings->command == Command::kCache) return complete_cache(settings);
  if (settings->command == Command::kVerify) return check_verify(*settings);
  if (settings->command == Command::kDoctor && !settings->service.redis.address.empty()) {
    auto done = complete_redis(settings);
    return done ? complete_pubsub(&settings->service.pubsub) : done;
  }
  return Unit{};
}

void fit_to_descriptors(Settings* settings, std::uint64_t limit) {
  if (settings->command != Command::kCopy && settings->command != Command::kMigrator) return;
  const std::uint64_t left = limit > kDescriptorsBesides ? limit - kDescriptorsBesides : 0;
  const auto possible = static_cast<std::size_t>(std::max<std::uint64_t>(1, left / 2));
  if (settings->transfers <= possible) return;
  settings->warnings.push_back("only " + std::to_string(possible) + " of " + std::to_string(settings->transfers) +
                               " transfers at once: the limit of open files is " + std::to_string(limit) +
                               "; raise it (ulimit -n)");
  settings->transfers = possible;
}

}  // namespace ferry::app
