#pragma once
// Bytes of objects: immutable, shared between objects, in memory, on disk, computed, or thrown away after hashing.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/base/error.hpp"
#include "kit/base/hash.hpp"

namespace ferry::sandbox {

inline constexpr std::size_t kQuantum = 256 * 1024;  ///< bytes arrive, are hashed and are kept in pieces of this size

/// A run of bytes that never changes. Any thread.
class Piece {
 public:
  virtual ~Piece() = default;
  /// 1 to `length` bytes from `offset` on, in place where possible, else copied to `scratch` (at most scratch.size()).
  /// Empty: the bytes can't be had (discarded, or the disk failed).
  [[nodiscard]] virtual std::span<const char> view(std::uint64_t offset, std::uint64_t length,
                                                   std::span<char> scratch) const = 0;
  /// Place and length in the data file, for the journal; nothing for other pieces.
  [[nodiscard]] virtual std::optional<std::uint64_t> file_offset() const { return std::nullopt; }
};

/// The bytes of one object: runs of pieces, one after the other. Cheap to copy, to cut and to join.
class Content {
 public:
  struct Run {
    std::shared_ptr<const Piece> piece;
    std::uint64_t offset;  ///< in the piece
    std::uint64_t size;
    std::uint64_t end;  ///< in the content
  };

  void append(std::shared_ptr<const Piece> piece, std::uint64_t offset, std::uint64_t size);
  void append(const Content& other);
  [[nodiscard]] Content slice(std::uint64_t first, std::uint64_t size) const;
  [[nodiscard]] std::uint64_t size() const { return runs_.empty() ? 0 : runs_.back().end; }
  [[nodiscard]] const std::vector<Run>& runs() const { return runs_; }
  /// As Piece::view; `length` must not reach beyond the end.
  [[nodiscard]] std::span<const char> view(std::uint64_t offset, std::uint64_t length, std::span<char> scratch) const;
  /// Room for view(): none where the pieces need none.
  [[nodiscard]] std::string scratch() const;
  /// The bytes in one string; shorter if they can't be had. For control bodies and small objects.
  [[nodiscard]] std::string text(std::uint64_t first = 0, std::uint64_t size = UINT64_MAX) const;

 private:
  std::vector<Run> runs_;
};

/// Content that owns `bytes`.
[[nodiscard]] std::shared_ptr<const Piece> string_piece(std::string bytes);
[[nodiscard]] Content string_content(std::string bytes);

/// Digests of one stream, as many kinds as somebody asked for. CRC32C is always among them.
class Digests {
 public:
  void want(HashKind kind);
  void update(std::span<const char> bytes);
  [[nodiscard]] std::uint32_t crc32c() const { return crc32c_; }
  [[nodiscard]] std::optional<std::string> get(HashKind kind) const;  ///< raw bytes; nothing if not wanted

 private:
  std::uint32_t crc32c_ = 0;
  std::vector<std::pair<HashKind, std::unique_ptr<StreamHash>>> hashes_;
};

/// Where bytes stay. Any thread.
class ByteStore {
 public:
  virtual ~ByteStore() = default;
  [[nodiscard]] virtual Result<std::shared_ptr<const Piece>> keep(std::string bytes) = 0;
};

[[nodiscard]] std::unique_ptr<ByteStore> memory_store();
/// Keeps nothing: sizes and digests stay right, bytes can't be read again.
[[nodiscard]] std::unique_ptr<ByteStore> discarding_store();

/// One file that only grows. Space of deleted objects isn't reclaimed.
class FileStore : public ByteStore {
 public:
  [[nodiscard]] virtual std::shared_ptr<const Piece> restore(std::uint64_t offset) = 0;
};
/// @error kInvalid: the file can't be opened; names it
[[nodiscard]] Result<std::unique_ptr<FileStore>> file_store(const std::string& path);

/// Bytes on their way in: collected to quanta, then hashed and kept. What was not yet a whole quantum can be dropped
/// again, as a resumable session does when a connection breaks.
class Intake {
 public:
  Intake(ByteStore* store, Digests digests, std::optional<std::uint64_t> expected = std::nullopt)
      : store_(store), digests_(std::move(digests)), expected_(expected) {}

  [[nodiscard]] std::span<char> space();  ///< where the next bytes go; never empty
  [[nodiscard]] Status arrived(std::size_t count);
  [[nodiscard]] Status add(std::span<const char> bytes);  ///< the same for bytes that lie elsewhere
  [[nodiscard]] Status keep(std::string bytes);  ///< hashed and kept as they are; nothing may be waiting in space()
  [[nodiscard]] Status end();                    ///< the last, short quantum, too
  [[nodiscard]] std::uint64_t size() const { return content_.size(); }  ///< of what was kept
  [[nodiscard]] const Content& content() const { return content_; }
  [[nodiscard]] const Digests& digests() const { return digests_; }

 private:
  [[nodiscard]] Status keep_quantum();
  ByteStore* store_;
  Digests digests_;
  std::optional<std::uint64_t> expected_;
  std::string quantum_;
  std::size_t filled_ = 0;
  Content content_;
};

}  // namespace ferry::sandbox
