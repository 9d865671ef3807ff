#include "source/catalog/catalog.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <system_error>
#include <utility>

#include "kit/base/gunzip.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "source/catalog/key_list.hpp"

namespace ferry::catalog {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kBatch = 1000;                 // entries per write
constexpr std::size_t kManifestBytesMax = 64 << 20;  // some 300,000 files
constexpr std::uint64_t kUnpackRatioMax = 400;       // equal rows: ETag, time and class of empty objects

/// Somebody else's file is missing or can't be had: a wrong setting, not an object that is gone.
Error about_file(Error error) {
  if (error.kind == ErrorKind::kGone) error.kind = ErrorKind::kInvalid;
  return error;
}

/// Reads an object to its end, `piece` by piece.
using Piece = std::function<Status(std::string_view bytes)>;
Task<Status> read_object(ObjectSource* shelf, const ObjectKey* key, const Piece* take, SortedEntries* into,
                         std::vector<SourceEntry>* batch) {
  auto reader = co_await shelf->open(*key, std::nullopt);
  if (!reader) co_return fail(about_file(std::move(reader).error()));
  std::string buffer(kReadBytes, '\0');
  for (;;) {
    auto got = co_await (*reader)->read(buffer);
    if (!got) co_return fail(about_file(std::move(got).error()));
    if (*got == 0) co_return Unit{};
    if (auto taken = (*take)(std::string_view{buffer}.substr(0, *got)); !taken) co_return taken;
    if (batch->size() < kBatch) continue;
    auto added = co_await into->add(std::exchange(*batch, {}));
    if (!added) co_return added;
  }
}

}  // namespace

Task<Status> Catalog::look(ObjectSource* shelf) {
  Result<std::string> state{""};
  if (place_.on_shelf) {
    state = co_await look_at_shelf(shelf);
  } else {
    state = look_at_file();
  }
  if (!state) co_return fail(about_file(std::move(state).error()).during(place_.name));
  if (seen_ != *state) entries_.reset();
  seen_ = *std::move(state);
  co_return Unit{};
}

Result<std::string> Catalog::look_at_file() const {
  struct stat info{};
  if (::stat(place_.path.c_str(), &info) != 0) {
    return fail(ErrorKind::kInvalid, std::generic_category().message(errno));
  }
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::kInvalid, "is not a regular file");
  return std::to_string(info.st_size) + "/" + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

/// An inventory's manifest is read at once: it says whether the rest can be.
Task<Result<std::string>> Catalog::look_at_shelf(ObjectSource* shelf) {
  const ObjectKey key{place_.path};
  if (place_.kind == Kind::kKeys) {
    auto meta = co_await shelf->stat(key);
    if (!meta) co_return fail(std::move(meta).error());
    co_return meta->version.etag.str() + rfc3339(meta->version.modified);
  }
  auto reader = co_await shelf->open(key, std::nullopt);
  if (!reader) co_return fail(std::move(reader).error());
  const auto& version = (*reader)->meta().version;
  auto state = version.etag.str() + rfc3339(version.modified);
  if (seen_ == state && entries_) co_return state;
  if ((*reader)->meta().size > kManifestBytesMax) co_return fail(ErrorKind::kInvalid, "is larger than 64 MiB");
  std::string text((*reader)->meta().size, '\0');
  for (std::size_t at = 0; at < text.size();) {
    auto got = co_await (*reader)->read(std::span{text}.subspan(at));
    if (!got) co_return fail(std::move(got).error());
    if (*got == 0) break;
    at += *got;
  }
  auto manifest = parse_inventory_manifest(text);
  if (!manifest) co_return fail(std::move(manifest).error());
  if (manifest->source != place_.bucket) {
    co_return fail(ErrorKind::kInvalid, "is of bucket '" + printable(manifest->source.str()) +
                                            "', but the source is '" + printable(place_.bucket.str()) + "'");
  }
  manifest_ = *std::move(manifest);
  entries_.reset();
  co_return state;
}

Task<Status> Catalog::load(ObjectSource* shelf, std::string prefix) {
  if (entries_ && prefix == prefix_) co_return Unit{};
  auto entries = SortedEntries::create(place_.sort_in);
  if (!entries) co_return fail(std::move(entries).error().during(place_.name));
  Status read = Unit{};
  if (place_.kind == Kind::kInventory) {
    read = co_await read_inventory(shelf, entries->get(), &prefix);
  } else {
    read = co_await read_keys(shelf, entries->get(), &prefix);
  }
  if (read) read = co_await (*entries)->sort();
  if (!read) co_return fail(std::move(read).error().during(place_.name));
  entries_ = *std::move(entries);
  prefix_ = std::move(prefix);
  co_return Unit{};
}

Task<Result<std::vector<SourceEntry>>> Catalog::page(std::optional<std::string> after, std::size_t limit) {
  co_return co_await entries_->page(std::move(after), limit);
}

Task<Status> Catalog::read_keys(ObjectSource* shelf, SortedEntries* into, const std::string* prefix) {
  if (!place_.on_shelf) co_return co_await read_key_file(into, prefix);
  KeyList keys{place_.bucket, *prefix};
  std::vector<SourceEntry> batch;
  const ObjectKey key{place_.path};
  const Piece take = [&](std::string_view bytes) { return keys.feed(bytes, &batch); };
  auto read = co_await read_object(shelf, &key, &take, into, &batch);
  if (read) read = keys.finish(&batch);
  if (!read) co_return read;
  co_return co_await into->add(std::move(batch));
}

/// Reading a file of this machine blocks, but shortly: each piece is handed over before the next.
Task<Status> Catalog::read_key_file(SortedEntries* into, const std::string* prefix) {
  std::ifstream file{place_.path, std::ios::binary};
  if (!file) co_return fail(ErrorKind::kInvalid, "can't be read");
  KeyList keys{place_.bucket, *prefix};
  std::vector<SourceEntry> batch;
  std::string buffer(kReadBytes, '\0');
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    const auto bytes = std::string_view{buffer}.substr(0, static_cast<std::size_t>(file.gcount()));
    if (auto fed = keys.feed(bytes, &batch); !fed) co_return fed;
    auto added = co_await into->add(std::exchange(batch, {}));
    if (!added) co_return added;
  }
  if (file.bad()) co_return fail(ErrorKind::kInvalid, "can't be read to its end");
  if (auto read = keys.finish(&batch); !read) co_return read;
  co_return co_await into->add(std::move(batch));
}

Task<Status> Catalog::read_inventory(ObjectSource* shelf, SortedEntries* into, const std::string* prefix) {
  for (const auto& file : manifest_->files) {
    auto read = co_await read_inventory_file(shelf, &file, into, prefix);
    if (!read) co_return fail(std::move(read).error().during("file " + printable(file.key.str())));
  }
  co_return Unit{};
}

Task<Status> Catalog::read_inventory_file(ObjectSource* shelf, const InventoryFile* file, SortedEntries* into,
                                          const std::string* prefix) {
  InventoryRows rows{&*manifest_, *prefix};
  Gunzip gunzip{kUnpackRatioMax};
  const auto md5 = make_hash(HashKind::kMd5);
  std::vector<SourceEntry> batch;
  const Gunzip::Sink unpacked = [&](std::string_view bytes) { return rows.feed(bytes, &batch); };
  const Piece take = [&](std::string_view bytes) {
    md5->update(bytes);
    return gunzip.feed(bytes, unpacked);
  };
  auto read = co_await read_object(shelf, &file->key, &take, into, &batch);
  if (read) read = gunzip.finish();
  if (read) read = rows.finish(&batch);
  if (!read) co_return read;
  if (md5->digest().bytes != file->md5) {
    co_return fail(ErrorKind::kCorrupt,
                   "its MD5 is " + hex(md5->digest().bytes) + ", the manifest says " + hex(file->md5));
  }
  co_return co_await into->add(std::move(batch));
}

}  // namespace ferry::catalog
