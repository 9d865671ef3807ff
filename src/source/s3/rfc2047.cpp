#include "source/s3/rfc2047.hpp"

#include <optional>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::s3 {
namespace {

struct Word {
  std::string charset;  ///< lower case
  std::string bytes;
  std::size_t size;  ///< of its encoded form
};

std::optional<std::string> decode_q(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      bytes.push_back(' ');
    } else if (text[i] == '=') {
      const auto byte = from_hex(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      bytes += *byte;
      i += 2;
    } else {
      bytes.push_back(text[i]);
    }
  }
  return bytes;
}

/// The word at the front of `text`; nothing if it is not one.
std::optional<Word> take_word(std::string_view text) {
  const auto charset_end = text.find('?', 2);
  if (!text.starts_with("=?") || charset_end == std::string_view::npos) return std::nullopt;
  const auto method = text.substr(charset_end + 1, 2);
  const auto body_at = charset_end + 3;
  if (method.size() != 2 || method[1] != '?') return std::nullopt;
  const auto end = text.find("?=", body_at);
  if (end == std::string_view::npos) return std::nullopt;
  const auto body = text.substr(body_at, end - body_at);
  if (body.find_first_of(" \t?") != std::string_view::npos) return std::nullopt;

  auto charset = to_lower(text.substr(2, charset_end - 2));
  charset = charset.substr(0, charset.find('*'));  // RFC 2231: a language may follow
  std::optional<std::string> bytes;
  if (method[0] == 'B' || method[0] == 'b') bytes = from_base64(body);
  if (method[0] == 'Q' || method[0] == 'q') bytes = decode_q(body);
  if (!bytes) return std::nullopt;
  return Word{std::move(charset), *std::move(bytes), end + 2};
}

std::optional<std::string> to_utf8(const std::string& charset, const std::string& bytes) {
  if (charset == "iso-8859-1") return latin1_to_utf8(bytes);
  if (charset != "utf-8" && charset != "us-ascii") return std::nullopt;
  return is_utf8(bytes) ? std::optional{bytes} : std::nullopt;
}

std::optional<std::string> decode_all(std::string_view value) {
  std::string text;
  std::string charset, pending;  // words of one charset: a character may be split between them
  const auto flush = [&] {
    const auto decoded = pending.empty() ? std::optional<std::string>{""} : to_utf8(charset, pending);
    if (decoded) text += *decoded;
    pending.clear();
    return decoded.has_value();
  };
  bool after_word = false;
  while (!value.empty()) {
    const auto blank = std::min(value.find_first_not_of(" \t"), value.size());
    auto rest = value.substr(blank);
    if (rest.starts_with("=?")) {
      auto word = take_word(rest);
      if (!word) return std::nullopt;
      if (word->charset != charset && !flush()) return std::nullopt;
      charset = word->charset;
      if (!after_word) text += value.substr(0, blank);
      pending += word->bytes;
      rest.remove_prefix(word->size);
      after_word = true;
    } else {
      if (!flush()) return std::nullopt;
      const auto plain = std::min(rest.find("=?"), rest.size());
      text.append(value.substr(0, blank)).append(rest.substr(0, plain));
      // White space before the next word belongs to it.
      rest.remove_prefix(plain);
      after_word = false;
    }
    value = rest;
  }
  if (!flush()) return std::nullopt;
  return text;
}

}  // namespace

std::string latin1_to_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xc0 | (byte >> 6)));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  return text;
}

std::string decode_encoded_words(std::string_view value) {
  if (value.find("=?") == std::string_view::npos) return std::string{value};
  return decode_all(value).value_or(std::string{value});
}

}  // namespace ferry::s3
