#include "sandbox/gcs_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {
namespace {

namespace json = boost::json;

std::string gcs_time(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  auto text = rfc3339(seconds);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, std::chrono::duration_cast<Milliseconds>(time - seconds).count());
}

GcsError invalid(std::string message) { return GcsError(400, "invalid", std::move(message)); }

std::string_view take_name(std::string_view* text) {
  const auto end = std::min(text->find_first_of(",()/"), text->size());
  const auto name = trim(text->substr(0, end));
  text->remove_prefix(end);
  return name;
}

}  // namespace

FieldMask FieldMask::parse(std::string_view text) { return parse_list(&text); }

FieldMask FieldMask::parse_list(std::string_view* text) {
  FieldMask mask;
  while (!text->empty() && text->front() != ')') {
    std::string name(take_name(text));
    FieldMask inner;
    if (text->starts_with('(')) {
      text->remove_prefix(1);
      inner = parse_list(text);
      if (text->starts_with(')')) text->remove_prefix(1);
    } else if (text->starts_with('/')) {
      text->remove_prefix(1);
      inner.fields_.emplace_back(take_name(text), FieldMask{});
    }
    if (!name.empty()) mask.fields_.emplace_back(std::move(name), std::move(inner));
    if (text->starts_with(',')) text->remove_prefix(1);
  }
  return mask;
}

bool FieldMask::wants(std::string_view field) const {
  return fields_.empty() ||
         std::ranges::any_of(fields_, [&](const auto& f) { return f.first == field || f.first == "*"; });
}

const FieldMask& FieldMask::below(std::string_view field) const {
  static const FieldMask kAll;
  const auto found = std::ranges::find(fields_, field, &std::pair<std::string, FieldMask>::first);
  return found == fields_.end() ? kAll : found->second;
}

namespace {
void append_metadata(JsonObject* out, const GcsObject& object) {
  JsonObject metadata(out->name("metadata"));
  for (const auto& [name, value] : object.metadata) metadata.text(name, value);
  metadata.end();
}

void append_contexts(JsonObject* out, const GcsObject& object) {
  JsonObject contexts(out->name("contexts"));
  JsonObject custom(contexts.name("custom"));
  for (const auto& [name, value] : object.contexts) {
    JsonObject one(custom.name(name));
    one.text("value", value).end();
  }
  custom.end();
  contexts.end();
}
}  // namespace

void append_object(std::string* out, std::string_view base, std::string_view bucket, std::string_view name,
                   const GcsObject& object, const FieldMask& mask) {
  JsonObject json(out);
  const auto text = [&](std::string_view field, std::string_view value) {
    if (!value.empty() && mask.wants(field)) json.text(field, value);
  };
  const auto number = [&](std::string_view field, std::uint64_t value) {  // int64 values travel as text
    if (mask.wants(field)) json.text(field, std::to_string(value));
  };
  text("kind", "storage#object");
  if (mask.wants("id")) json.text("id", fmt::format("{}/{}/{}", bucket, name, object.generation));
  if (mask.wants("selfLink"))
    json.text("selfLink", fmt::format("{}/storage/v1/b/{}/o/{}", base, bucket, percent_encode(name)));
  if (mask.wants("mediaLink")) {
    json.text("mediaLink", fmt::format("{}/download/storage/v1/b/{}/o/{}?generation={}&alt=media", base, bucket,
                                       percent_encode(name), object.generation));
  }
  text("name", name);
  text("bucket", bucket);
  number("generation", object.generation);
  number("metageneration", object.metageneration);
  text("contentType", object.content_type);
  text("contentEncoding", object.content_encoding);
  text("contentDisposition", object.content_disposition);
  text("contentLanguage", object.content_language);
  text("cacheControl", object.cache_control);
  text("customTime", object.custom_time);
  text("storageClass", object.storage_class);
  number("size", object.content.size());
  if (object.md5 && mask.wants("md5Hash")) json.text("md5Hash", base64(*object.md5));
  if (mask.wants("crc32c")) json.text("crc32c", base64(big_endian(object.crc32c)));
  if (mask.wants("etag")) json.text("etag", base64(fmt::format("{}/{}", object.generation, object.metageneration)));
  if (object.components > 0 && mask.wants("componentCount")) json.number("componentCount", object.components);
  if (mask.wants("timeCreated")) json.text("timeCreated", gcs_time(object.created));
  if (mask.wants("updated")) json.text("updated", gcs_time(object.updated));
  if (mask.wants("timeStorageClassUpdated")) json.text("timeStorageClassUpdated", gcs_time(object.created));
  if (!object.metadata.empty() && mask.wants("metadata")) append_metadata(&json, object);
  if (!object.contexts.empty() && mask.wants("contexts")) append_contexts(&json, object);
  text("kmsKeyName", object.kms_key);
  json.end();
}

void append_bucket(std::string* out, std::string_view bucket) {
  JsonObject json(out);
  json.text("kind", "storage#bucket").text("id", bucket).text("name", bucket).text("location", "US");
  json.text("locationType", "multi-region").text("storageClass", "STANDARD").text("metageneration", "1");
  json.text("projectNumber", "1").text("timeCreated", "2026-01-01T00:00:00.000Z");
  json.raw("iamConfiguration", R"({"uniformBucketLevelAccess":{"enabled":true}})");
  json.end();
}

std::string error_json(const GcsError& error) {
  std::string out;
  JsonObject root(&out);
  JsonObject body(root.name("error"));
  body.number("code", static_cast<std::uint64_t>(error.status)).text("message", error.message);
  std::string one;
  JsonObject(&one).text("message", error.message).text("domain", "global").text("reason", error.reason).end();
  body.raw("errors", "[" + one + "]").end();
  root.end();
  return out;
}

namespace {

constexpr std::string_view kStorageClasses[] = {
    "STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE", "MULTI_REGIONAL", "REGIONAL", "DURABLE_REDUCED_AVAILABILITY"};

/// The settable fields that are plain text, by their JSON name.
std::string* text_field(GcsObject* object, std::string_view name) {
  if (name == "contentType") return &object->content_type;
  if (name == "contentEncoding") return &object->content_encoding;
  if (name == "contentDisposition") return &object->content_disposition;
  if (name == "contentLanguage") return &object->content_language;
  if (name == "cacheControl") return &object->cache_control;
  if (name == "customTime") return &object->custom_time;
  if (name == "storageClass") return &object->storage_class;
  return nullptr;
}

std::optional<GcsError> set_metadata(const json::value& value, GcsObject* object) {
  if (value.is_null()) {
    object->metadata.clear();
    return std::nullopt;
  }
  if (!value.is_object()) return invalid("Invalid value for field metadata: an object of strings is expected.");
  for (const auto& member : value.get_object()) {
    if (member.value().is_null()) {
      object->metadata.erase(std::string(member.key()));
    } else if (member.value().is_string()) {
      object->metadata[std::string(member.key())] = std::string(member.value().get_string());
    } else {
      return invalid("Invalid value for metadata: strings are expected.");
    }
  }
  return std::nullopt;
}

bool is_context_text(std::string_view text) {
  constexpr std::size_t kBytesMax = 256;
  const auto alphanumeric = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  return !text.empty() && text.size() <= kBytesMax && alphanumeric(text.front()) &&
         text.find_first_of("'\"\\/") == std::string_view::npos;
}

/// {"custom":{NAME:{"value":VALUE}}}
std::optional<GcsError> set_contexts(const json::value& value, GcsObject* object) {
  constexpr std::size_t kCountMax = 50;
  const auto* fields = value.if_object();
  const auto* custom = fields ? fields->if_contains("custom") : nullptr;
  if (!custom || !custom->is_object()) return invalid("Invalid value for field contexts.");
  for (const auto& member : custom->get_object()) {
    const auto* payload = member.value().if_object();
    const auto* text = payload ? payload->if_contains("value") : nullptr;
    if (!text || !text->is_string() || !is_context_text(member.key()) || !is_context_text(text->get_string()) ||
        member.key().starts_with("goog")) {
      return invalid("Invalid value for field contexts: a key or value is not allowed.");
    }
    object->contexts[std::string(member.key())] = std::string(text->get_string());
  }
  if (object->contexts.size() > kCountMax) return invalid("An object may have at most 50 contexts.");
  return std::nullopt;
}

bool is_fixed_key_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::optional<GcsError> set_field(std::string_view name, const json::value& value, GcsObject* object) {
  if (name == "metadata") return set_metadata(value, object);
  if (name == "contexts") return set_contexts(value, object);
  auto* field = text_field(object, name);
  if (!field) return std::nullopt;  // output only, or nothing the sandbox keeps
  if (value.is_null()) {
    field->clear();
    return std::nullopt;
  }
  if (!value.is_string()) return invalid(fmt::format("Invalid value for field {}: a string is expected.", name));
  const std::string_view text = value.get_string();
  if (!is_fixed_key_text(text))
    return invalid(fmt::format("Invalid value for field {}: it may hold ASCII only.", name));
  if (name == "customTime" && !parse_rfc3339(text)) return invalid("Invalid value for field customTime.");
  if (name == "storageClass" && std::ranges::find(kStorageClasses, text) == std::end(kStorageClasses)) {
    return invalid("Invalid argument: the storage class is not known.");
  }
  *field = text;
  return std::nullopt;
}

GcsResult<json::object> parse_json_object(std::string_view text) {
  boost::system::error_code bad;
  auto document = json::parse(text, bad);
  if (bad || !document.is_object()) return tl::unexpected(GcsError(400, "parseError", "Parse Error"));
  return std::move(document.get_object());
}

GcsResult<GcsResource> resource_of(const json::object& fields) {
  GcsResource resource;
  for (const auto& member : fields) {
    const std::string_view name = member.key();
    const auto& value = member.value();
    if (auto error = set_field(name, value, &resource.object)) return tl::unexpected(*std::move(error));
    auto* own = name == "name"      ? &resource.name
                : name == "md5Hash" ? &resource.md5
                : name == "crc32c"  ? &resource.crc32c
                                    : nullptr;
    if (!own || value.is_null()) continue;
    if (!value.is_string())
      return tl::unexpected(invalid(fmt::format("Invalid value for field {}: a string is expected.", name)));
    *own = std::string(value.get_string());
  }
  if (resource.object.storage_class.empty()) resource.object.storage_class = "STANDARD";
  if (auto error = check_metadata(resource.object)) return tl::unexpected(*std::move(error));
  return resource;
}

std::optional<std::uint64_t> int64_text(const json::value* value) {
  if (!value) return std::nullopt;
  if (value->is_string()) return parse_u64(std::string_view(value->get_string()));
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
  return std::nullopt;
}

}  // namespace

GcsResult<GcsResource> parse_resource(std::string_view text) {
  if (trim(text).empty()) return GcsResource{};
  auto fields = parse_json_object(text);
  if (!fields) return tl::unexpected(std::move(fields).error());
  return resource_of(*fields);
}

GcsResult<std::monostate> patch_object(std::string_view text, GcsObject* object) {
  auto fields = parse_json_object(text);
  if (!fields) return tl::unexpected(std::move(fields).error());
  for (const auto& member : *fields) {
    if (auto error = set_field(member.key(), member.value(), object)) return tl::unexpected(*std::move(error));
  }
  if (auto error = check_metadata(*object)) return tl::unexpected(*std::move(error));
  return std::monostate{};
}

GcsResult<GcsComposition> parse_composition(std::string_view text) {
  auto fields = parse_json_object(text);
  if (!fields) return tl::unexpected(std::move(fields).error());
  GcsComposition composition;
  if (const auto* destination = fields->if_contains("destination"); destination && destination->is_object()) {
    auto resource = resource_of(destination->get_object());
    if (!resource) return tl::unexpected(std::move(resource).error());
    composition.destination = *std::move(resource);
  }
  const auto* sources = fields->if_contains("sourceObjects");
  if (!sources || !sources->is_array() || sources->get_array().empty()) {
    return tl::unexpected(GcsError(400, "required", "You must provide at least one source component."));
  }
  for (const auto& source : sources->get_array()) {
    const auto* fields_of = source.if_object();
    const auto* name = fields_of ? fields_of->if_contains("name") : nullptr;
    if (!name || !name->is_string()) return tl::unexpected(GcsError(400, "required", "Required: sourceObjects.name"));
    GcsComposition::Source one;
    one.name = std::string(name->get_string());
    one.generation = int64_text(fields_of->if_contains("generation"));
    if (const auto* conditions = fields_of->if_contains("objectPreconditions"); conditions && conditions->is_object()) {
      one.if_generation = int64_text(conditions->get_object().if_contains("ifGenerationMatch"));
    }
    composition.sources.push_back(std::move(one));
  }
  constexpr std::size_t kSourcesMax = 32;
  if (composition.sources.size() > kSourcesMax) {
    return tl::unexpected(invalid("The number of source components provided exceeds the maximum (32)."));
  }
  return composition;
}

std::optional<GcsError> check_metadata(const GcsObject& object) {
  std::size_t total = 0;
  for (const auto& [name, value] : object.metadata) {
    if (name.empty() || name.size() > 1024) return invalid("Metadata keys must have 1 to 1024 bytes.");
    if (value.size() > 4096) return invalid("Metadata values must not exceed 4096 bytes.");
    total += name.size() + value.size();
  }
  if (total > 8192) return GcsError(400, "metadataTooLarge", "Custom metadata must not exceed 8192 bytes in all.");
  return std::nullopt;
}

std::optional<GcsError> check_object_name(std::string_view name) {
  const auto bad = [](std::string_view why) { return invalid(fmt::format("Invalid object name: {}", why)); };
  if (name.empty()) return GcsError(400, "required", "Required object name is missing.");
  if (name.size() > 1024) return bad("it has more than 1024 bytes.");
  if (!is_utf8(name)) return bad("it is not valid UTF-8.");
  if (name.find_first_of("\r\n") != std::string_view::npos) return bad("it holds a carriage return or line feed.");
  if (name == "." || name == "..") return bad("it is '.' or '..'.");
  if (name.starts_with(".well-known/acme-challenge/")) return bad("it begins with .well-known/acme-challenge/.");
  if (name.find("\xEF\xBF\xBE") != std::string_view::npos || name.find("\xEF\xBF\xBF") != std::string_view::npos) {
    return bad("it holds U+FFFE or U+FFFF.");
  }
  return std::nullopt;
}

}  // namespace ferry::sandbox
