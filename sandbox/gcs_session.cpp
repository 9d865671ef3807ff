#include <algorithm>

#include "kit/base/text.hpp"
#include "sandbox/gcs_detail.hpp"

namespace ferry::sandbox {
namespace {

GcsError bad_range(std::string_view why) {
  return GcsError(400, "badRequest", fmt::format("Failed to parse Content-Range header: {}.", why));
}
GcsError dead_session() { return GcsError(410, "gone", "The upload session is no longer available."); }
GcsError overtaken() { return GcsError(409, "conflict", "Another request writes to this upload session."); }

}  // namespace

/// What one PUT says about the bytes it carries.
struct GcsService::Chunk {
  bool query = false;                  ///< bytes */…: no bytes, a question
  std::uint64_t first = 0;             ///< of the object
  std::optional<std::uint64_t> size;   ///< of the chunk; nothing: until the body ends
  std::optional<std::uint64_t> total;  ///< of the object, where known
  bool until_end = false;              ///< the end of the body is the end of the object
  std::uint64_t writer = 0;            ///< the session's number for this request
  [[nodiscard]] bool last() const { return until_end || (total && size && first + *size == *total); }
};

namespace {

struct ContentRange {
  std::optional<std::uint64_t> first, last, total;
  bool query = false, open_end = false;
};

/// bytes F-L/T, bytes F-L/*, bytes F-*/*, bytes */T, bytes */*
std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  ContentRange range;
  const auto total = text.substr(slash + 1);
  if (total != "*") {
    range.total = parse_u64(total);
    if (!range.total) return std::nullopt;
  }
  const auto span = text.substr(0, slash);
  if (span == "*") {
    range.query = true;
    return range;
  }
  const auto dash = span.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  range.first = parse_u64(span.substr(0, dash));
  range.open_end = span.substr(dash + 1) == "*";
  range.last = parse_u64(span.substr(dash + 1));
  if (!range.first || (!range.last && !range.open_end) || (range.last && *range.last < *range.first))
    return std::nullopt;
  return range;
}

}  // namespace

Task<GcsService::Failure> GcsService::start_session(Call* call) {
  const auto& query = call->route.target.query;
  const auto& wire = *call->wire;
  const auto text = co_await call->wire->read_all(kGcsControlMax);
  if (!text) co_return cut_body(text.error().what);
  auto resource = parse_resource(*text);
  if (!resource) co_return std::move(resource).error();
  auto conditions = read_conditions(query);
  if (!conditions) co_return std::move(conditions).error();

  auto session = std::make_shared<GcsSession>();
  session->bucket = call->route.bucket;
  session->name = query.has("name") ? std::string(query.get("name")) : resource->name.value_or("");
  call->route.key = session->name;
  if (auto error = check_object_name(session->name)) co_return error;
  if (!conditions->hold(store_->find(session->bucket, session->name).get())) {
    co_return GcsError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
  }
  session->conditions = *conditions;
  session->draft = std::move(resource->object);
  if (query.has("contentEncoding")) session->draft.content_encoding = query.get("contentEncoding");
  session->draft.kms_key = query.get("kmsKeyName");
  const auto type = wire.header("x-upload-content-type");
  if (session->draft.content_type.empty()) session->draft.content_type = type.value_or("application/octet-stream");
  session->md5 = std::move(resource->md5);
  session->crc32c = std::move(resource->crc32c);
  if (const auto length = wire.header("x-upload-content-length")) {
    session->total = parse_u64(*length);
    if (!session->total) co_return GcsError(400, "invalid", "Invalid X-Upload-Content-Length.");
    constexpr std::uint64_t kObjectMax = 5'497'558'138'880;
    if (*session->total > kObjectMax) co_return GcsError(400, "uploadTooLarge", "The object is over 5 TiB.");
  }
  session->intake.emplace(bytes_, wanted_digests(session->md5.has_value()));

  const auto id = fmt::format("{:016x}{:016x}", rng_->next(), rng_->next());
  store_->start_session(id, session);
  net::Headers headers{{"Location", fmt::format("{}/upload/storage/v1/b/{}/o?uploadType=resumable&name={}&upload_id={}",
                                                base_url(*call), session->bucket, percent_encode(session->name), id)},
                       {"X-GUploader-UploadID", id}};
  (void)co_await call->wire->respond(200, std::move(headers), {});
  co_return std::nullopt;
}

Task<GcsService::Failure> GcsService::reply_incomplete(Call* call, std::uint64_t persisted) {
  net::Headers headers;
  if (persisted > 0) headers.add("Range", fmt::format("bytes=0-{}", persisted - 1));
  int status = 308;
  if (iequals(call->wire->header("x-guploader-no-308").value_or(""), "yes")) {
    headers.add("X-HTTP-Status-Code-Override", "308");
    status = 200;
  }
  (void)co_await call->wire->respond(status, std::move(headers), {});
  co_return std::nullopt;
}

namespace {

bool holds(GcsSession* session, std::uint64_t total) {
  const std::lock_guard lock(session->mutex);
  return !session->intake || session->intake->size() == total;
}

std::optional<GcsError> check_chunk_rules(const std::optional<std::uint64_t>& session_total, std::uint64_t persisted,
                                          std::uint64_t first, std::optional<std::uint64_t> size,
                                          std::optional<std::uint64_t> total, bool last) {
  if (total && session_total && *total != *session_total) {
    return GcsError(
        400, "invalid",
        fmt::format("Content-Range says {} bytes in all, X-Upload-Content-Length said {}.", *total, *session_total));
  }
  if (first > persisted) {
    return GcsError(400, "invalid",
                    fmt::format("According to the Content-Range header, the upload offset is {} byte(s), which exceeds "
                                "already uploaded size of {} byte(s).",
                                first, persisted));
  }
  if (total && persisted > *total) return bad_range("more bytes than the total are stored already");
  if (total && size && first + *size > *total) return bad_range("the chunk reaches beyond the total");
  if (!last && size && *size % kQuantum != 0) {
    return GcsError(
        400, "invalid",
        fmt::format("Chunks other than the last must be multiples of 262144 bytes, this one has {}.", *size));
  }
  return std::nullopt;
}

}  // namespace

/// What the heads of a PUT say about its bytes.
GcsResult<GcsService::Chunk> GcsService::describe_chunk(const Wire& wire) {
  Chunk chunk;
  const auto length = wire.request().content_length;
  if (const auto header = wire.header("content-range")) {
    const auto range = parse_content_range(*header);
    if (!range) return tl::unexpected(bad_range(printable(*header)));
    chunk.query = range->query;
    chunk.first = range->first.value_or(0);
    chunk.total = range->total;
    chunk.until_end = range->open_end;
    if (range->last) chunk.size = *range->last - chunk.first + 1;
    if (range->open_end) chunk.size = length;
    if (range->query) chunk.size = 0;
    if (chunk.size && length && *chunk.size != *length) {
      return tl::unexpected(
          GcsError(400, "badRequest",
                   fmt::format("There were {} byte(s) in the request body. There should have been {} byte(s) "
                               "according to the Content-Range header.",
                               *length, *chunk.size)));
    }
  } else {
    chunk.size = length;
    chunk.total = length;
    chunk.until_end = true;
  }
  return chunk;
}

Task<GcsService::Failure> GcsService::put_chunk(Call* call) {
  const auto& wire = *call->wire;
  call->range = wire.header("content-range").value_or("");
  const auto session = store_->session(call->route.target.query.get("upload_id"));
  if (!session || session->bucket != call->route.bucket) co_return GcsError(404, "notFound", "No such upload session.");
  call->route.key = session->name;

  auto described = describe_chunk(wire);
  if (!described) co_return std::move(described).error();
  auto chunk = *described;

  std::uint64_t persisted = 0;
  GcsObjectPtr finished;
  {
    const std::lock_guard lock(session->mutex);
    finished = session->finished;
    if (!finished) {
      if (session->dead) co_return dead_session();
      persisted = session->intake->size();
      chunk.writer = ++session->writer;
      if (!chunk.total && session->total) chunk.total = session->total;
    }
  }
  if (finished) co_return co_await reply_object(call, std::move(finished));
  if (auto error = check_chunk_rules(session->total, persisted, chunk.first, chunk.size, chunk.total, chunk.last())) {
    co_return error;
  }
  bool complete = chunk.query && chunk.total && persisted == *chunk.total &&
                  call->range != "bytes */*";  // a question never ends an upload, a total does
  if (!chunk.query) {
    auto stored = co_await store_chunk(call, session.get(), &chunk);
    if (!stored) co_return std::move(stored).error();
    complete = *stored && chunk.last();
    if (complete && chunk.total) complete = holds(session.get(), *chunk.total);
  }
  if (complete) {
    auto object = finish_session(call, session.get());
    if (!object) co_return std::move(object).error();
    co_return co_await reply_object(call, *std::move(object));
  }
  {
    const std::lock_guard lock(session->mutex);
    persisted = session->intake ? session->intake->size() : 0;
  }
  co_return co_await reply_incomplete(call, persisted);
}

namespace {

/// One quantum into the session, if this request is still the one that writes.
std::optional<GcsError> append(GcsSession* session, std::uint64_t writer, std::string bytes) {
  const std::lock_guard lock(session->mutex);
  if (session->writer != writer || session->dead || session->finished) return overtaken();
  if (auto kept = session->intake->keep(std::move(bytes)); !kept) return backend_error(kept.error().what);
  return std::nullopt;
}

}  // namespace

/// True: everything that the chunk brought was stored. What came before a break stays, in whole quanta.
Task<GcsResult<bool>> GcsService::store_chunk(Call* call, GcsSession* session, Chunk* chunk) {
  std::uint64_t persisted = 0;
  {
    const std::lock_guard lock(session->mutex);
    if (session->writer != chunk->writer || !session->intake) co_return tl::unexpected(overtaken());
    persisted = session->intake->size();
  }
  const auto* fault = call->wire->fault();
  auto allowed = fault && fault->persist_only ? *fault->persist_only : UINT64_MAX;
  auto skip = persisted - chunk->first;  // sent again: passed over without comparison
  auto left = chunk->size ? *chunk->size - std::min(*chunk->size, skip) : UINT64_MAX;
  std::string quantum;
  std::size_t filled = 0;
  bool dropped = false;
  for (;;) {
    if (quantum.empty()) quantum.resize(std::min<std::uint64_t>(kQuantum, std::max<std::uint64_t>(left, 1)));
    const auto room = std::span<char>(quantum).subspan(filled);
    const auto got =
        co_await call->wire->read(skip > 0 ? room.first(std::min<std::uint64_t>(room.size(), skip)) : room);
    if (!got) co_return tl::unexpected(cut_body(got.error().what));
    if (*got == 0) break;
    if (skip > 0) {
      skip -= *got;
      continue;
    }
    filled += *got;
    left -= std::min<std::uint64_t>(left, *got);
    if (filled < quantum.size()) continue;
    quantum.resize(std::min<std::uint64_t>(filled, allowed));
    dropped = dropped || quantum.size() < filled;
    allowed -= quantum.size();
    filled = 0;
    if (!quantum.empty()) {
      if (auto error = append(session, chunk->writer, std::exchange(quantum, {})))
        co_return tl::unexpected(*std::move(error));
    }
  }
  quantum.resize(std::min<std::uint64_t>(filled, allowed));
  dropped = dropped || quantum.size() < filled;
  if (!quantum.empty()) {
    if (auto error = append(session, chunk->writer, std::move(quantum))) co_return tl::unexpected(*std::move(error));
  }
  co_return !dropped;
}

GcsResult<GcsObjectPtr> GcsService::finish_session(Call* call, GcsSession* session) {
  const std::lock_guard lock(session->mutex);
  if (session->finished) return session->finished;
  if (session->dead) return tl::unexpected(dead_session());
  if (session->total && *session->total != session->intake->size()) {
    session->dead = true;
    return tl::unexpected(GcsError(400, "invalid",
                                   fmt::format("{} bytes were uploaded, X-Upload-Content-Length said {}.",
                                               session->intake->size(), *session->total)));
  }
  Upload upload;
  upload.bucket = session->bucket;
  upload.name = session->name;
  upload.resource.object = session->draft;
  upload.resource.md5 = session->md5;
  upload.resource.crc32c = session->crc32c;
  upload.conditions = session->conditions;
  upload.intake = std::exchange(session->intake, std::nullopt);
  auto stored = finish(call, std::move(upload), "resumable");
  if (stored)
    session->finished = *stored;
  else
    session->dead = true;
  return stored;
}

Task<GcsService::Failure> GcsService::cancel_session(Call* call) {
  const auto session = store_->session(call->route.target.query.get("upload_id"));
  if (!session) co_return GcsError(404, "notFound", "No such upload session.");
  call->route.key = session->name;
  {
    const std::lock_guard lock(session->mutex);
    session->dead = true;
    session->intake.reset();
  }
  co_return GcsError(499, "clientClosedRequest", "The upload was cancelled.");
}

}  // namespace ferry::sandbox
