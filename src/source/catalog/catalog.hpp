#pragma once
// The file behind a catalog source: found, read, checked, sorted; read again when it has changed.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/catalog/catalog_source.hpp"
#include "source/catalog/inventory.hpp"
#include "source/catalog/sorted_entries.hpp"

namespace ferry::catalog {

class Catalog {
 public:
  explicit Catalog(Place place) : place_(std::move(place)) {}

  /// Is it there, and (an inventory's manifest) does it make sense? Forgets what was read if it is another by now.
  Task<Status> look(ObjectSource* shelf);
  /// Reads and sorts it, unless that was done. Only keys with this prefix are kept.
  Task<Status> load(ObjectSource* shelf, std::string prefix);
  Task<Result<std::vector<SourceEntry>>> page(std::optional<std::string> after, std::size_t limit);

  [[nodiscard]] Kind kind() const { return place_.kind; }
  [[nodiscard]] const std::string& name() const { return place_.name; }

 private:
  Task<Result<std::string>> look_at_shelf(ObjectSource* shelf);
  [[nodiscard]] Result<std::string> look_at_file() const;
  Task<Status> read_keys(ObjectSource* shelf, SortedEntries* into, const std::string* prefix);
  Task<Status> read_key_file(SortedEntries* into, const std::string* prefix);
  Task<Status> read_inventory(ObjectSource* shelf, SortedEntries* into, const std::string* prefix);
  Task<Status> read_inventory_file(ObjectSource* shelf, const InventoryFile* file, SortedEntries* into,
                                   const std::string* prefix);

  Place place_;
  std::optional<std::string> seen_;  ///< which state of the file look() found
  std::optional<InventoryManifest> manifest_;
  std::unique_ptr<SortedEntries> entries_;
  std::string prefix_;
};

}  // namespace ferry::catalog
