#pragma once
// Files of the dashboard and openapi.yaml, as they were at build time (cmake/ferry_embed.cmake writes the definition).

#include <span>
#include <string_view>

namespace ferry::admin {

struct Asset {
  std::string_view path;  ///< below which it is served
  std::string_view type;
  std::string_view etag;  ///< of its content, quotes included
  std::string_view bytes;
};

[[nodiscard]] std::span<const Asset> assets();

}  // namespace ferry::admin
