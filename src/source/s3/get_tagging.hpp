#pragma once
// GetObjectTagging. @see Amazon S3 API Reference; protocol-facts 1.4.

#include "domain/object_meta.hpp"
#include "source/s3/api.hpp"

namespace ferry::s3 {

/// The tags of the newest version.
Task<Result<Tags>> get_tagging(Api* api, ObjectKey key);

}  // namespace ferry::s3
