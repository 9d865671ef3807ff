#include "plan/integrity.hpp"

#include <algorithm>
#include <array>

#include "kit/base/text.hpp"

namespace ferry {
namespace {

constexpr std::uint64_t kPartsMax = 10'000;  // Amazon S3 User Guide, multipart upload limits

/// What the target can refuse by itself comes first, then what is cheap to compute.
std::vector<Proof> proofs_of_the_whole(const ObjectMeta& meta) {
  struct Step {
    HashKind kind;
    Rung rung;
  };
  static constexpr std::array<Step, 6> kLadder{{{HashKind::kMd5, Rung::kMd5},
                                                {HashKind::kCrc32c, Rung::kCrc32c},
                                                {HashKind::kCrc64nvme, Rung::kCrc64nvme},
                                                {HashKind::kCrc32, Rung::kCrc32},
                                                {HashKind::kSha256, Rung::kSha256},
                                                {HashKind::kSha1, Rung::kSha1}}};
  std::vector<Proof> proofs;
  if (auto md5 = md5_of(meta.version.etag, meta.encryption)) proofs.push_back({Rung::kMd5, *std::move(md5)});
  for (const Step& step : kLadder) {
    const auto stored = std::ranges::find(meta.checksums, step.kind, &Digest::kind);
    if (stored != meta.checksums.end()) proofs.push_back({step.rung, *stored});
  }
  return proofs;
}

std::vector<Proof> proofs_over_parts(const ObjectMeta& meta) {
  struct Step {
    HashKind kind;
    Rung rung;
  };
  static constexpr std::array<Step, 5> kLadder{{{HashKind::kCrc32c, Rung::kCrc32cParts},
                                                {HashKind::kCrc32, Rung::kCrc32Parts},
                                                {HashKind::kMd5, Rung::kParts},
                                                {HashKind::kSha256, Rung::kSha256Parts},
                                                {HashKind::kSha1, Rung::kSha1Parts}}};
  auto stored = meta.composites;
  if (auto tag = parts_of(meta.version.etag, meta.encryption)) stored.push_back(*std::move(tag));
  std::vector<Proof> proofs;
  for (const Step& step : kLadder) {
    for (const PartsDigest& parts : stored) {
      const bool as_many = proofs.empty() || proofs.front().parts == parts.count;
      if (parts.digest.kind == step.kind && as_many) proofs.push_back({step.rung, parts.digest, parts.count});
    }
  }
  return proofs;
}

}  // namespace

std::optional<Digest> md5_of(const ETag& etag, Encryption encryption) {
  if (encryption != Encryption::kNone && encryption != Encryption::kAes256) return std::nullopt;
  const std::string& text = etag.str();
  if (text.size() != 34 || text.front() != '"' || text.back() != '"') return std::nullopt;
  auto bytes = from_hex(std::string_view{text}.substr(1, 32));
  if (!bytes) return std::nullopt;
  return Digest{HashKind::kMd5, *std::move(bytes)};
}

std::optional<PartsDigest> parts_of(const ETag& etag, Encryption encryption) {
  const std::string& text = etag.str();
  const auto dash = text.find('-');
  if (dash == std::string::npos || !text.ends_with('"')) return std::nullopt;
  auto digest = md5_of(ETag{text.substr(0, dash) + '"'}, encryption);
  const auto count = parse_u64(std::string_view{text}.substr(dash + 1, text.size() - dash - 2));
  if (!digest || !count || *count < 1 || *count > kPartsMax) return std::nullopt;
  return PartsDigest{*std::move(digest), static_cast<std::uint32_t>(*count)};
}

std::vector<Proof> choose_proofs(const ObjectMeta& meta, Integrity integrity) {
  auto proofs = proofs_of_the_whole(meta);
  if (integrity == Integrity::kFast) std::erase_if(proofs, [](const Proof& proof) { return !proof.target_verifies(); });
  if (integrity == Integrity::kFull || (integrity == Integrity::kAuto && proofs.empty())) {
    for (Proof& proof : proofs_over_parts(meta)) proofs.push_back(std::move(proof));
  }
  if (integrity != Integrity::kFull && proofs.size() > 1) proofs.erase(proofs.begin() + 1, proofs.end());
  return proofs;
}

Rung rung_of(const std::vector<Proof>& proofs, Integrity integrity) {
  if (!proofs.empty()) return proofs.front().rung;
  return integrity == Integrity::kFull ? Rung::kReadTwice : Rung::kTransport;
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
