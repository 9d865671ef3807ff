#include "sandbox/crc.hpp"

#include <limits>

namespace ferry::sandbox {
namespace {

/// Product in GF(2)[x] modulo the CRC's polynomial; all three bit-reflected, the top bit is x^0.
template <class Word>
Word multiply(Word a, Word b, Word polynomial) {
  Word product = 0;
  for (Word bit = Word{1} << (std::numeric_limits<Word>::digits - 1); bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = (b & 1) ? (b >> 1) ^ polynomial : b >> 1;
  }
  return product;
}

/// a · x^(8·length) + b
template <class Word>
Word join(Word a, Word b, std::uint64_t length, Word polynomial) {
  constexpr int kBits = std::numeric_limits<Word>::digits;
  Word square = Word{1} << (kBits - 9);  // x^8
  Word shift = Word{1} << (kBits - 1);   // x^0
  for (; length > 0; length >>= 1) {
    if (length & 1) shift = multiply(shift, square, polynomial);
    square = multiply(square, square, polynomial);
  }
  return multiply(shift, a, polynomial) ^ b;
}

template <class Word>
Word from_big_endian(std::string_view bytes) {
  Word value = 0;
  for (const char c : bytes) value = static_cast<Word>(value << 8 | static_cast<unsigned char>(c));
  return value;
}

template <class Word>
std::string join_text(std::string_view a, std::string_view b, std::uint64_t length, Word polynomial) {
  return big_endian(join(from_big_endian<Word>(a), from_big_endian<Word>(b), length, polynomial));
}

}  // namespace

std::string join_crcs(HashKind kind, std::string_view a, std::string_view b, std::uint64_t length_b) {
  if (a.empty()) return std::string(b);
  switch (kind) {
    case HashKind::kCrc32: return join_text<std::uint32_t>(a, b, length_b, 0xedb88320u);
    case HashKind::kCrc32c: return join_text<std::uint32_t>(a, b, length_b, 0x82f63b78u);
    case HashKind::kCrc64nvme: return join_text<std::uint64_t>(a, b, length_b, 0x9a6c9329ac4bc9b5u);
    case HashKind::kMd5:
    case HashKind::kSha1:
    case HashKind::kSha256: break;
  }
  return {};
}

}  // namespace ferry::sandbox
