#pragma once
// What the source says of one version of an object.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/object_key.hpp"
#include "domain/version.hpp"
#include "kit/base/error.hpp"
#include "kit/base/hash.hpp"

namespace ferry {

/// Content headers that travel. Nothing = the source did not send it; never invented.
struct ContentHeaders {
  std::optional<std::string> type, encoding, disposition, language, cache_control, expires;
  bool operator==(const ContentHeaders&) const = default;
};

/// Names lower-case, values decoded UTF-8; sorted by name; no name twice.
using UserMetadata = std::vector<std::pair<std::string, std::string>>;

/// Of an object: up to ten, in the source's order.
using Tags = std::vector<std::pair<std::string, std::string>>;

/// Whether a plain ETag may be an MD5: only for kNone and kAes256 (protocol-facts 1.5).
enum class Encryption { kNone, kAes256, kKms, kCustomerKey, kOther };

/// A digest of the digests of the parts that an object was uploaded in.
struct PartsDigest {
  Digest digest;
  std::uint32_t count = 0;  ///< of parts, at least 1
  bool operator==(const PartsDigest&) const = default;
};

/// Whether the bytes can be had now. Objects in archive classes must be restored first, which takes minutes to days.
enum class Access {
  kReadable,  ///< or nothing is known that says otherwise
  kArchived,
  kRestoring,  ///< somebody asked for it; not ready yet
};

/// Classes of S3 whose objects must be restored before they can be read.
[[nodiscard]] inline bool is_archive_class(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

struct ObjectMeta {
  Version version;
  std::uint64_t size = 0;  ///< of the whole object, also when a range was asked for
  ContentHeaders content;
  UserMetadata user;
  std::string storage_class = "STANDARD";  ///< unknown values are kept as they are
  Encryption encryption = Encryption::kNone;
  std::vector<Digest> checksums;        ///< stored, of the full object
  std::vector<PartsDigest> composites;  ///< stored, of the parts' checksums; the ETag is not here
  std::uint32_t missing_meta = 0;       ///< x-amz-missing-meta: entries that the server could not express
  std::uint32_t tags = 0;               ///< how many there are; ObjectSource::tags() says which
  bool website_redirect = false;
  bool object_lock = false;      ///< retention or legal hold
  bool expires_by_rule = false;  ///< a rule of the bucket deletes it on a certain day
  Access access = Access::kReadable;
};

/// One line of a source listing.
struct SourceEntry {
  ObjectKey key;
  Version version;  ///< with an id: that very version is wanted, whether it is the newest or not
  std::uint64_t size = 0;
  std::string storage_class;  ///< "STANDARD" where the listing left it out
  Access access = Access::kReadable;
  /// Only of listings that name keys without knowing them: why the source could not describe this one (kGone: it has no
  /// such object). Then nothing but the key counts.
  std::optional<Error> trouble = std::nullopt;
};

}  // namespace ferry
