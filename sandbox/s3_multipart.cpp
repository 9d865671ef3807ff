#include <algorithm>
#include <pugixml.hpp>

#include "kit/base/text.hpp"
#include "sandbox/crc.hpp"
#include "sandbox/s3_detail.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::uint64_t kPartNumberMax = 10'000;

S3Error no_such_upload(std::string_view id) {
  return S3Error(
      404, "NoSuchUpload",
      "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
      "completed.",
      {{"UploadId", std::string(id)}});
}

S3Result<int> part_number(const Query& query) {
  const auto number = parse_u64(query.get("partNumber"));
  if (!number || *number == 0 || *number > kPartNumberMax) {
    return tl::unexpected(
        S3Error(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"));
  }
  return static_cast<int>(*number);
}

/// The parts that a CompleteMultipartUpload names, checked against those that were sent.
S3Result<std::vector<S3Upload::Part>> chosen_parts(const std::string& text, const S3Upload& upload,
                                                   std::uint64_t part_bytes_min) {
  pugi::xml_document xml;
  const auto parsed = xml.load_buffer(text.data(), text.size());
  if (!parsed || std::string_view(xml.document_element().name()) != "CompleteMultipartUpload") {
    return tl::unexpected(
        S3Error(400, "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema"));
  }
  std::vector<S3Upload::Part> parts;
  int last = 0;
  for (const auto element : xml.document_element().children("Part")) {
    const auto number = element.child("PartNumber").text().as_int();
    std::string etag = element.child_value("ETag");
    if (!etag.starts_with('"')) etag = "\"" + etag + "\"";
    if (number <= last) {
      return tl::unexpected(
          S3Error(400, "InvalidPartOrder",
                  "The list of parts was not in ascending order. Parts must be ordered by part number."));
    }
    last = number;
    const auto found = upload.parts.find(number);
    if (found == upload.parts.end() || found->second.etag != etag) {
      return tl::unexpected(S3Error(400, "InvalidPart",
                                    "One or more of the specified parts could not be found. The part may not have been "
                                    "uploaded, or the specified entity tag may not match the part's entity tag.",
                                    {{"PartNumber", std::to_string(number)}}));
    }
    if (!parts.empty() && parts.back().content.size() < part_bytes_min) {
      return tl::unexpected(S3Error(400, "EntityTooSmall",
                                    "Your proposed upload is smaller than the minimum allowed size",
                                    {{"MinSizeAllowed", std::to_string(part_bytes_min)}}));
    }
    parts.push_back(found->second);
  }
  if (parts.empty()) return tl::unexpected(S3Error(400, "MalformedXML", "You must specify at least one part"));
  return parts;
}

std::string multipart_etag(const std::vector<S3Upload::Part>& parts) {
  const auto hash = make_hash(HashKind::kMd5);
  for (const auto& part : parts) hash->update(part.md5);
  return fmt::format("\"{}-{}\"", hex(hash->digest().bytes), parts.size());
}

std::optional<S3Checksum> joined_checksum(const std::vector<S3Upload::Part>& parts, HashKind kind, bool full) {
  std::string joined;
  const auto composite = make_hash(kind);
  for (const auto& part : parts) {
    if (!part.checksum || part.checksum->kind != kind) return std::nullopt;
    const auto raw = *from_base64(part.checksum->value);
    if (full)
      joined = join_crcs(kind, joined, raw, part.content.size());
    else
      composite->update(raw);
  }
  if (full) return S3Checksum{kind, base64(joined), true};
  return S3Checksum{kind, fmt::format("{}-{}", base64(composite->digest().bytes), parts.size()), false};
}

}  // namespace

Task<S3Service::Failure> S3Service::create_upload(Context* context) {
  auto object = draft(*context->call);
  if (!object) co_return std::move(object).error();
  S3Upload upload;
  upload.bucket = context->bucket.name;
  upload.key = context->key();
  upload.draft = *std::move(object);
  if (const auto name = context->header("x-amz-checksum-algorithm")) {
    upload.checksum_kind = s3_checksum_kind(*name);
    if (!upload.checksum_kind) co_return S3Error(400, "InvalidRequest", "Checksum algorithm provided is unsupported.");
    const auto type = context->header("x-amz-checksum-type");
    upload.checksum_full = type ? iequals(*type, "FULL_OBJECT") : *upload.checksum_kind == HashKind::kCrc64nvme;
    if (upload.checksum_full && !is_crc(*upload.checksum_kind)) {
      co_return S3Error(400, "InvalidRequest",
                        "The FULL_OBJECT checksum type cannot be used with this checksum algorithm.");
    }
  } else if (settings_.add_crc64nvme) {
    upload.checksum_kind = HashKind::kCrc64nvme;
    upload.checksum_full = true;
  }
  const auto id = store_->start_upload(std::move(upload), fmt::format("{:016x}{:016x}", rng_->next(), rng_->next()));
  std::string body(kXmlHead);
  body += fmt::format("<InitiateMultipartUploadResult{}>", kS3Namespace);
  append_element(&body, "Bucket", context->bucket.name);
  append_element(&body, "Key", context->key());
  append_element(&body, "UploadId", id);
  body += "</InitiateMultipartUploadResult>";
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

Task<S3Service::Failure> S3Service::upload_part(Context* context) {
  const auto id = context->query().get("uploadId");
  auto number = part_number(context->query());
  if (!number) co_return std::move(number).error();
  std::optional<HashKind> kind;
  const bool known = store_->with_upload(context->bucket.name, context->key(), id,
                                         [&](S3Upload* upload) { kind = upload->checksum_kind; });
  if (!known) co_return no_such_upload(id);
  auto received = co_await receive(context, kind);
  if (!received) co_return std::move(received).error();

  S3Upload::Part part;
  part.content = std::move(received->content);
  part.md5 = received->md5;
  part.modified = clock_->wall();
  if (kind) part.checksum = S3Checksum{*kind, base64(*received->also), true};
  bool opaque = false;
  store_->with_upload(context->bucket.name, context->key(), id,
                      [&](S3Upload* upload) { opaque = upload->draft.encryption != "AES256"; });
  part.etag = opaque ? opaque_etag() : "\"" + hex(part.md5) + "\"";
  auto headers = base_headers();
  headers.add("ETag", part.etag);
  if (received->checksum) headers.add(s3_checksum_header(received->checksum->kind), received->checksum->value);
  const bool kept = store_->with_upload(context->bucket.name, context->key(), id,
                                        [&](S3Upload* upload) { upload->parts[*number] = std::move(part); });
  if (!kept) co_return no_such_upload(id);
  co_return co_await reply(context, 200, std::move(headers), {});
}

Task<S3Service::Failure> S3Service::upload_part_copy(Context* context) {
  const auto id = context->query().get("uploadId");
  auto number = part_number(context->query());
  if (!number) co_return std::move(number).error();
  auto source = copy_source(*context->call);
  if (!source) co_return std::move(source).error();
  auto range = s3_range(context->header("x-amz-copy-source-range"), (*source)->content.size());
  if (!range) co_return std::move(range).error();
  S3Upload::Part part;
  part.content = *range ? (*source)->content.slice((*range)->first, (*range)->size) : (*source)->content;
  part.modified = clock_->wall();
  auto digests = co_await digest(part.content);
  if (!digests) co_return S3Error(500, "InternalError", "The stored bytes can't be read.");
  part.md5 = *digests->get(HashKind::kMd5);
  part.etag = "\"" + hex(part.md5) + "\"";
  std::string body(kXmlHead);
  body += fmt::format("<CopyPartResult{}>", kS3Namespace);
  append_element(&body, "ETag", part.etag);
  append_element(&body, "LastModified", s3_time(part.modified));
  body += "</CopyPartResult>";
  const bool kept = store_->with_upload(context->bucket.name, context->key(), id, [&](S3Upload* upload) {
    if (upload->checksum_kind) {
      if (const auto raw = digests->get(*upload->checksum_kind))
        part.checksum = S3Checksum{*upload->checksum_kind, base64(*raw), true};
    }
    upload->parts[*number] = std::move(part);
  });
  if (!kept) co_return no_such_upload(id);
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

Task<S3Service::Failure> S3Service::complete_upload(Context* context) {
  const auto id = context->query().get("uploadId");
  auto text = co_await read_body(context);
  if (!text) co_return std::move(text).error();
  S3Upload upload;
  if (!store_->with_upload(context->bucket.name, context->key(), id, [&](S3Upload* found) { upload = *found; })) {
    co_return no_such_upload(id);
  }
  auto parts = chosen_parts(*text, upload, settings_.part_bytes_min);
  if (!parts) co_return std::move(parts).error();

  S3Object object = std::move(upload.draft);
  for (const auto& part : *parts) {
    object.content.append(part.content);
    object.parts.push_back(S3Part{part.content.size(), upload.checksum_full ? std::nullopt : part.checksum});
  }
  object.etag = object.encryption == "AES256" ? multipart_etag(*parts)
                                              : opaque_etag().insert(33, fmt::format("-{}", parts->size()));
  if (upload.checksum_kind) object.checksum = joined_checksum(*parts, *upload.checksum_kind, upload.checksum_full);
  if (object.checksum) {
    const auto claimed = context->header(s3_checksum_header(object.checksum->kind));
    const std::string_view right(object.checksum->value);
    if (claimed && *claimed != right && *claimed != right.substr(0, right.find('-'))) {
      co_return S3Error(400, "BadDigest", "The checksum you specified did not match the calculated checksum.");
    }
  }
  std::optional<std::string> sha256;
  if (settings_.log_sha256) {
    const auto digests = co_await digest(object.content);
    if (digests) sha256 = hex(*digests->get(HashKind::kSha256));
  }
  S3Conditions conditions;
  conditions.if_match = context->header("if-match");
  conditions.if_none_match = context->header("if-none-match");
  auto stored = co_await commit(context, std::move(object), std::move(conditions), std::move(sha256));
  if (!stored) co_return std::move(stored).error();
  (void)store_->drop_upload(context->bucket.name, context->key(), id);

  std::string body(kXmlHead);
  body += fmt::format("<CompleteMultipartUploadResult{}>", kS3Namespace);
  append_element(&body, "Location", "/" + context->bucket.name + "/" + percent_encode(context->key(), "/"));
  append_element(&body, "Bucket", context->bucket.name);
  append_element(&body, "Key", context->key());
  append_element(&body, "ETag", (*stored)->etag);
  if (const auto& checksum = (*stored)->checksum) {
    append_element(&body, "Checksum" + s3_checksum_name(checksum->kind), checksum->value);
    append_element(&body, "ChecksumType", checksum->full_object ? "FULL_OBJECT" : "COMPOSITE");
  }
  body += "</CompleteMultipartUploadResult>";
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

Task<S3Service::Failure> S3Service::abort_upload(Context* context) {
  const auto id = context->query().get("uploadId");
  if (!store_->drop_upload(context->bucket.name, context->key(), id)) co_return no_such_upload(id);
  co_return co_await reply(context, 204, base_headers(), {});
}

Task<S3Service::Failure> S3Service::list_parts(Context* context) {
  const auto id = context->query().get("uploadId");
  std::string body(kXmlHead);
  body += fmt::format("<ListPartsResult{}>", kS3Namespace);
  append_element(&body, "Bucket", context->bucket.name);
  append_element(&body, "Key", context->key());
  append_element(&body, "UploadId", id);
  append_element(&body, "IsTruncated", "false");
  const bool known = store_->with_upload(context->bucket.name, context->key(), id, [&](S3Upload* upload) {
    for (const auto& [number, part] : upload->parts) {
      body += "<Part>";
      append_element(&body, "PartNumber", std::to_string(number));
      append_element(&body, "LastModified", s3_time(part.modified));
      append_element(&body, "ETag", part.etag);
      append_element(&body, "Size", std::to_string(part.content.size()));
      body += "</Part>";
    }
  });
  if (!known) co_return no_such_upload(id);
  body += "</ListPartsResult>";
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

Task<S3Service::Failure> S3Service::list_uploads(Context* context) {
  std::string body(kXmlHead);
  body += fmt::format("<ListMultipartUploadsResult{}>", kS3Namespace);
  append_element(&body, "Bucket", context->bucket.name);
  append_element(&body, "IsTruncated", "false");
  for (const auto& [key, id] : store_->uploads(context->bucket.name)) {
    body += "<Upload>";
    append_element(&body, "Key", key);
    append_element(&body, "UploadId", id);
    body += "</Upload>";
  }
  body += "</ListMultipartUploadsResult>";
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

}  // namespace ferry::sandbox
