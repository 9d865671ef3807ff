#include <algorithm>

#include "kit/base/text.hpp"
#include "sandbox/s3_detail.hpp"

namespace ferry::sandbox {
namespace {

/// Keys as the client asked for them: as they are, or form-encoded.
class KeyWriter {
 public:
  explicit KeyWriter(bool url) : url_(url) {}
  void element(std::string* out, std::string_view name, std::string_view key) const {
    if (!url_) return append_element(out, name, key);
    auto encoded = percent_encode(key, "/*");
    for (auto at = encoded.find("%20"); at != std::string::npos; at = encoded.find("%20", at))
      encoded.replace(at, 3, "+");
    out->append("<").append(name).append(">").append(encoded).append("</").append(name).append(">");
  }

 private:
  bool url_;
};

/// Neighbours in a listing are often of the same age.
class TimeWriter {
 public:
  [[nodiscard]] std::string_view text(WallTime time) {
    if (text_.empty() || time != time_) text_ = s3_time(time_ = time);
    return text_;
  }

 private:
  WallTime time_{};
  std::string text_;
};

S3Result<std::size_t> max_keys(const Query& query) {
  const auto text = query.find("max-keys");
  if (!text) return std::size_t{1000};
  const auto number = parse_u64(*text);
  if (!number)
    return tl::unexpected(S3Error(400, "InvalidArgument", "Provided max-keys not an integer or within integer range"));
  return static_cast<std::size_t>(std::min<std::uint64_t>(*number, 1000));
}

std::string make_token(const S3Listing& listing) {
  return base64((listing.next_is_prefix ? "p/" : "k/") + listing.next);
}

S3Result<std::monostate> read_token(std::string_view token, S3ListQuery* query) {
  const auto text = from_base64(token);
  if (!text || (!text->starts_with("k/") && !text->starts_with("p/"))) {
    return tl::unexpected(S3Error(400, "InvalidArgument", "The continuation token provided is incorrect"));
  }
  query->after = text->substr(2);
  query->after_prefix = text->front() == 'p';
  return std::monostate{};
}

/// A V1 marker that is a common prefix stands for all keys below it.
bool names_common_prefix(const S3ListQuery& query) {
  if (query.delimiter.empty() || !query.after.starts_with(query.prefix)) return false;
  const auto at = query.after.find(query.delimiter, query.prefix.size());
  return at != std::string::npos && at + query.delimiter.size() == query.after.size();
}

S3Result<S3ListQuery> read_list_query(const Query& query, bool second) {
  S3ListQuery wanted;
  wanted.prefix = query.get("prefix");
  wanted.delimiter = query.get("delimiter");
  auto limit = max_keys(query);
  if (!limit) return tl::unexpected(std::move(limit).error());
  wanted.limit = *limit;
  if (second && query.has("continuation-token")) {
    if (auto read = read_token(query.get("continuation-token"), &wanted); !read)
      return tl::unexpected(std::move(read).error());
  } else {
    wanted.after = query.get(second ? "start-after" : "marker");
    wanted.after_prefix = !second && names_common_prefix(wanted);
  }
  if (const auto type = query.find("encoding-type"); type && *type != "url") {
    return tl::unexpected(S3Error(400, "InvalidArgument", "Invalid Encoding Method specified in Request"));
  }
  return wanted;
}

/// Only where a restore was asked for, as S3 does.
void append_restore_status(std::string* body, const S3ListEntry& entry, WallTime now) {
  const bool under_way = entry.readable_from && now < *entry.readable_from;
  if (!under_way && (!entry.restored_until || *entry.restored_until < now)) return;
  *body += "<RestoreStatus>";
  append_element(body, "IsRestoreInProgress", under_way ? "true" : "false");
  if (!under_way) append_element(body, "RestoreExpiryDate", s3_time(*entry.restored_until));
  *body += "</RestoreStatus>";
}

void append_entry(std::string* body, const S3ListEntry& entry, const KeyWriter& keys, bool owner, TimeWriter* times) {
  *body += "<Contents>";
  keys.element(body, "Key", entry.key);
  append_element(body, "LastModified", times->text(entry.modified));
  append_element(body, "ETag", entry.etag);
  if (entry.checksum) {
    append_element(body, "ChecksumAlgorithm", s3_checksum_name(*entry.checksum));
    append_element(body, "ChecksumType", entry.checksum_full ? "FULL_OBJECT" : "COMPOSITE");
  }
  append_element(body, "Size", std::to_string(entry.size));
  if (owner) *body += "<Owner><ID>sandbox</ID></Owner>";
  append_element(body, "StorageClass", s3_class(entry.storage_class));
}

}  // namespace

Task<S3Service::Failure> S3Service::list_objects(Context* context) {
  const auto& query = context->query();
  const bool second = context->call->route.operation == "ListObjectsV2";
  auto wanted = read_list_query(query, second);
  if (!wanted) co_return std::move(wanted).error();
  auto listing = store_->list(context->bucket.name, *wanted);
  if (!listing) co_return std::move(listing).error();

  const KeyWriter keys(query.has("encoding-type"));
  std::string body(kXmlHead);
  body.reserve(512 + 400 * listing->entries.size());
  body += fmt::format("<ListBucketResult{}>", kS3Namespace);
  append_element(&body, "Name", context->bucket.name);
  keys.element(&body, "Prefix", wanted->prefix);
  if (!wanted->delimiter.empty()) keys.element(&body, "Delimiter", wanted->delimiter);
  append_element(&body, "MaxKeys", std::to_string(wanted->limit));
  if (query.has("encoding-type")) append_element(&body, "EncodingType", "url");
  append_element(&body, "IsTruncated", listing->truncated ? "true" : "false");
  if (second) {
    append_element(&body, "KeyCount", std::to_string(listing->entries.size() + listing->prefixes.size()));
    if (query.has("start-after")) keys.element(&body, "StartAfter", query.get("start-after"));
    if (query.has("continuation-token")) append_element(&body, "ContinuationToken", query.get("continuation-token"));
    if (listing->truncated) append_element(&body, "NextContinuationToken", make_token(*listing));
  } else {
    keys.element(&body, "Marker", query.get("marker"));
    if (listing->truncated && !wanted->delimiter.empty()) keys.element(&body, "NextMarker", listing->next);
  }
  TimeWriter times;
  const bool owner = !second || query.get("fetch-owner") == "true";
  const bool restores = context->header("x-amz-optional-object-attributes") == "RestoreStatus";
  for (const auto& entry : listing->entries) {
    append_entry(&body, entry, keys, owner, &times);
    if (restores) append_restore_status(&body, entry, clock_->wall());
    body += "</Contents>";
  }
  for (const auto& prefix : listing->prefixes) {
    body += "<CommonPrefixes>";
    keys.element(&body, "Prefix", prefix);
    body += "</CommonPrefixes>";
  }
  body += "</ListBucketResult>";
  auto headers = base_headers();
  headers.add("x-amz-bucket-region", context->bucket.region);
  co_return co_await reply(context, 200, std::move(headers), std::move(body));
}

/// All on one page: enough for the buckets that tests make.
Task<S3Service::Failure> S3Service::list_object_versions(Context* context) {
  const auto& query = context->query();
  const KeyWriter keys(query.has("encoding-type"));
  std::string body(kXmlHead);
  body += fmt::format("<ListVersionsResult{}>", kS3Namespace);
  append_element(&body, "Name", context->bucket.name);
  keys.element(&body, "Prefix", query.get("prefix"));
  append_element(&body, "IsTruncated", "false");
  const std::string* last = nullptr;
  const auto all = store_->versions(context->bucket.name, query.get("prefix"));
  for (const auto& [key, object] : all) {
    const std::string_view kind = object->delete_marker ? "DeleteMarker" : "Version";
    body += fmt::format("<{}>", kind);
    keys.element(&body, "Key", key);
    append_element(&body, "VersionId", object->version_id.empty() ? "null" : object->version_id);
    append_element(&body, "IsLatest", !last || *last != key ? "true" : "false");
    append_element(&body, "LastModified", s3_time(object->modified));
    if (!object->delete_marker) {
      append_element(&body, "ETag", object->etag);
      append_element(&body, "Size", std::to_string(object->content.size()));
      append_element(&body, "StorageClass", s3_class(object->storage_class));
    }
    body += fmt::format("</{}>", kind);
    last = &key;
  }
  body += "</ListVersionsResult>";
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

}  // namespace ferry::sandbox
