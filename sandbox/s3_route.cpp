#include <algorithm>

#include "kit/base/text.hpp"
#include "sandbox/s3_detail.hpp"

namespace ferry::sandbox {
namespace {

/// The bucket that a virtual-hosted request names in its Host: bucket.s3.REGION.amazonaws.com, bucket.localhost.
std::optional<std::string> bucket_of_host(std::string_view host) {
  host = host.substr(0, host.find(':'));
  const auto cut = [&](std::size_t at) -> std::optional<std::string> {
    return at == std::string_view::npos || at == 0 ? std::nullopt : std::optional(std::string(host.substr(0, at)));
  };
  if (host.ends_with(".localhost")) return cut(host.size() - std::string_view(".localhost").size());
  if (host.ends_with(".amazonaws.com")) return cut(host.find(".s3."));
  return std::nullopt;
}

using Table = std::initializer_list<std::pair<std::string_view, std::string_view>>;

std::string first_of(const Query& query, Table table, std::string_view otherwise) {
  for (const auto& [parameter, operation] : table) {
    if (query.has(parameter)) return std::string(operation);
  }
  return std::string(otherwise);
}

std::string bucket_operation(std::string_view method, const Query& query) {
  if (method == "GET") {
    if (query.get("list-type") == "2") return "ListObjectsV2";
    return first_of(query,
                    {{"location", "GetBucketLocation"},
                     {"versioning", "GetBucketVersioning"},
                     {"versions", "ListObjectVersions"},
                     {"uploads", "ListMultipartUploads"},
                     {"acl", "GetBucketAcl"},
                     {"policy", "GetBucketPolicy"},
                     {"lifecycle", "GetBucketLifecycle"},
                     {"cors", "GetBucketCors"},
                     {"tagging", "GetBucketTagging"},
                     {"encryption", "GetBucketEncryption"},
                     {"object-lock", "GetObjectLockConfiguration"},
                     {"list-type", "BadRequest"}},
                    "ListObjects");
  }
  if (method == "PUT") {
    return first_of(query,
                    {{"versioning", "PutBucketVersioning"}, {"acl", "PutBucketAcl"}, {"policy", "PutBucketPolicy"}},
                    "CreateBucket");
  }
  if (method == "HEAD") return "HeadBucket";
  if (method == "DELETE") return "DeleteBucket";
  if (method == "POST" && query.has("delete")) return "DeleteObjects";
  return "BadRequest";
}

std::string object_operation(const net::ServerRequest& request, const Query& query) {
  const std::string_view method = request.method;
  const bool copies = request.headers.find("x-amz-copy-source").has_value();
  if (method == "GET") {
    return first_of(query,
                    {{"uploadId", "ListParts"},
                     {"tagging", "GetObjectTagging"},
                     {"attributes", "GetObjectAttributes"},
                     {"acl", "GetObjectAcl"},
                     {"retention", "GetObjectRetention"},
                     {"legal-hold", "GetObjectLegalHold"}},
                    "GetObject");
  }
  if (method == "HEAD") return "HeadObject";
  if (method == "PUT") {
    return first_of(query,
                    {{"uploadId", copies ? "UploadPartCopy" : "UploadPart"},
                     {"tagging", "PutObjectTagging"},
                     {"acl", "PutObjectAcl"}},
                    copies ? "CopyObject" : "PutObject");
  }
  if (method == "POST") {
    return first_of(
        query,
        {{"uploads", "CreateMultipartUpload"}, {"uploadId", "CompleteMultipartUpload"}, {"restore", "RestoreObject"}},
        "BadRequest");
  }
  if (method == "DELETE") {
    return first_of(query, {{"uploadId", "AbortMultipartUpload"}, {"tagging", "DeleteObjectTagging"}}, "DeleteObject");
  }
  return "BadRequest";
}

}  // namespace

Route S3Service::route(const net::ServerRequest& request) const {
  Route route;
  auto target = parse_target(request.target);
  if (!target) return route;
  route.target = *std::move(target);
  auto path = *percent_decode(route.target.raw_path.substr(1));
  if (auto bucket = bucket_of_host(request.headers.find("host").value_or(""))) {
    route.bucket = *std::move(bucket);
    route.key = std::move(path);
  } else {
    const auto slash = path.find('/');
    route.bucket = path.substr(0, slash);
    if (slash != std::string::npos) route.key = path.substr(slash + 1);
  }
  const auto& query = route.target.query;
  if (route.bucket.empty()) {
    route.operation = request.method == "GET" && route.key.empty() ? "ListBuckets" : "BadRequest";
  } else {
    route.operation = route.key.empty() ? bucket_operation(request.method, query) : object_operation(request, query);
  }
  route.uploads = route.operation == "PutObject" || route.operation == "UploadPart";
  return route;
}

S3Service::Operation S3Service::operation(std::string_view name) {
  static constexpr std::pair<std::string_view, Operation> kOperations[] = {
      {"GetObject", &S3Service::get_object},
      {"HeadObject", &S3Service::get_object},
      {"PutObject", &S3Service::put_object},
      {"ListObjectsV2", &S3Service::list_objects},
      {"ListObjects", &S3Service::list_objects},
      {"ListObjectVersions", &S3Service::list_object_versions},
      {"DeleteObject", &S3Service::delete_object},
      {"DeleteObjects", &S3Service::delete_objects},
      {"CopyObject", &S3Service::copy_object},
      {"CreateMultipartUpload", &S3Service::create_upload},
      {"UploadPart", &S3Service::upload_part},
      {"UploadPartCopy", &S3Service::upload_part_copy},
      {"CompleteMultipartUpload", &S3Service::complete_upload},
      {"AbortMultipartUpload", &S3Service::abort_upload},
      {"ListParts", &S3Service::list_parts},
      {"ListMultipartUploads", &S3Service::list_uploads},
      {"GetObjectAttributes", &S3Service::get_object_attributes},
      {"GetObjectTagging", &S3Service::get_tagging},
      {"PutObjectTagging", &S3Service::put_tagging},
      {"DeleteObjectTagging", &S3Service::put_tagging},
      {"RestoreObject", &S3Service::restore_object},
      {"ListBuckets", &S3Service::list_buckets},
      {"CreateBucket", &S3Service::create_bucket},
      {"DeleteBucket", &S3Service::delete_bucket},
      {"HeadBucket", &S3Service::head_bucket},
      {"GetBucketLocation", &S3Service::get_bucket_location},
      {"GetBucketVersioning", &S3Service::get_bucket_versioning},
      {"PutBucketVersioning", &S3Service::put_bucket_versioning},
  };
  const auto found = std::ranges::find(kOperations, name, &std::pair<std::string_view, Operation>::first);
  return found == std::end(kOperations) ? nullptr : found->second;
}

}  // namespace ferry::sandbox
