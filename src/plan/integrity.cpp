#include "plan/integrity.hpp"

#include <algorithm>
#include <array>

namespace ferry {

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

}  // namespace ferry
