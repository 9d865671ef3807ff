#pragma once
// What we may do in a bucket, asked without doing it.

#include <memory>
#include <string>
#include <vector>

#include "target/gcs/gcs_target.hpp"

namespace ferry::gcs {

/// Those of `asked` that we have: "storage.objects.create".
/// @error kInvalid: no such bucket; kGone: this server can't be asked (an emulator); kDenied, kUnavailable
/// @see Cloud Storage JSON API, Buckets: testIamPermissions
Task<Result<std::vector<std::string>>> granted_permissions(Options options, std::shared_ptr<TokenProvider> tokens,
                                                           net::HttpClient* http, Clock* clock, Rng* rng,
                                                           std::vector<std::string> asked);

}  // namespace ferry::gcs
