#pragma once
// Amazon S3 and servers that speak its REST API, as an ObjectSource.

#include <memory>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"
#include "kit/resilience/backoff.hpp"
#include "source/object_source.hpp"
#include "source/s3/credentials.hpp"

namespace ferry::s3 {

struct Options {
  BucketName bucket;
  std::string region = "us-east-1";
  std::optional<net::Origin> endpoint;  ///< nothing: Amazon's own for the region, virtual-hosted
  bool path_style = false;              ///< always on with a custom endpoint
  bool requester_pays = false;
  std::string customer_key;  ///< of SSE-C: 32 bytes, or empty; never sent to a server in the clear but on this machine
  std::size_t page_size = 1000;
  Backoff backoff;
};

/// `http`, `clock` and `rng` outlive the source.
/// @error kInvalid: bucket name or region that can't form a host; a customer key that would travel in the clear
[[nodiscard]] Result<std::unique_ptr<ObjectSource>> make_source(Options options,
                                                                std::shared_ptr<CredentialProvider> credentials,
                                                                net::HttpClient* http, Clock* clock, Rng* rng);

}  // namespace ferry::s3
