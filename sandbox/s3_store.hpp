#pragma once
// What the S3 side holds: buckets, objects, uploads in parts. Any thread; an object never changes once it is stored.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "kit/async/clock.hpp"
#include "sandbox/content.hpp"
#include "sandbox/pattern.hpp"
#include "sandbox/sigv4.hpp"

namespace ferry::sandbox {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct S3Checksum {
  HashKind kind = HashKind::kCrc32c;
  std::string value;  ///< base64, with "-N" if composite
  bool full_object = true;
};

struct S3Part {
  std::uint64_t size = 0;
  std::optional<S3Checksum> checksum;
};

struct S3Object {
  std::string etag;     ///< with quotes
  WallTime modified{};  ///< milliseconds in listings, whole seconds in headers
  Content content;
  Pairs headers;   ///< Content-Type and its like, as they are sent back
  Pairs metadata;  ///< without x-amz-meta-, raw bytes
  Pairs tags;
  std::string storage_class;          ///< empty: STANDARD
  std::string encryption = "AES256";  ///< AES256, aws:kms or SSE-C
  std::string customer_key_md5;       ///< SSE-C
  std::optional<S3Checksum> checksum;
  std::vector<S3Part> parts;              ///< of a multipart upload
  std::string archive_tier;               ///< of INTELLIGENT_TIERING: ARCHIVE_ACCESS and its like; empty: not archived
  std::optional<WallTime> readable_from;  ///< of a restore that was asked for
  std::optional<WallTime> restored_until;
  std::string version_id;  ///< empty: bucket without versions
  bool delete_marker = false;
  std::shared_ptr<const S3Object> previous;  ///< older version
  bool synthetic = false;
};
using S3ObjectPtr = std::shared_ptr<const S3Object>;

struct S3Upload {
  std::string bucket, key;
  S3Object draft;  ///< what was fixed when the upload began
  std::optional<HashKind> checksum_kind;
  bool checksum_full = false;
  struct Part {
    Content content;
    std::string md5;  ///< raw
    std::string etag;
    WallTime modified{};
    std::optional<S3Checksum> checksum;
  };
  std::map<int, Part> parts;
};

struct S3BucketInfo {
  std::string name, region;
  WallTime created{};
  bool open = false;  ///< may be read without credentials
  bool versions = false;
  bool requester_pays = false;
};

struct S3ListQuery {
  std::string prefix, delimiter;
  std::string after;          ///< exclusive; of keys, or of a whole common prefix
  bool after_prefix = false;  ///< `after` is a common prefix that was listed already
  std::size_t limit = 1000;
};
struct S3ListEntry {
  std::string key, etag, storage_class;
  std::optional<WallTime> readable_from, restored_until;
  WallTime modified{};
  std::uint64_t size = 0;
  std::optional<HashKind> checksum;
  bool checksum_full = true;
};
struct S3Listing {
  std::vector<S3ListEntry> entries;
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string next;  ///< goes on behind this key, or common prefix
  bool next_is_prefix = false;
};

/// How a write is made conditional; empty members ask for nothing.
struct S3Conditions {
  std::optional<std::string> if_match, if_none_match;
};

/// Hears of every change, in order, under the store's lock: the journal.
class S3Observer {
 public:
  virtual ~S3Observer() = default;
  virtual void bucket_made(const S3BucketInfo& bucket) = 0;
  virtual void bucket_gone(std::string_view bucket) = 0;
  virtual void object_stored(std::string_view bucket, std::string_view key, const S3Object& object) = 0;
  virtual void object_gone(std::string_view bucket, std::string_view key) = 0;
};

class S3Store {
 public:
  explicit S3Store(Clock* clock) : clock_(clock) {}
  void observe(S3Observer* observer) { observer_ = observer; }

  [[nodiscard]] S3Result<std::monostate> make_bucket(S3BucketInfo info);
  void make_synthetic(S3BucketInfo info, SyntheticKeys keys);
  [[nodiscard]] S3Result<std::monostate> remove_bucket(std::string_view name);
  [[nodiscard]] std::optional<S3BucketInfo> bucket(std::string_view name) const;
  [[nodiscard]] std::vector<S3BucketInfo> buckets() const;
  void set_versions(std::string_view bucket, bool on);

  /// Null: no such key. May be a delete marker. `version`: empty for the newest.
  [[nodiscard]] S3ObjectPtr find(std::string_view bucket, std::string_view key, std::string_view version = {}) const;
  /// Stores under the key and gives the object its time and version. @return the object as stored
  [[nodiscard]] S3Result<S3ObjectPtr> put(std::string_view bucket, const std::string& key, S3Object object,
                                          const S3Conditions& conditions = {});
  /// Another state of the same version (tags, restored): keeps its time. Nothing happens if `current` was overwritten.
  void replace(std::string_view bucket, const std::string& key, const S3ObjectPtr& current, S3Object object);
  /// @return the delete marker, where versions are on
  S3ObjectPtr remove(std::string_view bucket, const std::string& key);
  [[nodiscard]] S3Result<S3Listing> list(std::string_view bucket, const S3ListQuery& query) const;
  /// Every version of every key, newest first.
  [[nodiscard]] std::vector<std::pair<std::string, S3ObjectPtr>> versions(std::string_view bucket,
                                                                          std::string_view prefix) const;

  [[nodiscard]] std::string start_upload(S3Upload upload, std::string id);
  /// Runs `use` on the upload under the lock. False: no such upload of that key.
  bool with_upload(std::string_view bucket, std::string_view key, std::string_view id,
                   const std::function<void(S3Upload*)>& use);
  bool drop_upload(std::string_view bucket, std::string_view key, std::string_view id);
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> uploads(std::string_view bucket) const;  ///< key, id

  /// Puts back what a journal tells; no observer hears of it.
  void restore(std::string_view bucket, const std::string& key, S3Object object);

 private:
  struct Bucket {
    S3BucketInfo info;
    std::optional<SyntheticKeys> synthetic;
    std::map<std::string, S3ObjectPtr, std::less<>> objects;  ///< null: a synthetic key that was deleted
  };
  class Cursor;
  [[nodiscard]] const Bucket* find_bucket(std::string_view name) const;
  [[nodiscard]] Bucket* find_bucket(std::string_view name);
  [[nodiscard]] S3ObjectPtr newest(const Bucket& bucket, std::string_view key) const;
  [[nodiscard]] S3ObjectPtr computed(const Bucket& bucket, std::uint64_t index) const;
  [[nodiscard]] std::string fresh_version();

  Clock* const clock_;
  S3Observer* observer_ = nullptr;
  mutable std::mutex mutex_;
  std::uint64_t versions_made_ = 0;
  std::map<std::string, Bucket, std::less<>> buckets_;
  std::map<std::string, S3Upload, std::less<>> uploads_;
};

}  // namespace ferry::sandbox
