#include "tests/system/integrity_matrix.hpp"

#include <utility>

#include "kit/base/hash.hpp"

namespace ferry::system_test {
namespace {

const HeaderList kKms{{"x-amz-server-side-encryption", "aws:kms"}};

HeaderList customer_key() {
  const std::string key(32, 'k');
  const auto digest = make_hash(HashKind::kMd5);
  digest->update(key);
  return {{"x-amz-server-side-encryption-customer-algorithm", "AES256"},
          {"x-amz-server-side-encryption-customer-key", base64(key)},
          {"x-amz-server-side-encryption-customer-key-md5", base64(digest->digest().bytes)}};
}

/// Encrypted, so that the tag proves nothing: only the stored checksum does.
HeaderList stored(const std::string& algorithm, const std::string& type) {
  return {{"x-amz-server-side-encryption", "aws:kms"},
          {"x-amz-checksum-algorithm", algorithm},
          {"x-amz-checksum-type", type}};
}

struct Kind {
  std::string key;
  HeaderList headers;
  std::vector<std::size_t> parts;  ///< empty: in one piece
  std::string automatic, full, fast;
};

std::vector<Kind> kinds() {
  const std::vector<std::size_t> even{300'000, 300'000, 100'000}, uneven{300'000, 350'000, 50'000};
  return {
      {"md5", {}, {}, "md5", "md5", "md5"},
      {"multipart", {}, even, "parts", "parts", "transport"},
      {"multipart-uneven", {}, uneven, "parts", "parts", "transport"},
      {"kms", kKms, {}, "transport", "read-twice", "transport"},
      {"nothing", kKms, even, "transport", "read-twice", "transport"},
      {"customer-key", customer_key(), {}, "", "", ""},
      {"crc32c-full", stored("CRC32C", "FULL_OBJECT"), even, "crc32c", "crc32c", "crc32c"},
      {"crc64nvme-full", stored("CRC64NVME", "FULL_OBJECT"), even, "crc64nvme", "crc64nvme", "transport"},
      {"crc32-full", stored("CRC32", "FULL_OBJECT"), even, "crc32", "crc32", "transport"},
      {"crc32c-composite", stored("CRC32C", "COMPOSITE"), even, "crc32c-parts", "crc32c-parts", "transport"},
      {"crc32c-composite-uneven", stored("CRC32C", "COMPOSITE"), uneven, "crc32c-parts", "crc32c-parts", "transport"},
      {"crc32-composite", stored("CRC32", "COMPOSITE"), even, "crc32-parts", "crc32-parts", "transport"},
      {"sha1-composite", stored("SHA1", "COMPOSITE"), even, "sha1-parts", "sha1-parts", "transport"},
      {"sha256-composite", stored("SHA256", "COMPOSITE"), even, "sha256-parts", "sha256-parts", "transport"},
      {"tag-and-sha256",
       {{"x-amz-checksum-algorithm", "SHA256"}, {"x-amz-checksum-type", "COMPOSITE"}},
       even,
       "parts",
       "parts",
       "transport"}};
}

}  // namespace

std::vector<std::string> matrix_arguments() { return {"--default-checksum", "none", "--part-min", "1"}; }

std::vector<MatrixObject> put_matrix(S3Bucket* bucket) {
  std::vector<MatrixObject> objects;
  for (const auto& kind : kinds()) {
    const auto bytes = noise(700'000, objects.size() + 1);
    if (kind.parts.empty()) {
      bucket->put(kind.key, bytes, kind.headers);
    } else {
      std::vector<std::string> parts;
      std::size_t at = 0;
      for (const auto size : kind.parts) parts.push_back(bytes.substr(std::exchange(at, at + size), size));
      bucket->put_in_parts(kind.key, parts, kind.headers);
    }
    objects.push_back({kind.key, bytes, kind.automatic, kind.full, kind.fast});
  }
  return objects;
}

std::optional<std::string> rung_at(GcsBucket* bucket, const std::string& key) {
  const auto object = bucket->describe(key);
  const auto* metadata = object ? object->if_contains("metadata") : nullptr;
  const auto* rung = metadata ? metadata->as_object().if_contains("ferry-check") : nullptr;
  if (!rung) return std::nullopt;
  return std::string{rung->as_string()};
}

}  // namespace ferry::system_test
