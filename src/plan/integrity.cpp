#include "plan/integrity.hpp"

#include <algorithm>
#include <array>

#include "kit/base/text.hpp"

namespace ferry {
namespace {
constexpr std::uint64_t kPartsMax = 10'000;  // Amazon S3 User Guide, multipart upload limits
}  // namespace

std::optional<Digest> md5_of(const ETag& etag, Encryption encryption) {
  if (encryption != Encryption::kNone && encryption != Encryption::kAes256) return std::nullopt;
  const std::string& text = etag.str();
  if (text.size() != 34 || text.front() != '"' || text.back() != '"') return std::nullopt;
  auto bytes = from_hex(std::string_view{text}.substr(1, 32));
  if (!bytes) return std::nullopt;
  return Digest{HashKind::kMd5, *std::move(bytes)};
}

Check choose_check(const ObjectMeta& meta) {
  struct Step {
    HashKind kind;
    Rung rung;
  };
  // In the order of design §5: what the target can refuse by itself comes first, then what is cheap to compute.
  static constexpr std::array<Step, 6> kLadder{{{HashKind::kMd5, Rung::kMd5},
                                                {HashKind::kCrc32c, Rung::kCrc32c},
                                                {HashKind::kCrc64nvme, Rung::kCrc64nvme},
                                                {HashKind::kCrc32, Rung::kCrc32},
                                                {HashKind::kSha256, Rung::kSha256},
                                                {HashKind::kSha1, Rung::kSha1}}};
  if (auto md5 = md5_of(meta.version.etag, meta.encryption)) return {Rung::kMd5, std::move(md5)};
  for (const Step& step : kLadder) {
    const auto stored = std::ranges::find(meta.checksums, step.kind, &Digest::kind);
    if (stored != meta.checksums.end()) return {step.rung, *stored};
  }
  return {};
}

std::optional<PartsTag> parts_of(const ETag& etag, Encryption encryption) {
  const std::string& text = etag.str();
  const auto dash = text.find('-');
  if (dash == std::string::npos || !text.ends_with('"')) return std::nullopt;
  auto digest = md5_of(ETag{text.substr(0, dash) + '"'}, encryption);
  const auto count = parse_u64(std::string_view{text}.substr(dash + 1, text.size() - dash - 2));
  if (!digest || !count || *count < 1 || *count > kPartsMax) return std::nullopt;
  return PartsTag{*std::move(digest), static_cast<std::uint32_t>(*count)};
}

std::optional<std::vector<std::uint64_t>> even_parts(std::uint64_t size, std::uint32_t count, std::uint64_t first) {
  if (count == 0 || first == 0 || first > size) return std::nullopt;
  const std::uint64_t before_last = first * (count - 1);
  if (first > UINT64_MAX / count || before_last >= size || size - before_last > first) return std::nullopt;
  std::vector<std::uint64_t> sizes(count, first);
  sizes.back() = size - before_last;
  return sizes;
}

}  // namespace ferry
