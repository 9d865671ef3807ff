#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>

#include "kit/base/text.hpp"
#include "sandbox/s3_detail.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::uint64_t kSinglePutMax = 5ull << 30;
constexpr std::size_t kMetadataMax = 2 * 1024;
constexpr std::string_view kKeptHeaders[] = {"Cache-Control",
                                             "Content-Disposition",
                                             "Content-Language",
                                             "Expires",
                                             "x-amz-website-redirect-location",
                                             "x-amz-object-lock-mode",
                                             "x-amz-object-lock-retain-until-date",
                                             "x-amz-object-lock-legal-hold"};
constexpr std::string_view kClasses[] = {"STANDARD",     "REDUCED_REDUNDANCY",  "STANDARD_IA",
                                         "ONEZONE_IA",   "INTELLIGENT_TIERING", "GLACIER",
                                         "DEEP_ARCHIVE", "GLACIER_IR"};

S3Error bad_digest(std::string_view which) {
  return S3Error(400, "BadDigest", fmt::format("The {} you specified did not match what we received.", which));
}

/// The checksum that the client sends along: where its value stands, and which kind it is.
struct Announced {
  std::optional<HashKind> kind;
  std::optional<std::string> value;  ///< nothing: comes as a trailer
};

S3Result<Announced> announced_checksum(const Wire& wire) {
  Announced found;
  for (const auto kind : kS3ChecksumKinds) {
    const auto value = wire.header(s3_checksum_header(kind));
    if (!value) continue;
    if (found.kind) return tl::unexpected(S3Error(400, "InvalidRequest", "Expecting a single x-amz-checksum- header."));
    found.kind = kind;
    found.value = *value;
  }
  const auto trailer = wire.header("x-amz-trailer");
  constexpr std::string_view kPrefix = "x-amz-checksum-";
  if (!found.kind && trailer && to_lower(*trailer).starts_with(kPrefix)) {
    found.kind = s3_checksum_kind(trailer->substr(kPrefix.size()));
    if (!found.kind)
      return tl::unexpected(
          S3Error(400, "InvalidRequest", "The checksum algorithm in x-amz-trailer is not supported."));
  }
  return found;
}

std::string_view without_aws_chunked(std::string_view encoding) {
  if (iequals(encoding, "aws-chunked")) return {};
  for (const std::string_view mark : {"aws-chunked,", "aws-chunked, "}) {
    if (encoding.starts_with(mark)) encoding = trim(encoding.substr(mark.size()));
  }
  if (encoding.ends_with(",aws-chunked")) encoding.remove_suffix(std::string_view(",aws-chunked").size());
  return encoding;
}

std::optional<S3Error> read_encryption(const Wire& wire, S3Object* object) {
  if (const auto kind = wire.header("x-amz-server-side-encryption")) {
    if (*kind != "AES256" && *kind != "aws:kms") {
      return S3Error(400, "InvalidArgument", "The encryption method specified is not supported");
    }
    object->encryption = *kind;
  }
  const auto algorithm = wire.header("x-amz-server-side-encryption-customer-algorithm");
  if (!algorithm) return std::nullopt;
  const auto key = wire.header("x-amz-server-side-encryption-customer-key");
  const auto raw = key ? from_base64(*key) : std::nullopt;
  const auto digest = wire.header("x-amz-server-side-encryption-customer-key-md5");
  if (*algorithm != "AES256" || !raw || raw->size() != 32 || !digest) {
    return S3Error(400, "InvalidArgument", "The secret key was invalid for the specified algorithm.");
  }
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(*raw);
  if (base64(hash->digest().bytes) != *digest) {
    return S3Error(400, "InvalidArgument",
                   "The calculated MD5 hash of the key did not match the hash that was provided.");
  }
  object->encryption = "SSE-C";
  object->customer_key_md5 = *digest;
  return std::nullopt;
}

S3Result<Pairs> read_tags(std::string_view header) {
  Pairs tags;
  auto parsed = parse_target("/?" + std::string(header));
  if (!parsed)
    return tl::unexpected(S3Error(400, "InvalidArgument",
                                  "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
                                  "parameters without tag name duplicates."));
  for (const auto& [name, value] : parsed->query.pairs()) tags.emplace_back(name, value);
  if (tags.size() > 10) return tl::unexpected(S3Error(400, "BadRequest", "Object tags cannot be greater than 10"));
  return tags;
}

}  // namespace

S3Result<S3Object> S3Service::draft(const Call& call) const {
  const auto& wire = *call.wire;
  S3Object object;
  object.headers.emplace_back("Content-Type", wire.header("content-type").value_or("binary/octet-stream"));
  if (const auto encoding = without_aws_chunked(wire.header("content-encoding").value_or("")); !encoding.empty()) {
    object.headers.emplace_back("Content-Encoding", encoding);
  }
  for (const auto name : kKeptHeaders) {
    if (const auto value = wire.header(name)) object.headers.emplace_back(name, *value);
  }
  std::size_t metadata_bytes = 0;
  constexpr std::string_view kMeta = "x-amz-meta-";
  for (const auto& [name, value] : wire.request().headers) {
    auto lower = to_lower(name);
    if (!lower.starts_with(kMeta)) continue;
    object.metadata.emplace_back(lower.substr(kMeta.size()), value);
    metadata_bytes += lower.size() - kMeta.size() + value.size();
  }
  if (metadata_bytes > kMetadataMax) {
    return tl::unexpected(
        S3Error(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size",
                {{"Size", std::to_string(metadata_bytes)}, {"MaxSizeAllowed", std::to_string(kMetadataMax)}}));
  }
  if (const auto storage_class = wire.header("x-amz-storage-class")) {
    if (std::ranges::find(kClasses, *storage_class) == std::end(kClasses)) {
      return tl::unexpected(S3Error(400, "InvalidStorageClass", "The storage class you specified is not valid"));
    }
    if (*storage_class != "STANDARD") object.storage_class = *storage_class;
  }
  if (const auto tier = wire.header("x-sandbox-archive-tier")) object.archive_tier = *tier;
  if (auto error = read_encryption(wire, &object)) return tl::unexpected(*std::move(error));
  if (const auto tagging = wire.header("x-amz-tagging")) {
    auto tags = read_tags(*tagging);
    if (!tags) return tl::unexpected(std::move(tags).error());
    object.tags = *std::move(tags);
  }
  return object;
}

Task<S3Result<std::string>> S3Service::read_body(Context* context) {
  auto opened = AwsBody::open(context->call->wire, context->signature);
  if (!opened) co_return tl::unexpected(std::move(opened).error());
  co_return co_await (*opened)->read_all(kControlBodyMax);
}

Task<S3Result<S3Service::Received>> S3Service::receive(Context* context, std::optional<HashKind> also) {
  auto* wire = context->call->wire;
  auto opened = AwsBody::open(wire, context->signature);
  if (!opened) co_return tl::unexpected(std::move(opened).error());
  auto& body = **opened;
  auto announced = announced_checksum(*wire);
  if (!announced) co_return tl::unexpected(std::move(announced).error());
  if (!body.size())
    co_return tl::unexpected(S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header."));
  if (*body.size() > kSinglePutMax) {
    co_return tl::unexpected(S3Error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"));
  }
  Digests digests;
  digests.want(HashKind::kMd5);
  if (settings_.log_sha256 || body.wants_sha256()) digests.want(HashKind::kSha256);
  const auto kind = announced->kind ? announced->kind
                                    : (also || !settings_.add_crc64nvme ? also : std::optional(HashKind::kCrc64nvme));
  if (kind) digests.want(*kind);
  if (also) digests.want(*also);

  Intake intake(bytes_, std::move(digests), body.size());
  for (;;) {
    auto got = co_await body.read(intake.space());
    if (!got) co_return tl::unexpected(std::move(got).error());
    if (*got == 0) break;
    if (auto kept = intake.arrived(*got); !kept)
      co_return tl::unexpected(S3Error(500, "InternalError", kept.error().what));
  }
  if (auto kept = intake.end(); !kept) co_return tl::unexpected(S3Error(500, "InternalError", kept.error().what));

  Received received;
  received.content = intake.content();
  received.md5 = *intake.digests().get(HashKind::kMd5);
  const auto raw_sha256 = intake.digests().get(HashKind::kSha256);
  if (raw_sha256) {
    received.sha256 = hex(*raw_sha256);
    if (auto error = body.check_sha256(*raw_sha256)) co_return tl::unexpected(*std::move(error));
  }
  if (const auto given = wire->header("content-md5")) {
    const auto raw = from_base64(*given);
    if (!raw || raw->size() != 16)
      co_return tl::unexpected(S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid."));
    if (*raw != received.md5) co_return tl::unexpected(bad_digest("Content-MD5"));
  }
  if (kind) {
    const auto computed = base64(*intake.digests().get(*kind));
    if (announced->kind) {
      const auto claimed = announced->value ? std::optional<std::string_view>(*announced->value)
                                            : body.trailers().find(s3_checksum_header(*kind));
      if (!claimed)
        co_return tl::unexpected(S3Error(400, "MalformedTrailerError", "The announced checksum trailer is missing."));
      if (*claimed != computed) co_return tl::unexpected(bad_digest(s3_checksum_name(*kind)));
    }
    received.checksum = S3Checksum{*kind, computed, true};
  }
  if (also) received.also = intake.digests().get(*also);
  co_return received;
}

Task<std::optional<Digests>> S3Service::digest(Content content) {
  constexpr std::uint64_t kAtOnce = 4 << 20;
  Digests digests;
  digests.want(HashKind::kMd5);
  if (settings_.log_sha256) digests.want(HashKind::kSha256);
  if (settings_.add_crc64nvme) digests.want(HashKind::kCrc64nvme);
  auto scratch = content.scratch();
  for (std::uint64_t done = 0, rested = 0; done < content.size();) {
    const auto bytes = content.view(done, content.size() - done, scratch);
    if (bytes.empty()) co_return std::nullopt;
    digests.update(bytes);
    done += bytes.size();
    if (done - rested >= kAtOnce) {
      rested = done;
      co_await asio::post(co_await asio::this_coro::executor, use_task);
    }
  }
  co_return digests;
}

std::string S3Service::opaque_etag() { return fmt::format("\"{:016x}{:016x}\"", rng_->next(), rng_->next()); }

Task<S3Result<S3ObjectPtr>> S3Service::commit(Context* context, S3Object object, S3Conditions conditions,
                                              std::optional<std::string> sha256) {
  auto stored = store_->put(context->bucket.name, context->key(), std::move(object), conditions);
  if (!stored) co_return stored;
  std::string note = R"("event":"commit","service":"s3","bucket":)";
  append_json(&note, context->bucket.name);
  note += ",\"key\":";
  append_json(&note, context->key());
  note += fmt::format(",\"size\":{},\"etag\":", (*stored)->content.size());
  append_json(&note, (*stored)->etag);
  note += fmt::format(",\"modified\":\"{}\"", s3_time((*stored)->modified));
  if (sha256) note += fmt::format(",\"sha256\":\"{}\"", *sha256);
  log_->note(note);
  co_return stored;
}

Task<S3Service::Failure> S3Service::put_object(Context* context) {
  auto object = draft(*context->call);
  if (!object) co_return std::move(object).error();
  auto received = co_await receive(context, std::nullopt);
  if (!received) co_return std::move(received).error();
  object->etag = object->encryption == "AES256" ? "\"" + hex(received->md5) + "\"" : opaque_etag();
  object->content = std::move(received->content);
  object->checksum = received->checksum;
  S3Conditions conditions;
  conditions.if_match = context->header("if-match");
  conditions.if_none_match = context->header("if-none-match");
  auto stored = co_await commit(context, *std::move(object), std::move(conditions), received->sha256);
  if (!stored) co_return std::move(stored).error();

  auto headers = base_headers();
  headers.add("ETag", (*stored)->etag);
  if (const auto& checksum = (*stored)->checksum) {
    headers.add(s3_checksum_header(checksum->kind), checksum->value);
    headers.add("x-amz-checksum-type", "FULL_OBJECT");
  }
  if (!(*stored)->version_id.empty()) headers.add("x-amz-version-id", (*stored)->version_id);
  co_return co_await reply(context, 200, std::move(headers), {});
}

/// "/bucket/key?versionId=…", percent-encoded.
S3Result<S3ObjectPtr> S3Service::copy_source(const Call& call) const {
  const auto text = *call.wire->header("x-amz-copy-source");
  const auto invalid = tl::unexpected(
      S3Error(400, "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"));
  auto parsed = parse_target(text.starts_with('/') ? std::string(text) : "/" + std::string(text));
  if (!parsed) return invalid;
  const auto path = percent_decode((text.starts_with('/') ? text.substr(1) : text).substr(0, text.find('?')));
  const auto slash = path ? path->find('/') : std::string::npos;
  if (slash == std::string::npos || slash + 1 == path->size()) return invalid;
  const auto bucket = path->substr(0, slash);
  auto object = store_->find(bucket, path->substr(slash + 1), parsed->query.get("versionId"));
  if (!object || object->delete_marker) return tl::unexpected(no_such_key(path->substr(slash + 1)));
  if (const auto wanted = call.wire->header("x-amz-copy-source-if-match"); wanted && *wanted != object->etag) {
    return tl::unexpected(
        S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"));
  }
  return object;
}

Task<S3Service::Failure> S3Service::copy_object(Context* context) {
  auto source = copy_source(*context->call);
  if (!source) co_return std::move(source).error();
  auto object = draft(*context->call);
  if (!object) co_return std::move(object).error();
  const bool replaces = iequals(context->header("x-amz-metadata-directive").value_or("COPY"), "REPLACE");
  const bool same_key = store_->find(context->bucket.name, context->key()) == *source;
  if (same_key && !replaces && !context->header("x-amz-storage-class") &&
      !context->header("x-amz-server-side-encryption")) {
    co_return S3Error(
        400, "InvalidRequest",
        "This copy request is illegal because it is trying to copy an object to itself without changing the "
        "object's metadata, storage class, website redirect location or encryption attributes.");
  }
  if (!replaces) {
    object->headers = (*source)->headers;
    object->metadata = (*source)->metadata;
  }
  if (!iequals(context->header("x-amz-tagging-directive").value_or("COPY"), "REPLACE")) object->tags = (*source)->tags;
  object->content = (*source)->content;
  object->checksum = (*source)->checksum;

  // A copy is written in one piece: whatever the source's tag was, the new one is the MD5 of the bytes.
  auto digests = co_await digest(object->content);
  if (!digests) co_return S3Error(500, "InternalError", "The stored bytes can't be read.");
  object->etag = object->encryption == "AES256" ? "\"" + hex(*digests->get(HashKind::kMd5)) + "\"" : opaque_etag();
  if (object->checksum && !object->checksum->full_object) object->checksum = std::nullopt;
  const auto raw_sha256 = digests->get(HashKind::kSha256);
  S3Conditions unconditional;
  auto stored = co_await commit(context, *std::move(object), std::move(unconditional),
                                raw_sha256 ? std::optional(hex(*raw_sha256)) : std::nullopt);
  if (!stored) co_return std::move(stored).error();
  std::string body(kXmlHead);
  body += fmt::format("<CopyObjectResult{}>", kS3Namespace);
  append_element(&body, "ETag", (*stored)->etag);
  append_element(&body, "LastModified", s3_time((*stored)->modified));
  body += "</CopyObjectResult>";
  co_return co_await reply(context, 200, base_headers(), std::move(body));
}

}  // namespace ferry::sandbox
