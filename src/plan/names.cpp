#include "plan/names.hpp"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry {
namespace {

constexpr std::size_t kObjectNameBytesMax = 1024;
// Of buckets with a hierarchical namespace (Cloud Storage guides: objects, folders).
constexpr std::ptrdiff_t kFoldersMax = 50;
constexpr std::size_t kFolderNameBytesMax = 512;
constexpr std::size_t kBaseNameBytesMax = 512;

constexpr std::string_view kReserved = ".well-known/acme-challenge/";
constexpr std::string_view kEscape = "~x";
constexpr std::size_t kEscapeBytes = 4;

std::optional<std::string> hierarchy_problem(const std::string& name) {
  const auto folders = std::ranges::count(name, '/');
  if (folders > kFoldersMax) {
    return "it lies " + std::to_string(folders) + " folders deep, a hierarchical namespace holds " +
           std::to_string(kFoldersMax);
  }
  const std::size_t base = name.rfind('/') + 1;  // npos + 1 is 0
  if (base > kFolderNameBytesMax) {
    return "its folder's name has " + std::to_string(base) + " bytes, a hierarchical namespace holds 512";
  }
  if (name.size() - base > kBaseNameBytesMax) {
    return "its name in the folder has " + std::to_string(name.size() - base) +
           " bytes, a hierarchical namespace holds 512";
  }
  return std::nullopt;
}

bool is_reserved(std::string_view name) { return name == "." || name == ".." || name.starts_with(kReserved); }

bool is_noncharacter(std::string_view character) { return character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF"; }

/// How many bytes the character at the head of `text` has; 0: that is no UTF-8.
std::size_t character_bytes(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return bytes <= text.size() && is_utf8(text.substr(0, bytes)) ? bytes : 0;
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); }

bool begins_like_an_escape(std::string_view text) {
  return text.size() >= kEscapeBytes && text.starts_with(kEscape) && is_hex(text[2]) && is_hex(text[3]);
}

bool needs_no_escape(std::string_view key) {
  if (key.find_first_of("\r\n") != std::string_view::npos || !is_utf8(key)) return false;
  for (auto at = key.find(kEscape); at != std::string_view::npos; at = key.find(kEscape, at + 1)) {
    if (begins_like_an_escape(key.substr(at))) return false;
  }
  return key.find("\xEF\xBF\xBE") == std::string_view::npos && key.find("\xEF\xBF\xBF") == std::string_view::npos;
}

void append_escaped(std::string_view bytes, std::string* out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out->append(kEscape).push_back(kDigits[byte >> 4]);
    out->push_back(kDigits[byte & 0xf]);
  }
}

std::string escape(std::string_view key) {
  if (needs_no_escape(key)) return std::string{key};
  std::string out;
  while (!key.empty()) {
    const std::size_t bytes = character_bytes(key);
    const auto character = key.substr(0, std::max<std::size_t>(bytes, 1));
    const bool in_the_way = bytes == 0 || character == "\r" || character == "\n" || is_noncharacter(character);
    if (in_the_way || begins_like_an_escape(key)) {
      append_escaped(character, &out);
    } else {
      out.append(character);
    }
    key.remove_prefix(character.size());
  }
  return out;
}

std::string unescape(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    if (begins_like_an_escape(name)) {
      out += from_hex(name.substr(2, 2)).value();
      name.remove_prefix(kEscapeBytes);
    } else {
      out.push_back(name.front());
      name.remove_prefix(1);
    }
  }
  return out;
}

/// `rest`: the source key without its prefix. May still be too long, or lie too deep.
std::string escaped_name(const Job& job, std::string_view rest) {
  std::string name = job.target_prefix + escape(rest);
  if (!is_reserved(name) || name.size() == job.target_prefix.size()) return name;
  std::string first;
  append_escaped(rest.substr(0, 1), &first);
  return name.replace(job.target_prefix.size(), 1, first);
}

std::string_view without_prefix(const Job& job, const ObjectKey& source_key) {
  return std::string_view{source_key.str()}.substr(job.source_prefix.size());
}

std::string refusal(const std::string& problem, NamePolicy policy) {
  return "Google Cloud Storage can't hold this name: " + problem +
         (policy == NamePolicy::kEscape ? "; rename it at the source"
                                        : "; rename it at the source, or run with --names escape or skip");
}

}  // namespace

std::optional<std::string> name_problem(const ObjectKey& key, bool hierarchical) {
  const std::string& name = key.str();
  if (name.empty()) return "an object name can't be empty";
  if (name.size() > kObjectNameBytesMax) {
    return "the name has " + std::to_string(name.size()) + " bytes, the limit is 1024";
  }
  if (name == "." || name == "..") return "\".\" and \"..\" are not allowed as object names";
  if (name.find_first_of("\r\n") != std::string::npos) return "a carriage return or line feed is not allowed";
  if (name.starts_with(kReserved)) return "names under .well-known/acme-challenge/ are reserved";
  if (!is_utf8(name)) return "the name is not valid UTF-8";
  if (name.find("\xEF\xBF\xBE") != std::string::npos || name.find("\xEF\xBF\xBF") != std::string::npos) {
    return "the characters U+FFFE and U+FFFF are not allowed";
  }
  return hierarchical ? hierarchy_problem(name) : std::nullopt;
}

tl::expected<TargetName, std::string> target_name(const Job& job, const ObjectKey& source_key) {
  assert(job.covers(source_key));
  const auto rest = without_prefix(job, source_key);
  TargetName name;
  if (job.names.policy == NamePolicy::kEscape) {
    name.key = ObjectKey{escaped_name(job, rest)};
    name.escaped = std::string_view{name.key.str()}.substr(job.target_prefix.size()) != rest;
  } else {
    name.key = ObjectKey{std::string{job.target_prefix}.append(rest)};
  }
  if (auto problem = name_problem(name.key, job.names.hierarchical)) {
    return tl::unexpected<std::string>(refusal(*problem, job.names.policy));
  }
  return name;
}

std::optional<ObjectKey> source_key(const Job& job, const ObjectKey& target_key) {
  if (!target_key.str().starts_with(job.target_prefix)) return std::nullopt;
  const auto rest = std::string_view{target_key.str()}.substr(job.target_prefix.size());
  const bool escapes = job.names.policy == NamePolicy::kEscape;
  ObjectKey key{job.source_prefix + (escapes ? unescape(rest) : std::string{rest})};
  if (key.empty()) return std::nullopt;  // the prefix itself, as an object: no source key maps to it
  const auto name = target_name(job, key);
  if (!name || name->key != target_key) return std::nullopt;
  return key;
}

std::optional<ObjectKey> origin_of(const Job& job, const TargetObject& there) {
  if (!there.provenance) return std::nullopt;
  const std::string bucket = job.source_uri(ObjectKey{});
  if (!there.provenance->source.starts_with(bucket)) return std::nullopt;
  ObjectKey key{there.provenance->source.substr(bucket.size())};
  if (!job.covers(key)) return std::nullopt;
  const auto rest = without_prefix(job, key);
  const std::string& name = there.key.str();
  const bool plain = name.size() == job.target_prefix.size() + rest.size() && name.starts_with(job.target_prefix) &&
                     name.ends_with(rest);
  if (!plain && name != escaped_name(job, rest)) return std::nullopt;
  return key;
}

}  // namespace ferry
