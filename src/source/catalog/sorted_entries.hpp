#pragma once
// Entries in the order of their keys, whatever order they came in: sorted on disk, so that memory stays flat.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kit/sqlite/database.hpp"
#include "source/object_source.hpp"

namespace ferry::catalog {

/// First add(), then sort() once, then page(). Belongs to one executor; SQLite works on a thread of its own.
class SortedEntries {
 public:
  /// In a file below `folder` that has no name any more when this returns, so that it goes with the process. It takes
  /// about 200 bytes and twice the key per entry, while it is sorted twice of that (SQLite's own: below TMPDIR).
  /// @error kInvalid: can't be made there
  [[nodiscard]] static Result<std::unique_ptr<SortedEntries>> create(const std::filesystem::path& folder);
  ~SortedEntries();  ///< interrupts what is under way
  SortedEntries(const SortedEntries&) = delete;
  SortedEntries& operator=(const SortedEntries&) = delete;

  Task<Status> add(std::vector<SourceEntry> entries);
  /// The same entry twice counts once. @error kInvalid: a key with two versions, which is named
  Task<Status> sort();
  /// Up to `limit` entries behind `after`, ascending; nothing: from the first on.
  Task<Result<std::vector<SourceEntry>>> page(std::optional<std::string> after, std::size_t limit);

 private:
  struct Statements;
  explicit SortedEntries(std::unique_ptr<sqlite::Database> database);

  std::unique_ptr<sqlite::Database> database_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace ferry::catalog
