#pragma once
// JSON and XML written by hand: replies are assembled once, in order, without a document in between.

#include <cstdint>
#include <string>
#include <string_view>

namespace ferry::sandbox {

/// `text` in quotes, escaped. `text` is UTF-8.
void append_json(std::string* out, std::string_view text);

/// An object under construction: fields in the order written.
class JsonObject {
 public:
  explicit JsonObject(std::string* out) : out_(out) { *out_ += '{'; }
  JsonObject& text(std::string_view name, std::string_view value);
  JsonObject& text_if(std::string_view name, std::string_view value) {
    return value.empty() ? *this : text(name, value);
  }
  JsonObject& number(std::string_view name, std::uint64_t value);
  JsonObject& raw(std::string_view name, std::string_view json);
  /// Writes the name and leaves the value to the caller.
  std::string* name(std::string_view name);
  void end() { *out_ += '}'; }

 private:
  std::string* out_;
  bool first_ = true;
};

/// Character data of XML 1.0. Characters that XML can't carry become references that only a lenient reader accepts, as
/// S3 writes them: who lists such keys asks for encoding-type=url.
void append_xml(std::string* out, std::string_view text);
/// <name>text</name>
void append_element(std::string* out, std::string_view name, std::string_view text);

}  // namespace ferry::sandbox
