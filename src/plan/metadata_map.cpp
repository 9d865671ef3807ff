#include "plan/metadata_map.hpp"

#include <algorithm>
#include <string_view>

#include "kit/base/text.hpp"

namespace ferry {
namespace {

// Limits of GCS custom metadata and contexts (google/storage/v2/storage.proto).
constexpr std::size_t kNameBytesMax = 1024;
constexpr std::size_t kValueBytesMax = 4096;
constexpr std::size_t kTotalBytesMax = 8192;
constexpr std::size_t kContextBytesMax = 256;

constexpr std::string_view kExpires = "expires";  // Cloud Storage has no such field: the target keeps it as an entry

Status check_limits(const UserMetadata& metadata) {
  std::size_t total = 0;
  for (const auto& [name, value] : metadata) {
    if (name.size() > kNameBytesMax) {
      return fail(ErrorKind::kLimit,
                  "metadata name of " + std::to_string(name.size()) + " bytes, the target takes 1024");
    }
    if (value.size() > kValueBytesMax) {
      return fail(ErrorKind::kLimit,
                  "metadata value of " + std::to_string(value.size()) + " bytes, the target takes 4096");
    }
    total += name.size() + value.size();
  }
  if (total > kTotalBytesMax) {
    return fail(ErrorKind::kLimit,
                "metadata of " + std::to_string(total) + " bytes with our provenance, the target takes " +
                    std::to_string(kTotalBytesMax) + "; shorten it at the source, or bring tags as " +
                    "contexts or not at all (--tags)");
  }
  return Unit{};
}

bool is_ascii_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool fits_a_context(std::string_view text) {
  return !text.empty() && text.size() <= kContextBytesMax && is_alphanumeric(text.front()) &&
         text.find_first_of("'\"\\/") == std::string_view::npos && is_utf8(text);
}

class Mapping {
 public:
  Mapping(const ObjectMeta& meta, const Provenance& provenance, const MetadataChoices& choices)
      : meta_(meta), choices_(choices) {
    mapped_.content = meta.content;
    mapped_.entries = to_metadata(provenance);
  }

  Result<MappedMetadata> run(const std::optional<Tags>& tags) {
    for (const auto& [name, value] : meta_.user) add(name, value);
    map_content();
    map_tags(tags);
    map_class();
    if (choices_.modified_as_custom_time) mapped_.custom_time = meta_.version.modified;
    note_what_stays();
    if (auto within = check_limits(mapped_.entries); !within) return fail(std::move(within).error());
    return std::move(mapped_);
  }

 private:
  bool taken(std::string_view name) const {
    return std::ranges::any_of(mapped_.entries, [&](const auto& entry) { return entry.first == name; });
  }

  void add(std::string name, std::string value) {
    if (name.starts_with(kProvenancePrefix)) name.insert(0, "source-");
    while (taken(name)) name.insert(0, "source-");
    mapped_.entries.emplace_back(std::move(name), std::move(value));
  }

  void map_content() {
    ContentHeaders& content = mapped_.content;
    if (content.type && !is_media_type(*content.type)) {
      content.type.reset();
      mapped_.losses.add(Loss::kContentType);
    }
    keep_in_ascii("content-encoding", &content.encoding);
    keep_in_ascii("content-disposition", &content.disposition);
    keep_in_ascii("content-language", &content.language);
    keep_in_ascii("cache-control", &content.cache_control);
    if (content.expires && taken(kExpires)) {
      add(std::string{kExpires}, *std::move(content.expires));
      content.expires.reset();
    }
  }

  void keep_in_ascii(std::string_view name, std::optional<std::string>* value) {
    if (!*value || is_ascii_text(**value)) return;
    add(std::string{name}, *std::move(*value));
    value->reset();
    mapped_.losses.add(Loss::kContentHeader);
  }

  void map_tags(const std::optional<Tags>& tags) {
    if (meta_.tags == 0) return;
    if (choices_.tags == TagsTo::kNowhere || !tags) {
      mapped_.losses.add(Loss::kTags);
      return;
    }
    for (const auto& [name, value] : *tags) {
      const bool legal = fits_a_context(name) && fits_a_context(value) && !name.starts_with("goog");
      if (choices_.tags == TagsTo::kContexts && legal) {
        mapped_.contexts.emplace_back(name, value);
      } else {
        add("s3-tag-" + percent_encode(name, "!#$&'*+^`|"), value);
      }
    }
  }

  void map_class() {
    const auto& map = choices_.storage_classes;
    auto found = std::ranges::find(map, meta_.storage_class, &std::pair<std::string, std::string>::first);
    if (found == map.end()) found = std::ranges::find(map, "*", &std::pair<std::string, std::string>::first);
    if (found != map.end()) mapped_.storage_class = found->second;
  }

  void note_what_stays() {
    if (meta_.missing_meta > 0) mapped_.losses.add(Loss::kMissingMetadata);
    if (meta_.website_redirect) mapped_.losses.add(Loss::kWebsiteRedirect);
    if (meta_.object_lock) mapped_.losses.add(Loss::kObjectLock);
    if (meta_.expires_by_rule) mapped_.losses.add(Loss::kExpiry);
  }

  const ObjectMeta& meta_;
  const MetadataChoices& choices_;
  MappedMetadata mapped_;
};

}  // namespace

Result<MappedMetadata> map_metadata(const ObjectMeta& meta, const std::optional<Tags>& tags,
                                    const Provenance& provenance, const MetadataChoices& choices) {
  return Mapping{meta, provenance, choices}.run(tags);
}

}  // namespace ferry
