#pragma once
// Where objects go. Rooms: gcs/ (JSON API), memory/ (tests, demo). Every room passes object_target_contract.hpp.
// Nothing behind this door knows about S3. Threads and retries: as in source/object_source.hpp.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "domain/object_meta.hpp"
#include "domain/target_object.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"

namespace ferry {

/// One page of a listing, names strictly ascending in byte order.
struct TargetPage {
  std::vector<TargetObject> objects;  ///< may be empty although more follow
  std::optional<std::string> next;
};

/// How much a listing tells of each object.
enum class Detail { kIdentity, kMetadata };

/// Everything that is fixed when an upload begins.
struct UploadSpec {
  ObjectKey key;  ///< target key
  std::uint64_t size = 0;
  Generation expected;  ///< precondition: the live generation that this write replaces; 0 = nothing there
  ContentHeaders content;
  UserMetadata metadata;                     ///< user's entries and provenance together, within the target's limits
  Tags contexts;                             ///< searchable; legal at the target
  std::optional<std::string> storage_class;  ///< nothing: the bucket's default
  std::optional<Seconds> custom_time;
  std::optional<Digest>
      hash;  ///< kMd5 or kCrc32c of the whole object where known beforehand: the target refuses a mismatch
};

/// Address of an unfinished upload: a bearer secret, never logged.
struct UploadSession {
  std::string secret;
};

/// One upload in progress. Bytes go in order; nothing is visible before commit(). Dropping it abandons the upload; an
/// open session stays at the target for a later resume() until cancel().
class Upload {
 public:
  virtual ~Upload() = default;
  /// The next byte it wants; 0 for a new one, what the target holds after resume() or recover().
  [[nodiscard]] virtual std::uint64_t offset() const = 0;
  /// The first byte of the tail: write() takes [offset(), tail_begin()), commit() takes [tail_begin(), size).
  /// tail_begin() is 0 for objects that are sent in one request from memory; else the tail is 1 B to 256 KiB.
  [[nodiscard]] virtual std::uint64_t tail_begin() const = 0;
  /// Takes all of `bytes`; suspends while the target is slow. The bytes may still be lost until durable() passes them.
  /// @error kUnavailable  connection lost or refused: call recover(), re-read from offset(), go on
  /// @error kConflict, kDenied, kLimit, kInvalid, kCorrupt  this upload is over
  virtual Task<Status> write(std::span<const char> bytes) = 0;
  /// Where durable() will stand when the piece under way is acknowledged. A write that ends there lets the caller save
  /// its hash states for exactly the bytes that the target holds. In (offset(), tail_begin()], or tail_begin().
  [[nodiscard]] virtual std::uint64_t piece_end() const { return tail_begin(); }
  /// Bytes that the target has acknowledged: a new process can go on from here (checkpoint).
  [[nodiscard]] virtual std::uint64_t durable() const = 0;
  /// After kUnavailable of write(): asks the target what it holds and moves offset() there (also backwards, also to 0,
  /// also into a new session). Bounded attempts with back-off inside.
  virtual Task<Status> recover() = 0;
  /// Sends the held-back tail and makes the object visible, if the precondition holds and the target's own checksum of
  /// the whole equals `crc32c`. Repeats itself over lost answers; an answer that never came is a
  /// @error kConflict     412, also when an earlier try of ours succeeded unseen → compare provenance
  /// @error kCorrupt      the target counted other bytes than we did; nothing of it stays visible
  /// @error kUnavailable  outcome unknown → compare provenance before another try
  virtual Task<Result<TargetObject>> commit(std::span<const char> tail, std::uint32_t crc32c) = 0;
  /// Where this upload can be resumed by another process.
  [[nodiscard]] virtual std::optional<UploadSession> session() const = 0;
};

class ObjectTarget {
 public:
  virtual ~ObjectTarget() = default;

  /// One page of live objects whose names start with `prefix`. Errors as ObjectSource::list.
  virtual Task<Result<TargetPage>> list(std::string prefix, std::optional<std::string> token,
                                        Detail detail = Detail::kIdentity) = 0;

  /// The live object with its metageneration, or nothing. One metadata read.
  virtual Task<Result<std::optional<TargetObject>>> stat(ObjectKey key) = 0;

  /// Prepares an upload; may or may not send a request. kLimit: name or metadata that the target can't hold.
  virtual Task<Result<std::unique_ptr<Upload>>> begin(UploadSpec spec) = 0;

  /// Goes on with a session from another process. kGone: the session is dead, begin() anew.
  virtual Task<Result<std::unique_ptr<Upload>>> resume(UploadSpec spec, UploadSession session) = 0;

  /// Ends a session that nobody will finish. Already gone is success.
  virtual Task<Status> cancel(UploadSession session) = 0;

  /// Deletes exactly that generation. Already gone is success; another generation is kConflict.
  virtual Task<Status> remove(ObjectKey key, Generation generation) = 0;

  /// Makes `provenance` the object's own, leaving all its other metadata as it is: only if it is still that generation
  /// in that metageneration.
  /// @error kConflict  it is not, also when an earlier try of ours succeeded unseen → compare provenance
  /// @error kLimit     its metadata can't hold more
  virtual Task<Status> adopt(ObjectKey key, Generation generation, std::int64_t metageneration,
                             Provenance provenance) = 0;

  [[nodiscard]] virtual std::uint64_t requests() const = 0;
};

}  // namespace ferry
