#pragma once
// Shared by the files of the S3 server; nobody else includes it.

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/s3_service.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {

inline constexpr std::string_view kS3Namespace = R"( xmlns="http://s3.amazonaws.com/doc/2006-03-01/")";
inline constexpr std::string_view kXmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
inline constexpr std::size_t kControlBodyMax = 8 << 20;

[[nodiscard]] inline S3Error malformed_xml() {
  return {400, "MalformedXML", "The XML you provided was not well-formed."};
}

struct S3Service::Context {
  Context(Call* c, std::optional<Signature> s, S3BucketInfo b)
      : call(c), signature(std::move(s)), bucket(std::move(b)) {}
  Call* call;
  std::optional<Signature> signature;
  S3BucketInfo bucket;
  [[nodiscard]] const Query& query() const { return call->route.target.query; }
  [[nodiscard]] const std::string& key() const { return call->route.key; }
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const { return call->wire->header(name); }
};

struct S3Service::Received {
  Content content;
  std::string md5;                    ///< raw
  std::optional<std::string> sha256;  ///< hex
  std::optional<S3Checksum> checksum;
  std::optional<std::string> also;  ///< raw digest of the kind asked for
};

[[nodiscard]] std::string s3_time(WallTime time);                               ///< "2026-01-02T03:04:05.678Z"
[[nodiscard]] std::optional<HashKind> s3_checksum_kind(std::string_view name);  ///< "CRC32C" or "crc32c"
[[nodiscard]] std::string s3_checksum_name(HashKind kind);                      ///< "CRC32C"
[[nodiscard]] std::string s3_checksum_header(HashKind kind);                    ///< "x-amz-checksum-crc32c"
[[nodiscard]] std::string_view s3_class(const std::string& storage_class);      ///< never empty
inline constexpr HashKind kS3ChecksumKinds[] = {HashKind::kCrc32, HashKind::kCrc32c, HashKind::kCrc64nvme,
                                                HashKind::kSha1, HashKind::kSha256};
[[nodiscard]] inline S3Error no_such_key(std::string_view key) {
  return S3Error(404, "NoSuchKey", "The specified key does not exist.", {{"Key", std::string(key)}});
}

/// [first, first + size) of a Range header; nothing: no range that counts, send everything.
struct S3Range {
  std::uint64_t first, size;
};
[[nodiscard]] S3Result<std::optional<S3Range>> s3_range(std::optional<std::string_view> header,
                                                        std::uint64_t object_size);

}  // namespace ferry::sandbox
