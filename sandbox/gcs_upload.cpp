#include <algorithm>

#include "kit/base/text.hpp"
#include "sandbox/gcs_detail.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::uint64_t kObjectMax = 5'497'558'138'880;  // 5 TiB
constexpr std::size_t kRelatedHeadMax = 256 * 1024;
constexpr std::size_t kReadBytes = 256 * 1024;

GcsError malformed(std::string_view why) {
  return GcsError(400, "badContent", fmt::format("Malformed multipart body: {}.", why));
}

std::optional<std::string> boundary_of(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/related";
  constexpr std::string_view kName = "boundary=";
  if (content_type.size() < kType.size() || !iequals(content_type.substr(0, kType.size()), kType)) return std::nullopt;
  const auto at = to_lower(content_type).find(kName);
  if (at == std::string::npos) return std::nullopt;
  auto value = content_type.substr(at + kName.size());
  value = trim(value.substr(0, value.find(';')));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  if (value.empty() || value.size() > 70) return std::nullopt;
  return std::string(value);
}

/// Both parts' heads and the JSON between them.
struct RelatedHead {
  std::string_view json;
  std::optional<std::string_view> media_type;
  std::size_t size = 0;  ///< of all that precedes the media bytes
};

/// Nothing yet: more bytes are needed.
GcsResult<std::optional<RelatedHead>> parse_related_head(std::string_view text, std::string_view boundary) {
  const auto delimiter = "--" + std::string(boundary);
  const auto next = "\r\n" + delimiter + "\r\n";
  const auto start = text.find(delimiter + "\r\n");
  if (start == std::string_view::npos) return std::nullopt;
  const auto first_head_end = text.find("\r\n\r\n", start + delimiter.size());
  if (first_head_end == std::string_view::npos) return std::nullopt;
  const auto json_end = text.find(next, first_head_end + 2);
  if (json_end == std::string_view::npos) return std::nullopt;
  const auto second = json_end + next.size();
  RelatedHead head;
  if (json_end > first_head_end + 4) head.json = text.substr(first_head_end + 4, json_end - first_head_end - 4);
  auto fields = text.substr(second);
  if (fields.starts_with("\r\n")) {  // a media part without any header, as rclone's small uploads have it
    head.size = second + 2;
    return head;
  }
  const auto second_head_end = fields.find("\r\n\r\n");
  if (second_head_end == std::string_view::npos) return std::nullopt;
  head.size = second + second_head_end + 4;
  fields = fields.substr(0, second_head_end + 2);
  for (auto end = fields.find("\r\n"); end != std::string_view::npos; end = fields.find("\r\n")) {
    const auto line = fields.substr(0, end);
    fields.remove_prefix(end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return tl::unexpected(malformed("a part header has no colon"));
    if (iequals(line.substr(0, colon), "content-type")) head.media_type = trim(line.substr(colon + 1));
  }
  return head;
}

/// Where the media ends in the last bytes of a body; nothing: no closing delimiter.
std::optional<std::size_t> media_end(std::string_view tail, std::string_view boundary) {
  const auto closing = fmt::format("\r\n--{}--", boundary);
  if (tail.ends_with("\r\n")) {
    if (const auto rest = tail.substr(0, tail.size() - 2); rest.ends_with(closing)) return rest.size() - closing.size();
  }
  return tail.ends_with(closing) ? std::optional(tail.size() - closing.size()) : std::nullopt;
}

}  // namespace

GoogHashes goog_hashes(const net::Headers& headers) {
  GoogHashes hashes;
  for (const auto& [name, value] : headers) {
    if (!iequals(name, "x-goog-hash")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      const auto one = trim(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (one.starts_with("md5=")) hashes.md5 = one.substr(4);
      if (one.starts_with("crc32c=")) hashes.crc32c = one.substr(7);
    }
  }
  return hashes;
}

std::optional<GcsError> check_digests(const GoogHashes& declared, const Digests& actual) {
  const auto differ = [](std::string_view kind, const std::string& given, const std::string& computed) {
    return GcsError(
        400, "invalid",
        fmt::format("Provided {} hash \"{}\" doesn't match calculated {} hash \"{}\".", kind, given, kind, computed));
  };
  if (declared.crc32c) {
    const auto computed = base64(big_endian(actual.crc32c()));
    if (*declared.crc32c != computed) return differ("CRC32C", *declared.crc32c, computed);
  }
  if (declared.md5) {
    const auto raw = actual.get(HashKind::kMd5);
    if (!raw) {  // --no-md5, and the client declared one only at the end
      return GcsError(400, "invalid", "This server computes an MD5 only if it is declared when the upload starts.");
    }
    const auto computed = base64(*raw);
    if (*declared.md5 != computed) return differ("MD5", *declared.md5, computed);
  }
  return std::nullopt;
}

Digests GcsService::wanted_digests(bool md5_declared) const {
  Digests digests;
  if (settings_.compute_md5 || md5_declared) digests.want(HashKind::kMd5);
  if (settings_.log_sha256) digests.want(HashKind::kSha256);
  return digests;
}

void GcsService::note_commit(const std::string& bucket, const std::string& name, const GcsObject& object,
                             std::string_view kind) const {
  std::string note = R"("event":"commit","service":"gcs","upload":")";
  note.append(kind).append("\",\"bucket\":");
  append_json(&note, bucket);
  note += ",\"key\":";
  append_json(&note, name);
  note += fmt::format(R"(,"generation":"{}","size":{},"crc32c":"{}")", object.generation, object.content.size(),
                      base64(big_endian(object.crc32c)));
  if (object.md5) note += fmt::format(R"(,"md5":"{}")", base64(*object.md5));
  if (object.sha256) note += fmt::format(R"(,"sha256":"{}")", *object.sha256);
  note += ",\"metadata\":";
  JsonObject metadata(&note);
  for (const auto& [field, value] : object.metadata) metadata.text(field, value);
  metadata.end();
  log_->note(note);
}

/// Everything that is checked when the bytes are complete; then the object is visible.
GcsResult<GcsObjectPtr> GcsService::finish(Call* call, Upload upload, std::string_view kind) {
  const auto& digests = upload.intake->digests();
  auto declared = goog_hashes(call->wire->request().headers);
  if (auto error = check_digests(declared, digests)) return tl::unexpected(*std::move(error));
  declared = {upload.resource.md5, upload.resource.crc32c};
  if (auto error = check_digests(declared, digests)) return tl::unexpected(*std::move(error));
  if (upload.intake->size() > kObjectMax)
    return tl::unexpected(GcsError(400, "uploadTooLarge", "The object is over 5 TiB."));
  auto object = std::move(upload.resource.object);
  object.content = upload.intake->content();
  object.crc32c = digests.crc32c();
  object.md5 = digests.get(HashKind::kMd5);
  if (const auto raw = digests.get(HashKind::kSha256)) object.sha256 = hex(*raw);
  auto stored = store_->commit(upload.bucket, upload.name, std::move(object), upload.conditions);
  if (!stored) return stored;
  note_commit(upload.bucket, upload.name, **stored, kind);
  call->route.key = upload.name;
  call->generation = (*stored)->generation;
  return stored;
}

Task<GcsResult<std::monostate>> GcsService::read_body(Call* call, Intake* intake) {
  for (;;) {
    const auto got = co_await call->wire->read(intake->space());
    if (!got) co_return tl::unexpected(cut_body(got.error().what));
    if (*got == 0) break;
    if (auto kept = intake->arrived(*got); !kept) co_return tl::unexpected(backend_error(kept.error().what));
  }
  if (auto kept = intake->end(); !kept) co_return tl::unexpected(backend_error(kept.error().what));
  co_return std::monostate{};
}

namespace {

/// HTTP compression of an upload is transport only: GCS would store the unpacked bytes. Who sends it means something
/// else.
std::optional<GcsError> check_transport(const Wire& wire) {
  const auto encoding = wire.header("content-encoding");
  if (!encoding || iequals(*encoding, "identity")) return std::nullopt;
  return GcsError(400, "invalid",
                  "A Content-Encoding request header on a JSON upload is transport compression: the object would be "
                  "stored unpacked. Put it into the metadata field contentEncoding.");
}

std::optional<GcsError> check_early(const GcsStore& store, const std::string& bucket, const std::string& name,
                                    const GcsConditions& conditions) {
  if (auto error = check_object_name(name)) return error;
  const auto current = store.find(bucket, name);
  if (conditions.hold(current.get())) return std::nullopt;
  return GcsError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
}

}  // namespace

Task<GcsService::Failure> GcsService::insert_media(Call* call) {
  const auto& query = call->route.target.query;
  if (auto error = check_transport(*call->wire)) co_return error;
  Upload upload;
  upload.bucket = call->route.bucket;
  upload.name = call->route.key;
  upload.resource.object.content_type = call->wire->header("content-type").value_or("application/octet-stream");
  upload.resource.object.content_encoding = query.get("contentEncoding");
  upload.resource.object.kms_key = query.get("kmsKeyName");
  auto conditions = read_conditions(query);
  if (!conditions) co_return std::move(conditions).error();
  upload.conditions = *conditions;
  if (auto error = check_early(*store_, upload.bucket, upload.name, upload.conditions)) co_return error;
  upload.intake.emplace(bytes_, wanted_digests(goog_hashes(call->wire->request().headers).md5.has_value()),
                        call->wire->request().content_length);
  if (auto read = co_await read_body(call, &*upload.intake); !read) co_return std::move(read).error();
  auto stored = finish(call, std::move(upload), "media");
  if (!stored) co_return std::move(stored).error();
  co_return co_await reply_object(call, *std::move(stored));
}

Task<GcsService::Failure> GcsService::insert_multipart(Call* call) {
  if (auto error = check_transport(*call->wire)) co_return error;
  Upload upload;
  upload.bucket = call->route.bucket;
  auto conditions = read_conditions(call->route.target.query);
  if (!conditions) co_return std::move(conditions).error();
  upload.conditions = *conditions;
  if (auto read = co_await read_related(call, &upload); !read) co_return std::move(read).error();
  auto stored = finish(call, std::move(upload), "multipart");
  if (!stored) co_return std::move(stored).error();
  co_return co_await reply_object(call, *std::move(stored));
}

namespace {

/// What the JSON part and the query say about the object.
std::optional<GcsError> read_resource(std::string_view json, std::optional<std::string_view> media_type,
                                      const Query& query, GcsResource* resource, std::string* name) {
  auto parsed = parse_resource(json);
  if (!parsed) return std::move(parsed).error();
  *resource = *std::move(parsed);
  *name = query.has("name") ? std::string(query.get("name")) : resource->name.value_or("");
  if (query.has("contentEncoding")) resource->object.content_encoding = query.get("contentEncoding");
  resource->object.kms_key = query.get("kmsKeyName");
  auto& type = resource->object.content_type;
  if (type.empty()) {
    type = media_type.value_or("application/octet-stream");
  } else if (media_type && *media_type != type) {
    return GcsError(
        400, "invalid",
        fmt::format(
            "Content-Type specified in the upload (\"{}\") does not match Content-Type specified in metadata (\"{}\").",
            *media_type, type));
  }
  return std::nullopt;
}

}  // namespace

Task<GcsResult<std::monostate>> GcsService::read_related(Call* call, Upload* upload) {
  auto* wire = call->wire;
  const auto boundary = boundary_of(wire->header("content-type").value_or(""));
  if (!boundary) co_return tl::unexpected(malformed("Content-Type must be multipart/related with a boundary"));
  std::string buffer;
  std::optional<RelatedHead> head;
  const auto read_more = [](Wire* from, std::string* into) -> Task<Result<std::size_t>> {
    const auto size = into->size();
    const auto length = from->request().content_length;
    into->resize(
        size + std::min<std::uint64_t>(
                   kReadBytes, length ? *length - std::min<std::uint64_t>(*length, from->bytes_in()) + 1 : kReadBytes));
    const auto got = co_await from->read(std::span<char>(*into).subspan(size));
    into->resize(size + (got ? *got : 0));
    co_return got;
  };
  bool complete = false;
  while (!head) {
    if (buffer.size() > kRelatedHeadMax + kReadBytes)
      co_return tl::unexpected(malformed("the metadata part is too long"));
    const auto got = co_await read_more(wire, &buffer);
    if (!got) co_return tl::unexpected(cut_body(got.error().what));
    complete = *got == 0;
    auto parsed = parse_related_head(buffer, *boundary);
    if (!parsed) co_return tl::unexpected(std::move(parsed).error());
    head = *parsed;
    if (complete && !head) co_return tl::unexpected(malformed("two parts are expected, metadata first"));
  }
  if (auto error =
          read_resource(head->json, head->media_type, call->route.target.query, &upload->resource, &upload->name)) {
    co_return tl::unexpected(*std::move(error));
  }
  call->route.key = upload->name;
  if (auto error = check_early(*store_, upload->bucket, upload->name, upload->conditions))
    co_return tl::unexpected(*std::move(error));
  const bool md5 = upload->resource.md5 || goog_hashes(wire->request().headers).md5;
  auto& intake = upload->intake.emplace(bytes_, wanted_digests(md5));

  // The end is known only when it is there: the last bytes are held back, they may be the closing delimiter.
  buffer.erase(0, head->size);
  const auto held_back = boundary->size() + 8;
  while (!complete) {
    if (buffer.size() > held_back + kReadBytes) {
      const auto ready = buffer.size() - held_back;
      if (auto kept = intake.add(std::span<const char>(buffer).first(ready)); !kept)
        co_return tl::unexpected(backend_error(kept.error().what));
      buffer.erase(0, ready);
    }
    const auto got = co_await read_more(wire, &buffer);
    if (!got) co_return tl::unexpected(cut_body(got.error().what));
    complete = *got == 0;
  }
  const auto end = media_end(buffer, *boundary);
  if (!end) co_return tl::unexpected(malformed("the closing delimiter is missing"));
  buffer.resize(*end);
  auto kept = intake.end();
  if (kept && !buffer.empty()) kept = intake.keep(std::move(buffer));
  if (!kept) co_return tl::unexpected(backend_error(kept.error().what));
  co_return std::monostate{};
}

/// XML API: the headers are the metadata, Content-Encoding is the stored property.
Task<GcsService::Failure> GcsService::put_xml(Call* call) {
  auto* wire = call->wire;
  Upload upload;
  upload.bucket = call->route.bucket;
  upload.name = call->route.key;
  auto& object = upload.resource.object;
  object.content_type = wire->header("content-type").value_or("application/octet-stream");
  object.content_encoding = wire->header("content-encoding").value_or("");
  object.content_disposition = wire->header("content-disposition").value_or("");
  object.content_language = wire->header("content-language").value_or("");
  object.cache_control = wire->header("cache-control").value_or("");
  constexpr std::string_view kMeta = "x-goog-meta-";
  for (const auto& [name, value] : wire->request().headers) {
    if (to_lower(name).starts_with(kMeta)) object.metadata[to_lower(name).substr(kMeta.size())] = value;
  }
  if (auto error = check_metadata(object)) co_return error;
  if (const auto generation = wire->header("x-goog-if-generation-match"))
    upload.conditions.generation = parse_u64(*generation);
  if (const auto md5 = wire->header("content-md5")) upload.resource.md5 = *md5;
  if (auto error = check_early(*store_, upload.bucket, upload.name, upload.conditions)) co_return error;
  upload.intake.emplace(bytes_, wanted_digests(true), wire->request().content_length);
  if (auto read = co_await read_body(call, &*upload.intake); !read) co_return std::move(read).error();
  auto stored = finish(call, std::move(upload), "xml");
  if (!stored) {
    auto error = std::move(stored).error();
    co_return error.reason == "invalid" ? GcsError(400, "BadDigest", error.message) : error;
  }
  net::Headers headers{{"x-goog-generation", std::to_string((*stored)->generation)},
                       {"x-goog-hash", "crc32c=" + base64(big_endian((*stored)->crc32c))}};
  (void)co_await wire->respond(200, std::move(headers), {});
  co_return std::nullopt;
}

}  // namespace ferry::sandbox
