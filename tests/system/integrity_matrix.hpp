#pragma once
// One object of every kind of proof that S3 can hold, and which rung each must arrive with.

#include <optional>
#include <string>
#include <vector>

#include "tests/system/clouds.hpp"

namespace ferry::system_test {

struct MatrixObject {
  std::string key, bytes;
  /// Rungs by --integrity; empty: nobody can read it without its key.
  std::string automatic, full, fast;
  [[nodiscard]] bool readable() const { return !automatic.empty(); }
  /// Whether a flipped byte is found in `auto`.
  [[nodiscard]] bool provable() const { return readable() && automatic != "transport"; }
};

/// What a sandbox needs to be told for them: parts of any size, and no checksum that nobody asked for.
[[nodiscard]] std::vector<std::string> matrix_arguments();
[[nodiscard]] std::vector<MatrixObject> put_matrix(S3Bucket* bucket);
/// The rung that the object at the target says held; nothing: no object, or nobody's.
[[nodiscard]] std::optional<std::string> rung_at(GcsBucket* bucket, const std::string& key);

}  // namespace ferry::system_test
