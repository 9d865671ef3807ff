#include "kit/base/hash.hpp"

#include <isa-l/crc.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>

namespace ferry {
namespace {

// ISA-L takes the length as an int: larger spans go in pieces.
constexpr std::size_t kPieceMax = std::size_t{1} << 30;

const unsigned char* octets(std::span<const char> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::uint32_t crc32(std::uint32_t crc, std::span<const char> bytes) {
  return crc32_gzip_refl(crc, octets(bytes), bytes.size());
}

// CRC-64/NVME, reflected polynomial. ISA-L 2.30 lacks it: sixteen tables, sixteen bytes a step.
using Crc64Tables = std::array<std::array<std::uint64_t, 256>, 16>;

constexpr Crc64Tables make_crc64_tables() {
  Crc64Tables tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x9a6c9329ac4bc9b5ULL : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t behind = 1; behind < tables.size(); ++behind) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto before = tables[behind - 1][byte];
      tables[behind][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr Crc64Tables kCrc64 = make_crc64_tables();

std::uint64_t crc64nvme(std::uint64_t crc, std::span<const char> bytes) {
  static_assert(std::endian::native == std::endian::little, "the first byte must be the lowest of a loaded word");
  crc = ~crc;
  while (bytes.size() >= 16) {
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), bytes.data(), sizeof words);
    words[0] ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      crc ^= kCrc64[15 - i][(words[0] >> (8 * i)) & 0xff] ^ kCrc64[7 - i][(words[1] >> (8 * i)) & 0xff];
    }
    bytes = bytes.subspan(16);
  }
  for (const char byte : bytes) crc = (crc >> 8) ^ kCrc64[0][(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

template <class Word>
std::string to_big_endian(Word value) {
  std::string bytes(sizeof value, '\0');
  for (auto place = bytes.rbegin(); place != bytes.rend(); ++place, value >>= 8)
    *place = static_cast<char>(value & 0xff);
  return bytes;
}

template <class Word, Word (*Update)(Word, std::span<const char>)>
class CrcHash final : public StreamHash {
 public:
  explicit CrcHash(HashKind kind, Word crc = 0) : kind_(kind), crc_(crc) {}
  void update(std::span<const char> bytes) override { crc_ = Update(crc_, bytes); }
  Digest digest() const override { return {kind_, to_big_endian(crc_)}; }
  std::optional<std::string> save() const override {
    return std::string{to_string(kind_)} + ":" + hex(to_big_endian(crc_));
  }
  static std::unique_ptr<StreamHash> restore(HashKind kind, std::string_view state) {
    const auto name = to_string(kind);
    if (!state.starts_with(name) || !state.substr(name.size()).starts_with(':')) return nullptr;
    const auto bytes = from_hex(state.substr(name.size() + 1));
    if (!bytes || bytes->size() != sizeof(Word)) return nullptr;
    Word crc = 0;
    for (const char byte : *bytes) crc = static_cast<Word>(crc << 8) | static_cast<unsigned char>(byte);
    return std::make_unique<CrcHash>(kind, crc);
  }

 private:
  HashKind kind_;
  Word crc_;
};

using Crc32cHash = CrcHash<std::uint32_t, crc32c>;
using Crc32Hash = CrcHash<std::uint32_t, crc32>;
using Crc64nvmeHash = CrcHash<std::uint64_t, crc64nvme>;

// What can fail here is memory, or a library set up without the algorithm: nothing that a caller could cure.
void require(bool ok) {
  if (!ok) throw std::runtime_error("OpenSSL can't compute a digest: check its configuration (openssl.cnf, FIPS mode)");
}

class EvpHash final : public StreamHash {
 public:
  EvpHash(HashKind kind, const EVP_MD* algorithm) : kind_(kind), context_(new_context()) {
    require(EVP_DigestInit_ex2(context_.get(), algorithm, nullptr) == 1);
  }
  void update(std::span<const char> bytes) override {
    require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  Digest digest() const override {
    const auto copy = new_context();
    require(EVP_MD_CTX_copy_ex(copy.get(), context_.get()) == 1);
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int size = 0;
    require(EVP_DigestFinal_ex(copy.get(), bytes.data(), &size) == 1);
    return {kind_, std::string(reinterpret_cast<const char*>(bytes.data()), size)};
  }
  std::optional<std::string> save() const override { return std::nullopt; }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_MD_CTX, Free>;
  static Context new_context() {
    Context context{EVP_MD_CTX_new()};
    require(context != nullptr);
    return context;
  }

  HashKind kind_;
  Context context_;
};

// Fetched once: a fetch per digest costs more than hashing a small object. Lives as long as the program.
const EVP_MD* fetch(const char* name) {
  const EVP_MD* algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  require(algorithm != nullptr);
  return algorithm;
}
const EVP_MD* md5() {
  static const EVP_MD* algorithm = fetch("MD5");
  return algorithm;
}
const EVP_MD* sha1() {
  static const EVP_MD* algorithm = fetch("SHA1");
  return algorithm;
}
const EVP_MD* sha256() {
  static const EVP_MD* algorithm = fetch("SHA256");
  return algorithm;
}

// Multiplication in GF(2)[x] modulo the Castagnoli polynomial, bit-reflected.
std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
  std::uint32_t product = 0;
  for (std::uint32_t mask = 1U << 31; mask != 0; mask >>= 1) {
    if ((a & mask) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? 0x82f63b78U : 0);
  }
  return product;
}

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kHex = "0123456789abcdef";

// The value of each character of an alphabet, -1 for all others.
constexpr std::array<int, 256> values_of(std::string_view alphabet) {
  std::array<int, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<int>(i);
  }
  return values;
}
constexpr auto kBase64Values = values_of(kBase64);
constexpr auto kHexValues = [] {
  auto values = values_of(kHex);
  for (int i = 0; i < 6; ++i) values['A' + i] = 10 + i;
  return values;
}();

class PiecesHash final : public StreamHash {
 public:
  /// `digests`: of the pieces that are complete.
  PiecesHash(HashKind kind, std::vector<std::uint64_t> lengths, std::string digests)
      : kind_(kind), digest_size_(size_of(kind)), lengths_(std::move(lengths)), digests_(std::move(digests)) {
    finish_empty_pieces();
  }
  static std::size_t size_of(HashKind kind) { return make_hash(kind)->digest().bytes.size(); }
  static std::string state_prefix(HashKind kind) { return "pieces of " + std::string{to_string(kind)} + ":"; }

  void update(std::span<const char> bytes) override {
    while (!bytes.empty()) {
      const auto piece = digests_.size() / digest_size_;
      const auto left = piece < lengths_.size() ? lengths_[piece] - filled_ : UINT64_MAX;
      const auto some = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size())));
      if (!current_) current_ = make_hash(kind_);
      current_->update(some);
      filled_ += some.size();
      bytes = bytes.subspan(some.size());
      if (some.size() == left) finish_piece();
    }
  }
  Digest digest() const override {
    const auto whole = make_hash(kind_);
    whole->update(digests_);
    if (current_) whole->update(current_->digest().bytes);
    return whole->digest();
  }
  std::optional<std::string> save() const override {
    if (current_) return std::nullopt;
    return state_prefix(kind_) + hex(digests_);
  }

 private:
  void finish_piece() {
    digests_ += current_->digest().bytes;
    current_.reset();
    filled_ = 0;
    finish_empty_pieces();
  }

  /// A piece without a byte has a digest, too.
  void finish_empty_pieces() {
    for (auto piece = digests_.size() / digest_size_; piece < lengths_.size() && lengths_[piece] == 0; ++piece) {
      digests_ += make_hash(kind_)->digest().bytes;
    }
  }

  HashKind kind_;
  std::size_t digest_size_;
  std::vector<std::uint64_t> lengths_;
  std::string digests_;
  std::unique_ptr<StreamHash> current_;
  std::uint64_t filled_ = 0;
};

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, std::span<const char> bytes) {
  crc = ~crc;
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), kPieceMax));
    crc = crc32_iscsi(const_cast<unsigned char*>(octets(piece)), static_cast<int>(piece.size()), crc);
    bytes = bytes.subspan(piece.size());
  }
  return ~crc;
}

std::uint32_t crc32c_combine(std::uint32_t a, std::uint32_t b, std::uint64_t length_b) {
  // Appending n zero bits multiplies a CRC by x^n: square and multiply. Bytes first, so that no length overflows.
  std::uint32_t square = 1U << 23;  // x^8
  std::uint32_t power = 1U << 31;   // x^0
  for (; length_b != 0; length_b >>= 1, square = multiply(square, square)) {
    if ((length_b & 1) != 0) power = multiply(power, square);
  }
  return multiply(power, a) ^ b;
}

std::string big_endian(std::uint32_t value) { return to_big_endian(value); }
std::string big_endian(std::uint64_t value) { return to_big_endian(value); }
std::optional<std::uint32_t> from_big_endian(std::string_view bytes) {
  if (bytes.size() != 4) return std::nullopt;
  std::uint32_t value = 0;
  for (const char byte : bytes) value = (value << 8) | static_cast<unsigned char>(byte);
  return value;
}

std::string_view to_string(HashKind kind) {
  switch (kind) {
    case HashKind::kMd5: return "md5";
    case HashKind::kCrc32c: return "crc32c";
    case HashKind::kCrc32: return "crc32";
    case HashKind::kCrc64nvme: return "crc64nvme";
    case HashKind::kSha1: return "sha1";
    case HashKind::kSha256: return "sha256";
  }
  return "?";
}

std::unique_ptr<StreamHash> make_hash(HashKind kind) {
  switch (kind) {
    case HashKind::kMd5: return std::make_unique<EvpHash>(kind, md5());
    case HashKind::kCrc32c: return std::make_unique<Crc32cHash>(kind);
    case HashKind::kCrc32: return std::make_unique<Crc32Hash>(kind);
    case HashKind::kCrc64nvme: return std::make_unique<Crc64nvmeHash>(kind);
    case HashKind::kSha1: return std::make_unique<EvpHash>(kind, sha1());
    case HashKind::kSha256: return std::make_unique<EvpHash>(kind, sha256());
  }
  return nullptr;
}

std::unique_ptr<StreamHash> restore_hash(HashKind kind, std::string_view state) {
  switch (kind) {
    case HashKind::kCrc32c: return Crc32cHash::restore(kind, state);
    case HashKind::kCrc32: return Crc32Hash::restore(kind, state);
    case HashKind::kCrc64nvme: return Crc64nvmeHash::restore(kind, state);
    case HashKind::kMd5:
    case HashKind::kSha1:
    case HashKind::kSha256: return nullptr;
  }
  return nullptr;
}

std::unique_ptr<StreamHash> make_pieces_hash(HashKind kind, std::vector<std::uint64_t> lengths) {
  return std::make_unique<PiecesHash>(kind, std::move(lengths), std::string{});
}

std::unique_ptr<StreamHash> restore_pieces_hash(HashKind kind, std::vector<std::uint64_t> lengths,
                                                std::string_view state) {
  const auto prefix = PiecesHash::state_prefix(kind);
  if (!state.starts_with(prefix)) return nullptr;
  auto digests = from_hex(state.substr(prefix.size()));
  const auto size = PiecesHash::size_of(kind);
  if (!digests || digests->size() % size != 0) return nullptr;
  if (digests->size() / size > lengths.size()) return nullptr;
  return std::make_unique<PiecesHash>(kind, std::move(lengths), *std::move(digests));
}

std::string base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) text += i <= bytes.size() ? kBase64[(group >> (18 - 6 * i)) & 63] : '=';
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = kBase64Values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    pending = (pending << 6 | static_cast<std::uint32_t>(value)) & 0x3fff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>((pending >> bits) & 0xff);
  }
  // Left-over bits must be zero: otherwise several texts would mean the same bytes.
  if ((pending & ((1U << bits) - 1)) != 0) return std::nullopt;
  return bytes;
}

std::string hex(std::string_view bytes) {
  std::string text(bytes.size() * 2, '\0');
  auto to = text.begin();
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *to++ = kHex[byte >> 4];
    *to++ = kHex[byte & 15];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (; !text.empty(); text.remove_prefix(2)) {
    const int high = kHexValues[static_cast<unsigned char>(text[0])];
    const int low = kHexValues[static_cast<unsigned char>(text[1])];
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace ferry
