#include "kit/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace ferry {
namespace {

constexpr unsigned char octet(char c) { return static_cast<unsigned char>(c); }

struct Decoded {
  char32_t point = 0;
  std::size_t size = 0;  ///< bytes that it took; 0: not well-formed here
};

// The first code point of `bytes`, which must not be empty. Unicode 15, table 3-7.
Decoded decode(std::string_view bytes) {
  const unsigned char lead = octet(bytes[0]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || bytes.size() < size) return {};
  char32_t point = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const unsigned char next = octet(bytes[i]);
    if ((next & 0xc0) != 0x80) return {};
    point = point << 6 | (next & 0x3fU);
  }
  const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (overlong || surrogate || point > 0x10ffff) return {};
  return {point, size};
}

// How many bytes at the front are ASCII, to the next multiple of 8 below it.
std::size_t ascii_words(std::string_view bytes) {
  std::size_t done = 0;
  for (std::uint64_t word = 0; done + sizeof word <= bytes.size(); done += sizeof word) {
    std::memcpy(&word, bytes.data() + done, sizeof word);
    if ((word & 0x8080808080808080ULL) != 0) break;
  }
  return done;
}

bool harmless(char c) { return c >= ' ' && c <= '~' && c != '\\'; }

// What a terminal would obey, or show in another order, instead of printing it.
bool acts_on_terminal(char32_t point) {
  return point < 0x20 || (point >= 0x7f && point <= 0x9f) ||      // C0, DEL, C1
         point == 0x61c || point == 0x200e || point == 0x200f ||  // bidi marks
         (point >= 0x2028 && point <= 0x202e) ||                  // line ends, bidi embedding
         (point >= 0x2066 && point <= 0x2069);                    // bidi isolates
}

constexpr bool unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";

}  // namespace

std::size_t plain_words(std::string_view bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL, kTops = 0x8080808080808080ULL;
  // The top bit of each byte that is 0; bytes above an actual 0 may be marked, too, which only ends the run.
  const auto zeros = [](std::uint64_t word) { return (word - kOnes) & ~word & kTops; };
  std::size_t done = 0;
  for (std::uint64_t word = 0; done + sizeof word <= bytes.size(); done += sizeof word) {
    std::memcpy(&word, bytes.data() + done, sizeof word);
    const auto control = (word - kOnes * ' ') & ~word & kTops;
    if (((word & kTops) | control | zeros(word ^ (kOnes * '"')) | zeros(word ^ (kOnes * '\\'))) != 0) break;
  }
  return done;
}

bool is_utf8(std::string_view bytes) {
  while (true) {
    bytes.remove_prefix(ascii_words(bytes));
    if (bytes.empty()) return true;
    // A run up to the next word: keys of one script do not go back and forth for each character.
    for (std::size_t run = 0; run < 8 && !bytes.empty();) {
      const auto [point, size] = decode(bytes);
      if (size == 0) return false;
      bytes.remove_prefix(size);
      run += size;
    }
  }
}

std::string printable(std::string_view bytes) {
  if (std::all_of(bytes.begin(), bytes.end(), harmless)) return std::string{bytes};
  std::string text;
  text.reserve(bytes.size() + 16);
  while (!bytes.empty()) {
    const auto [point, size] = decode(bytes);
    if (size == 0 || (size == 1 && acts_on_terminal(point))) {
      text += fmt::format("\\x{:02x}", octet(bytes[0]));
    } else if (acts_on_terminal(point)) {
      text += fmt::format("\\u{{{:04x}}}", static_cast<std::uint32_t>(point));
    } else if (point == '\\') {
      text += "\\\\";
    } else {
      text += bytes.substr(0, size);
    }
    bytes.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return text;
}

std::string percent_encode(std::string_view bytes, std::string_view keep) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 4);
  for (const char c : bytes) {
    if (unreserved(c) || keep.find(c) != std::string_view::npos) {
      text += c;
    } else {
      text += '%';
      text += kDigits[octet(c) >> 4];
      text += kDigits[octet(c) & 15];
    }
  }
  return text;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      bytes += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      bytes += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return bytes;
}

std::optional<std::uint64_t> parse_u64(std::string_view text) {
  std::uint64_t value = 0;
  const char* const first = text.data();
  const char* const end = first + text.size();
  const auto [stopped, error] = std::from_chars(first, end, value);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

bool is_media_type(std::string_view text) {
  constexpr std::size_t kBytesMax = 1024;
  const auto slash = text.find('/');
  const bool shape = slash != std::string_view::npos && slash > 0 && slash + 1 < text.size();
  const auto printable_ascii = [](char c) { return c >= 0x20 && c < 0x7f; };
  return shape && text.size() <= kBytesMax && std::all_of(text.begin(), text.end(), printable_ascii) &&
         trim(text) == text;
}

bool iequals_of_one_size(std::string_view a, std::string_view b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::string to_lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 999.5; value /= 1024) ++unit;  // 999.5 would print as four digits
  return fmt::format("{:.{}g} {}", value, value < 1 ? 2 : 3, kUnits[unit]);
}

}  // namespace ferry
