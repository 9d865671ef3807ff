#include "target/gcs/json.hpp"

#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "kit/base/time.hpp"

namespace ferry::gcs {
namespace {

namespace json = boost::json;

constexpr std::string_view kDefaultType = "application/octet-stream";
constexpr std::size_t kMessageBytesMax = 300;
constexpr std::size_t kTokenBytesMax = 16 << 10;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

/// A document whose nodes live in one arena. Not movable: the value points into it.
class Document {
 public:
  explicit Document(std::string_view text) : root_(parse(text, &arena_)), object_(root_.if_object()) {}
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  [[nodiscard]] const json::object* object() const { return object_; }  ///< null: not JSON, or not an object

 private:
  static json::value parse(std::string_view text, json::storage_ptr arena) {
    boost::system::error_code error;
    return json::parse({text.data(), text.size()}, error, std::move(arena));  // null after an error
  }

  std::array<unsigned char, 2048> first_block_;  // enough for one object
  json::monotonic_resource arena_{first_block_.data(), first_block_.size()};
  const json::value root_;  // made in the arena: assigned, it would be copied out of it
  const json::object* object_;
};

std::optional<std::string_view> text_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  const auto* text = value ? value->if_string() : nullptr;
  if (!text) return std::nullopt;
  return view(*text);
}

/// Cloud Storage writes 64-bit numbers as strings; others write them as numbers.
std::optional<std::uint64_t> number_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (!value) return std::nullopt;
  if (const auto* text = value->if_string()) return parse_u64(view(*text));
  if (const auto* number = value->if_uint64()) return *number;
  if (const auto* number = value->if_int64(); number && *number >= 0) return static_cast<std::uint64_t>(*number);
  return std::nullopt;
}

std::optional<Provenance> provenance_at(const json::object& object) {
  const auto* value = object.if_contains("metadata");
  const auto* entries = value ? value->if_object() : nullptr;
  if (!entries) return std::nullopt;
  UserMetadata ours;
  ours.reserve(8);
  for (const auto& entry : *entries) {
    const std::string_view name{entry.key().data(), entry.key().size()};
    const auto* text = entry.value().if_string();
    if (text && name.starts_with(kProvenancePrefix)) ours.emplace_back(name, view(*text));
  }
  return parse_provenance(ours);
}

tl::unexpected<Error> malformed(const std::string& what) {
  return fail(ErrorKind::kCorrupt, "the reply is not what Cloud Storage sends: " + what);
}

/// Content headers and all custom metadata.
std::shared_ptr<const TargetMetadata> metadata_at(const json::object& resource) {
  const auto header = [&resource](std::string_view name) -> std::optional<std::string> {
    const auto text = text_at(resource, name);
    return text && !text->empty() ? std::optional{std::string{*text}} : std::nullopt;
  };
  auto found = std::make_shared<TargetMetadata>();
  found->content.type = header("contentType");
  found->content.encoding = header("contentEncoding");
  found->content.disposition = header("contentDisposition");
  found->content.language = header("contentLanguage");
  found->content.cache_control = header("cacheControl");
  const auto* value = resource.if_contains("metadata");
  const auto* entries = value ? value->if_object() : nullptr;
  if (!entries) return found;
  for (const auto& entry : *entries) {
    if (const auto* text = entry.value().if_string()) found->entries.emplace_back(entry.key(), view(*text));
  }
  return found;
}

Result<TargetObject> object_from(const json::object& resource, Detail detail) {
  const auto name = text_at(resource, "name");
  if (!name || name->empty()) return malformed("an object without a name");
  const auto generation = number_at(resource, "generation");
  const auto size = number_at(resource, "size");
  if (!generation || *generation == 0 || *generation > INT64_MAX || !size) {
    return malformed("generation or size of " + printable(*name) + " is missing or not a number");
  }
  TargetObject object;
  object.key = ObjectKey{std::string{*name}};
  object.generation = Generation{static_cast<std::int64_t>(*generation)};
  object.size = *size;
  if (const auto text = text_at(resource, "crc32c")) {
    const auto bytes = from_base64(*text);
    if (!bytes || bytes->size() != 4) return malformed("crc32c of " + printable(*name));
    std::uint32_t value = 0;
    for (const char byte : *bytes) value = value << 8 | static_cast<unsigned char>(byte);
    object.crc32c = value;
  }
  if (const auto text = text_at(resource, "md5Hash")) {
    object.md5 = from_base64(*text);
    if (!object.md5 || object.md5->size() != 16) return malformed("md5Hash of " + printable(*name));
  }
  object.provenance = provenance_at(resource);
  if (const auto number = number_at(resource, "metageneration"); number && *number <= INT64_MAX) {
    object.metageneration = static_cast<std::int64_t>(*number);
  }
  if (detail == Detail::kMetadata) object.metadata = metadata_at(resource);
  return object;
}

void append_field(std::string* out, std::string_view name, std::string_view value) {
  if (out->back() != '{') out->push_back(',');
  append_quoted(out, name);
  out->push_back(':');
  append_quoted(out, value);
}

void append_field(std::string* out, std::string_view name, const std::optional<std::string>& value) {
  if (value) append_field(out, name, std::string_view{*value});
}

void append_contexts(std::string* out, const Tags& contexts) {
  out->append(",\"contexts\":{\"custom\":{");
  for (const auto& [name, value] : contexts) {
    if (out->back() != '{') out->push_back(',');
    append_quoted(out, name);
    out->append(":{");
    append_field(out, "value", std::string_view{value});
    out->push_back('}');
  }
  out->append("}}");
}

std::string bounded(std::string_view text) {
  text = trim(text);
  const bool cut = text.size() > kMessageBytesMax;
  return printable(text.substr(0, kMessageBytesMax)) + (cut ? "…" : "");
}

bool fits_a_header(std::string_view token) {
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  return !token.empty() && token.size() <= kTokenBytesMax && std::all_of(token.begin(), token.end(), visible);
}

}  // namespace

void append_quoted(std::string* out, std::string_view utf8) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out->push_back('"');
  std::size_t done = 0;
  for (std::size_t i = plain_words(utf8); i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out->append(utf8, done, i - done);
    done = i + 1;
    if (byte >= 0x20) {
      out->push_back('\\');
      out->push_back(utf8[i]);
    } else {
      out->append("\\u00");
      out->push_back(kHex[byte >> 4]);
      out->push_back(kHex[byte & 15]);
    }
  }
  out->append(utf8, done);
  out->push_back('"');
}

std::string_view media_type(const ContentHeaders& content) {
  return content.type && is_media_type(*content.type) ? std::string_view{*content.type} : kDefaultType;
}

std::string resource_json(const UploadSpec& spec, std::optional<std::uint32_t> crc32c) {
  std::string out;
  out.reserve(1024);
  out.push_back('{');
  append_field(&out, "name", std::string_view{spec.key.str()});
  append_field(&out, "contentType", media_type(spec.content));
  append_field(&out, "contentEncoding", spec.content.encoding);
  append_field(&out, "contentDisposition", spec.content.disposition);
  append_field(&out, "contentLanguage", spec.content.language);
  append_field(&out, "cacheControl", spec.content.cache_control);
  append_field(&out, "storageClass", spec.storage_class);
  if (spec.custom_time) append_field(&out, "customTime", std::string_view{rfc3339(*spec.custom_time)});
  if (crc32c) {
    append_field(&out, "crc32c", std::string_view{base64(big_endian(*crc32c))});
  } else if (spec.hash && spec.hash->kind == HashKind::kCrc32c) {
    append_field(&out, "crc32c", std::string_view{base64(spec.hash->bytes)});
  }
  if (spec.hash && spec.hash->kind == HashKind::kMd5) {
    append_field(&out, "md5Hash", std::string_view{base64(spec.hash->bytes)});
  }
  if (!spec.metadata.empty()) {
    out.append(",\"metadata\":{");
    for (const auto& [name, value] : spec.metadata) append_field(&out, name, std::string_view{value});
    out.push_back('}');
  }
  if (!spec.contexts.empty()) append_contexts(&out, spec.contexts);
  out.push_back('}');
  return out;
}

std::string adoption_json(const Provenance& provenance) {
  const auto entries = to_metadata(provenance);
  std::string out = "{\"metadata\":{";
  for (const auto& [name, value] : entries) append_field(&out, name, std::string_view{value});
  for (const std::string_view name : kProvenanceOptional) {
    if (std::ranges::find(entries, name, &UserMetadata::value_type::first) != entries.end()) continue;
    out.push_back(',');
    append_quoted(&out, name);
    out.append(":null");
  }
  return out + "}}";
}

Result<TargetObject> parse_object(std::string_view body) {
  const Document document{body};
  if (!document.object()) return malformed("no JSON object");
  return object_from(*document.object(), Detail::kIdentity);
}

Result<Listing> parse_listing(std::string_view body, Detail detail) {
  const Document document{body};
  if (!document.object()) return malformed("no JSON object");
  Listing listing;
  if (const auto token = text_at(*document.object(), "nextPageToken"); token && !token->empty()) {
    listing.next_page_token = std::string{*token};
  }
  const auto* items = document.object()->if_contains("items");
  if (!items) return listing;
  if (!items->is_array()) return malformed("items is not an array");
  listing.objects.reserve(items->get_array().size());
  for (const auto& item : items->get_array()) {
    if (!item.is_object()) return malformed("an item is not an object");
    auto object = object_from(item.get_object(), detail);
    if (!object) return fail(std::move(object).error());
    listing.objects.push_back(*std::move(object));
  }
  return listing;
}

ErrorBody parse_error(std::string_view body) {
  const Document document{body};
  ErrorBody result;
  if (!document.object()) {
    result.message = bounded(body.substr(0, body.find_first_of("\r\n")));
    return result;
  }
  const auto* value = document.object()->if_contains("error");
  if (!value) return result;
  if (const auto* text = value->if_string()) {  // the token endpoint's form
    result.reason = bounded(view(*text));
    result.message = bounded(text_at(*document.object(), "error_description").value_or(""));
    return result;
  }
  const auto* error = value->if_object();
  if (!error) return result;
  result.message = bounded(text_at(*error, "message").value_or(""));
  const auto* list = error->if_contains("errors");
  const auto* errors = list ? list->if_array() : nullptr;
  const auto* first = errors && !errors->empty() ? errors->front().if_object() : nullptr;
  if (first) result.reason = bounded(text_at(*first, "reason").value_or(""));
  return result;
}

std::optional<TokenBody> parse_token(std::string_view body) {
  const Document document{body};
  if (!document.object()) return std::nullopt;
  const auto token = text_at(*document.object(), "access_token");
  const auto expires_in = number_at(*document.object(), "expires_in");
  if (!token || !fits_a_header(*token) || !expires_in) return std::nullopt;
  constexpr std::uint64_t kHalfADay = 43'200;
  return TokenBody{std::string{*token}, static_cast<std::int64_t>(std::min(*expires_in, kHalfADay))};
}

Result<ServiceAccountKey> parse_service_account(std::string_view text) {
  const auto invalid = [](const std::string& what) {
    return fail(ErrorKind::kInvalid, "not a service-account key: " + what + "; create a new JSON key for the account");
  };
  const Document document{text};
  if (!document.object()) return invalid("the text is not a JSON object");
  if (text_at(*document.object(), "type") != "service_account") return invalid("\"type\" is not \"service_account\"");
  ServiceAccountKey key;
  for (const auto& [name, field] :
       {std::pair{"client_email", &key.client_email}, std::pair{"private_key", &key.private_key}}) {
    const auto found = text_at(*document.object(), name);
    if (!found || found->empty()) return invalid(std::string{"\""} + name + "\" is missing or empty");
    *field = std::string{*found};
  }
  if (const auto id = text_at(*document.object(), "private_key_id")) key.private_key_id = std::string{*id};
  if (const auto uri = text_at(*document.object(), "token_uri")) key.token_uri = std::string{*uri};
  return key;
}

}  // namespace ferry::gcs
