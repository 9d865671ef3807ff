#pragma once
// What a request line asks for: path and query, decoded exactly once.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/base/error.hpp"

namespace ferry::sandbox {

class Query {
 public:
  void add(std::string name, std::string value) { pairs_.emplace_back(std::move(name), std::move(value)); }
  [[nodiscard]] bool has(std::string_view name) const { return find(name).has_value(); }
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::string_view get(std::string_view name) const { return find(name).value_or(std::string_view{}); }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

struct Target {
  std::string_view raw_path;          ///< of the request line; lives as long as it
  std::vector<std::string> segments;  ///< of the path, split at '/' first and decoded then: %2F stays inside
  Query query;
};

/// @error kInvalid: not an absolute path, or a bad percent escape
[[nodiscard]] Result<Target> parse_target(std::string_view target);

}  // namespace ferry::sandbox
