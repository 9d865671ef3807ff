#include "sandbox/pattern.hpp"

#include <algorithm>
#include <cstring>

#include "kit/base/text.hpp"

namespace ferry::sandbox {
namespace {

/// SplitMix64: a good mixer for counters.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// CRC of `times` copies of a run with that CRC and length.
std::uint32_t repeated_crc(std::uint32_t crc, std::uint64_t length, std::uint64_t times) {
  std::uint32_t result = 0;
  for (; times > 0; times >>= 1) {
    if (times & 1) result = crc32c_combine(result, crc, length);  // all copies are equal: any order will do
    crc = crc32c_combine(crc, crc, length);
    length *= 2;
  }
  return result;
}

constexpr std::uint64_t kKeysPerFolder = 1000;

}  // namespace

std::uint64_t scatter(std::string_view text, std::uint64_t seed) {
  for (const char c : text) seed = mix(seed ^ static_cast<unsigned char>(c));
  return mix(seed);
}

const Pattern& Pattern::instance() {
  static const Pattern pattern;
  return pattern;
}

Pattern::Pattern() : block_(kPeriod + sizeof(std::uint64_t), '\0') {
  for (std::uint64_t i = 0; i < kPeriod; i += sizeof(std::uint64_t)) {
    const auto word = mix(i);
    std::memcpy(block_.data() + i, &word, sizeof(word));
  }
  block_.resize(kPeriod);
  std::uint32_t crc = 0;
  for (std::size_t i = 0; i < kPeriod; i += kStride) {
    prefix_.push_back(crc);
    crc = ferry::crc32c(crc, std::span<const char>(block_).subspan(i, std::min<std::size_t>(kStride, kPeriod - i)));
  }
}

std::span<const char> Pattern::at(std::uint64_t position, std::uint64_t length) const {
  const auto start = position % kPeriod;
  return std::span<const char>(block_).subspan(start, std::min(length, kPeriod - start));
}

std::uint32_t Pattern::prefix_crc(std::uint64_t end) const {
  const auto stride = std::min<std::uint64_t>(end / kStride, prefix_.size() - 1);
  return ferry::crc32c(prefix_[stride],
                       std::span<const char>(block_).subspan(stride * kStride, end - stride * kStride));
}

std::uint32_t Pattern::range_crc(std::uint64_t first, std::uint64_t end) const {
  return prefix_crc(end) ^ crc32c_combine(prefix_crc(first), 0, end - first);
}

std::uint32_t Pattern::crc32c(std::uint64_t first, std::uint64_t length) const {
  constexpr std::uint64_t kDirectBytes = 128 * 1024;  // reading so few bytes is cheaper than combining
  if (length <= kDirectBytes) {
    const auto start_bytes = at(first, length);
    return ferry::crc32c(ferry::crc32c(0, start_bytes), at(0, length - start_bytes.size()));
  }
  const auto start = first % kPeriod;
  const auto head = std::min(length, kPeriod - start);
  const auto whole = (length - head) / kPeriod;
  const auto tail = (length - head) % kPeriod;
  auto crc = range_crc(start, start + head);
  crc = crc32c_combine(crc, repeated_crc(prefix_crc(kPeriod), kPeriod, whole), whole * kPeriod);
  return crc32c_combine(crc, prefix_crc(tail), tail);
}

namespace {
class PatternPiece final : public Piece {
 public:
  explicit PatternPiece(std::uint64_t shift) : shift_(shift) {}
  std::span<const char> view(std::uint64_t offset, std::uint64_t length, std::span<char>) const override {
    return Pattern::instance().at(shift_ + offset, length);
  }

 private:
  std::uint64_t shift_;
};
}  // namespace

SyntheticKeys::SyntheticKeys(std::uint64_t count, std::uint64_t size, std::string_view seed)
    : count_(count), size_(size), seed_(scatter(seed, 0)) {}

std::string SyntheticKeys::key(std::uint64_t index) const {
  std::string key = "data/0000000/000";
  const auto write = [&](std::size_t last, std::uint64_t number) {
    for (; number > 0; number /= 10) key[last--] = static_cast<char>('0' + number % 10);
  };
  write(11, index / kKeysPerFolder);
  write(15, index % kKeysPerFolder);
  return key;
}

std::uint64_t SyntheticKeys::lower_bound(std::string_view wanted) const {
  std::uint64_t first = 0;
  for (std::uint64_t span = count_; span > 0;) {
    const auto half = span / 2;
    if (key(first + half) < wanted) {
      first += half + 1;
      span -= half + 1;
    } else {
      span = half;
    }
  }
  return first;
}

std::optional<std::uint64_t> SyntheticKeys::index(std::string_view wanted) const {
  if (wanted.size() != key(0).size()) return std::nullopt;
  const auto folder = parse_u64(wanted.substr(5, 7));
  const auto place = parse_u64(wanted.substr(13));
  if (!folder || !place) return std::nullopt;
  const auto found = *folder * kKeysPerFolder + *place;
  return found < count_ && key(found) == wanted ? std::optional(found) : std::nullopt;
}

std::uint64_t SyntheticKeys::shift(std::uint64_t index) const { return mix(seed_ + index) % Pattern::kPeriod; }

std::string SyntheticKeys::etag(std::uint64_t index) const {
  std::string text = "\"00000000000000000000000000000000-1\"";
  const auto write = [&](std::size_t first, std::uint64_t number) {
    for (std::size_t i = 0; i < 16; ++i) text[first + i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
  };
  write(1, mix(seed_ ^ index));
  write(17, mix(~seed_ + index));
  return text;
}

Content SyntheticKeys::content(std::uint64_t index) const {
  Content content;
  content.append(std::make_shared<PatternPiece>(shift(index)), 0, size_);
  return content;
}

std::uint32_t SyntheticKeys::crc32c(std::uint64_t index) const {
  return Pattern::instance().crc32c(shift(index), size_);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  int shift = 0;
  if (const auto unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
      unit != std::string_view::npos) {
    shift = 10 * static_cast<int>(unit + 1);
    text.remove_suffix(1);
  }
  const auto number = parse_u64(text);
  if (!number || *number > (UINT64_MAX >> shift)) return std::nullopt;
  return *number << shift;
}

Result<SyntheticSpec> parse_synthetic(std::string_view text) {
  const auto first = text.find(':');
  const auto second = text.find(':', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) {
    return fail(ErrorKind::kInvalid, "synthetic bucket '" + printable(text) + "': write BUCKET:COUNT:SIZE");
  }
  SyntheticSpec spec;
  spec.bucket = text.substr(0, first);
  const auto count = parse_size(text.substr(first + 1, second - first - 1));
  const auto size = parse_size(text.substr(second + 1));
  constexpr std::uint64_t kCountMax = 10'000'000'000;  // seven digits of folders: listing order stays number order
  if (!count || *count > kCountMax || !size) {
    return fail(ErrorKind::kInvalid, "synthetic bucket '" + printable(text) + "': COUNT (at most 10^10) and SIZE are " +
                                         "whole numbers, with K, M, G or T at will");
  }
  spec.count = *count;
  spec.size = *size;
  return spec;
}

}  // namespace ferry::sandbox
