#pragma once
// What is known of one key, and pages of it.

#include <optional>
#include <string>
#include <vector>

#include "domain/receipt.hpp"
#include "domain/version.hpp"

namespace ferry {

struct Published {
  ObjectKey key;
  Version version;
  Seconds when{};
};

struct Record {
  ObjectKey key;
  std::optional<Published> published;
  std::optional<Receipt> consumed;
};

/// Which half of a record is meant.
enum class Mark { kPublished, kConsumed };

struct RecordPage {
  std::vector<Record> records;      ///< may be empty though there is more
  std::optional<std::string> next;  ///< opaque bytes; pass as `cursor`; nothing: the end
};

struct FailurePage {
  std::vector<Failure> failures;  ///< ascending by key
  std::optional<ObjectKey> next;  ///< pass as `after`; nothing: the end
};

}  // namespace ferry
