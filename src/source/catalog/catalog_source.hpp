#pragma once
// An ObjectSource whose listing comes from a file: keys that somebody chose, or an S3 inventory of a bucket too large
// to list. Everything else is asked of the bucket itself. Neither kind need be in any order: it is sorted on disk
// first.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "source/object_source.hpp"

namespace ferry::catalog {

enum class Kind {
  kKeys,       ///< a file of keys: each is looked up at the source, a page at a time
  kInventory,  ///< manifest.json of an inventory: taken as it is, although it is old
};

struct Place {
  Kind kind = Kind::kKeys;
  BucketName bucket;     ///< the job's source
  std::string name;      ///< for errors: "manifest keys.csv", "inventory s3://b/…/manifest.json"
  std::string path;      ///< key in the bucket of the shelf, or a file
  bool on_shelf = true;  ///< false: a file here
  std::filesystem::path sort_in;
};

/// What was read and sorted, for all sources of one run. It is read again when the file has changed since.
class Catalog;
[[nodiscard]] std::shared_ptr<Catalog> make_catalog(Place place);

/// `live`: the bucket itself. `shelf`: the bucket that the file is in; null for a file here. Only one of a run's
/// sources may list at a time, and only on one thread. A first page is empty: it says that the file is there and can be
/// read.
/// @error of list(): kInvalid, kCorrupt: the file, with line and reason; besides, as ObjectSource
[[nodiscard]] std::unique_ptr<ObjectSource> catalog_source(std::shared_ptr<Catalog> catalog,
                                                           std::unique_ptr<ObjectSource> live,
                                                           std::unique_ptr<ObjectSource> shelf);

}  // namespace ferry::catalog
