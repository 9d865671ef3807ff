#include "plan/metadata_map.hpp"

#include <string>

namespace ferry {
namespace {

// Limits of GCS custom metadata (google/storage/v2/storage.proto).
constexpr std::size_t kNameBytesMax = 1024;
constexpr std::size_t kValueBytesMax = 4096;
constexpr std::size_t kTotalBytesMax = 8192;

Status check_limits(const UserMetadata& metadata) {
  std::size_t total = 0;
  for (const auto& [name, value] : metadata) {
    if (name.size() > kNameBytesMax) {
      return fail(ErrorKind::kLimit,
                  "metadata name of " + std::to_string(name.size()) + " bytes, the target takes 1024");
    }
    if (value.size() > kValueBytesMax) {
      return fail(ErrorKind::kLimit,
                  "metadata value of " + std::to_string(value.size()) + " bytes, the target takes 4096");
    }
    total += name.size() + value.size();
  }
  if (total > kTotalBytesMax) {
    return fail(ErrorKind::kLimit, "metadata of " + std::to_string(total) +
                                       " bytes with our provenance, the target takes " +
                                       std::to_string(kTotalBytesMax) + "; shorten it at the source");
  }
  return Unit{};
}

}  // namespace

Result<UserMetadata> target_metadata(const UserMetadata& user, const Provenance& provenance) {
  UserMetadata mapped = to_metadata(provenance);
  for (const auto& [name, value] : user) {
    mapped.emplace_back(name.starts_with(kProvenancePrefix) ? "source-" + name : name, value);
  }
  if (auto within = check_limits(mapped); !within) return fail(std::move(within).error());
  return mapped;
}

}  // namespace ferry
