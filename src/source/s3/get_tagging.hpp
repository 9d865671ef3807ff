#pragma once
// GetObjectTagging. @see Amazon S3 API Reference; protocol-facts 1.4.

#include "domain/object_meta.hpp"
#include "source/s3/api.hpp"

namespace ferry::s3 {

Task<Result<Tags>> get_tagging(Api* api, ObjectKey key, std::optional<VersionId> version);

}  // namespace ferry::s3
