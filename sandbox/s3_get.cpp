#include <algorithm>
#include <pugixml.hpp>

#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "sandbox/s3_detail.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::uint64_t kWholeReplyBytes = 64 * 1024;

S3Error precondition(std::string_view which) {
  return S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                 {{"Condition", std::string(which)}});
}

bool tag_matches(std::string_view wanted, std::string_view etag) {
  if (wanted == "*" || wanted == etag) return true;
  return etag.size() > 2 && wanted == etag.substr(1, etag.size() - 2);  // S3 takes it without quotes, too
}

/// If-Match beats If-Unmodified-Since, If-None-Match beats If-Modified-Since.
std::optional<S3Error> check_conditions(const Wire& wire, const S3Object& object) {
  const auto modified = std::chrono::floor<std::chrono::seconds>(object.modified);
  const auto time = [&](std::string_view name) {
    const auto text = wire.header(name);
    return text ? parse_http_date(*text) : std::nullopt;
  };
  if (const auto wanted = wire.header("if-match")) {
    if (!tag_matches(*wanted, object.etag)) return precondition("If-Match");
  } else if (const auto since = time("if-unmodified-since"); since && modified > *since) {
    return precondition("If-Unmodified-Since");
  }
  if (const auto unwanted = wire.header("if-none-match")) {
    if (tag_matches(*unwanted, object.etag)) return S3Error(304, "NotModified", "Not Modified");
  } else if (const auto since = time("if-modified-since"); since && modified <= *since) {
    return S3Error(304, "NotModified", "Not Modified");
  }
  return std::nullopt;
}

std::optional<S3Error> check_customer_key(const Wire& wire, const S3Object& object) {
  const auto given = wire.header("x-amz-server-side-encryption-customer-key-md5");
  if (object.encryption != "SSE-C") {
    if (!given) return std::nullopt;
    return S3Error(400, "InvalidRequest", "The encryption parameters are not applicable to this object.");
  }
  if (!given || !wire.header("x-amz-server-side-encryption-customer-key")) {
    return S3Error(
        400, "InvalidRequest",
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided "
        "to retrieve the object.");
  }
  const auto key = from_base64(*wire.header("x-amz-server-side-encryption-customer-key"));
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(key.value_or(""));
  if (wire.header("x-amz-server-side-encryption-customer-algorithm") != "AES256" ||
      base64(hash->digest().bytes) != *given) {
    return S3Error(400, "InvalidArgument",
                   "The calculated MD5 hash of the key did not match the hash that was provided.");
  }
  if (*given != object.customer_key_md5) return S3Error(403, "AccessDenied", "Access Denied");
  return std::nullopt;
}

bool is_archive(const S3Object& object) {
  return object.storage_class == "GLACIER" || object.storage_class == "DEEP_ARCHIVE" || !object.archive_tier.empty();
}

bool being_restored(const S3Object& object, WallTime now) {
  return object.readable_from && now < *object.readable_from;
}

bool archived(const S3Object& object, WallTime now) {
  if (!is_archive(object)) return false;
  return !object.restored_until || *object.restored_until < now || being_restored(object, now);
}

/// S3 takes header bytes for Latin-1 and sends what isn't ASCII back as an encoded word.
std::string metadata_value(const std::string& value) {
  if (std::ranges::all_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return value;
  std::string utf8;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xc0 | byte >> 6);
      utf8 += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return "=?UTF-8?B?" + base64(utf8) + "?=";
}

S3Range part_range(const S3Object& object, std::uint64_t number) {
  S3Range range{0, object.content.size()};
  if (object.parts.empty()) return range;
  for (std::uint64_t i = 0; i + 1 < number; ++i) range.first += object.parts[i].size;
  range.size = object.parts[number - 1].size;
  return range;
}

}  // namespace

S3Result<std::optional<S3Range>> s3_range(std::optional<std::string_view> header, std::uint64_t object_size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header || !header->starts_with(kUnit)) return std::nullopt;
  const auto text = header->substr(kUnit.size());
  const auto dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) return std::nullopt;
  const auto first = parse_u64(text.substr(0, dash));
  const auto last = parse_u64(text.substr(dash + 1));
  const auto unsatisfiable = tl::unexpected(
      S3Error(416, "InvalidRange", "The requested range is not satisfiable",
              {{"RangeRequested", std::string(*header)}, {"ActualObjectSize", std::to_string(object_size)}}));
  if (first) {
    if (last && *last < *first) return std::nullopt;
    if (*first >= object_size) return unsatisfiable;
    return S3Range{*first, std::min(last.value_or(UINT64_MAX), object_size - 1) - *first + 1};
  }
  if (dash != 0 || !last) return std::nullopt;
  if (*last == 0 || object_size == 0) return unsatisfiable;
  const auto size = std::min(*last, object_size);
  return S3Range{object_size - size, size};
}

S3Result<S3ObjectPtr> S3Service::existing(const Context& context) const {
  const auto version = context.query().get("versionId");
  auto object = store_->find(context.bucket.name, context.key(), version);
  if (!object && !version.empty()) {
    return tl::unexpected(S3Error(404, "NoSuchVersion", "The specified version does not exist."));
  }
  if (object && object->delete_marker && !version.empty()) {
    return tl::unexpected(
        S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource."));
  }
  if (!object || object->delete_marker) return tl::unexpected(no_such_key(context.key()));
  return object;
}

net::Headers S3Service::object_headers(const S3Object& object) {
  auto headers = base_headers();
  headers.add("Last-Modified", http_date(std::chrono::floor<std::chrono::seconds>(object.modified)));
  headers.add("ETag", object.etag);
  headers.add("Accept-Ranges", "bytes");
  for (const auto& [name, value] : object.headers) headers.add(name, value);
  for (const auto& [name, value] : object.metadata) headers.add("x-amz-meta-" + name, metadata_value(value));
  if (object.encryption == "SSE-C") {
    headers.add("x-amz-server-side-encryption-customer-algorithm", "AES256");
    headers.add("x-amz-server-side-encryption-customer-key-MD5", object.customer_key_md5);
  } else {
    headers.add("x-amz-server-side-encryption", object.encryption);
  }
  if (!object.storage_class.empty()) headers.add("x-amz-storage-class", object.storage_class);
  if (!object.version_id.empty()) headers.add("x-amz-version-id", object.version_id);
  if (!object.tags.empty()) headers.add("x-amz-tagging-count", std::to_string(object.tags.size()));
  if (!object.archive_tier.empty() && !object.restored_until) headers.add("x-amz-archive-status", object.archive_tier);
  if (being_restored(object, clock_->wall())) {
    headers.add("x-amz-restore", "ongoing-request=\"true\"");
  } else if (object.restored_until && *object.restored_until > clock_->wall()) {
    const auto until = http_date(std::chrono::floor<std::chrono::seconds>(*object.restored_until));
    headers.add("x-amz-restore", "ongoing-request=\"false\", expiry-date=\"" + until + "\"");
  }
  return headers;
}

Task<S3Service::Failure> S3Service::get_object(Context* context) {
  const auto& wire = *context->call->wire;
  context->call->range = wire.header("range").value_or("");
  auto found = existing(*context);
  if (!found) co_return std::move(found).error();
  const auto object = *std::move(found);
  if (auto error = check_customer_key(wire, *object)) co_return error;
  if (auto error = check_conditions(wire, *object)) co_return error;
  const bool head = context->call->route.operation == "HeadObject";
  if (!head && archived(*object, clock_->wall())) {
    co_return S3Error(403, "InvalidObjectState", "The operation is not valid for the object's storage class",
                      {{"StorageClass", object->storage_class}});
  }

  auto headers = object_headers(*object);
  const auto checksums = wire.header("x-amz-checksum-mode");
  const bool show_checksums = checksums && iequals(*checksums, "ENABLED");
  std::optional<S3Checksum> checksum = object->checksum;
  auto range = s3_range(wire.header("range"), object->content.size());
  if (const auto number = context->query().find("partNumber")) {
    const auto part = parse_u64(*number);
    const auto count = std::max<std::uint64_t>(1, object->parts.size());
    if (!part || *part == 0 || wire.header("range"))
      co_return S3Error(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
    if (*part > count) co_return S3Error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable");
    range = std::optional(part_range(*object, *part));
    if (!object->parts.empty()) {
      headers.add("x-amz-mp-parts-count", std::to_string(count));
      checksum = object->parts[*part - 1].checksum;
    }
  }
  if (!range) co_return std::move(range).error();
  const bool whole = !*range || ((*range)->size == object->content.size());
  if (show_checksums && checksum && (whole || context->query().has("partNumber"))) {
    headers.add(s3_checksum_header(checksum->kind), checksum->value);
    headers.add("x-amz-checksum-type", checksum->full_object ? "FULL_OBJECT" : "COMPOSITE");
  }
  if (!*range || (*range)->size == 0) {
    co_return co_await send_content(context, object, 200, std::move(headers), 0, object->content.size());
  }
  const auto [first, size] = **range;
  headers.add("Content-Range", fmt::format("bytes {}-{}/{}", first, first + size - 1, object->content.size()));
  co_return co_await send_content(context, object, 206, std::move(headers), first, size);
}

Task<S3Service::Failure> S3Service::send_content(Context* context, S3ObjectPtr object, int status, net::Headers headers,
                                                 std::uint64_t first, std::uint64_t size) {
  auto* wire = context->call->wire;
  const bool head = wire->request().method == "HEAD";
  if (!head && size <= kWholeReplyBytes) {
    auto body = object->content.text(first, size);
    if (body.size() < size) co_return S3Error(500, "InternalError", "The stored bytes can't be read.");
    (void)co_await wire->respond(status, std::move(headers), std::move(body));
    co_return std::nullopt;
  }
  auto scratch = object->content.scratch();
  auto sent = co_await wire->begin(status, std::move(headers), size);
  for (std::uint64_t done = 0; sent && !head && done < size;) {
    const auto bytes = object->content.view(first + done, size - done, scratch);
    if (bytes.empty()) {
      wire->abort(true);
      co_return std::nullopt;
    }
    sent = co_await wire->write(bytes);
    done += bytes.size();
  }
  if (sent) (void)co_await wire->finish();
  co_return std::nullopt;
}

namespace {
void append_checksum(std::string* body, const std::optional<S3Checksum>& checksum, bool with_type) {
  if (!checksum) return;
  append_element(body, "Checksum" + s3_checksum_name(checksum->kind), checksum->value);
  if (with_type) append_element(body, "ChecksumType", checksum->full_object ? "FULL_OBJECT" : "COMPOSITE");
}

/// Parts one by one only where they carry checksums of their own, as S3 does.
void append_object_parts(std::string* body, const S3Object& object) {
  *body += "<ObjectParts>";
  append_element(body, "PartsCount", std::to_string(object.parts.size()));
  append_element(body, "IsTruncated", "false");
  for (std::size_t i = 0; i < object.parts.size(); ++i) {
    if (!object.parts[i].checksum) continue;
    *body += "<Part>";
    append_element(body, "PartNumber", std::to_string(i + 1));
    append_element(body, "Size", std::to_string(object.parts[i].size));
    append_checksum(body, object.parts[i].checksum, false);
    *body += "</Part>";
  }
  *body += "</ObjectParts>";
}
}  // namespace

Task<S3Service::Failure> S3Service::get_object_attributes(Context* context) {
  auto found = existing(*context);
  if (!found) co_return std::move(found).error();
  const auto& object = **found;
  const auto wanted = context->header("x-amz-object-attributes");
  if (!wanted)
    co_return S3Error(
        400, "InvalidArgument",
        "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty");
  const auto wants = [&](std::string_view name) { return wanted->find(name) != std::string_view::npos; };
  std::string body(kXmlHead);
  body += fmt::format("<GetObjectAttributesResponse{}>", kS3Namespace);
  if (wants("ETag")) append_element(&body, "ETag", object.etag.substr(1, object.etag.size() - 2));
  if (wants("Checksum") && object.checksum) {
    body += "<Checksum>";
    append_checksum(&body, object.checksum, true);
    body += "</Checksum>";
  }
  if (wants("ObjectParts") && !object.parts.empty()) append_object_parts(&body, object);
  if (wants("StorageClass")) append_element(&body, "StorageClass", s3_class(object.storage_class));
  if (wants("ObjectSize")) append_element(&body, "ObjectSize", std::to_string(object.content.size()));
  body += "</GetObjectAttributesResponse>";
  auto headers = base_headers();
  headers.add("Last-Modified", http_date(std::chrono::floor<std::chrono::seconds>(object.modified)));
  co_return co_await reply(context, 200, std::move(headers), std::move(body));
}

Task<S3Service::Failure> S3Service::delete_object(Context* context) {
  auto headers = base_headers();
  if (const auto marker = store_->remove(context->bucket.name, context->key())) {
    headers.add("x-amz-delete-marker", "true");
    headers.add("x-amz-version-id", marker->version_id);
  }
  co_return co_await reply(context, 204, std::move(headers), {});
}

Task<S3Service::Failure> S3Service::delete_objects(Context* context) {
  const auto has_checksum = [&](HashKind kind) { return context->header(s3_checksum_header(kind)).has_value(); };
  if (!context->header("content-md5") && !context->header("x-amz-trailer") &&
      std::ranges::none_of(kS3ChecksumKinds, has_checksum)) {
    co_return S3Error(400, "InvalidRequest", "Missing required header for this request: Content-MD5");
  }
  auto got = co_await receive(context, std::nullopt);
  if (!got) co_return std::move(got).error();
  const auto text = got->content.text();
  pugi::xml_document xml;
  if (!xml.load_buffer(text.data(), text.size())) co_return malformed_xml();
  const auto root = xml.document_element();
  const bool quiet = std::string_view(root.child_value("Quiet")) == "true";
  std::string body(kXmlHead);
  body += fmt::format("<DeleteResult{}>", kS3Namespace);
  std::size_t count = 0;
  for (const auto object : root.children("Object")) {
    if (++count > 1000) co_return S3Error(400, "MalformedXML", "At most 1000 keys can be deleted at once.");
    const std::string key = object.child_value("Key");
    (void)store_->remove(context->bucket.name, key);
    if (quiet) continue;
    body += "<Deleted>";
    append_element(&body, "Key", key);
    body += "</Deleted>";
  }
  body += "</DeleteResult>";
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

namespace {
/// What a restore asks for. Objects of INTELLIGENT_TIERING come back for good, and take no number of days.
S3Result<std::chrono::days> restore_days(std::string_view body, bool tiered) {
  pugi::xml_document xml;
  const auto malformed = tl::unexpected(malformed_xml());
  if (!xml.load_buffer(body.data(), body.size())) return malformed;
  const auto root = xml.document_element();
  const std::string_view tier = root.child("GlacierJobParameters").child_value("Tier");
  if (!tier.empty() && tier != "Bulk" && tier != "Standard" && tier != "Expedited") return malformed;
  const auto days = parse_u64(root.child_value("Days"));
  if (tiered ? days.has_value() : !days || *days == 0) return malformed;
  return std::chrono::days{days.value_or(36'500)};
}
}  // namespace

/// Ready after the time that the sandbox was told. Asked again, it is under way, or stays readable for longer.
Task<S3Service::Failure> S3Service::restore_object(Context* context) {
  auto found = existing(*context);
  if (!found) co_return std::move(found).error();
  const auto& object = **found;
  auto body = co_await read_body(context);
  if (!body) co_return std::move(body).error();
  const auto now = clock_->wall();
  if (!is_archive(object)) {
    co_return S3Error(403, "InvalidObjectState", "Restore is not allowed for the object's current storage class",
                      {{"StorageClass", std::string(s3_class(object.storage_class))}});
  }
  if (being_restored(object, now)) {
    co_return S3Error(409, "RestoreAlreadyInProgress", "Object restore is already in progress");
  }
  const auto days = restore_days(*body, !object.archive_tier.empty());
  if (!days) co_return days.error();
  const bool again = !archived(object, now);
  S3Object restored = object;
  restored.readable_from = again ? object.readable_from : now + settings_.restore_time;
  restored.restored_until = std::max(now, restored.readable_from.value_or(now)) + *days;
  store_->replace(context->bucket.name, context->key(), *found, std::move(restored));
  co_return co_await reply(context, again ? 200 : 202, base_headers(), {});
}

Task<S3Service::Failure> S3Service::get_tagging(Context* context) {
  auto found = existing(*context);
  if (!found) co_return std::move(found).error();
  std::string body(kXmlHead);
  body += fmt::format("<Tagging{}><TagSet>", kS3Namespace);
  for (const auto& [name, value] : (*found)->tags) {
    body += "<Tag>";
    append_element(&body, "Key", name);
    append_element(&body, "Value", value);
    body += "</Tag>";
  }
  body += "</TagSet></Tagging>";
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

Task<S3Service::Failure> S3Service::put_tagging(Context* context) {
  auto found = existing(*context);
  if (!found) co_return std::move(found).error();
  S3Object tagged = **found;
  tagged.tags.clear();
  const bool deletes = context->call->route.operation == "DeleteObjectTagging";
  if (!deletes) {
    auto body = co_await read_body(context);
    if (!body) co_return std::move(body).error();
    pugi::xml_document xml;
    if (!xml.load_buffer(body->data(), body->size())) co_return malformed_xml();
    for (const auto tag : xml.document_element().child("TagSet").children("Tag")) {
      tagged.tags.emplace_back(tag.child_value("Key"), tag.child_value("Value"));
    }
    if (tagged.tags.size() > 10) co_return S3Error(400, "BadRequest", "Object tags cannot be greater than 10");
  }
  store_->replace(context->bucket.name, context->key(), *found, std::move(tagged));
  co_return co_await reply(context, deletes ? 204 : 200, base_headers(), {});
}

}  // namespace ferry::sandbox
