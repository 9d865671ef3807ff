#pragma once
// Which objects are in scope. Patterns see the key without the job's source prefix.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/job.hpp"
#include "domain/object_meta.hpp"
#include "kit/base/time.hpp"

namespace ferry {

/// `*` any bytes (slashes too), `?` one byte, `[a-z]` / `[!a-z]` one byte of a set, `\x` the character x. The whole
/// text must match. An unclosed `[` is an ordinary character. Linear memory, no recursion; O(pattern × text) at worst.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

/// A point in time, or how long before a scan begins.
struct Moment {
  std::optional<Seconds> time;  ///< nothing: `ago`
  std::chrono::seconds ago{};
  [[nodiscard]] Seconds as_of(Seconds now) const { return time.value_or(now - ago); }
};

/// All that is set must hold. What it leaves out is neither failed nor gone: the target's copy of it is left alone.
struct Filter {
  std::vector<std::string> include;                       ///< none: everything
  std::vector<std::string> exclude;                       ///< wins over include
  std::optional<std::uint64_t> size_min, size_max;        ///< bytes, both inclusive
  std::optional<Moment> modified_since, modified_before;  ///< [since, before)
  std::vector<std::string> storage_classes;               ///< of S3; none: all

  /// By name alone: true for a key that may be in scope, whatever its object is like.
  [[nodiscard]] bool accepts(std::string_view relative_key) const;
  /// An object of the job's source. `now` is when the scan began.
  [[nodiscard]] bool accepts(const Job& job, const SourceEntry& entry, Seconds now) const;
  /// Where it looks at more than names, a key that isn't there any more can't be told to have been in scope.
  [[nodiscard]] bool by_name_only() const;
};

}  // namespace ferry
