#pragma once
// Which keys are in scope. Patterns see the key without the job's source prefix.

#include <string>
#include <string_view>
#include <vector>

namespace ferry {

/// `*` any bytes (slashes too), `?` one byte, `[a-z]` / `[!a-z]` one byte of a set, `\x` the character x. The whole
/// text must match. An unclosed `[` is an ordinary character. Linear memory, no recursion; O(pattern × text) at worst.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

struct Filter {
  std::vector<std::string> include;  ///< none: everything
  std::vector<std::string> exclude;  ///< wins over include

  [[nodiscard]] bool accepts(std::string_view relative_key) const;
};

}  // namespace ferry
