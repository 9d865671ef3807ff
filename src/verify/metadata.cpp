#include "verify/metadata.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "kit/base/text.hpp"
#include "plan/decide.hpp"
#include "plan/metadata_map.hpp"

namespace ferry {
namespace {

constexpr std::string_view kDefaultType = "application/octet-stream";
constexpr std::string_view kTagPrefix = "s3-tag-";
constexpr std::string_view kReservedPrefix = "goog-reserved-";
constexpr std::size_t kNamedMax = 3;
constexpr std::size_t kValueShownMax = 60;

std::string shown(std::string_view value) {
  return "'" + printable(value.substr(0, kValueShownMax)) + (value.size() > kValueShownMax ? "…'" : "'");
}

/// Takes note of differences: the first few by name and value, the rest by number.
class Differences {
 public:
  void add(std::string what) {
    if (++count_ <= kNamedMax) text_ += (text_.empty() ? "" : "; ") + std::move(what);
  }
  [[nodiscard]] std::string str() && {
    if (count_ > kNamedMax) text_ += "; and " + std::to_string(count_ - kNamedMax) + " more";
    return std::move(text_);
  }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

class Comparison {
 public:
  Comparison(const MappedMetadata& expected, const TargetMetadata& found, bool whole)
      : expected_(expected), found_(found), whole_(whole) {}

  std::string run() && {
    compare_headers();
    compare_entries();
    return std::move(differences_).str();
  }

 private:
  void compare_headers() {
    auto type = expected_.content.type;
    if (!type && whole_) type = std::string{kDefaultType};
    header("Content-Type", type, found_.content.type);
    header("Content-Encoding", expected_.content.encoding, found_.content.encoding);
    header("Content-Disposition", expected_.content.disposition, found_.content.disposition);
    header("Content-Language", expected_.content.language, found_.content.language);
    header("Cache-Control", expected_.content.cache_control, found_.content.cache_control);
  }

  void header(std::string_view name, const std::optional<std::string>& wanted, const std::optional<std::string>& seen) {
    const bool none = !wanted || wanted->empty();
    if (none && !whole_) return;
    if (wanted.value_or("") == seen.value_or("")) return;
    differ(name, none ? std::nullopt : wanted, seen);
  }

  void compare_entries() {
    for (const auto& [name, value] : expected_.entries) {
      if (!name.starts_with(kProvenancePrefix)) entry(name, value);
    }
    if (expected_.content.expires) entry("expires", *expected_.content.expires);
    if (!whole_) return;
    for (const auto& [name, value] : found_.entries) {
      if (!is_known(name)) differ("metadata " + shown(name), std::nullopt, value);
    }
  }

  void entry(const std::string& name, const std::string& wanted) {
    const auto seen = std::ranges::find(found_.entries, name, &UserMetadata::value_type::first);
    if (seen == found_.entries.end()) {
      differ("metadata " + shown(name), wanted, std::nullopt);
    } else if (seen->second != wanted) {
      differ("metadata " + shown(name), wanted, seen->second);
    }
  }

  [[nodiscard]] bool is_known(const std::string& name) const {
    if (name.starts_with(kProvenancePrefix) || name.starts_with(kTagPrefix) || name.starts_with(kReservedPrefix)) {
      return true;
    }
    if (name == "expires" && expected_.content.expires) return true;
    return std::ranges::find(expected_.entries, name, &UserMetadata::value_type::first) != expected_.entries.end();
  }

  void differ(std::string_view name, const std::optional<std::string>& wanted, const std::optional<std::string>& seen) {
    differences_.add(std::string{name} + " is " + (wanted ? shown(*wanted) : "not there") + " at the source, " +
                     (seen ? shown(*seen) : "not there") + " at the target");
  }

  const MappedMetadata& expected_;
  const TargetMetadata& found_;
  bool whole_;
  Differences differences_;
};

}  // namespace

std::string metadata_difference(const Job& job, const ObjectMeta& meta, const ObjectKey& key,
                                const TargetObject& there) {
  const Provenance provenance{job.source_uri(key), meta.version, meta.size};
  const auto expected = map_metadata(meta, std::nullopt, provenance, {.tags = TagsTo::kNowhere});
  if (!expected) return "the source's " + expected.error().what;
  const bool whole = is_ours(there, job, key) && !there.provenance->adopted;
  return Comparison{*expected, *there.metadata, whole}.run();
}

}  // namespace ferry
