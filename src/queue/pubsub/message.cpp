#include "queue/pubsub/message.hpp"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <limits>
#include <utility>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::pubsub {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 16;
constexpr std::size_t kKeyBytesMax = 1'024;
constexpr std::size_t kTextBytesMax = 2'048;  ///< of any other text

void append_text(std::string* out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  *out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      *out += "\\u00";
      *out += kHex[static_cast<unsigned char>(c) >> 4];
      *out += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      *out += c;
    }
  }
  *out += '"';
}

void append_member(std::string* out, std::string_view prefix, std::string_view text) {
  *out += prefix;
  append_text(out, text);
}

enum class Field {
  kKey,
  kEtag,
  kSize,
  kModified,
  kVersionId,
  kStorageClass,
  kTargetGeneration,
  kScan,
  kOrNewest,
  kNone
};
constexpr std::array<std::string_view, 9> kFields{
    "key", "etag", "size", "last_modified", "version_id", "storage_class", "target_generation", "scan", "or_newest"};

/// Fed by the parser, so that no tree is built of what a stranger sent. It goes on after the first complaint: the key
/// may still come.
class Reader {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = kMessageBytesMax;
  static constexpr std::size_t max_string_size = kMessageBytesMax;
  using Code = json::error_code;
  using View = json::string_view;

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return nest(); }
  bool on_object_end(std::size_t, Code&) { return unnest(); }
  bool on_array_begin(Code&) { return nest(); }
  bool on_array_end(std::size_t, Code&) { return unnest(); }
  bool on_key_part(View part, std::size_t, Code&) { return gather(part); }
  bool on_key(View part, std::size_t, Code&) {
    gather(part);
    if (depth_ == 1) choose(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(View part, std::size_t, Code&) { return gather(part); }
  bool on_string(View part, std::size_t, Code&) {
    gather(part);
    if (expected()) take_text();
    text_.clear();
    return true;
  }
  bool on_number_part(View, Code&) { return true; }
  bool on_int64(std::int64_t number, View, Code&) {
    if (number >= 0) return on_uint64(static_cast<std::uint64_t>(number), {}, unused_);
    return wrong_type();
  }
  bool on_uint64(std::uint64_t number, View, Code&) {
    if (!expected()) return true;
    if (field_ == Field::kSize) {
      plan_.size = number;
    } else if (field_ == Field::kTargetGeneration) {
      take_generation(number);
    } else {
      return wrong_type();
    }
    return true;
  }
  bool on_double(double, View, Code&) { return wrong_type(); }
  bool on_bool(bool value, Code&) {
    if (!expected() || field_ != Field::kOrNewest) return wrong_type();
    plan_.or_newest = value;
    return true;
  }
  /// The same as leaving it out, which `key` and `etag` can't be.
  bool on_null(Code&) {
    if (depth_ == 0) complain("not a JSON object");
    return true;
  }
  bool on_comment_part(View, Code&) { return true; }
  bool on_comment(View, Code&) { return true; }

  void complain(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }
  [[nodiscard]] const std::string& finish() {
    if (plan_.key.empty()) complain("key is missing");
    if (plan_.etag.empty()) complain("etag is missing");
    return complaint_;
  }
  [[nodiscard]] TransferPlan& plan() { return plan_; }

 private:
  bool nest() {
    if (depth_ == 1 && field_ != Field::kNone) return ++depth_, complain(name() + " has the wrong type"), true;
    ++depth_;
    return true;
  }
  bool unnest() {
    --depth_;
    return true;
  }
  bool gather(View part) {
    text_.append(part.data(), part.size());
    return true;
  }
  void choose(std::string_view name) {
    const auto place = static_cast<std::size_t>(std::ranges::find(kFields, name) - kFields.begin());
    field_ = static_cast<Field>(place);
    if (field_ == Field::kNone) return;
    if (std::exchange(seen_[place], true)) {
      complain(std::string(name) + " is there twice");
      if (field_ == Field::kKey) plan_.key = {};
      field_ = Field::kNone;
    }
  }
  [[nodiscard]] std::string name() const { return std::string(kFields[static_cast<std::size_t>(field_)]); }
  /// Whether the value at hand is that of a field we know.
  [[nodiscard]] bool expected() {
    if (depth_ == 0) complain("not a JSON object");
    return depth_ == 1 && field_ != Field::kNone;
  }
  bool wrong_type() {
    if (expected()) complain(name() + " has the wrong type");
    return true;
  }

  void take_text() {
    if (text_.size() > (field_ == Field::kKey ? kKeyBytesMax : kTextBytesMax)) return complain(name() + " is too long");
    switch (field_) {
      case Field::kKey: plan_.key = ObjectKey{std::move(text_)}; break;
      case Field::kEtag: take_etag(); break;
      case Field::kSize: wrong_type(); break;
      case Field::kModified:
        plan_.modified = parse_rfc3339(text_);
        if (!plan_.modified) complain("last_modified is no time of RFC 3339");
        break;
      case Field::kVersionId: plan_.version_id = VersionId{std::move(text_)}; break;
      case Field::kStorageClass: plan_.storage_class = std::move(text_); break;
      case Field::kTargetGeneration:
        if (const auto number = parse_u64(text_)) {
          take_generation(*number);
        } else {
          complain("target_generation is no number");
        }
        break;
      case Field::kScan: plan_.scan = std::move(text_); break;
      case Field::kOrNewest: wrong_type(); break;
      case Field::kNone: break;
    }
  }
  /// It travels in a header later on.
  void take_etag() {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(text_, control)) return complain("etag has control characters");
    const bool bare = !text_.empty() && !text_.starts_with('"') && !text_.starts_with("W/\"");
    plan_.etag = ETag{bare ? '"' + text_ + '"' : std::move(text_)};
  }
  void take_generation(std::uint64_t number) {
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return complain("target_generation is too large");
    }
    plan_.target_generation = Generation{static_cast<std::int64_t>(number)};
  }

  TransferPlan plan_;
  std::string text_, complaint_;
  std::size_t depth_ = 0;
  Field field_ = Field::kNone;
  std::array<bool, kFields.size()> seen_{};
  Code unused_;
};

/// What is wrong; empty if nothing.
std::string read(std::string_view data, Reader** reader, json::basic_parser<Reader>* parser) {
  *reader = &parser->handler();
  if (data.size() > kMessageBytesMax) return "too long";
  json::error_code bad;
  const auto read = parser->write_some(false, data.data(), data.size(), bad);
  if (bad == json::error::too_deep) return "nested too deeply";
  if (bad || read != data.size()) return "not JSON";
  return (*reader)->finish();
}

}  // namespace

Result<std::string> encode(const TransferPlan& plan) {
  std::string data;
  data.reserve(plan.key.str().size() + 256);
  append_member(&data, R"({"key":)", plan.key.str());
  append_member(&data, R"(,"etag":)", plan.etag.str());
  if (plan.size) data.append(R"(,"size":)").append(std::to_string(*plan.size));
  if (plan.modified) append_member(&data, R"(,"last_modified":)", rfc3339(*plan.modified));
  if (plan.version_id) append_member(&data, R"(,"version_id":)", plan.version_id->str());
  if (plan.storage_class) append_member(&data, R"(,"storage_class":)", *plan.storage_class);
  if (plan.target_generation) {
    append_member(&data, R"(,"target_generation":)", std::to_string(plan.target_generation->value));
  }
  if (!plan.scan.empty()) append_member(&data, R"(,"scan":)", plan.scan);
  if (plan.or_newest) data += R"(,"or_newest":true)";
  data += '}';
  if (!is_utf8(data)) {
    return fail(ErrorKind::kInvalid,
                "message for key " + printable(plan.key.str()) + ": key, ETag or version id is not UTF-8");
  }
  return data;
}

Decoded decode(std::string_view data, std::string_view message_id) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  json::basic_parser<Reader> parser(options);
  Reader* reader = nullptr;
  const auto complaint = read(data, &reader, &parser);
  if (complaint.empty()) return {std::move(reader->plan()), {}};

  constexpr std::size_t kNameMax = 64;
  const auto name = printable(message_id.substr(0, kNameMax));
  Decoded broken;
  broken.plan.key = std::move(reader->plan().key);
  if (broken.plan.key.empty()) broken.plan.key = ObjectKey{"(message " + name + ")"};
  const auto hash = make_hash(HashKind::kSha256);
  hash->update(data);
  broken.defect = "message " + name + " of " + std::to_string(data.size()) + " bytes, sha256 " +
                  hex(hash->digest().bytes).substr(0, 16) + "…: " + complaint;
  return broken;
}

Addressee addressee(std::optional<std::string_view> schema, std::optional<std::string_view> job,
                    std::string_view own_job) {
  if (schema && schema->substr(0, schema->find('.')) != kSchema) return Addressee::kNewerSchema;
  if (job && *job != own_job) return Addressee::kOtherJob;
  return Addressee::kUs;
}

}  // namespace ferry::pubsub
