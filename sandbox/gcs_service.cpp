#include "sandbox/gcs_service.hpp"

#include <algorithm>
#include <span>

#include "kit/base/text.hpp"
#include "sandbox/gcs_detail.hpp"
#include "sandbox/sigv4.hpp"

namespace ferry::sandbox {
namespace {

/// /b, /b/BUCKET, /b/BUCKET/o, /b/BUCKET/o/OBJECT, … : what follows /storage/v1.
void route_resource(std::string_view method, std::span<const std::string> path, Route* route) {
  const auto size = path.size();
  if (size < 1 || path[0] != "b") return;
  if (size == 1 || (size == 2 && path[1].empty())) {
    route->operation = method == "GET" ? "ListBuckets" : method == "POST" ? "InsertBucket" : "BadRequest";
    return;
  }
  route->bucket = path[1];
  if (size == 2) {
    route->operation = method == "GET" ? "GetBucket" : method == "DELETE" ? "DeleteBucket" : "BadRequest";
    return;
  }
  if (method == "GET" && size == 4 && path[2] == "iam" && path[3] == "testPermissions") {
    route->operation = "TestPermissions";
  }
  if (size == 3 && path[2] == "storageLayout") route->operation = "GetStorageLayout";
  if (path[2] != "o") return;
  if (size == 3 || (size == 4 && path[3].empty())) {
    if (method == "GET") route->operation = "ListObjects";
    return;
  }
  route->key = path[3];
  if (size == 4) {
    const bool media = route->target.query.get("alt") == "media";
    if (method == "GET") route->operation = media ? "DownloadObject" : "GetObject";
    if (method == "PATCH") route->operation = "PatchObject";
    if (method == "PUT") route->operation = "UpdateObject";
    if (method == "DELETE") route->operation = "DeleteObject";
  } else if (method == "POST" && size == 5 && path[4] == "compose") {
    route->operation = "ComposeObject";
  } else if (method == "POST" && size == 9 && path[5] == "b" && path[7] == "o") {
    if (path[4] == "rewriteTo") route->operation = "RewriteObject";
    if (path[4] == "copyTo") route->operation = "CopyObject";
  }
}

/// What follows /upload/storage/v1.
void route_upload(const net::ServerRequest& request, std::span<const std::string> path, Route* route) {
  if (path.size() != 3 || path[0] != "b" || path[2] != "o") return;
  const auto& query = route->target.query;
  route->bucket = path[1];
  route->key = query.get("name");
  const auto type = query.get("uploadType");
  if (query.has("upload_id")) {
    if (request.method == "DELETE") route->operation = "CancelSession";
    if (request.method != "PUT" && request.method != "POST") return;
    const auto range = request.headers.find("content-range").value_or("");
    const bool query_only = range.starts_with("bytes */") && request.content_length == 0;
    route->operation = query_only ? "QuerySession" : "PutChunk";
    route->uploads = !query_only;
  } else if (request.method == "POST") {
    if (type == "resumable") route->operation = "StartSession";
    if (type == "media") route->operation = "InsertMedia";
    if (type == "multipart") route->operation = "InsertMultipart";
    route->uploads = type != "resumable";
  }
}

}  // namespace

Route GcsService::route(const net::ServerRequest& request) const {
  Route route;
  auto target = parse_target(request.target);
  if (!target) return route;
  route.target = *std::move(target);
  const auto& path = route.target.segments;
  const auto below = [&](std::size_t count) { return std::span<const std::string>(path).subspan(count); };
  const auto starts = [&](std::initializer_list<std::string_view> names) {
    return path.size() >= names.size() && std::equal(names.begin(), names.end(), path.begin());
  };
  if (starts({"storage", "v1"})) {
    route_resource(request.method, below(2), &route);
  } else if (starts({"download", "storage", "v1"})) {
    route_resource(request.method, below(3), &route);
    if (route.operation == "GetObject") route.operation = "DownloadObject";
  } else if (starts({"upload", "storage", "v1"})) {
    route_upload(request, below(3), &route);
  } else if (starts({"resumable", "upload", "storage", "v1"})) {
    route_upload(request, below(4), &route);
  } else if (path.size() >= 2 && !path[0].empty()) {
    route.bucket = path[0];
    route.key = percent_decode(route.target.raw_path.substr(route.target.raw_path.find('/', 1) + 1)).value_or("");
    if (request.method == "GET" || request.method == "HEAD") route.operation = "XmlGetObject";
    if (request.method == "PUT") route.operation = "XmlPutObject", route.uploads = true;
    if (request.method == "DELETE") route.operation = "XmlDeleteObject";
  }
  return route;
}

GcsService::Operation GcsService::operation(std::string_view name) {
  static constexpr std::pair<std::string_view, Operation> kOperations[] = {
      {"InsertMultipart", &GcsService::insert_multipart},
      {"InsertMedia", &GcsService::insert_media},
      {"StartSession", &GcsService::start_session},
      {"PutChunk", &GcsService::put_chunk},
      {"QuerySession", &GcsService::put_chunk},
      {"CancelSession", &GcsService::cancel_session},
      {"GetObject", &GcsService::get_object},
      {"DownloadObject", &GcsService::download_object},
      {"ListObjects", &GcsService::list_objects},
      {"PatchObject", &GcsService::patch_object},
      {"UpdateObject", &GcsService::patch_object},
      {"DeleteObject", &GcsService::delete_object},
      {"ComposeObject", &GcsService::compose_object},
      {"RewriteObject", &GcsService::copy_object},
      {"CopyObject", &GcsService::copy_object},
      {"ListBuckets", &GcsService::list_buckets},
      {"GetBucket", &GcsService::get_bucket},
      {"InsertBucket", &GcsService::insert_bucket},
      {"DeleteBucket", &GcsService::delete_bucket},
      {"GetStorageLayout", &GcsService::storage_layout},
      {"TestPermissions", &GcsService::test_permissions},
      {"XmlGetObject", &GcsService::download_object},
      {"XmlPutObject", &GcsService::put_xml},
      {"XmlDeleteObject", &GcsService::delete_object},
  };
  const auto found = std::ranges::find(kOperations, name, &std::pair<std::string_view, Operation>::first);
  return found == std::end(kOperations) ? nullptr : found->second;
}

Task<> GcsService::serve(Call* call) {
  if (auto failure = co_await run(call)) co_await refuse(call, *std::move(failure));
}

Task<GcsService::Failure> GcsService::run(Call* call) {
  const auto& route = call->route;
  const auto perform = operation(route.operation);
  if (!perform) co_return GcsError(404, "notFound", "Not Found");
  if (auto refused = let_in(*call)) co_return refused;
  const bool needs_bucket = route.operation != "ListBuckets" && route.operation != "InsertBucket";
  if (needs_bucket && !store_->has_bucket(route.bucket)) {
    co_return GcsError(404, "notFound", "The specified bucket does not exist.");
  }
  co_return co_await (this->*perform)(call);
}

GcsService::Failure GcsService::let_in(const Call& call) const {
  if (!settings_.check_tokens || call.route.target.query.has("upload_id")) return std::nullopt;
  constexpr std::string_view kBearer = "Bearer ";
  const auto value = call.wire->header("authorization");
  if (!value)
    return GcsError(401, "required", "Anonymous caller does not have access to the Google Cloud Storage bucket.");
  if (value->starts_with(kBearer) && tokens_->accepts(value->substr(kBearer.size()))) return std::nullopt;
  return GcsError(401, "authError", "Invalid Credentials");
}

std::string GcsService::base_url(const Call& call) const {
  return fmt::format("{}://{}", settings_.tls ? "https" : "http", call.wire->header("host").value_or(""));
}

Task<> GcsService::refuse(Call* call, GcsError error) {
  net::Headers headers{{"Server", "bucketferry-sandbox"}};
  std::string body;
  const bool silent = call->wire->request().method == "HEAD" || error.status == 304;
  if (is_xml(*call) && !silent) {
    headers.add("Content-Type", "application/xml; charset=UTF-8");
    body = "<?xml version='1.0' encoding='UTF-8'?><Error>";
    append_element(&body, "Code", error.reason);
    append_element(&body, "Message", error.message);
    body += "</Error>";
  } else if (!silent) {
    headers.add("Content-Type", "application/json; charset=UTF-8");
    body = error_json(error);
  }
  (void)co_await call->wire->respond(error.status, std::move(headers), std::move(body));
}

Task<GcsService::Failure> GcsService::reply(Call* call, int status, std::string json) {
  net::Headers headers{{"Content-Type", "application/json; charset=UTF-8"}, {"Server", "bucketferry-sandbox"}};
  (void)co_await call->wire->respond(status, std::move(headers), std::move(json));
  co_return std::nullopt;
}

Task<GcsService::Failure> GcsService::reply_object(Call* call, GcsObjectPtr object) {
  call->generation = object->generation;
  std::string body;
  append_object(&body, base_url(*call), call->route.bucket, call->route.key, *object,
                FieldMask::parse(call->route.target.query.get("fields")));
  co_return co_await reply(call, 200, std::move(body));
}

GcsResult<GcsConditions> read_conditions(const Query& query, std::string_view prefix) {
  GcsConditions conditions;
  const std::pair<std::string_view, std::optional<std::uint64_t>*> kNames[] = {
      {"GenerationMatch", &conditions.generation},
      {"GenerationNotMatch", &conditions.not_generation},
      {"MetagenerationMatch", &conditions.metageneration},
      {"MetagenerationNotMatch", &conditions.not_metageneration}};
  for (const auto& [name, place] : kNames) {
    const auto text = query.find(std::string(prefix) + std::string(name));
    if (!text) continue;
    *place = parse_u64(*text);
    if (!*place)
      return tl::unexpected(GcsError(400, "invalid", fmt::format("Invalid value for parameter {}{}.", prefix, name)));
  }
  return conditions;
}

Task<GcsService::Failure> GcsService::list_buckets(Call* call) {
  std::string body = R"({"kind":"storage#buckets","items":[)";
  bool first = true;
  for (const auto& name : store_->buckets()) {
    if (!std::exchange(first, false)) body += ',';
    append_bucket(&body, name);
  }
  co_return co_await reply(call, 200, body + "]}");
}

Task<GcsService::Failure> GcsService::get_bucket(Call* call) {
  std::string body;
  append_bucket(&body, call->route.bucket);
  co_return co_await reply(call, 200, std::move(body));
}

Task<GcsService::Failure> GcsService::insert_bucket(Call* call) {
  const auto text = co_await call->wire->read_all(kGcsControlMax);
  if (!text) co_return cut_body(text.error().what);
  const auto resource = parse_resource(*text);
  if (!resource) co_return resource.error();
  if (!resource->name) co_return GcsError(400, "required", "Required field name is missing.");
  if (!store_->make_bucket(*resource->name)) {
    co_return GcsError(409, "conflict",
                       "Your previous request to create the named bucket succeeded and you already own it.");
  }
  call->route.bucket = *resource->name;
  co_return co_await get_bucket(call);
}

Task<GcsService::Failure> GcsService::delete_bucket(Call* call) {
  if (auto gone = store_->remove_bucket(call->route.bucket); !gone) co_return std::move(gone).error();
  (void)co_await call->wire->respond(204, net::Headers{}, {});
  co_return std::nullopt;
}

Task<GcsService::Failure> GcsService::storage_layout(Call* call) {
  std::string body;
  JsonObject json(&body);
  json.text("kind", "storage#storageLayout").text("bucket", call->route.bucket).text("location", "US");
  json.text("locationType", "multi-region").end();
  co_return co_await reply(call, 200, std::move(body));
}

/// Whoever was let in may do everything.
Task<GcsService::Failure> GcsService::test_permissions(Call* call) {
  std::string body = R"({"kind":"storage#testIamPermissionsResponse","permissions":[)";
  bool first = true;
  for (const auto& [name, value] : call->route.target.query.pairs()) {
    if (name != "permissions") continue;
    if (!std::exchange(first, false)) body += ',';
    append_json(&body, value);
  }
  co_return co_await reply(call, 200, body + "]}");
}

void GcsService::mutate(const std::string& bucket, const std::string& name,
                        const std::optional<std::string>& replacement) {
  if (!replacement) {
    (void)store_->remove(bucket, name, GcsConditions{});
    return;
  }
  GcsObject object;
  object.crc32c = crc32c(0, *replacement);
  object.content = string_content(*replacement);
  object.sha256 = hex(sha256(*replacement));
  if (const auto stored = store_->commit(bucket, name, std::move(object), GcsConditions{})) {
    note_commit(bucket, name, **stored, "fault");
  }
}

}  // namespace ferry::sandbox
