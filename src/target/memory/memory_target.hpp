#pragma once
// A bucket in memory, strict like the real one, with the hooks that tests need: presets, a commit log, planned faults.
// Preconditions are checked when an upload commits, never earlier; unfinished sessions keep whole 256 KiB granules.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "target/object_target.hpp"

namespace ferry::memory {

/// One version of one object, as it became visible.
struct StoredObject {
  ObjectKey key;
  Generation generation;
  std::int64_t metageneration = 1;
  std::shared_ptr<const std::string> bytes;
  std::uint32_t crc32c = 0;
  std::string md5;     ///< 16 raw bytes
  std::string sha256;  ///< 64 hex digits
  ContentHeaders content;
  UserMetadata metadata;
  Tags contexts;
  std::optional<std::string> storage_class;
  std::optional<Seconds> custom_time;
};

enum class TargetOp { kList, kStat, kBegin, kResume, kWrite, kRecover, kCommit, kCancel, kRemove, kAdopt };

/// Shared by any number of targets, on any threads: every call is atomic. Generations start at 1 and only grow.
class TargetBucket {
 public:
  TargetBucket();
  ~TargetBucket();
  TargetBucket(const TargetBucket&) = delete;
  TargetBucket& operator=(const TargetBucket&) = delete;

  // What somebody else does with the bucket: replaces or deletes what is there. Not part of commits().
  Generation put(ObjectKey key, std::string bytes, UserMetadata metadata = {}, ContentHeaders content = {});
  bool erase(const ObjectKey& key);

  // What is there.
  [[nodiscard]] std::optional<StoredObject> object(const ObjectKey& key) const;
  [[nodiscard]] std::string text(const ObjectKey& key) const;  ///< its bytes; empty if there is no such object
  [[nodiscard]] std::vector<ObjectKey> keys() const;           ///< in byte order
  [[nodiscard]] std::vector<StoredObject> commits() const;  ///< by uploads, in the order in which they became visible
  [[nodiscard]] std::size_t open_sessions() const;

  // Planned faults. Each is used up by the call that it hits, unless it says otherwise.

  /// The next `times` operations of that kind (on `key`, where one is given; of a listing: its prefix) fail before
  /// anything happened.
  void fail_next(TargetOp op, Error error, int times = 1, std::optional<ObjectKey> key = std::nullopt);
  /// Uploads of `key` are refused at begin() (kDenied); lasting.
  void deny(ObjectKey key);
  /// The next commit of `key` becomes visible, but its answer is lost: kUnavailable.
  void lose_answer(ObjectKey key);
  /// The same, and the room's own repeat meets the precondition: kConflict.
  void lose_answer_then_conflict(ObjectKey key);
  /// The target counts other bytes than the upload: the next commit of `key` is kCorrupt and leaves nothing visible.
  void corrupt_reply(ObjectKey key);
  /// Open sessions of `key` die: write() and commit() report kUnavailable, recover() starts at 0, resume() is kGone.
  void lose_sessions(const ObjectKey& key);
  /// The write that reaches byte `at` of `key` loses its connection; of all bytes so far only [0, kept) are still
  /// there, rounded down to whole granules (and none at all without a session).
  void cut_write(ObjectKey key, std::uint64_t at, std::uint64_t kept);
  /// Runs once, right before the precondition of the next commit of `key` is checked; it may use the bucket.
  void before_commit(ObjectKey key, std::function<void()> callback);

  struct State;  ///< of the targets in this room
  [[nodiscard]] State* state() const { return state_.get(); }

 private:
  std::unique_ptr<State> state_;
};

struct TargetOptions {
  std::uint64_t whole_bytes_max = 256 << 10;  ///< up to here everything goes in commit()
  std::uint64_t single_bytes_max = 16 << 20;  ///< up to here streamed without a session, if the hash is known
  std::uint64_t chunk_bytes = 1 << 20;        ///< durable() moves in these steps; a multiple of 256 KiB
  std::size_t page_size = 1000;
};

[[nodiscard]] std::unique_ptr<ObjectTarget> make_target(std::shared_ptr<TargetBucket> bucket,
                                                        TargetOptions options = {});

}  // namespace ferry::memory
