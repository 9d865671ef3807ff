#pragma once
// Fills an S3 bucket over its API with objects that are awkward in every way that real ones are.

#include <cstdint>
#include <string>

namespace ferry::sandbox {

struct FillOptions {
  std::string endpoint, access_key, secret_key, region = "us-east-1", bucket, prefix, recipe = "demo";
  std::uint64_t seed = 1, change = 0;
  bool with_illegal = false;
  int parallel = 8;
};

/// Prints one line that says what was stored. @return the exit code
[[nodiscard]] int fill(FillOptions options);

}  // namespace ferry::sandbox
