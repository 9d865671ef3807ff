#include "source/s3/xml.hpp"

#include <algorithm>
#include <charconv>

#include "kit/base/text.hpp"

namespace ferry::s3 {
namespace {

constexpr int kDepthMax = 32;  // S3's own documents need five

bool is_xml_character(std::uint32_t point) {
  if (point < 0x20) return point == 0x9 || point == 0xa || point == 0xd;
  return point <= 0xd7ff || (point >= 0xe000 && point <= 0xfffd) || (point >= 0x10000 && point <= 0x10ffff);
}

bool has_control_characters(std::string_view text) {
  bool found = false;  // no early exit: the compiler can then look at many bytes at once
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    found |= byte < 0x20 && byte != 0x9 && byte != 0xa && byte != 0xd;
  }
  return found;
}

/// `name` is what stands between "&" and ";". A reference to a control character is no XML 1.0, but it is unmistakable,
/// and Ceph writes its continuation tokens so; where it matters (keys) the reader of the document refuses it.
bool is_reference(std::string_view name) {
  if (!name.starts_with('#')) {
    return name == "amp" || name == "lt" || name == "gt" || name == "quot" || name == "apos";
  }
  const bool is_hex = name.starts_with("#x");
  const auto digits = name.substr(is_hex ? 2 : 1);
  std::uint32_t point = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), point, is_hex ? 16 : 10);
  return fault == std::errc{} && end == digits.data() + digits.size() &&
         (is_xml_character(point) || (point > 0 && point < 0x20));
}

/// The parser leaves a reference that it doesn't know as it is, and turns &#0; into an end of text. A text that breaks
/// off inside of a reference is left to the parser, too: it is not well-formed for another reason.
bool has_illegal_references(std::string_view text) {
  constexpr std::size_t kLongest = 12;
  for (auto at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    const auto rest = text.substr(at + 1, kLongest);
    const auto end = rest.find(';');
    if (end == std::string_view::npos && rest.size() < kLongest) return false;
    if (end == std::string_view::npos || !is_reference(rest.substr(0, end))) return true;
  }
  return false;
}

/// Text beside anything else, a comment in the middle of a key for one, would be read in part only.
struct Shape final : pugi::xml_tree_walker {
  bool for_each(pugi::xml_node& node) override {
    const bool is_text = node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
    return depth() < kDepthMax && !(is_text && (node.previous_sibling() || node.next_sibling()));
  }
};

bool declares_other_encoding(const pugi::xml_document& document) {
  const auto declaration = document.first_child();
  if (declaration.type() != pugi::node_declaration) return false;
  const auto encoding = declaration.attribute("encoding");
  return encoding && !iequals(encoding.value(), "utf-8") && !iequals(encoding.value(), "us-ascii");
}

/// Cut off in the middle of a character, and fine up to there.
bool ends_inside_a_character(std::string_view text) {
  for (std::size_t missing = 1; missing <= 3 && missing <= text.size(); ++missing) {
    const bool is_lead = (static_cast<unsigned char>(text[text.size() - missing]) & 0xc0) == 0xc0;
    if (is_lead) return is_utf8(text.substr(0, text.size() - missing));
  }
  return false;
}

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(ErrorKind::kCorrupt, "XML refused: " + std::string{why});
}

}  // namespace

Result<Xml> Xml::parse(std::string text) {
  if (!is_utf8(text)) {
    if (ends_inside_a_character(text)) return fail(ErrorKind::kUnavailable, "XML ends in the middle of a character");
    return refuse("not UTF-8");
  }
  if (has_control_characters(text)) return refuse("control characters that XML can't hold");
  if (text.find("<!DOCTYPE") != std::string::npos) return refuse("a DOCTYPE");
  if (has_illegal_references(text)) return refuse("a reference to an unknown entity or an illegal character");

  Xml xml;
  xml.text_ = std::make_unique<std::string>(std::move(text));
  xml.document_ = std::make_unique<pugi::xml_document>();
  constexpr auto kExact =
      pugi::parse_cdata | pugi::parse_escapes | pugi::parse_ws_pcdata_single | pugi::parse_declaration;
  const auto parsed =
      xml.document_->load_buffer_inplace(xml.text_->data(), xml.text_->size(), kExact, pugi::encoding_utf8);
  if (!parsed) {
    return fail(ErrorKind::kUnavailable,
                "XML not well-formed at byte " + std::to_string(parsed.offset) + ": " + parsed.description());
  }
  if (declares_other_encoding(*xml.document_)) return refuse("an encoding other than UTF-8");
  Shape shape;
  if (!xml.document_->traverse(shape)) return refuse("nested too deep, or text mixed with other nodes");
  const auto children = xml.document_->children();
  if (std::count_if(children.begin(), children.end(), [](auto node) { return node.type() == pugi::node_element; }) !=
      1) {
    return refuse("not exactly one root element");
  }
  return xml;
}

std::string_view local_name(pugi::xml_node node) {
  const std::string_view name{node.name()};
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string_view text_of(pugi::xml_node node) { return node.child_value(); }

std::optional<std::string_view> child_text(pugi::xml_node node, std::string_view name) {
  for (const auto child : node.children()) {
    if (child.type() == pugi::node_element && local_name(child) == name) return text_of(child);
  }
  return std::nullopt;
}

}  // namespace ferry::s3
