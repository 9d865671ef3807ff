#include "state/redis/record_code.hpp"

#include <algorithm>
#include <limits>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::redis {
namespace {

constexpr std::size_t kMd5 = 16;
constexpr char kFormat = 1;  // of failures and checkpoints

enum Flag : unsigned { kPublishedFlag = 1, kConsumedFlag = 2, kSharedFlag = 4 };

// The kind of a version that is not the common one: the form of its tag, and two bits.
enum Form : unsigned { kText = 0, kDigest = 1, kDigestAndParts = 2 };
constexpr unsigned kFormBits = 3;
constexpr unsigned kHasId = 4;
constexpr unsigned kWideTime = 8;

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

// ---- bytes

void put(std::string* to, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) to->push_back(static_cast<char>(number >> shift));
}

void put_varint(std::string* to, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) to->push_back(static_cast<char>(number | 0x80));
  to->push_back(static_cast<char>(number));
}

void put_sized(std::string* to, std::string_view bytes) {
  put_varint(to, bytes.size());
  to->append(bytes);
}

/// Reads front to back; once something is missing it has failed, and all it gives from then on is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view take(std::size_t bytes) {
    if (bytes > rest_.size()) {
      sound_ = false;
      return {};
    }
    const auto taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  std::uint64_t number(int bytes) {
    std::uint64_t value = 0;
    for (const char byte : take(static_cast<std::size_t>(bytes))) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = number(1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    sound_ = false;
    return 0;
  }
  std::string_view sized() { return take(varint()); }
  std::string_view all() { return take(rest_.size()); }
  void fail() { sound_ = false; }
  [[nodiscard]] bool sound() const { return sound_; }
  [[nodiscard]] bool done() const { return sound_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool sound_ = true;
};

// ---- times

bool is_short(Seconds time) {
  const auto seconds = time.time_since_epoch().count();
  return seconds >= 0 && seconds <= std::numeric_limits<std::uint32_t>::max();
}

std::uint64_t bits(Seconds time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }
Seconds time_of(std::uint64_t number) { return Seconds{std::chrono::seconds{static_cast<std::int64_t>(number)}}; }

/// When we did something: by our own clock, which stands between 1970 and 2106.
void put_when(std::string* to, Seconds time) {
  const Seconds last = time_of(std::numeric_limits<std::uint32_t>::max());
  put(to, bits(std::clamp(time, Seconds{}, last)), 4);
}

// ---- versions

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// A tag as it is mostly written: `"32 hex digits"`, or `"32 hex digits-parts"`.
struct Tag {
  Form form = kText;
  char digest[kMd5] = {};
  std::uint64_t parts = 0;
};

Tag parse_tag(std::string_view text) {
  constexpr std::size_t kDigits = 2 * kMd5;
  Tag tag;
  if (text.size() < kDigits + 2 || text.front() != '"' || text.back() != '"') return tag;
  for (std::size_t i = 0; i < kMd5; ++i) {
    const int high = hex_digit(text[1 + 2 * i]);
    const int low = hex_digit(text[2 + 2 * i]);
    if (high < 0 || low < 0) return tag;
    tag.digest[i] = static_cast<char>(high << 4 | low);
  }
  const auto rest = text.substr(1 + kDigits, text.size() - kDigits - 2);
  if (rest.empty()) {
    tag.form = kDigest;
  } else if (rest.front() == '-' && rest.size() > 1 && rest[1] != '0') {
    const auto parts = parse_u64(rest.substr(1));
    if (parts) {
      tag.form = kDigestAndParts;
      tag.parts = *parts;
    }
  }
  return tag;
}

std::string write_tag(std::string_view digest, std::string_view suffix) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * kMd5 + 2 + suffix.size());
  text.push_back('"');
  for (const char byte : digest) {
    text.push_back(kHex[static_cast<unsigned char>(byte) >> 4]);
    text.push_back(kHex[static_cast<unsigned char>(byte) & 15]);
  }
  text.append(suffix).push_back('"');
  return text;
}

std::string encode_uncommon(const Version& version, const Tag& tag) {
  const bool wide = !is_short(version.modified);
  std::string body(1, static_cast<char>(tag.form | (version.version_id ? kHasId : 0) | (wide ? kWideTime : 0)));
  if (tag.form == kText) {
    put_sized(&body, version.etag.str());
  } else {
    body.append(tag.digest, kMd5);
    if (tag.form == kDigestAndParts) put_varint(&body, tag.parts);
  }
  put(&body, bits(version.modified), wide ? 8 : 4);
  if (version.version_id) body += version.version_id->str();
  std::string code;
  if (body.size() < 255) {
    put(&code, body.size(), 1);
  } else {
    put(&code, 255, 1);
    put(&code, body.size(), 4);
  }
  return code + body;
}

Version decode_uncommon(Reader* from) {
  const auto kind = static_cast<unsigned>(from->number(1));
  Version version;
  switch (kind & kFormBits) {
    case kText: version.etag = ETag{std::string{from->sized()}}; break;
    case kDigest: version.etag = ETag{write_tag(from->take(kMd5), "")}; break;
    case kDigestAndParts: {
      const auto digest = from->take(kMd5);
      version.etag = ETag{write_tag(digest, "-" + std::to_string(from->varint()))};
      break;
    }
    default: from->fail();
  }
  version.modified = time_of(from->number((kind & kWideTime) != 0 ? 8 : 4));
  if ((kind & kHasId) != 0) version.version_id = VersionId{std::string{from->all()}};
  if ((kind & ~(kFormBits | kHasId | kWideTime)) != 0) from->fail();
  return version;
}

Version decode_version(Reader* from) {
  auto length = from->number(1);
  if (length == 0) {
    Version version;
    version.etag = ETag{write_tag(from->take(kMd5), "")};
    version.modified = time_of(from->number(4));
    return version;
  }
  if (length == 255) length = from->number(4);
  Reader body{from->take(length)};
  auto version = decode_uncommon(&body);
  if (!body.done()) from->fail();
  return version;
}

Receipt decode_tail(const ObjectKey& key, Reader* from) {
  Receipt receipt;
  receipt.key = key;
  receipt.generation.value = static_cast<std::int64_t>(from->number(8) ^ kSignBit);
  receipt.when = time_of(from->number(4));
  const auto both = static_cast<int>(from->number(1));
  if (both / 16 >= kRungs || both % 16 > 8) from->fail();
  receipt.rung = static_cast<Rung>(both / 16);
  receipt.size = from->number(both % 16);
  return receipt;
}

}  // namespace

std::string encode_version(const Version& version) {
  const auto tag = parse_tag(version.etag.str());
  if (tag.form != kDigest || version.version_id || !is_short(version.modified)) return encode_uncommon(version, tag);
  std::string code(1, '\0');
  code.append(tag.digest, kMd5);
  put(&code, bits(version.modified), 4);
  return code;
}

std::string encode_published(const Published& published) {
  auto code = encode_version(published.version);
  put_when(&code, published.when);
  return code;
}

std::string encode_tail(const Receipt& receipt) {
  std::string code;
  put(&code, static_cast<std::uint64_t>(receipt.generation.value) ^ kSignBit, 8);
  put_when(&code, receipt.when);
  int bytes = 0;
  while (bytes < 8 && receipt.size >> (8 * bytes) != 0) ++bytes;
  put(&code, static_cast<std::uint64_t>(static_cast<int>(receipt.rung) * 16 + bytes), 1);
  put(&code, receipt.size, bytes);
  return code;
}

Record decode_record(ObjectKey key, std::string_view value) {
  Record record{std::move(key), std::nullopt, std::nullopt};
  Reader from{value};
  const auto flags = from.number(1);
  if (flags > (kPublishedFlag | kConsumedFlag | kSharedFlag)) return record;
  std::optional<Published> published;
  std::optional<Receipt> consumed;
  if ((flags & kPublishedFlag) != 0) {
    published.emplace();
    published->key = record.key;
    published->version = decode_version(&from);
    published->when = time_of(from.number(4));
  }
  if ((flags & kConsumedFlag) != 0) {
    consumed = decode_tail(record.key, &from);
    if ((flags & kSharedFlag) == 0) {
      consumed->version = decode_version(&from);
    } else if (published) {
      consumed->version = published->version;
    } else {
      from.fail();
    }
  }
  if (!from.done()) return record;
  record.published = std::move(published);
  record.consumed = std::move(consumed);
  return record;
}

// ---- failures

std::string encode_failure(const Failure& failure) {
  std::string code{kFormat};
  put_sized(&code, failure.version ? encode_version(*failure.version) : std::string{});
  put_sized(&code, to_string(failure.reason));
  put_varint(&code, failure.attempts);
  put(&code, bits(failure.when), 8);
  return code + failure.what;
}

std::optional<Failure> decode_failure(ObjectKey key, std::string_view value) {
  Reader from{value};
  if (from.number(1) != kFormat) return std::nullopt;
  Failure failure;
  failure.key = std::move(key);
  if (const auto code = from.sized(); !code.empty()) {
    Reader version{code};
    failure.version = decode_version(&version);
    if (!version.done()) return std::nullopt;
  }
  const auto reason = parse_failure_reason(from.sized());
  const auto attempts = from.varint();
  if (!reason || attempts > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  failure.reason = *reason;
  failure.attempts = static_cast<std::uint32_t>(attempts);
  failure.when = time_of(from.number(8));
  failure.what = from.all();
  if (!from.done()) return std::nullopt;
  return failure;
}

// ---- checkpoints

std::string encode_checkpoint(const Checkpoint& checkpoint) {
  std::string code{kFormat};
  put_sized(&code, encode_version(checkpoint.version));
  put_sized(&code, checkpoint.session);
  put_varint(&code, checkpoint.offset);
  for (const auto& [name, state] : checkpoint.hashes) {
    put_sized(&code, name);
    put_sized(&code, state);
  }
  return code;
}

std::optional<Checkpoint> decode_checkpoint(ObjectKey key, std::string_view value) {
  Reader from{value};
  if (from.number(1) != kFormat) return std::nullopt;
  Checkpoint checkpoint;
  checkpoint.key = std::move(key);
  Reader version{from.sized()};
  checkpoint.version = decode_version(&version);
  if (!version.done()) return std::nullopt;
  checkpoint.session = from.sized();
  checkpoint.offset = from.varint();
  while (from.sound() && !from.done()) {
    std::string name{from.sized()};
    checkpoint.hashes.insert_or_assign(std::move(name), std::string{from.sized()});
  }
  if (!from.done()) return std::nullopt;
  return checkpoint;
}

}  // namespace ferry::redis
