#include "domain/job.hpp"

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry {
namespace {

std::string location(std::string_view scheme, const BucketName& bucket, std::string_view prefix) {
  std::string text{scheme};
  text += printable(bucket.str());
  if (!prefix.empty()) text += "/" + printable(prefix);
  return text;
}

}  // namespace

std::string Job::id() const {
  const auto hash = make_hash(HashKind::kSha256);
  // Each field with its length before it: ("a", "bc") and ("ab", "c") are two jobs.
  for (const auto* field : {&source_bucket.str(), &source_prefix, &target_bucket.str(), &target_prefix}) {
    hash->update(big_endian(std::uint64_t{field->size()}));
    hash->update(*field);
  }
  return hex(hash->digest().bytes).substr(0, 16);
}

std::string Job::describe() const {
  if (target_bucket.empty()) return location("s3://", source_bucket, source_prefix);
  return location("s3://", source_bucket, source_prefix) + " → " + location("gs://", target_bucket, target_prefix);
}

std::string Job::source_uri(const ObjectKey& source_key) const {
  return "s3://" + source_bucket.str() + "/" + source_key.str();
}

}  // namespace ferry
