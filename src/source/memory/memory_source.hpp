#pragma once
// A bucket in memory and an ObjectSource over it: for tests, and for everything that must run without a cloud. It
// behaves as S3 does: listings are sorted by bytes and paged, a reader goes on with the version that it opened, tags
// are quoted MD5s.
//
//   auto bucket = std::make_shared<MemoryBucket>(&clock);
//   bucket->put("logs/a.gz", "hello");
//   auto source = memory_source(bucket);

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kit/async/clock.hpp"
#include "source/object_source.hpp"

namespace ferry {

/// What a put() may say beside key and bytes.
struct PutOptions {
  ContentHeaders content;
  UserMetadata user;  ///< sorted, as a source gives it
  std::string storage_class = "STANDARD";
  std::optional<Access> access;  ///< instead of what the class says
  Encryption encryption = Encryption::kNone;
  std::vector<Digest> checksums;
  std::vector<PartsDigest> composites;
  std::uint32_t missing_meta = 0;
  Tags tags;
  bool website_redirect = false, object_lock = false, expires_by_rule = false;
  std::optional<std::size_t> part_size;  ///< uploaded in parts of this size: the tag is `"…-N"`
  std::vector<std::size_t> part_sizes;   ///< the same with parts of these sizes
  bool tells_parts = true;               ///< asked for the size of a part, the source knows it
  std::optional<ETag> etag;              ///< instead of the real one (KMS: a tag that only looks like an MD5)
  std::optional<Seconds> modified;       ///< instead of the clock's time
  std::optional<VersionId> version_id;
};

/// Shared by tests and sources; any thread. Keys are plain strings here, to keep tests short.
class MemoryBucket {
 public:
  /// `clock` outlives the bucket; it dates what is put.
  explicit MemoryBucket(Clock* clock, std::size_t page_size = 1000);
  ~MemoryBucket();
  MemoryBucket(const MemoryBucket&) = delete;
  MemoryBucket& operator=(const MemoryBucket&) = delete;

  Version put(std::string key, std::string bytes, PutOptions options = {});
  void remove(std::string_view key);  ///< nothing happens if it isn't there

  [[nodiscard]] std::optional<ObjectMeta> at(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> bytes(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] std::size_t size() const;

  /// Requests of all sources over this bucket, failed ones included.
  struct Counts {
    std::uint64_t lists = 0, opens = 0, stats = 0, parts = 0, tags = 0, restores = 0;
  };
  [[nodiscard]] Counts counts() const;

  /// Objects put in GLACIER and DEEP_ARCHIVE are archived; asked for, they are being restored until this is called.
  void finish_restores();
  [[nodiscard]] std::vector<RestoreWish> restores() const;  ///< that were started
  void hide_access() { tells_access_ = false; }             ///< in listings, as most servers do

  // Faults. Each strikes `times` times (kAlways: until heal()); key and place decide, not the caller.
  static constexpr int kAlways = -1;
  void fail_list(int nth, Error error, int times = 1);  ///< from the nth list request from now on (1: the next one)
  void fail_open(std::string key, Error error, int times = 1);
  void fail_stat(std::string key, Error error, int times = 1);
  void fail_tags(std::string key, Error error, int times = 1);
  void fail_restore(std::string key, Error error, int times = 1);
  void deny(std::string key);  ///< open and stat: kDenied, until heal()
  /// The reader reports kUnavailable when it comes to byte `offset`, having given all before.
  void cut(std::string key, std::uint64_t offset, int times = 1);
  void flip(std::string key, std::uint64_t offset, int times = 1);  ///< that byte arrives with its lowest bit turned
  /// Runs once, before a reader gives byte `offset` (the object's size: before it says "complete"). May use the bucket.
  void when_read(std::string key, std::uint64_t offset, std::function<void()> action);
  void read_at_most(std::size_t bytes);                 ///< at a time, of every object: as a network gives them
  void list_size(std::string key, std::uint64_t size);  ///< the listing (only) says this
  void heal();                                          ///< ends all of these

 private:
  friend class MemorySource;
  friend class MemoryReader;
  struct Object;
  struct KeyFaults;
  using ObjectRef = std::shared_ptr<const Object>;

  Result<SourcePage> list(const std::string& prefix, const std::optional<std::string>& token,
                          const std::optional<ObjectKey>& after);
  Result<ObjectRef> open(const ObjectKey& key, const std::optional<ETag>& expected, std::uint64_t offset,
                         const std::optional<VersionId>& version);
  Result<ObjectMeta> stat(const ObjectKey& key, const std::optional<VersionId>& version);
  Result<std::optional<std::uint64_t>> part_size(const ObjectKey& key, const ETag& expected, std::uint32_t number,
                                                 const std::optional<VersionId>& version);
  Result<Tags> tags(const ObjectKey& key, const std::optional<VersionId>& version);
  Result<RestoreAnswer> restore(const ObjectKey& key, const RestoreWish& wish, const std::optional<VersionId>& version);
  Result<ObjectRef> find(const ObjectKey& key, const std::optional<VersionId>& version) const;
  void set_access(const std::string& key, Access access);

  Clock* clock_;
  std::size_t page_size_;
  mutable std::mutex mutex_;  // guards everything below; never held while a test's action runs
  std::map<std::string, ObjectRef, std::less<>> objects_;
  std::map<std::string, KeyFaults, std::less<>> faults_;
  struct ListFault;
  std::vector<ListFault> list_faults_;
  Counts counts_;
  std::vector<RestoreWish> restores_;
  bool tells_access_ = true;
  std::size_t read_max_ = SIZE_MAX;
};

/// A source over `bucket`. Retries nothing: each fault shows.
[[nodiscard]] std::unique_ptr<ObjectSource> memory_source(std::shared_ptr<MemoryBucket> bucket);

}  // namespace ferry
