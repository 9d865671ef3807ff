#pragma once
// RestoreObject: asks for a readable copy of an archived object. @see Amazon S3 API Reference; protocol-facts 1.6.

#include "source/object_source.hpp"
#include "source/s3/api.hpp"

namespace ferry::s3 {

Task<Result<RestoreAnswer>> restore_object(Api* api, ObjectKey key, RestoreWish wish, std::optional<VersionId> version);

}  // namespace ferry::s3
