#pragma once
// What `cache` prints: lines of columns for people and cut(1), or JSON lines. Columns are separated by tabs and made
// safe to print, the key is the last one (failures: before the reason in words); "-" where a mark has no such thing.

#include <string>

#include "domain/receipt.hpp"
#include "state/record.hpp"

namespace ferry::app {

/// published  WHEN  ETAG  MODIFIED  -  -  -  KEY
[[nodiscard]] std::string cache_line(const Published& published, bool json);
/// consumed  WHEN  ETAG  MODIFIED  GENERATION  CHECK  BYTES  KEY
[[nodiscard]] std::string cache_line(const Receipt& receipt, bool json);
/// REASON  WHEN  ATTEMPTS  KEY  WHAT
[[nodiscard]] std::string cache_line(const Failure& failure, bool json);

}  // namespace ferry::app
