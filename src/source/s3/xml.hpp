#pragma once
// XML from the network, read strictly: what a lenient parser would cut, guess or expand is an error here.

#include <cstddef>
#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "kit/base/error.hpp"

namespace ferry::s3 {

/// A parsed document; nodes stay valid as long as it lives, also when moved.
class Xml {
 public:
  /// @error kCorrupt: not UTF-8, a DOCTYPE, characters or references that XML 1.0 forbids, nested too deep; those prove
  /// a
  ///                  broken or hostile server
  /// @error kUnavailable: not well-formed, as when the text ends in the middle; worth another try
  [[nodiscard]] static Result<Xml> parse(std::string text);
  [[nodiscard]] pugi::xml_node root() const { return document_->document_element(); }

 private:
  // On the heap: pugi's nodes and our text point into these.
  std::unique_ptr<std::string> text_;
  std::unique_ptr<pugi::xml_document> document_;
};

/// Without the namespace's prefix.
[[nodiscard]] std::string_view local_name(pugi::xml_node node);
/// Text of the first child element of that local name; nothing where there is none.
[[nodiscard]] std::optional<std::string_view> child_text(pugi::xml_node node, std::string_view name);
[[nodiscard]] std::string_view text_of(pugi::xml_node node);

}  // namespace ferry::s3
