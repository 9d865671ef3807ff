#include "sandbox/s3_service.hpp"

#include <algorithm>
#include <chrono>

#include "kit/base/text.hpp"
#include "sandbox/s3_detail.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::string_view kReadOperations[] = {"GetObject",        "HeadObject",       "ListObjects",
                                                "ListObjectsV2",    "HeadBucket",       "GetObjectAttributes",
                                                "GetObjectTagging", "GetBucketLocation"};

S3Error no_such_bucket(const std::string& name) {
  return S3Error(404, "NoSuchBucket", "The specified bucket does not exist", {{"BucketName", name}});
}

/// The access key id in Authorization; empty where there is none.
std::string_view presented_key(const net::Headers& headers) {
  constexpr std::string_view kField = "Credential=";
  const auto value = headers.find("authorization").value_or("");
  const auto begin = value.find(kField);
  if (begin == std::string_view::npos) return {};
  const auto key = value.substr(begin + kField.size());
  return key.substr(0, key.find('/'));
}

std::optional<S3Error> check_names(const Route& route) {
  constexpr std::size_t kKeyMax = 1024;
  if (!is_utf8(route.key)) return S3Error(400, "InvalidURI", "The key is not valid UTF-8.");
  if (route.key.size() > kKeyMax) {
    return S3Error(400, "KeyTooLongError", "Your key is too long",
                   {{"Size", std::to_string(route.key.size())}, {"MaxSizeAllowed", std::to_string(kKeyMax)}});
  }
  return std::nullopt;
}

}  // namespace

std::string s3_time(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  auto text = rfc3339(seconds);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, std::chrono::duration_cast<Milliseconds>(time - seconds).count());
}

std::optional<HashKind> s3_checksum_kind(std::string_view name) {
  const auto lower = to_lower(name);
  for (const auto kind : kS3ChecksumKinds) {
    if (to_string(kind) == lower) return kind;
  }
  return std::nullopt;
}

std::string s3_checksum_name(HashKind kind) {
  std::string name(to_string(kind));
  for (auto& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string s3_checksum_header(HashKind kind) { return "x-amz-checksum-" + std::string(to_string(kind)); }

std::string_view s3_class(const std::string& storage_class) {
  return storage_class.empty() ? std::string_view("STANDARD") : std::string_view(storage_class);
}

Task<> S3Service::serve(Call* call) {
  if (auto failure = co_await run(call)) co_await refuse(call, *std::move(failure));
}

Task<S3Service::Failure> S3Service::run(Call* call) {
  const auto& route = call->route;
  const auto perform = operation(route.operation);
  if (route.operation == "BadRequest")
    co_return S3Error(400, "InvalidRequest", "The request is not one that S3 knows.");
  if (auto error = check_names(route)) co_return error;
  auto bucket = store_->bucket(route.bucket);
  auto signature = let_in(*call, bucket);
  if (!signature) co_return std::move(signature).error();
  if (!perform) {
    co_return S3Error(
        501, "NotImplemented",
        "A header or query you provided implies functionality that is not implemented: " + route.operation);
  }
  const bool needs_bucket = route.operation != "ListBuckets" && route.operation != "CreateBucket";
  if (needs_bucket && !bucket) co_return no_such_bucket(route.bucket);
  const bool free_of_charge = route.operation == "PutObject" || route.operation == "HeadBucket";  // the owner's
  if (needs_bucket && bucket->requester_pays && !free_of_charge &&
      call->wire->header("x-amz-request-payer") != "requester") {
    co_return S3Error(403, "AccessDenied", "Access Denied");
  }
  Context context(call, *std::move(signature), bucket.value_or(S3BucketInfo{}));
  co_return co_await (this->*perform)(&context);
}

S3Result<std::optional<Signature>> S3Service::let_in(const Call& call,
                                                     const std::optional<S3BucketInfo>& bucket) const {
  const auto& request = call.wire->request();
  const SignatureRules rules{bucket ? bucket->region : settings_.region,
                             std::chrono::floor<std::chrono::seconds>(clock_->wall())};
  const auto temporary = keys_->find(presented_key(request.headers));
  if (temporary && keys_->expired(*temporary)) {
    return tl::unexpected(S3Error(400, "ExpiredToken", "The provided token has expired."));
  }
  auto signature = verify_signature(request.method, call.route.target.raw_path, call.route.target.query,
                                    request.headers, temporary ? temporary->keys : settings_.keys, rules);
  if (!signature || *signature) return signature;
  if (bucket && bucket->open && std::ranges::find(kReadOperations, call.route.operation) != std::end(kReadOperations)) {
    return signature;
  }
  return tl::unexpected(S3Error(403, "AccessDenied", "Access Denied"));
}

net::Headers S3Service::base_headers() {
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_->wall());
  thread_local std::pair<Seconds, std::string> date;  // written once a second, sent with every answer
  if (date.first != now || date.second.empty()) date = {now, http_date(now)};
  const auto id = fmt::format("{:016X}", ++requests_);
  return net::Headers{{"x-amz-request-id", id},
                      {"x-amz-id-2", "sandbox/" + id},
                      {"Server", "bucketferry-sandbox"},
                      {"Date", date.second}};
}

Task<S3Service::Failure> S3Service::reply(Context* context, int status, net::Headers headers, std::string body) {
  if (!body.empty()) headers.add("Content-Type", "application/xml");
  (void)co_await context->call->wire->respond(status, std::move(headers), std::move(body));
  co_return std::nullopt;
}

Task<> S3Service::refuse(Call* call, S3Error error) {
  auto headers = base_headers();
  if (const auto bucket = store_->bucket(call->route.bucket)) headers.add("x-amz-bucket-region", bucket->region);
  std::string body;
  if (call->wire->request().method != "HEAD" && error.status != 304) {
    headers.add("Content-Type", "application/xml");
    body = std::string(kXmlHead) + "<Error>";
    append_element(&body, "Code", error.code);
    append_element(&body, "Message", error.message);
    for (const auto& [name, value] : error.details) append_element(&body, name, value);
    append_element(&body, "Resource",
                   "/" + call->route.bucket + (call->route.key.empty() ? "" : "/" + call->route.key));
    append_element(&body, "RequestId", *headers.find("x-amz-request-id"));
    body += "</Error>";
  }
  (void)co_await call->wire->respond(error.status, std::move(headers), std::move(body));
}

void S3Service::mutate(const std::string& bucket, const std::string& key,
                       const std::optional<std::string>& replacement) {
  if (!replacement) {
    (void)store_->remove(bucket, key);
    return;
  }
  S3Object object;
  if (const auto current = store_->find(bucket, key)) object.headers = current->headers;
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(*replacement);
  object.etag = "\"" + hex(hash->digest().bytes) + "\"";
  object.content = string_content(*replacement);
  const auto stored = store_->put(bucket, key, std::move(object));
  if (!stored) return;
  std::string note = R"("event":"commit","service":"s3","by":"fault","bucket":)";
  append_json(&note, bucket);
  note += ",\"key\":";
  append_json(&note, key);
  note += fmt::format(",\"size\":{},\"etag\":", replacement->size());
  append_json(&note, (*stored)->etag);
  note += fmt::format(R"(,"modified":"{}","sha256":"{}")", s3_time((*stored)->modified), hex(sha256(*replacement)));
  log_->note(note);
}

}  // namespace ferry::sandbox
