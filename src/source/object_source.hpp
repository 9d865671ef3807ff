#pragma once
// Where objects come from. Rooms: s3/ (REST), memory/ (tests, demo). Every room passes object_source_contract.hpp.
// Nothing behind this door knows about GCS.
//
// Threads: an ObjectSource and what it returns belong to the io_context thread that made them; calls may overlap there.
// Retries: a room repeats single requests within its retry policy; kUnavailable means that this budget ran out.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "domain/object_meta.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"

namespace ferry {

/// One page of a listing, keys strictly ascending in byte order.
struct SourcePage {
  std::vector<SourceEntry> entries;  ///< may be empty although more follow
  std::optional<std::string> next;   ///< opaque; nothing: this was the last page
};

/// Reads one version of one object from a given offset to its end. Dropping it abandons the read.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  /// From the reply itself, not from the listing.
  [[nodiscard]] virtual const ObjectMeta& meta() const = 0;
  /// Up to into.size() bytes, in order; 0 = the last byte of the object was delivered. A body that ends early or runs
  /// over is never a 0: the room goes on with a ranged read pinned to the same version, or reports
  /// @error kChanged / kGone  the version vanished in between  → superseded
  /// @error kCorrupt          length, range or ETag of the reply disagree → attempt failed
  /// @error kUnavailable      gave up after retries → give the message back
  virtual Task<Result<std::size_t>> read(std::span<char> into) = 0;
};

/// How an archived object is to be made readable.
struct RestoreWish {
  std::optional<std::uint32_t> days;  ///< that it stays readable; nothing for classes that move it back for good
  std::string tier = "Bulk";          ///< the source's word for how fast, and how dear
  RestoreWish(std::optional<std::uint32_t> d, std::string t) : days(d), tier(std::move(t)) {}
};
enum class RestoreAnswer { kStarted, kUnderWay, kReadable };

/// Calls about an object take a `version`: that very one is meant; nothing: the newest.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;

  /// One page of keys that start with `prefix`. First page: no token. Resume after a known key: `after`.
  /// @error kDenied, kInvalid (no such bucket, wrong region, wrong address): stop, tell a person
  /// @error kCorrupt  the reply is not a listing, loops, or is out of order → the scan fails, nothing is concluded from
  /// it
  /// @error kUnavailable
  virtual Task<Result<SourcePage>> list(std::string prefix, std::optional<std::string> token,
                                        std::optional<ObjectKey> after = std::nullopt) = 0;

  /// Opens `key` at `offset` (< size, or 0). `expected`: the planned version's tag, quotes included; compared by the
  /// server.
  /// @error kGone (404)  kChanged (412)  kDenied  kArchived  kLimit  kCorrupt (a bad reply, as one with another tag)
  ///        kUnavailable
  virtual Task<Result<std::unique_ptr<ObjectReader>>> open(ObjectKey key, std::optional<ETag> expected,
                                                           std::uint64_t offset = 0,
                                                           std::optional<VersionId> version = std::nullopt) = 0;

  /// Metadata without the body. Errors as open().
  virtual Task<Result<ObjectMeta>> stat(ObjectKey key, std::optional<VersionId> version = std::nullopt) = 0;

  /// How large one part is (1 is the first) of an object that was uploaded in parts. Nothing: this server doesn't tell.
  /// Errors as open().
  virtual Task<Result<std::optional<std::uint64_t>>> part_size(ObjectKey key, ETag expected, std::uint32_t number,
                                                               std::optional<VersionId> version = std::nullopt) = 0;

  /// The object's tags. Errors as open(); kInvalid: this server knows no tags.
  virtual Task<Result<Tags>> tags(ObjectKey key, std::optional<VersionId> version = std::nullopt) = 0;

  /// Asks for an archived object to be made readable. Costs money the first time; asked again while that is under way
  /// it costs nothing. @error kGone  kDenied  kInvalid  kUnavailable
  virtual Task<Result<RestoreAnswer>> restore(ObjectKey key, RestoreWish wish,
                                              std::optional<VersionId> version = std::nullopt) = 0;

  /// Requests sent so far, retries included.
  [[nodiscard]] virtual std::uint64_t requests() const = 0;
};

}  // namespace ferry
