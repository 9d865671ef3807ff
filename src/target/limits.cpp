#include "target/limits.hpp"

#include "kit/base/text.hpp"

namespace ferry {
namespace {

tl::unexpected<Error> over(const std::string& what, std::size_t bytes, std::size_t limit) {
  return fail(ErrorKind::kLimit,
              what + " has " + std::to_string(bytes) + " bytes, the target holds at most " + std::to_string(limit));
}

tl::unexpected<Error> broken_entry(const std::string& name, const std::string& value) {
  const auto entry = "metadata " + printable(name.substr(0, 80));
  if (name.size() > kMetadataNameBytesMax) return over("the name of " + entry, name.size(), kMetadataNameBytesMax);
  if (value.size() > kMetadataValueBytesMax) return over("the value of " + entry, value.size(), kMetadataValueBytesMax);
  return fail(ErrorKind::kLimit, entry + " is not UTF-8");
}

}  // namespace

Status within_limits(const ObjectKey& key, const UserMetadata& metadata) {
  if (key.empty()) return fail(ErrorKind::kLimit, "an object needs a name of at least 1 byte");
  if (key.str().size() > kNameBytesMax) return over("the object's name", key.str().size(), kNameBytesMax);
  if (!is_utf8(key.str())) return fail(ErrorKind::kLimit, "the object's name is not UTF-8: " + printable(key.str()));

  std::size_t total = 0;
  for (const auto& [name, value] : metadata) {
    const bool fits = name.size() <= kMetadataNameBytesMax && value.size() <= kMetadataValueBytesMax;
    if (!fits || !is_utf8(name) || !is_utf8(value)) return broken_entry(name, value);
    total += name.size() + value.size();
  }
  if (total > kMetadataBytesMax) {
    return over("metadata (" + std::to_string(metadata.size()) + " entries)", total, kMetadataBytesMax);
  }
  return Unit{};
}

}  // namespace ferry
