#pragma once
// GetObject: one version of one object, from an offset to its end, over as many connections as it takes.
// @see Amazon S3 API Reference, GetObject (If-Match, Range); RFC 9110 sections 13.1.1 and 14; protocol-facts 1.4.

#include <memory>
#include <optional>

#include "source/object_source.hpp"
#include "source/s3/api.hpp"

namespace ferry::s3 {

/// The reader shares `api`: it may outlive the source.
Task<Result<std::unique_ptr<ObjectReader>>> get_object(std::shared_ptr<Api> api, ObjectKey key,
                                                       std::optional<ETag> expected, std::uint64_t offset,
                                                       std::optional<VersionId> version);

}  // namespace ferry::s3
