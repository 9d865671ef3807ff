#include "sandbox/gcs_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace ferry::sandbox {
namespace {

GcsError no_bucket() { return GcsError(404, "notFound", "The specified bucket does not exist."); }
GcsError no_object(std::string_view bucket, std::string_view name) {
  return GcsError(404, "notFound", fmt::format("No such object: {}/{}", bucket, name));
}

std::string behind(std::string prefix) {
  ++prefix.back();  // names are UTF-8: no byte is 0xff
  return prefix;
}

const GcsObject* find_in(const std::map<std::string, GcsObjectPtr, std::less<>>& objects, std::string_view name) {
  const auto found = objects.find(name);
  return found == objects.end() ? nullptr : found->second.get();
}

}  // namespace

bool GcsConditions::hold(const GcsObject* current) const {
  const auto now = current ? current->generation : 0;
  const auto meta = current ? current->metageneration : 0;
  return (!generation || *generation == now) && (!not_generation || *not_generation != now) &&
         (!metageneration || *metageneration == meta) && (!not_metageneration || *not_metageneration != meta);
}

GcsStore::Objects* GcsStore::objects_of(std::string_view bucket) {
  const auto found = buckets_.find(bucket);
  return found == buckets_.end() ? nullptr : &found->second;
}
const GcsStore::Objects* GcsStore::objects_of(std::string_view bucket) const {
  const auto found = buckets_.find(bucket);
  return found == buckets_.end() ? nullptr : &found->second;
}

bool GcsStore::make_bucket(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const bool made = buckets_.try_emplace(name).second;
  if (made && observer_) observer_->bucket_made(name);
  return made;
}

GcsResult<std::monostate> GcsStore::remove_bucket(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = buckets_.find(name);
  if (found == buckets_.end()) return tl::unexpected(no_bucket());
  if (!found->second.empty()) {
    return tl::unexpected(GcsError(409, "conflict", "The bucket you tried to delete is not empty."));
  }
  if (observer_) observer_->bucket_gone(name);
  buckets_.erase(found);
  return std::monostate{};
}

bool GcsStore::has_bucket(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return buckets_.contains(name);
}

std::vector<std::string> GcsStore::buckets() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, objects] : buckets_) names.push_back(name);
  return names;
}

GcsObjectPtr GcsStore::find(std::string_view bucket, std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto* objects = objects_of(bucket);
  if (!objects) return nullptr;
  const auto found = objects->find(name);
  return found == objects->end() ? nullptr : found->second;
}

std::optional<GcsError> GcsStore::refused(const Objects* objects, std::string_view bucket, std::string_view name,
                                          const GcsConditions& conditions, bool must_exist) const {
  if (!objects) return no_bucket();
  const auto* current = find_in(*objects, name);
  if (must_exist && !current) return no_object(bucket, name);
  if (!conditions.hold(current)) {
    return GcsError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
  }
  if (limit_mutations_ && current && clock_->wall() - current->updated < std::chrono::seconds{1}) {
    return GcsError(
        429, "rateLimitExceeded",
        fmt::format("The object {}/{} exceeded the rate limit for object mutation operations (create, update, "
                    "and delete). Please reduce your request rate.",
                    bucket, name));
  }
  return std::nullopt;
}

GcsResult<GcsObjectPtr> GcsStore::commit(std::string_view bucket, const std::string& name, GcsObject object,
                                         const GcsConditions& conditions) {
  const std::lock_guard lock(mutex_);
  auto* objects = objects_of(bucket);
  if (auto error = refused(objects, bucket, name, conditions, false)) return tl::unexpected(*std::move(error));
  const auto now = clock_->wall();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  last_generation_ = std::max(last_generation_ + 1, static_cast<std::uint64_t>(micros));
  object.generation = last_generation_;
  object.metageneration = 1;
  object.created = object.updated = now;
  auto stored = std::make_shared<const GcsObject>(std::move(object));
  if (observer_) observer_->object_stored(bucket, name, *stored);
  (*objects)[name] = stored;
  return stored;
}

GcsResult<GcsObjectPtr> GcsStore::update(std::string_view bucket, const std::string& name,
                                         const GcsConditions& conditions,
                                         const std::function<void(GcsObject*)>& change) {
  const std::lock_guard lock(mutex_);
  auto* objects = objects_of(bucket);
  if (auto error = refused(objects, bucket, name, conditions, true)) return tl::unexpected(*std::move(error));
  auto object = *objects->find(name)->second;
  change(&object);
  ++object.metageneration;
  object.updated = clock_->wall();
  auto stored = std::make_shared<const GcsObject>(std::move(object));
  if (observer_) observer_->object_stored(bucket, name, *stored);
  (*objects)[name] = stored;
  return stored;
}

GcsResult<std::monostate> GcsStore::remove(std::string_view bucket, const std::string& name,
                                           const GcsConditions& conditions) {
  const std::lock_guard lock(mutex_);
  auto* objects = objects_of(bucket);
  if (auto error = refused(objects, bucket, name, conditions, true)) return tl::unexpected(*std::move(error));
  if (observer_) observer_->object_gone(bucket, name);
  objects->erase(name);
  return std::monostate{};
}

GcsListing GcsStore::list(std::string_view bucket, const GcsListQuery& query) const {
  const std::lock_guard lock(mutex_);
  GcsListing listing;
  const auto* objects = objects_of(bucket);
  if (!objects) return listing;
  auto from = std::max(query.prefix, query.start);
  if (query.after_prefix)
    from = std::max(from, behind(query.after));
  else if (!query.after.empty())
    from = std::max(from, query.after + std::string(1, '\0'));
  auto at = objects->lower_bound(from);
  while (at != objects->end() && at->first.starts_with(query.prefix) && (query.end.empty() || at->first < query.end)) {
    if (listing.items.size() + listing.prefixes.size() == query.limit) {
      listing.truncated = true;
      break;
    }
    const auto cut = query.delimiter.empty() ? std::string::npos : at->first.find(query.delimiter, query.prefix.size());
    listing.next_is_prefix = cut != std::string::npos;
    if (cut == std::string::npos) {
      listing.items.emplace_back(at->first, at->second);
      listing.next = at->first;
      ++at;
      continue;
    }
    listing.next = at->first.substr(0, cut + query.delimiter.size());
    listing.prefixes.push_back(listing.next);
    at = objects->lower_bound(behind(listing.next));
  }
  return listing;
}

void GcsStore::start_session(const std::string& id, std::shared_ptr<GcsSession> session) {
  const std::lock_guard lock(mutex_);
  sessions_[id] = std::move(session);
}

GcsStore::SessionCounts GcsStore::session_counts() const {
  const std::lock_guard lock(mutex_);
  SessionCounts counts;
  for (const auto& [id, session] : sessions_) {
    const std::lock_guard inner(session->mutex);
    ++(session->finished ? counts.finished : session->dead ? counts.dead : counts.open);
  }
  return counts;
}

std::shared_ptr<GcsSession> GcsStore::session(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

void GcsStore::restore(std::string_view bucket, const std::string& name, GcsObject object) {
  const std::lock_guard lock(mutex_);
  auto* objects = objects_of(bucket);
  if (!objects) return;
  last_generation_ = std::max(last_generation_, object.generation);
  (*objects)[name] = std::make_shared<const GcsObject>(std::move(object));
}

void GcsStore::forget(std::string_view bucket, const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (auto* objects = objects_of(bucket)) objects->erase(name);
}

}  // namespace ferry::sandbox
