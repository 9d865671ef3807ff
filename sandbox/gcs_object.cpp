#include <isa-l/igzip_lib.h>

#include <algorithm>

#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "sandbox/gcs_detail.hpp"

namespace ferry::sandbox {
namespace {

std::string goog_hash(const GcsObject& object) {
  auto text = "crc32c=" + base64(big_endian(object.crc32c));
  if (object.md5) text += ",md5=" + base64(*object.md5);
  return text;
}

net::Headers media_headers(const GcsObject& object, bool xml) {
  net::Headers headers{{"Server", "bucketferry-sandbox"}};
  headers.add("Content-Type", object.content_type.empty() ? "application/octet-stream" : object.content_type);
  headers.add("Last-Modified", http_date(std::chrono::floor<std::chrono::seconds>(object.updated)));
  headers.add("ETag", "\"" + base64(fmt::format("{}/{}", object.generation, object.metageneration)) + "\"");
  headers.add("x-goog-generation", std::to_string(object.generation));
  headers.add("x-goog-metageneration", std::to_string(object.metageneration));
  headers.add("x-goog-hash", goog_hash(object));
  headers.add("x-goog-stored-content-length", std::to_string(object.content.size()));
  headers.add("x-goog-stored-content-encoding", object.content_encoding.empty() ? "identity" : object.content_encoding);
  headers.add("x-goog-storage-class", object.storage_class);
  if (!object.cache_control.empty()) headers.add("Cache-Control", object.cache_control);
  if (!object.content_disposition.empty()) headers.add("Content-Disposition", object.content_disposition);
  if (!object.content_language.empty()) headers.add("Content-Language", object.content_language);
  for (const auto& [name, value] : object.metadata) {
    if (xml) headers.add("x-goog-meta-" + percent_encode(name), percent_encode(value, " !\"#$&'()*+,/:;<=>?@[]^_`{|}"));
  }
  return headers;
}

/// [first, size) of a Range header; nothing: everything; size 0: can't be satisfied.
std::optional<std::pair<std::uint64_t, std::uint64_t>> wanted_range(std::optional<std::string_view> header,
                                                                    std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header || !header->starts_with(kUnit)) return std::nullopt;
  const auto text = header->substr(kUnit.size());
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_u64(text.substr(0, dash));
  const auto last = parse_u64(text.substr(dash + 1));
  if (first) {
    if (last && *last < *first) return std::nullopt;
    if (*first >= size) return std::pair<std::uint64_t, std::uint64_t>{0, 0};
    return std::pair{*first, std::min(last.value_or(UINT64_MAX), size - 1) - *first + 1};
  }
  if (dash != 0 || !last) return std::nullopt;
  const auto count = std::min(*last, size);
  return std::pair{size - count, count};
}

std::string make_token(const GcsListing& listing) {
  return base64((listing.next_is_prefix ? "p/" : "k/") + listing.next);
}

GcsResult<GcsListQuery> read_list_query(const Query& query) {
  GcsListQuery wanted;
  wanted.prefix = query.get("prefix");
  wanted.delimiter = query.get("delimiter");
  wanted.start = query.get("startOffset");
  wanted.end = query.get("endOffset");
  if (query.has("matchGlob")) return tl::unexpected(GcsError(400, "invalid", "matchGlob is not served here."));
  if (const auto text = query.find("maxResults")) {
    const auto number = parse_u64(*text);
    if (!number || *number == 0) return tl::unexpected(GcsError(400, "invalid", "Invalid value for maxResults."));
    wanted.limit = std::min<std::uint64_t>(*number, 1000);
  }
  if (const auto token = query.find("pageToken"); token && !token->empty()) {
    const auto text = from_base64(*token);
    if (!text || (!text->starts_with("k/") && !text->starts_with("p/"))) {
      return tl::unexpected(GcsError(400, "invalid", "Invalid pageToken."));
    }
    wanted.after = text->substr(2);
    wanted.after_prefix = text->front() == 'p';
  }
  return wanted;
}

}  // namespace

Task<GcsService::Failure> GcsService::list_objects(Call* call) {
  const auto& query = call->route.target.query;
  auto wanted = read_list_query(query);
  if (!wanted) co_return std::move(wanted).error();
  const auto listing = store_->list(call->route.bucket, *wanted);
  const auto mask = FieldMask::parse(query.get("fields"));
  const auto base = base_url(*call);
  std::string body;
  body.reserve(256 + listing.items.size() * 512);
  JsonObject json(&body);
  if (mask.wants("kind")) json.text("kind", "storage#objects");
  if (listing.truncated && mask.wants("nextPageToken")) json.text("nextPageToken", make_token(listing));
  if (!listing.prefixes.empty() && mask.wants("prefixes")) {
    *json.name("prefixes") += '[';
    for (const auto& prefix : listing.prefixes) {
      if (body.back() != '[') body += ',';
      append_json(&body, prefix);
    }
    body += ']';
  }
  if (!listing.items.empty() && mask.wants("items")) {
    *json.name("items") += '[';
    const auto& item_mask = mask.below("items");
    for (const auto& [name, object] : listing.items) {
      if (body.back() != '[') body += ',';
      append_object(&body, base, call->route.bucket, name, *object, item_mask);
    }
    body += ']';
  }
  json.end();
  co_return co_await reply(call, 200, std::move(body));
}

GcsResult<GcsObjectPtr> GcsService::existing(const Call& call) const {
  const auto& route = call.route;
  const auto& query = route.target.query;
  auto object = store_->find(route.bucket, route.key);
  const auto generation = query.find("generation");
  if (!object || (generation && parse_u64(*generation) != object->generation)) {
    return tl::unexpected(GcsError(404, "notFound", fmt::format("No such object: {}/{}", route.bucket, route.key)));
  }
  auto conditions = read_conditions(query);
  if (!conditions) return tl::unexpected(std::move(conditions).error());
  if (const auto header = call.wire->header("x-goog-if-generation-match")) conditions->generation = parse_u64(*header);
  if (conditions->hold(object.get())) return object;
  GcsConditions only_not;
  only_not.not_generation = conditions->not_generation;
  only_not.not_metageneration = conditions->not_metageneration;
  if (!only_not.hold(object.get())) return tl::unexpected(GcsError(304, "notModified", "Not Modified"));
  return tl::unexpected(
      GcsError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."));
}

Task<GcsService::Failure> GcsService::get_object(Call* call) {
  auto object = existing(*call);
  if (!object) co_return std::move(object).error();
  co_return co_await reply_object(call, *std::move(object));
}

Task<GcsService::Failure> GcsService::download_object(Call* call) {
  call->range = call->wire->header("range").value_or("");
  auto found = existing(*call);
  if (!found) co_return std::move(found).error();
  const auto object = *std::move(found);
  call->generation = object->generation;
  auto headers = media_headers(*object, is_xml(*call));
  const bool takes_gzip = call->wire->header("accept-encoding").value_or("").find("gzip") != std::string_view::npos;
  const bool transforms = object->content_encoding == "gzip" && !takes_gzip &&
                          object->cache_control.find("no-transform") == std::string::npos;
  const bool head = call->wire->request().method == "HEAD";
  if (transforms && !head) co_return co_await send_inflated(call, object, std::move(headers));
  if (!object->content_encoding.empty()) headers.add("Content-Encoding", object->content_encoding);

  std::uint64_t first = 0, size = object->content.size();
  int status = 200;
  if (const auto range = wanted_range(call->wire->header("range"), size)) {
    if (range->second == 0) co_return GcsError(416, "requestedRangeNotSatisfiable", "Request range not satisfiable");
    headers.add("Content-Range", fmt::format("bytes {}-{}/{}", range->first, range->first + range->second - 1, size));
    std::tie(first, size) = *range;
    status = 206;
  }
  auto scratch = object->content.scratch();
  auto sent = co_await call->wire->begin(status, std::move(headers), size);
  for (std::uint64_t done = 0; sent && !head && done < size;) {
    const auto bytes = object->content.view(first + done, size - done, scratch);
    if (bytes.empty()) {  // discarded: there is nothing true to send
      call->wire->abort(true);
      co_return std::nullopt;
    }
    sent = co_await call->wire->write(bytes);
    done += bytes.size();
  }
  if (sent) (void)co_await call->wire->finish();
  co_return std::nullopt;
}

/// Decompressive transcoding: who doesn't say that he takes gzip gets plain bytes, without a length.
Task<GcsService::Failure> GcsService::send_inflated(Call* call, GcsObjectPtr object, net::Headers headers) {
  auto inflate = std::make_unique<inflate_state>();
  isal_inflate_init(inflate.get());
  inflate->crc_flag = ISAL_GZIP;
  headers.add("Warning", "214 UploadServer gunzipped");
  auto sent = co_await call->wire->begin(200, std::move(headers), std::nullopt);
  std::string plain(64 * 1024, '\0');
  auto scratch = object->content.scratch();
  for (std::uint64_t done = 0; sent && done < object->content.size();) {
    const auto packed =
        object->content.view(done, std::min<std::uint64_t>(object->content.size() - done, 1 << 20), scratch);
    if (packed.empty()) break;
    inflate->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(packed.data()));
    inflate->avail_in = static_cast<std::uint32_t>(packed.size());
    do {
      inflate->next_out = reinterpret_cast<std::uint8_t*>(plain.data());
      inflate->avail_out = static_cast<std::uint32_t>(plain.size());
      if (isal_inflate(inflate.get()) != ISAL_DECOMP_OK) {  // the stored bytes never were gzip
        call->wire->abort(true);
        co_return std::nullopt;
      }
      const auto ready = plain.size() - inflate->avail_out;
      if (ready > 0) sent = co_await call->wire->write(std::string_view(plain).substr(0, ready));
    } while (sent && inflate->avail_out == 0);
    done += packed.size() - inflate->avail_in;
    if (inflate->block_state == ISAL_BLOCK_FINISH) break;
  }
  if (sent) (void)co_await call->wire->finish();
  co_return std::nullopt;
}

Task<GcsService::Failure> GcsService::patch_object(Call* call) {
  const auto text = co_await call->wire->read_all(kGcsControlMax);
  if (!text) co_return cut_body(text.error().what);
  auto conditions = read_conditions(call->route.target.query);
  if (!conditions) co_return std::move(conditions).error();
  const auto before = store_->find(call->route.bucket, call->route.key);
  GcsObject probe = before ? *before : GcsObject{};
  const bool replaces = call->route.operation == "UpdateObject";
  const auto change = [&](GcsObject* object) -> GcsResult<std::monostate> {
    if (replaces) {
      object->metadata.clear();
      for (auto* field : {&object->content_type, &object->content_encoding, &object->content_disposition,
                          &object->content_language, &object->cache_control}) {
        field->clear();
      }
    }
    return sandbox::patch_object(*text, object);
  };
  if (auto tried = change(&probe); !tried) co_return std::move(tried).error();
  auto updated = store_->update(call->route.bucket, call->route.key, *conditions,
                                [&](GcsObject* object) { (void)change(object); });
  if (!updated) co_return std::move(updated).error();
  co_return co_await reply_object(call, *std::move(updated));
}

Task<GcsService::Failure> GcsService::delete_object(Call* call) {
  const auto& route = call->route;
  auto conditions = read_conditions(route.target.query);
  if (!conditions) co_return std::move(conditions).error();
  if (const auto generation = route.target.query.find("generation")) conditions->generation = parse_u64(*generation);
  if (auto gone = store_->remove(route.bucket, route.key, *conditions); !gone) co_return std::move(gone).error();
  (void)co_await call->wire->respond(204, net::Headers{}, {});
  co_return std::nullopt;
}

Task<GcsService::Failure> GcsService::compose_object(Call* call) {
  const auto text = co_await call->wire->read_all(kGcsControlMax);
  if (!text) co_return cut_body(text.error().what);
  auto composition = parse_composition(*text);
  if (!composition) co_return std::move(composition).error();
  if (auto error = check_object_name(call->route.key)) co_return error;
  auto conditions = read_conditions(call->route.target.query);
  if (!conditions) co_return std::move(conditions).error();
  GcsObject object = std::move(composition->destination.object);
  for (const auto& source : composition->sources) {
    const auto part = store_->find(call->route.bucket, source.name);
    if (!part || (source.generation && *source.generation != part->generation)) {
      co_return GcsError(
          404, "notFound",
          fmt::format("Object {} (generation: {}) not found.", source.name, source.generation.value_or(0)));
    }
    if (source.if_generation && *source.if_generation != part->generation) {
      co_return GcsError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
    }
    object.crc32c = crc32c_combine(object.crc32c, part->crc32c, part->content.size());
    object.content.append(part->content);
    object.components += std::max<std::uint64_t>(1, part->components);
  }
  auto stored = store_->commit(call->route.bucket, call->route.key, std::move(object), *conditions);
  if (!stored) co_return std::move(stored).error();
  note_commit(call->route.bucket, call->route.key, **stored, "compose");
  co_return co_await reply_object(call, *std::move(stored));
}

/// rewriteTo and copyTo: done in one step.
Task<GcsService::Failure> GcsService::copy_object(Call* call) {
  const auto text = co_await call->wire->read_all(kGcsControlMax);
  if (!text) co_return cut_body(text.error().what);
  const auto& route = call->route;
  const auto source = store_->find(route.bucket, route.key);
  if (!source) co_return GcsError(404, "notFound", fmt::format("No such object: {}/{}", route.bucket, route.key));
  auto from = read_conditions(route.target.query, "ifSource");
  auto onto = read_conditions(route.target.query);
  if (!from || !onto) co_return from ? onto.error() : from.error();
  if (!from->hold(source.get()))
    co_return GcsError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
  const auto& path = route.target.segments;
  const auto bucket = path[path.size() - 3];
  const auto name = path.back();
  if (auto error = check_object_name(name)) co_return error;
  GcsObject copy = *source;
  if (!trim(*text).empty() && *text != "{}") {
    auto resource = parse_resource(*text);
    if (!resource) co_return std::move(resource).error();
    copy = std::move(resource->object);
    copy.content = source->content;
    copy.crc32c = source->crc32c;
    copy.md5 = source->md5;
    copy.sha256 = source->sha256;
    copy.components = source->components;
  }
  auto stored = store_->commit(bucket, name, std::move(copy), *onto);
  if (!stored) co_return std::move(stored).error();
  note_commit(bucket, name, **stored, "copy");
  call->generation = (*stored)->generation;
  std::string resource;
  append_object(&resource, base_url(*call), bucket, name, **stored, FieldMask{});
  if (route.operation == "CopyObject") co_return co_await reply(call, 200, std::move(resource));
  std::string body;
  JsonObject json(&body);
  const auto size = std::to_string((*stored)->content.size());
  json.text("kind", "storage#rewriteResponse").text("totalBytesRewritten", size).text("objectSize", size);
  json.raw("done", "true").raw("resource", resource).end();
  co_return co_await reply(call, 200, std::move(body));
}

}  // namespace ferry::sandbox
