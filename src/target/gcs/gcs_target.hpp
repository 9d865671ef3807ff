#pragma once
// Google Cloud Storage over its JSON API, as an ObjectTarget.

#include <memory>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"
#include "kit/resilience/backoff.hpp"
#include "target/gcs/credentials.hpp"
#include "target/object_target.hpp"

namespace ferry::gcs {

struct Options {
  BucketName bucket;
  std::optional<net::Origin> endpoint;        ///< nothing: https://storage.googleapis.com
  std::uint64_t whole_bytes_max = 256 << 10;  ///< up to here an object is sent from memory in one request
  std::uint64_t single_bytes_max = 16 << 20;  ///< up to here in one request if its hash is known beforehand
  std::uint64_t chunk_bytes = 16 << 20;       ///< of a resumable session; a multiple of 256 KiB
  std::optional<std::string> kms_key;         ///< encrypts what is uploaded; nothing: the bucket's default
  std::size_t page_size = 1000;
  Backoff backoff;
};

/// `http`, `clock` and `rng` outlive the target.
[[nodiscard]] Result<std::unique_ptr<ObjectTarget>> make_target(Options options, std::shared_ptr<TokenProvider> tokens,
                                                                net::HttpClient* http, Clock* clock, Rng* rng);

}  // namespace ferry::gcs
