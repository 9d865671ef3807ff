#include "sandbox/text_out.hpp"

#include <fmt/format.h>

#include <iterator>

namespace ferry::sandbox {

void append_json(std::string* out, std::string_view text) {
  *out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) continue;
    out->append(text, plain, i - plain);
    plain = i + 1;
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += static_cast<char>(c);
    } else if (c == '\n') {
      *out += "\\n";
    } else {
      *out += fmt::format("\\u{:04x}", c);
    }
  }
  out->append(text, plain);
  *out += '"';
}

std::string* JsonObject::name(std::string_view name) {
  *out_ += first_ ? "\"" : ",\"";
  first_ = false;
  *out_ += name;
  *out_ += "\":";
  return out_;
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
  append_json(name(key), value);
  return *this;
}

JsonObject& JsonObject::number(std::string_view key, std::uint64_t value) {
  *name(key) += fmt::format("{}", value);
  return *this;
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view json) {
  *name(key) += json;
  return *this;
}

void append_xml(std::string* out, std::string_view text) {
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '<' && c != '>' && c != '&' && c != '"') continue;
    out->append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '<': *out += "&lt;"; break;
      case '>': *out += "&gt;"; break;
      case '&': *out += "&amp;"; break;
      case '"': *out += "&quot;"; break;
      default: *out += fmt::format("&#x{:x};", c);
    }
  }
  out->append(text, plain);
}

void append_element(std::string* out, std::string_view name, std::string_view text) {
  *out += '<';
  *out += name;
  *out += '>';
  append_xml(out, text);
  *out += "</";
  *out += name;
  *out += '>';
}

}  // namespace ferry::sandbox
