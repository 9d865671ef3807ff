#include "plan/filter.hpp"

#include <algorithm>
#include <optional>

namespace ferry {
namespace {

/// Length of the element at the head of `pattern` (not a `*`) if it matches `c`.
std::optional<std::size_t> match_set(std::string_view pattern, char c) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    const auto low = static_cast<unsigned char>(pattern[i]);
    auto high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = static_cast<unsigned char>(pattern[i + 2]);
      i += 2;
    }
    ++i;
    const auto byte = static_cast<unsigned char>(c);
    found = found || (low <= byte && byte <= high);
  }
  if (i >= pattern.size())
    return c == '[' ? std::optional<std::size_t>{1} : std::nullopt;  // unclosed: an ordinary character
  return found != negated ? std::optional{i + 1} : std::nullopt;
}

std::optional<std::size_t> match_one(std::string_view pattern, char c) {
  switch (pattern.front()) {
    case '?': return 1;
    case '[': return match_set(pattern, c);
    case '\\':
      if (pattern.size() > 1) return pattern[1] == c ? std::optional<std::size_t>{2} : std::nullopt;
      [[fallthrough]];
    default: return pattern.front() == c ? std::optional<std::size_t>{1} : std::nullopt;
  }
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, star_text = 0;  // the last `*`, and where its match ends so far
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
      continue;
    }
    const auto taken = p < pattern.size() ? match_one(pattern.substr(p), text[t]) : std::nullopt;
    if (taken) {
      p += *taken;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool Filter::accepts(std::string_view relative_key) const {
  const auto matches = [&](const std::string& pattern) { return glob_matches(pattern, relative_key); };
  if (!include.empty() && std::ranges::none_of(include, matches)) return false;
  return std::ranges::none_of(exclude, matches);
}

bool Filter::accepts(const Job& job, const SourceEntry& entry, Seconds now) const {
  if (entry.size < size_min.value_or(0) || entry.size > size_max.value_or(UINT64_MAX)) return false;
  const Seconds modified = entry.version.modified;
  if (modified_since && modified < modified_since->as_of(now)) return false;
  if (modified_before && modified >= modified_before->as_of(now)) return false;
  if (!storage_classes.empty() && std::ranges::find(storage_classes, entry.storage_class) == storage_classes.end()) {
    return false;
  }
  return accepts(std::string_view{entry.key.str()}.substr(job.source_prefix.size()));
}

bool Filter::by_name_only() const {
  return !size_min && !size_max && !modified_since && !modified_before && storage_classes.empty();
}

}  // namespace ferry
