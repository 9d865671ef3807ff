#include "sandbox/s3_store.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ferry::sandbox {
namespace {

S3Error no_such_bucket(std::string_view name) {
  return S3Error(404, "NoSuchBucket", "The specified bucket does not exist", {{"BucketName", std::string(name)}});
}

S3ListEntry entry_of(std::string key, const S3Object& object) {
  S3ListEntry entry;
  entry.key = std::move(key);
  entry.etag = object.etag;
  entry.storage_class = object.storage_class;
  entry.readable_from = object.readable_from;
  entry.restored_until = object.restored_until;
  entry.modified = object.modified;
  entry.size = object.content.size();
  if (object.checksum) {
    entry.checksum = object.checksum->kind;
    entry.checksum_full = object.checksum->full_object;
  }
  return entry;
}

/// The first key behind all keys that begin with `prefix`; nothing if there can't be one.
std::optional<std::string> behind(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  ++prefix.back();
  return prefix;
}

}  // namespace

/// Walks stored and computed keys of a bucket as one sequence in byte order.
class S3Store::Cursor {
 public:
  Cursor(const Bucket& bucket, WallTime computed_time) : bucket_(bucket), computed_time_(computed_time) {}

  void seek(const std::string& from) {
    stored_ = bucket_.objects.lower_bound(from);
    if (bucket_.synthetic) index_ = bucket_.synthetic->lower_bound(from);
    settle();
  }
  void next() {
    if (at_stored_)
      ++stored_;
    else
      ++index_;
    settle();
  }
  [[nodiscard]] bool valid() const { return valid_; }
  [[nodiscard]] const std::string& key() const { return at_stored_ ? stored_->first : computed_key_; }
  [[nodiscard]] S3ListEntry entry() const {
    if (at_stored_) return entry_of(stored_->first, *stored_->second);
    S3ListEntry entry;
    entry.key = computed_key_;
    entry.etag = bucket_.synthetic->etag(index_);
    entry.modified = computed_time_;
    entry.size = bucket_.synthetic->size();
    entry.checksum = HashKind::kCrc32c;
    return entry;
  }

 private:
  void settle() {
    for (;;) {
      const bool has_computed = bucket_.synthetic && index_ < bucket_.synthetic->count();
      const bool has_stored = stored_ != bucket_.objects.end();
      if (has_computed) computed_key_ = bucket_.synthetic->key(index_);
      valid_ = has_stored || has_computed;
      if (!valid_) return;
      at_stored_ = has_stored && (!has_computed || stored_->first <= computed_key_);
      if (!at_stored_) return;
      if (has_computed && stored_->first == computed_key_) ++index_;  // the stored one hides it
      if (stored_->second && !stored_->second->delete_marker) return;
      ++stored_;
    }
  }

  const Bucket& bucket_;
  WallTime computed_time_;
  std::map<std::string, S3ObjectPtr, std::less<>>::const_iterator stored_;
  std::uint64_t index_ = 0;
  std::string computed_key_;
  bool at_stored_ = false, valid_ = false;
};

const S3Store::Bucket* S3Store::find_bucket(std::string_view name) const {
  const auto found = buckets_.find(name);
  return found == buckets_.end() ? nullptr : &found->second;
}
S3Store::Bucket* S3Store::find_bucket(std::string_view name) {
  const auto found = buckets_.find(name);
  return found == buckets_.end() ? nullptr : &found->second;
}

S3Result<std::monostate> S3Store::make_bucket(S3BucketInfo info) {
  const std::lock_guard lock(mutex_);
  if (find_bucket(info.name)) {
    return tl::unexpected(S3Error(409, "BucketAlreadyOwnedByYou",
                                  "Your previous request to create the named bucket succeeded and you already own it.",
                                  {{"BucketName", info.name}}));
  }
  if (observer_) observer_->bucket_made(info);
  auto& bucket = buckets_[info.name];
  bucket.info = std::move(info);
  return std::monostate{};
}

void S3Store::make_synthetic(S3BucketInfo info, SyntheticKeys keys) {
  const std::lock_guard lock(mutex_);
  auto& bucket = buckets_[info.name];
  bucket.info = std::move(info);
  bucket.synthetic = std::move(keys);
}

S3Result<std::monostate> S3Store::remove_bucket(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = buckets_.find(name);
  if (found == buckets_.end()) return tl::unexpected(no_such_bucket(name));
  Cursor cursor(found->second, {});
  cursor.seek("");
  if (cursor.valid()) {
    return tl::unexpected(S3Error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty"));
  }
  if (observer_) observer_->bucket_gone(name);
  buckets_.erase(found);
  return std::monostate{};
}

std::optional<S3BucketInfo> S3Store::bucket(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto* bucket = find_bucket(name);
  return bucket ? std::optional(bucket->info) : std::nullopt;
}

std::vector<S3BucketInfo> S3Store::buckets() const {
  const std::lock_guard lock(mutex_);
  std::vector<S3BucketInfo> all;
  for (const auto& [name, bucket] : buckets_) all.push_back(bucket.info);
  return all;
}

void S3Store::set_versions(std::string_view name, bool on) {
  const std::lock_guard lock(mutex_);
  auto* bucket = find_bucket(name);
  if (!bucket) return;
  bucket->info.versions = on;
  if (observer_) observer_->bucket_made(bucket->info);
}

S3ObjectPtr S3Store::computed(const Bucket& bucket, std::uint64_t index) const {
  auto object = std::make_shared<S3Object>();
  object->etag = bucket.synthetic->etag(index);
  object->modified = bucket.info.created;
  object->content = bucket.synthetic->content(index);
  object->headers = {{"Content-Type", "application/octet-stream"}};
  object->checksum = S3Checksum{HashKind::kCrc32c, base64(big_endian(bucket.synthetic->crc32c(index))), true};
  object->parts = {S3Part{bucket.synthetic->size(), std::nullopt}};
  object->synthetic = true;
  return object;
}

S3ObjectPtr S3Store::newest(const Bucket& bucket, std::string_view key) const {
  if (const auto found = bucket.objects.find(key); found != bucket.objects.end()) return found->second;
  if (!bucket.synthetic) return nullptr;
  const auto index = bucket.synthetic->index(key);
  return index ? computed(bucket, *index) : nullptr;
}

S3ObjectPtr S3Store::find(std::string_view name, std::string_view key, std::string_view version) const {
  const std::lock_guard lock(mutex_);
  const auto* bucket = find_bucket(name);
  if (!bucket) return nullptr;
  auto object = newest(*bucket, key);
  if (version.empty()) return object;
  while (object && (object->version_id.empty() ? "null" : object->version_id) != version) object = object->previous;
  return object;
}

std::string S3Store::fresh_version() { return fmt::format("v{:08x}", ++versions_made_); }

namespace {
std::optional<S3Error> violated(const S3Conditions& conditions, const S3Object* current) {
  const bool exists = current && !current->delete_marker;
  if (conditions.if_none_match && exists &&
      (*conditions.if_none_match == "*" || *conditions.if_none_match == current->etag)) {
    return S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                   {{"Condition", "If-None-Match"}});
  }
  if (!conditions.if_match) return std::nullopt;
  if (!exists) return S3Error(404, "NoSuchKey", "The specified key does not exist.");
  if (*conditions.if_match == "*" || *conditions.if_match == current->etag) return std::nullopt;
  return S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold",
                 {{"Condition", "If-Match"}});
}
}  // namespace

S3Result<S3ObjectPtr> S3Store::put(std::string_view name, const std::string& key, S3Object object,
                                   const S3Conditions& conditions) {
  const std::lock_guard lock(mutex_);
  auto* bucket = find_bucket(name);
  if (!bucket) return tl::unexpected(no_such_bucket(name));
  auto current = newest(*bucket, key);
  if (auto error = violated(conditions, current.get())) return tl::unexpected(*std::move(error));
  object.modified = std::chrono::floor<Milliseconds>(clock_->wall());
  if (bucket->info.versions) {
    object.version_id = fresh_version();
    object.previous = std::move(current);
  }
  auto stored = std::make_shared<const S3Object>(std::move(object));
  if (observer_) observer_->object_stored(name, key, *stored);
  bucket->objects[key] = stored;
  return stored;
}

void S3Store::replace(std::string_view name, const std::string& key, const S3ObjectPtr& current, S3Object object) {
  const std::lock_guard lock(mutex_);
  auto* bucket = find_bucket(name);
  if (!bucket) return;
  const auto newest_now = newest(*bucket, key);
  if (!newest_now || (newest_now != current && !current->synthetic)) return;
  auto stored = std::make_shared<const S3Object>(std::move(object));
  if (observer_) observer_->object_stored(name, key, *stored);
  bucket->objects[key] = stored;
}

S3ObjectPtr S3Store::remove(std::string_view name, const std::string& key) {
  const std::lock_guard lock(mutex_);
  auto* bucket = find_bucket(name);
  if (!bucket) return nullptr;
  if (bucket->info.versions) {
    S3Object marker;
    marker.delete_marker = true;
    marker.modified = std::chrono::floor<Milliseconds>(clock_->wall());
    marker.version_id = fresh_version();
    marker.previous = newest(*bucket, key);
    auto stored = std::make_shared<const S3Object>(std::move(marker));
    if (observer_) observer_->object_stored(name, key, *stored);
    bucket->objects[key] = stored;
    return stored;
  }
  if (observer_) observer_->object_gone(name, key);
  if (bucket->synthetic && bucket->synthetic->index(key))
    bucket->objects[key] = nullptr;
  else
    bucket->objects.erase(key);
  return nullptr;
}

S3Result<S3Listing> S3Store::list(std::string_view name, const S3ListQuery& query) const {
  const std::lock_guard lock(mutex_);
  const auto* bucket = find_bucket(name);
  if (!bucket) return tl::unexpected(no_such_bucket(name));
  S3Listing listing;
  if (query.limit == 0) return listing;
  auto from = query.after_prefix ? behind(query.after).value_or(std::string(1024, '\xff'))
                                 : query.after + (query.after.empty() ? std::string{} : std::string(1, '\0'));
  Cursor cursor(*bucket, bucket->info.created);
  cursor.seek(std::max(from, query.prefix));
  while (cursor.valid() && cursor.key().starts_with(query.prefix)) {
    if (listing.entries.size() + listing.prefixes.size() == query.limit) {
      listing.truncated = true;
      break;
    }
    const auto cut =
        query.delimiter.empty() ? std::string::npos : cursor.key().find(query.delimiter, query.prefix.size());
    listing.next_is_prefix = cut != std::string::npos;
    if (cut == std::string::npos) {
      listing.entries.push_back(cursor.entry());
      listing.next = cursor.key();
      cursor.next();
      continue;
    }
    listing.next = cursor.key().substr(0, cut + query.delimiter.size());
    listing.prefixes.push_back(listing.next);
    cursor.seek(behind(listing.next).value_or(std::string(1024, '\xff')));
  }
  return listing;
}

std::vector<std::pair<std::string, S3ObjectPtr>> S3Store::versions(std::string_view name,
                                                                   std::string_view prefix) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, S3ObjectPtr>> all;
  const auto* bucket = find_bucket(name);
  if (!bucket) return all;
  for (auto at = bucket->objects.lower_bound(prefix); at != bucket->objects.end() && at->first.starts_with(prefix);
       ++at) {
    for (auto object = at->second; object; object = object->previous) all.emplace_back(at->first, object);
  }
  return all;
}

std::string S3Store::start_upload(S3Upload upload, std::string id) {
  const std::lock_guard lock(mutex_);
  uploads_[id] = std::move(upload);
  return id;
}

bool S3Store::with_upload(std::string_view bucket, std::string_view key, std::string_view id,
                          const std::function<void(S3Upload*)>& use) {
  const std::lock_guard lock(mutex_);
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second.bucket != bucket || found->second.key != key) return false;
  use(&found->second);
  return true;
}

bool S3Store::drop_upload(std::string_view bucket, std::string_view key, std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second.bucket != bucket || found->second.key != key) return false;
  uploads_.erase(found);
  return true;
}

std::vector<std::pair<std::string, std::string>> S3Store::uploads(std::string_view bucket) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [id, upload] : uploads_) {
    if (upload.bucket == bucket) all.emplace_back(upload.key, id);
  }
  std::ranges::sort(all);
  return all;
}

void S3Store::restore(std::string_view name, const std::string& key, S3Object object) {
  const std::lock_guard lock(mutex_);
  auto* bucket = find_bucket(name);
  if (!bucket) return;
  versions_made_ += object.version_id.empty() ? 0 : 1;
  if (!object.version_id.empty()) object.previous = newest(*bucket, key);
  bucket->objects[key] = std::make_shared<const S3Object>(std::move(object));
}

}  // namespace ferry::sandbox
