#pragma once
// What the GCS side holds: buckets, objects with generations, upload sessions. Any thread; an object never changes once
// it is stored.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "kit/async/clock.hpp"
#include "sandbox/content.hpp"

namespace ferry::sandbox {

/// What GCS answers when it refuses.
struct GcsError {
  int status;
  std::string reason, message;
  GcsError(int s, std::string r, std::string m) : status(s), reason(std::move(r)), message(std::move(m)) {}
};
template <class T>
using GcsResult = tl::expected<T, GcsError>;

struct GcsObject {
  std::uint64_t generation = 0, metageneration = 0;
  Content content;
  std::uint32_t crc32c = 0;
  std::optional<std::string> md5;     ///< raw; composite objects have none
  std::optional<std::string> sha256;  ///< hex, for the event log
  std::string content_type, content_encoding, content_disposition, content_language, cache_control, custom_time;
  std::string storage_class = "STANDARD";
  std::map<std::string, std::string> metadata;
  std::map<std::string, std::string> contexts;
  std::string kms_key;
  std::uint64_t components = 0;  ///< 0: not composed
  WallTime created{}, updated{};
};
using GcsObjectPtr = std::shared_ptr<const GcsObject>;

/// Conditions of one request; empty members ask for nothing.
struct GcsConditions {
  std::optional<std::uint64_t> generation, not_generation, metageneration, not_metageneration;
  /// A null `current` has generation 0.
  [[nodiscard]] bool hold(const GcsObject* current) const;
};

struct GcsListQuery {
  std::string prefix, delimiter, start, end;  ///< [start, end) in byte order; empty: open
  std::string after;                          ///< exclusive
  bool after_prefix = false;
  std::size_t limit = 1000;
};
struct GcsListing {
  std::vector<std::pair<std::string, GcsObjectPtr>> items;
  std::vector<std::string> prefixes;
  bool truncated = false, next_is_prefix = false;
  std::string next;
};

/// A resumable upload. The mutex guards everything below it.
struct GcsSession {
  std::string bucket, name;
  GcsObject draft;
  GcsConditions conditions;
  std::optional<std::uint64_t> total;      ///< X-Upload-Content-Length
  std::optional<std::string> md5, crc32c;  ///< of the metadata: base64, compared at the end
  std::mutex mutex;
  std::uint64_t writer = 0;  ///< the newest request; older ones may no longer write
  std::optional<Intake> intake;
  GcsObjectPtr finished;
  bool dead = false;
};

class GcsObserver {
 public:
  virtual ~GcsObserver() = default;
  virtual void bucket_made(std::string_view bucket) = 0;
  virtual void bucket_gone(std::string_view bucket) = 0;
  virtual void object_stored(std::string_view bucket, std::string_view name, const GcsObject& object) = 0;
  virtual void object_gone(std::string_view bucket, std::string_view name) = 0;
};

class GcsStore {
 public:
  /// @param limit_mutations  refuse more than one write per second and object, as GCS does
  GcsStore(Clock* clock, bool limit_mutations) : clock_(clock), limit_mutations_(limit_mutations) {}
  void observe(GcsObserver* observer) { observer_ = observer; }

  bool make_bucket(const std::string& name);  ///< false: exists
  [[nodiscard]] GcsResult<std::monostate> remove_bucket(std::string_view name);
  [[nodiscard]] bool has_bucket(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> buckets() const;

  [[nodiscard]] GcsObjectPtr find(std::string_view bucket, std::string_view name) const;
  /// Makes the object visible under a new generation, if the conditions hold at this moment.
  [[nodiscard]] GcsResult<GcsObjectPtr> commit(std::string_view bucket, const std::string& name, GcsObject object,
                                               const GcsConditions& conditions);
  /// A new metageneration of the same bytes.
  [[nodiscard]] GcsResult<GcsObjectPtr> update(std::string_view bucket, const std::string& name,
                                               const GcsConditions& conditions,
                                               const std::function<void(GcsObject*)>& change);
  [[nodiscard]] GcsResult<std::monostate> remove(std::string_view bucket, const std::string& name,
                                                 const GcsConditions& conditions);
  [[nodiscard]] GcsListing list(std::string_view bucket, const GcsListQuery& query) const;

  void start_session(const std::string& id, std::shared_ptr<GcsSession> session);
  struct SessionCounts {
    std::uint64_t open = 0, finished = 0, dead = 0;
  };
  [[nodiscard]] SessionCounts session_counts() const;
  [[nodiscard]] std::shared_ptr<GcsSession> session(std::string_view id) const;

  /// Put back and take away what a journal tells; no observer hears of it.
  void restore(std::string_view bucket, const std::string& name, GcsObject object);
  void forget(std::string_view bucket, const std::string& name);

 private:
  using Objects = std::map<std::string, GcsObjectPtr, std::less<>>;
  [[nodiscard]] std::optional<GcsError> refused(const Objects* objects, std::string_view bucket, std::string_view name,
                                                const GcsConditions& conditions, bool must_exist) const;
  [[nodiscard]] Objects* objects_of(std::string_view bucket);
  [[nodiscard]] const Objects* objects_of(std::string_view bucket) const;

  Clock* const clock_;
  const bool limit_mutations_;
  GcsObserver* observer_ = nullptr;
  mutable std::mutex mutex_;
  std::uint64_t last_generation_ = 0;
  std::map<std::string, Objects, std::less<>> buckets_;
  std::map<std::string, std::shared_ptr<GcsSession>, std::less<>> sessions_;
};

}  // namespace ferry::sandbox
