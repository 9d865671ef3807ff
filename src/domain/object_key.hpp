#pragma once
// Names of things in buckets, as types: swapped arguments do not compile. All compare by bytes, as both clouds list.

#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace ferry {

template <class Tag>
class Named {
 public:
  Named() = default;
  explicit Named(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] const std::string& str() const& { return text_; }
  [[nodiscard]] std::string str() && { return std::move(text_); }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  auto operator<=>(const Named&) const = default;
  bool operator==(const Named&) const = default;

 private:
  std::string text_;
};

/// 1–1024 bytes, exactly as listed: never URL-encoded, never normalised. `a//b`, `..`, `dir/` and "\n" are keys.
using ObjectKey = Named<struct ObjectKeyTag>;
using BucketName = Named<struct BucketNameTag>;
/// Compared, never parsed here. Quotes included, as the server sent it: `"9b2c…"`, `"…-12"`.
using ETag = Named<struct ETagTag>;
using VersionId = Named<struct VersionIdTag>;

}  // namespace ferry

template <class Tag>
struct std::hash<ferry::Named<Tag>> {
  std::size_t operator()(const ferry::Named<Tag>& name) const { return std::hash<std::string>{}(name.str()); }
};
