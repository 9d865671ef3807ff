#pragma once
// Where requests for a bucket go: which host, which path, and which names may form one.

#include <string>
#include <string_view>

#include "source/s3/s3_source.hpp"

namespace ferry::s3 {

struct Address {
  net::Origin origin;
  std::string path_prefix;  ///< "/" or "/bucket/": the encoded key follows
  std::string bucket_path;  ///< "/" or "/bucket": for requests about the bucket itself
};

/// @error kInvalid: a bucket name that can't form an address, with the rule that it breaks
[[nodiscard]] Status check_bucket(const Options& options);

/// Regions become part of a host name and of the signature's scope: nothing that could end a label or a scope passes.
/// `amazon`: the name must be shaped like Amazon's own.
[[nodiscard]] bool is_region(std::string_view region, bool amazon);

/// Host and path of the bucket in `region`. A custom endpoint keeps its host whatever the region. Both names were
/// checked.
[[nodiscard]] Address address_of(const Options& options, std::string_view region);

}  // namespace ferry::s3
