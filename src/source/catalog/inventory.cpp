#include "source/catalog/inventory.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::catalog {
namespace {

constexpr std::string_view kNeeded[] = {"Bucket", "Key", "Size", "LastModifiedDate", "ETag"};
constexpr std::size_t kInventoryKeyBytesMax = 1024;
constexpr std::size_t kColumnsMax = 64;
constexpr std::size_t kMd5Bytes = 16;

tl::unexpected<Error> no_manifest(std::string why) {
  return fail(ErrorKind::kInvalid, "not the manifest.json of an S3 inventory: " + std::move(why));
}

std::optional<std::string> text_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_string()) return std::nullopt;
  return std::string{value->as_string()};
}

std::vector<std::string> columns_of(std::string_view schema) {
  std::vector<std::string> columns;
  for (;;) {
    const auto name = schema.substr(0, schema.find(','));
    columns.emplace_back(trim(name));
    if (name.size() == schema.size() || columns.size() > kColumnsMax) return columns;
    schema.remove_prefix(name.size() + 1);
  }
}

Result<InventoryFile> file_of(const boost::json::value& value) {
  const auto* object = value.if_object();
  auto key = object ? text_at(*object, "key") : std::nullopt;
  const auto md5 = object ? text_at(*object, "MD5checksum") : std::nullopt;
  auto raw = md5 ? from_hex(to_lower(*md5)) : std::nullopt;
  const auto* size = object ? object->if_contains("size") : nullptr;
  boost::json::error_code bad;
  const auto bytes = size ? size->to_number<std::uint64_t>(bad) : 0;
  if (!key || key->empty() || !raw || raw->size() != kMd5Bytes || !size || bad) {
    return no_manifest("one of its files has no key, size or MD5checksum");
  }
  return InventoryFile{ObjectKey{*std::move(key)}, bytes, *std::move(raw)};
}

Status check_columns(const std::vector<std::string>& columns) {
  if (columns.size() > kColumnsMax) return no_manifest("more than 64 columns");
  for (const auto name : kNeeded) {
    if (std::ranges::find(columns, name) != columns.end()) continue;
    return fail(ErrorKind::kInvalid, "the inventory has no column " + std::string{name} +
                                         "; add size, last modified date and ETag to its configuration");
  }
  return Unit{};
}

}  // namespace

Result<InventoryManifest> parse_inventory_manifest(std::string_view text) {
  boost::json::error_code bad;
  const auto document = boost::json::parse(boost::json::string_view{text.data(), text.size()}, bad);
  if (bad || !document.is_object()) return no_manifest("not a JSON object");
  const auto& object = document.get_object();
  const auto format = text_at(object, "fileFormat"), schema = text_at(object, "fileSchema");
  auto source = text_at(object, "sourceBucket");
  const auto* files = object.if_contains("files");
  if (!format || !schema || !source || !files || !files->is_array()) {
    return no_manifest("sourceBucket, fileFormat, fileSchema or files is missing");
  }
  if (*format != "CSV") {
    return fail(ErrorKind::kInvalid, "the inventory is in format " + printable(format->substr(0, 20)) +
                                         ", only CSV can be read; change its configuration to CSV");
  }
  InventoryManifest manifest;
  manifest.source = BucketName{*std::move(source)};
  manifest.columns = columns_of(*schema);
  if (auto checked = check_columns(manifest.columns); !checked) return fail(std::move(checked).error());
  for (const auto& value : files->get_array()) {
    auto file = file_of(value);
    if (!file) return fail(std::move(file).error());
    manifest.files.push_back(*std::move(file));
  }
  return manifest;
}

InventoryRows::InventoryRows(const InventoryManifest* manifest, std::string prefix)
    : manifest_(manifest),
      prefix_(std::move(prefix)),
      bucket_(*column("Bucket")),
      key_(*column("Key")),
      size_(*column("Size")),
      modified_(*column("LastModifiedDate")),
      etag_(*column("ETag")),
      is_latest_(column("IsLatest")),
      is_delete_marker_(column("IsDeleteMarker")),
      storage_class_(column("StorageClass")) {}

InventoryRows::Column InventoryRows::column(std::string_view name) const {
  const auto found = std::ranges::find(manifest_->columns, name);
  if (found == manifest_->columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - manifest_->columns.begin());
}

Status InventoryRows::feed(std::string_view bytes, std::vector<SourceEntry>* entries) {
  const auto row = [&](std::span<const std::string> fields) { return take(fields, entries); };
  return rows_.feed(bytes, row);
}

Status InventoryRows::finish(std::vector<SourceEntry>* entries) {
  const auto row = [&](std::span<const std::string> fields) { return take(fields, entries); };
  return rows_.finish(row);
}

Status InventoryRows::take(std::span<const std::string> fields, std::vector<SourceEntry>* entries) const {
  const auto bad = [](std::string what) { return fail(ErrorKind::kCorrupt, std::move(what)); };
  if (fields.size() != manifest_->columns.size()) {
    return bad(std::to_string(fields.size()) + " columns instead of " + std::to_string(manifest_->columns.size()));
  }
  const auto unusable = [&](std::size_t at) {
    return bad(manifest_->columns[at] + " '" + printable(fields[at].substr(0, 100)) + "' can't be read");
  };
  if (fields[bucket_] != manifest_->source.str()) return unusable(bucket_);
  if (is_latest_ && iequals(fields[*is_latest_], "false")) return Unit{};
  if (is_delete_marker_ && iequals(fields[*is_delete_marker_], "true")) return Unit{};
  auto key = percent_decode(fields[key_], true);
  if (!key || key->empty() || key->size() > kInventoryKeyBytesMax) return unusable(key_);
  if (!key->starts_with(prefix_)) return Unit{};

  const auto size = parse_u64(fields[size_]);
  if (!size || *size > INT64_MAX) return unusable(size_);
  const auto modified = parse_rfc3339(fields[modified_]);
  if (!modified) return unusable(modified_);
  const auto& etag = fields[etag_];
  const bool quoted = etag.size() > 2 && etag.starts_with('"') && etag.ends_with('"');
  if (etag.empty() || (!quoted && etag.find('"') != std::string::npos)) return unusable(etag_);

  SourceEntry entry;
  entry.key = ObjectKey{*std::move(key)};
  entry.size = *size;
  entry.version.modified = *modified;
  entry.version.etag = ETag{quoted ? etag : '"' + etag + '"'};
  const bool has_class = storage_class_ && !fields[*storage_class_].empty();
  entry.storage_class = has_class ? fields[*storage_class_] : "STANDARD";
  entries->push_back(std::move(entry));
  return Unit{};
}

}  // namespace ferry::catalog
