#pragma once
// S3 Inventory: a manifest, and gzipped CSV files whose columns it names. A report is hours or days old when it is
// read.
// @see Amazon S3 User Guide, "Locating your inventory list"; protocol-facts 1.8.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/catalog/csv.hpp"
#include "source/object_source.hpp"

namespace ferry::catalog {

struct InventoryFile {
  ObjectKey key;
  std::uint64_t size = 0;
  std::string md5;  ///< raw, of the packed bytes
};

struct InventoryManifest {
  BucketName source;
  std::vector<std::string> columns;
  std::vector<InventoryFile> files;
};

/// @error kInvalid: not a manifest, another format than CSV, columns missing that we need; says what to do
[[nodiscard]] Result<InventoryManifest> parse_inventory_manifest(std::string_view text);

/// Rows of one file as entries: the newest version of each key that begins with `prefix`, no delete markers.
class InventoryRows {
 public:
  InventoryRows(const InventoryManifest* manifest, std::string prefix);

  /// @error kCorrupt: names the line
  [[nodiscard]] Status feed(std::string_view bytes, std::vector<SourceEntry>* entries);
  [[nodiscard]] Status finish(std::vector<SourceEntry>* entries);

 private:
  using Column = std::optional<std::size_t>;
  [[nodiscard]] Column column(std::string_view name) const;
  [[nodiscard]] Status take(std::span<const std::string> fields, std::vector<SourceEntry>* entries) const;

  const InventoryManifest* manifest_;
  std::string prefix_;
  CsvRows rows_;
  std::size_t bucket_, key_, size_, modified_, etag_;
  Column is_latest_, is_delete_marker_, storage_class_;
};

}  // namespace ferry::catalog
