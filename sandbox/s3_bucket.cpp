#include <algorithm>
#include <pugixml.hpp>

#include "kit/base/text.hpp"
#include "sandbox/s3_detail.hpp"

namespace ferry::sandbox {
namespace {

bool is_bucket_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && plain(name.front()) && plain(name.back()) &&
         std::ranges::all_of(name, [&](char c) { return plain(c) || c == '-' || c == '.'; }) &&
         name.find("..") == std::string_view::npos;
}

}  // namespace

Task<S3Service::Failure> S3Service::list_buckets(Context* context) {
  std::string body(kXmlHead);
  body += fmt::format("<ListAllMyBucketsResult{}><Owner><ID>sandbox</ID></Owner><Buckets>", kS3Namespace);
  for (const auto& bucket : store_->buckets()) {
    body += "<Bucket>";
    append_element(&body, "Name", bucket.name);
    append_element(&body, "CreationDate", s3_time(bucket.created));
    append_element(&body, "BucketRegion", bucket.region);
    body += "</Bucket>";
  }
  body += "</Buckets></ListAllMyBucketsResult>";
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

Task<S3Service::Failure> S3Service::create_bucket(Context* context) {
  const auto& name = context->call->route.bucket;
  if (!is_bucket_name(name)) co_return S3Error(400, "InvalidBucketName", "The specified bucket is not valid.");
  auto body = co_await read_body(context);
  if (!body) co_return std::move(body).error();
  S3BucketInfo info;
  info.name = name;
  info.region = settings_.region;
  info.created = clock_->wall();
  if (!body->empty()) {
    pugi::xml_document xml;
    if (!xml.load_buffer(body->data(), body->size())) co_return malformed_xml();
    const std::string wanted = xml.document_element().child_value("LocationConstraint");
    if (!wanted.empty()) info.region = wanted == "EU" ? "eu-west-1" : wanted;
  }
  if (auto made = store_->make_bucket(std::move(info)); !made) co_return std::move(made).error();
  auto headers = base_headers();
  headers.add("Location", "/" + name);
  co_return co_await reply(context, 200, std::move(headers), {});
}

Task<S3Service::Failure> S3Service::delete_bucket(Context* context) {
  if (auto gone = store_->remove_bucket(context->bucket.name); !gone) co_return std::move(gone).error();
  co_return co_await reply(context, 204, base_headers(), {});
}

Task<S3Service::Failure> S3Service::head_bucket(Context* context) {
  auto headers = base_headers();
  headers.add("x-amz-bucket-region", context->bucket.region);
  co_return co_await reply(context, 200, std::move(headers), {});
}

Task<S3Service::Failure> S3Service::get_bucket_location(Context* context) {
  std::string body(kXmlHead);
  const auto& region = context->bucket.region;
  body +=
      fmt::format("<LocationConstraint{}>{}</LocationConstraint>", kS3Namespace, region == "us-east-1" ? "" : region);
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

Task<S3Service::Failure> S3Service::get_bucket_versioning(Context* context) {
  std::string body(kXmlHead);
  body += fmt::format("<VersioningConfiguration{}>{}</VersioningConfiguration>", kS3Namespace,
                      context->bucket.versions ? "<Status>Enabled</Status>" : "");
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

Task<S3Service::Failure> S3Service::put_bucket_versioning(Context* context) {
  auto body = co_await read_body(context);
  if (!body) co_return std::move(body).error();
  pugi::xml_document xml;
  if (!xml.load_buffer(body->data(), body->size())) co_return malformed_xml();
  const std::string_view status = xml.document_element().child_value("Status");
  if (status != "Enabled" && status != "Suspended")
    co_return S3Error(400, "MalformedXML", "Status must be Enabled or Suspended.");
  store_->set_versions(context->bucket.name, status == "Enabled");
  co_return co_await reply(context, 200, base_headers(), {});
}

}  // namespace ferry::sandbox
