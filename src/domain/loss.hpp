#pragma once
// What of an object does not arrive although its bytes do: named in reports, never passed over in silence.

#include <cstdint>
#include <string_view>
#include <vector>

namespace ferry {

/// The texts are part of reports and metrics: never renamed.
enum class Loss {
  kContentType,      ///< "content-type": empty or malformed; the target says application/octet-stream
  kContentHeader,    ///< "content-header": one that the target takes in ASCII only; kept as custom metadata
  kMissingMetadata,  ///< "missing-metadata": entries that the source could not put into its reply
  kTags,             ///< "tags": not wanted, or the source did not give them
  kWebsiteRedirect,  ///< "website-redirect"
  kObjectLock,       ///< "object-lock": retention or legal hold
  kExpiry,           ///< "expiry": a rule of the source bucket deletes the object on a certain day
};
inline constexpr int kLosses = 7;
[[nodiscard]] std::string_view to_string(Loss loss);

/// A set of them.
class Losses {
 public:
  void add(Loss loss) { bits_ |= 1U << static_cast<unsigned>(loss); }
  [[nodiscard]] bool has(Loss loss) const { return (bits_ & 1U << static_cast<unsigned>(loss)) != 0; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] std::vector<Loss> all() const;
  bool operator==(const Losses&) const = default;

 private:
  std::uint32_t bits_ = 0;
};

}  // namespace ferry
