#pragma once
// HeadObject. Its refusals have no body: the status alone tells what they mean.
// @see Amazon S3 API Reference, HeadObject; protocol-facts 1.4.

#include <optional>

#include "domain/object_meta.hpp"
#include "source/s3/api.hpp"

namespace ferry::s3 {

/// One request, no retry. `expected`: kChanged if the object has another tag.
Task<Result<ObjectMeta>> head_object_once(Api* api, const ObjectKey* key, const std::optional<ETag>* expected,
                                          const std::optional<VersionId>* version);

Task<Result<ObjectMeta>> head_object(Api* api, ObjectKey key, std::optional<VersionId> version);

/// The size of one part; nothing from servers that ignore partNumber.
Task<Result<std::optional<std::uint64_t>>> head_part(Api* api, ObjectKey key, ETag expected, std::uint32_t number,
                                                     std::optional<VersionId> version);

}  // namespace ferry::s3
