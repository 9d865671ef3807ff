#include "source/memory/memory_source.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstring>
#include <utility>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry {
namespace {

std::string md5(std::string_view bytes) {
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(bytes);
  return hash->digest().bytes;
}

/// As S3 makes them: the MD5, or of an upload in parts the MD5 of the parts' MD5s and their number.
ETag etag_of(std::string_view bytes, const std::vector<std::size_t>& parts) {
  if (parts.empty()) return ETag{'"' + hex(md5(bytes)) + '"'};
  std::string digests;
  for (const auto size : parts) {
    digests += md5(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return ETag{'"' + hex(md5(digests)) + '-' + std::to_string(parts.size()) + '"'};
}

std::vector<std::size_t> parts_of(std::size_t size, const PutOptions& options) {
  if (!options.part_size) return options.part_sizes;
  std::vector<std::size_t> parts(size / *options.part_size, *options.part_size);
  if (parts.empty() || size % *options.part_size != 0) parts.push_back(size % *options.part_size);
  return parts;
}

Task<> suspend() {
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, use_task);
}

}  // namespace

struct MemoryBucket::Object {
  ObjectMeta meta;
  std::string bytes;
  std::vector<std::size_t> parts;  // as far as this source tells
  Tags tags;
};

namespace {
struct Strike {
  Error error;
  int times;
};

/// Takes one of the strikes that are left; nothing if none is.
std::optional<Error> take(std::optional<Strike>* strike) {
  if (!*strike || (*strike)->times == 0) return std::nullopt;
  if ((*strike)->times > 0) --(*strike)->times;
  return (*strike)->error;
}
}  // namespace

struct MemoryBucket::KeyFaults {
  struct Place {
    std::uint64_t offset;
    int times;
  };
  struct Action {
    std::uint64_t offset;
    std::function<void()> run;
  };
  std::optional<Strike> open, stat, tags, restore;
  std::vector<Place> cuts, flips;
  std::vector<Action> actions;
  std::optional<std::uint64_t> listed_size;
};

struct MemoryBucket::ListFault {
  int wait;  // list requests still to pass
  std::optional<Strike> strike;
};

MemoryBucket::MemoryBucket(Clock* clock, std::size_t page_size)
    : clock_(clock), page_size_(std::max<std::size_t>(1, page_size)) {}

MemoryBucket::~MemoryBucket() = default;

Version MemoryBucket::put(std::string key, std::string bytes, PutOptions options) {
  auto object = std::make_shared<Object>();
  auto& meta = object->meta;
  auto parts = parts_of(bytes.size(), options);
  meta.version.etag = options.etag ? *std::move(options.etag) : etag_of(bytes, parts);
  if (options.tells_parts) object->parts = std::move(parts);
  meta.version.modified = options.modified.value_or(std::chrono::floor<std::chrono::seconds>(clock_->wall()));
  meta.version.version_id = std::move(options.version_id);
  meta.size = bytes.size();
  meta.content = std::move(options.content);
  meta.user = std::move(options.user);
  meta.storage_class = std::move(options.storage_class);
  meta.access = options.access.value_or(is_archive_class(meta.storage_class) ? Access::kArchived : Access::kReadable);
  meta.encryption = options.encryption;
  meta.checksums = std::move(options.checksums);
  meta.composites = std::move(options.composites);
  meta.missing_meta = options.missing_meta;
  meta.tags = static_cast<std::uint32_t>(options.tags.size());
  meta.website_redirect = options.website_redirect;
  meta.object_lock = options.object_lock;
  meta.expires_by_rule = options.expires_by_rule;
  object->tags = std::move(options.tags);
  object->bytes = std::move(bytes);
  auto version = meta.version;
  const std::scoped_lock lock{mutex_};
  objects_.insert_or_assign(std::move(key), std::move(object));
  return version;
}

void MemoryBucket::remove(std::string_view key) {
  const std::scoped_lock lock{mutex_};
  if (const auto found = objects_.find(key); found != objects_.end()) objects_.erase(found);
}

std::optional<ObjectMeta> MemoryBucket::at(std::string_view key) const {
  const std::scoped_lock lock{mutex_};
  const auto found = objects_.find(key);
  return found == objects_.end() ? std::nullopt : std::optional{found->second->meta};
}

std::optional<std::string> MemoryBucket::bytes(std::string_view key) const {
  const std::scoped_lock lock{mutex_};
  const auto found = objects_.find(key);
  return found == objects_.end() ? std::nullopt : std::optional{found->second->bytes};
}

std::vector<std::string> MemoryBucket::keys() const {
  const std::scoped_lock lock{mutex_};
  std::vector<std::string> all;
  all.reserve(objects_.size());
  for (const auto& [key, object] : objects_) all.push_back(key);
  return all;
}

std::size_t MemoryBucket::size() const {
  const std::scoped_lock lock{mutex_};
  return objects_.size();
}

MemoryBucket::Counts MemoryBucket::counts() const {
  const std::scoped_lock lock{mutex_};
  return counts_;
}

void MemoryBucket::fail_list(int nth, Error error, int times) {
  const std::scoped_lock lock{mutex_};
  list_faults_.push_back(ListFault{nth - 1, Strike{std::move(error), times}});
}

void MemoryBucket::fail_open(std::string key, Error error, int times) {
  const std::scoped_lock lock{mutex_};
  faults_[std::move(key)].open = Strike{std::move(error), times};
}

void MemoryBucket::fail_stat(std::string key, Error error, int times) {
  const std::scoped_lock lock{mutex_};
  faults_[std::move(key)].stat = Strike{std::move(error), times};
}

void MemoryBucket::fail_tags(std::string key, Error error, int times) {
  const std::scoped_lock lock{mutex_};
  faults_[std::move(key)].tags = Strike{std::move(error), times};
}

void MemoryBucket::deny(std::string key) {
  const Error denied{ErrorKind::kDenied, printable(key) + ": 403 AccessDenied"};
  fail_open(key, denied, kAlways);
  fail_stat(std::move(key), denied, kAlways);
}

void MemoryBucket::cut(std::string key, std::uint64_t offset, int times) {
  const std::scoped_lock lock{mutex_};
  faults_[std::move(key)].cuts.push_back({offset, times});
}

void MemoryBucket::flip(std::string key, std::uint64_t offset, int times) {
  const std::scoped_lock lock{mutex_};
  faults_[std::move(key)].flips.push_back({offset, times});
}

void MemoryBucket::when_read(std::string key, std::uint64_t offset, std::function<void()> action) {
  const std::scoped_lock lock{mutex_};
  faults_[std::move(key)].actions.push_back({offset, std::move(action)});
}

void MemoryBucket::read_at_most(std::size_t bytes) {
  const std::scoped_lock lock{mutex_};
  read_max_ = bytes;
}

void MemoryBucket::list_size(std::string key, std::uint64_t size) {
  const std::scoped_lock lock{mutex_};
  faults_[std::move(key)].listed_size = size;
}

void MemoryBucket::heal() {
  const std::scoped_lock lock{mutex_};
  faults_.clear();
  list_faults_.clear();
  read_max_ = SIZE_MAX;
}

/// A token is the last key of the page before.
Result<SourcePage> MemoryBucket::list(const std::string& prefix, const std::optional<std::string>& token,
                                      const std::optional<ObjectKey>& after) {
  const std::scoped_lock lock{mutex_};
  ++counts_.lists;
  for (auto& fault : list_faults_) {
    if (fault.wait > 0) {
      --fault.wait;
    } else if (auto error = take(&fault.strike)) {
      return fail(*std::move(error));
    }
  }
  std::optional<std::string> start = token;
  if (!start && after) start = after->str();
  auto at = start && *start >= prefix ? objects_.upper_bound(*start) : objects_.lower_bound(prefix);

  SourcePage page;
  for (; at != objects_.end() && at->first.starts_with(prefix); ++at) {
    if (page.entries.size() == page_size_) {
      page.next = page.entries.back().key.str();
      break;
    }
    const auto& meta = at->second->meta;
    const auto fault = faults_.find(at->first);
    SourceEntry entry;
    entry.key = ObjectKey{at->first};
    entry.version = meta.version;
    entry.version.version_id.reset();  // listings don't tell it
    entry.size = fault == faults_.end() ? meta.size : fault->second.listed_size.value_or(meta.size);
    entry.storage_class = meta.storage_class;
    if (tells_access_) entry.access = meta.access;
    page.entries.push_back(std::move(entry));
  }
  return page;
}

Result<MemoryBucket::ObjectRef> MemoryBucket::find(const ObjectKey& key,
                                                   const std::optional<VersionId>& version) const {
  const auto found = objects_.find(key.str());
  if (found == objects_.end()) return fail(ErrorKind::kGone, printable(key.str()) + ": no such object");
  if (version && found->second->meta.version.version_id != version) {
    return fail(ErrorKind::kGone, printable(key.str()) + ": no such version");
  }
  return found->second;
}

Result<MemoryBucket::ObjectRef> MemoryBucket::open(const ObjectKey& key, const std::optional<ETag>& expected,
                                                   std::uint64_t offset, const std::optional<VersionId>& version) {
  const std::scoped_lock lock{mutex_};
  ++counts_.opens;
  if (const auto faults = faults_.find(key.str()); faults != faults_.end()) {
    if (auto error = take(&faults->second.open)) return fail(*std::move(error));
  }
  auto object = find(key, version);
  if (!object) return object;
  const auto& meta = (*object)->meta;
  if (expected && meta.version.etag != *expected) {
    return fail(ErrorKind::kChanged, printable(key.str()) + ": no longer the version " + printable(expected->str()));
  }
  if (meta.access != Access::kReadable) {
    return fail(ErrorKind::kArchived,
                printable(key.str()) + ": in class " + meta.storage_class + ", must be restored first");
  }
  if (offset > 0 && offset >= meta.size) {
    return fail(ErrorKind::kChanged, printable(key.str()) + ": ends before byte " + std::to_string(offset));
  }
  return object;
}

Result<ObjectMeta> MemoryBucket::stat(const ObjectKey& key, const std::optional<VersionId>& version) {
  const std::scoped_lock lock{mutex_};
  ++counts_.stats;
  if (const auto faults = faults_.find(key.str()); faults != faults_.end()) {
    if (auto error = take(&faults->second.stat)) return fail(*std::move(error));
  }
  auto object = find(key, version);
  if (!object) return fail(std::move(object).error());
  return (*object)->meta;
}

Result<Tags> MemoryBucket::tags(const ObjectKey& key, const std::optional<VersionId>& version) {
  const std::scoped_lock lock{mutex_};
  ++counts_.tags;
  if (const auto faults = faults_.find(key.str()); faults != faults_.end()) {
    if (auto error = take(&faults->second.tags)) return fail(*std::move(error));
  }
  auto object = find(key, version);
  if (!object) return fail(std::move(object).error());
  return (*object)->tags;
}

/// An archived object is being restored until finish_restores().
Result<RestoreAnswer> MemoryBucket::restore(const ObjectKey& key, const RestoreWish& wish,
                                            const std::optional<VersionId>& version) {
  const std::scoped_lock lock{mutex_};
  ++counts_.restores;
  if (const auto faults = faults_.find(key.str()); faults != faults_.end()) {
    if (auto error = take(&faults->second.restore)) return fail(*std::move(error));
  }
  auto object = find(key, version);
  if (!object) return fail(std::move(object).error());
  const auto access = (*object)->meta.access;
  if (access == Access::kReadable) return RestoreAnswer::kReadable;
  if (access == Access::kRestoring) return RestoreAnswer::kUnderWay;
  restores_.push_back(wish);
  set_access(key.str(), Access::kRestoring);
  return RestoreAnswer::kStarted;
}

void MemoryBucket::set_access(const std::string& key, Access access) {
  auto changed = std::make_shared<Object>(*objects_.at(key));
  changed->meta.access = access;
  objects_[key] = std::move(changed);
}

void MemoryBucket::finish_restores() {
  const std::scoped_lock lock{mutex_};
  std::vector<std::string> ready;
  for (const auto& [key, object] : objects_) {
    if (object->meta.access == Access::kRestoring) ready.push_back(key);
  }
  for (const auto& key : ready) set_access(key, Access::kReadable);
}

std::vector<RestoreWish> MemoryBucket::restores() const {
  const std::scoped_lock lock{mutex_};
  return restores_;
}

void MemoryBucket::fail_restore(std::string key, Error error, int times) {
  const std::scoped_lock lock{mutex_};
  faults_[std::move(key)].restore = Strike{std::move(error), times};
}

Result<std::optional<std::uint64_t>> MemoryBucket::part_size(const ObjectKey& key, const ETag& expected,
                                                             std::uint32_t number,
                                                             const std::optional<VersionId>& version) {
  const std::scoped_lock lock{mutex_};
  ++counts_.parts;
  auto object = find(key, version);
  if (!object) return fail(std::move(object).error());
  if ((*object)->meta.version.etag != expected) {
    return fail(ErrorKind::kChanged, printable(key.str()) + ": no longer the version " + printable(expected.str()));
  }
  const auto& parts = (*object)->parts;
  if (number == 0 || number > parts.size()) return std::optional<std::uint64_t>{};
  return std::optional<std::uint64_t>{parts[number - 1]};
}

class MemoryReader final : public ObjectReader {
 public:
  MemoryReader(std::shared_ptr<MemoryBucket> bucket, ObjectKey key, MemoryBucket::ObjectRef object,
               std::uint64_t offset)
      : bucket_(std::move(bucket)), key_(std::move(key)), object_(std::move(object)), position_(offset) {}

  const ObjectMeta& meta() const override { return object_->meta; }

  Task<Result<std::size_t>> read(std::span<char> into) override {
    co_await suspend();
    run_actions();
    auto end = std::min<std::uint64_t>(object_->bytes.size(), position_ + std::min(into.size(), read_max()));
    std::vector<std::uint64_t> flips;
    if (!limit(&end, &flips)) {
      co_return fail(ErrorKind::kUnavailable,
                     printable(key_.str()) + ": connection closed at byte " + std::to_string(position_));
    }
    const auto count = static_cast<std::size_t>(end - position_);
    std::memcpy(into.data(), object_->bytes.data() + position_, count);
    for (const auto offset : flips) into[static_cast<std::size_t>(offset - position_)] ^= 1;
    position_ = end;
    co_return count;
  }

 private:
  std::size_t read_max() const {
    const std::scoped_lock lock{bucket_->mutex_};
    return bucket_->read_max_;
  }

  void run_actions() {
    for (;;) {
      std::function<void()> action;
      {
        const std::scoped_lock lock{bucket_->mutex_};
        auto* faults = own_faults();
        if (!faults) return;
        const auto due = std::find_if(faults->actions.begin(), faults->actions.end(),
                                      [this](const auto& a) { return a.offset <= position_; });
        if (due == faults->actions.end()) return;
        action = std::move(due->run);
        faults->actions.erase(due);
      }
      action();
    }
  }

  /// Ends the piece before the next planned event, and finds the bytes to damage. False: cut here.
  bool limit(std::uint64_t* end, std::vector<std::uint64_t>* flips) {
    const std::scoped_lock lock{bucket_->mutex_};
    auto* faults = own_faults();
    if (!faults) return true;
    for (const auto& action : faults->actions) *end = std::min(*end, std::max(action.offset, position_));
    for (auto& cut : faults->cuts) {
      if (cut.times == 0 || cut.offset < position_) continue;
      if (cut.offset == position_) {
        if (cut.times > 0) --cut.times;
        return false;
      }
      *end = std::min(*end, cut.offset);
    }
    for (auto& flip : faults->flips) {
      if (flip.times == 0 || flip.offset < position_ || flip.offset >= *end) continue;
      if (flip.times > 0) --flip.times;
      flips->push_back(flip.offset);
    }
    return true;
  }

  MemoryBucket::KeyFaults* own_faults() {
    const auto found = bucket_->faults_.find(key_.str());
    return found == bucket_->faults_.end() ? nullptr : &found->second;
  }

  std::shared_ptr<MemoryBucket> bucket_;
  ObjectKey key_;
  MemoryBucket::ObjectRef object_;
  std::uint64_t position_;
};

class MemorySource final : public ObjectSource {
 public:
  explicit MemorySource(std::shared_ptr<MemoryBucket> bucket) : bucket_(std::move(bucket)) {}

  Task<Result<SourcePage>> list(std::string prefix, std::optional<std::string> token,
                                std::optional<ObjectKey> after) override {
    ++requests_;
    co_await suspend();
    co_return bucket_->list(prefix, token, after);
  }

  Task<Result<std::unique_ptr<ObjectReader>>> open(ObjectKey key, std::optional<ETag> expected, std::uint64_t offset,
                                                   std::optional<VersionId> version) override {
    ++requests_;
    co_await suspend();
    auto object = bucket_->open(key, expected, offset, version);
    if (!object) co_return fail(std::move(object).error());
    co_return std::make_unique<MemoryReader>(bucket_, std::move(key), *std::move(object), offset);
  }

  Task<Result<ObjectMeta>> stat(ObjectKey key, std::optional<VersionId> version) override {
    ++requests_;
    co_await suspend();
    co_return bucket_->stat(key, version);
  }

  Task<Result<std::optional<std::uint64_t>>> part_size(ObjectKey key, ETag expected, std::uint32_t number,
                                                       std::optional<VersionId> version) override {
    ++requests_;
    co_await suspend();
    co_return bucket_->part_size(key, expected, number, version);
  }

  Task<Result<Tags>> tags(ObjectKey key, std::optional<VersionId> version) override {
    ++requests_;
    co_await suspend();
    co_return bucket_->tags(key, version);
  }

  Task<Result<RestoreAnswer>> restore(ObjectKey key, RestoreWish wish, std::optional<VersionId> version) override {
    ++requests_;
    co_await suspend();
    co_return bucket_->restore(key, wish, version);
  }

  std::uint64_t requests() const override { return requests_; }

 private:
  std::shared_ptr<MemoryBucket> bucket_;
  std::uint64_t requests_ = 0;
};

std::unique_ptr<ObjectSource> memory_source(std::shared_ptr<MemoryBucket> bucket) {
  return std::make_unique<MemorySource>(std::move(bucket));
}

}  // namespace ferry
