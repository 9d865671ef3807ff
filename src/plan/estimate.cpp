#include "plan/estimate.hpp"

#include <algorithm>

namespace ferry {
namespace {

constexpr std::uint64_t kGranule = 256 << 10;  // the tail of a streamed upload begins at a multiple of this
constexpr std::string_view kOtherClass = "OTHER";

/// GET of these fails until somebody restores the object (protocol-facts 1.6).
bool is_archived(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

std::size_t step_of(std::uint64_t size) {
  return static_cast<std::size_t>(std::ranges::lower_bound(kSizeSteps, size) - kSizeSteps.begin());
}

void add_upload(std::uint64_t size, bool hash_known, const UploadShape& shape, TargetUse* use) {
  ++use->uploads;
  if (size <= (hash_known ? shape.single_bytes_max : shape.whole_bytes_max)) {
    ++use->single;
    return;
  }
  const std::uint64_t before_tail = (size - 1) / kGranule * kGranule;
  ++use->sessions;
  use->chunks += (before_tail + shape.chunk_bytes - 1) / shape.chunk_bytes + 1;  // the tail goes by itself
}

}  // namespace

std::string_view to_string(Action action) {
  switch (action) {
    case Action::kNew: return "new";
    case Action::kChanged: return "changed";
    case Action::kUnchanged: return "unchanged";
    case Action::kThere: return "already_there";
    case Action::kExamined: return "examined";
    case Action::kBlocked: return "blocked";
    case Action::kSkipped: return "skipped";
  }
  return "?";
}

Estimate::Estimate(const Job& job, Integrity integrity, const MetadataChoices& metadata, UploadShape shape)
    : job_(job), integrity_(integrity), metadata_(metadata), shape_(shape) {}

void Estimate::add(const SourceEntry& entry, const TargetObject* there, const Decision& decision) {
  sizes_[step_of(entry.size)].add(entry.size);
  ClassUse& use = class_use(entry.storage_class);
  use.all.add(entry.size);
  const Action action = action_of(entry, there, decision, &use);
  actions_[static_cast<std::size_t>(action)].add(entry.size);
}

Action Estimate::action_of(const SourceEntry& entry, const TargetObject* there, const Decision& decision,
                           ClassUse* use) {
  if (const auto* refused = std::get_if<Refused>(&decision)) {
    block(entry, refused->reason, refused->what);
    const bool skipped = refused->reason == FailureReason::kName && job_.names.policy == NamePolicy::kSkip;
    return skipped ? Action::kSkipped : Action::kBlocked;
  }
  if (const auto* unchanged = std::get_if<Unchanged>(&decision)) {
    return unchanged->adopted ? Action::kThere : Action::kUnchanged;
  }
  if (std::holds_alternative<Examine>(decision)) {
    ++use->heads;  // a checksum tells whether it is the same
    return Action::kExamined;
  }
  if (is_archived(entry.storage_class)) {
    ++use->gets;  // that is how a copy finds out
    block(entry, FailureReason::kArchived, "in class " + entry.storage_class + ": restore it at the source first");
    return Action::kBlocked;
  }
  plan_copy(entry, use);
  return there ? Action::kChanged : Action::kNew;
}

void Estimate::block(const SourceEntry& entry, FailureReason reason, const std::string& what) {
  Blocked& blocked = blocked_[reason];
  blocked.amount.add(entry.size);
  if (blocked.examples.size() < kExamplesMax) blocked.examples.push_back({entry.key, what});
}

void Estimate::plan_copy(const SourceEntry& entry, ClassUse* use) {
  const bool md5 = md5_of(entry.version.etag, Encryption::kNone).has_value();
  const auto parts = parts_of(entry.version.etag, Encryption::kNone);
  const bool read_twice = integrity_ == Integrity::kFull && !md5 && !parts;
  use->to_copy.add(entry.size);
  use->gets += read_twice ? 2 : 1;
  use->read_bytes += read_twice ? 2 * entry.size : entry.size;
  if (parts && parts->count > 1 && integrity_ != Integrity::kFast) ++use->heads;

  const auto& map = metadata_.storage_classes;
  auto mapped = std::ranges::find(map, entry.storage_class, &std::pair<std::string, std::string>::first);
  if (mapped == map.end()) mapped = std::ranges::find(map, "*", &std::pair<std::string, std::string>::first);
  add_upload(entry.size, md5, shape_, &target_[mapped == map.end() ? "" : mapped->second]);
}

ClassUse& Estimate::class_use(const std::string& name) {
  if (const auto known = classes_.find(name); known != classes_.end()) return known->second;
  return classes_[classes_.size() < kClassesMax ? name : std::string{kOtherClass}];
}

Amount Estimate::listed() const {
  Amount sum;
  for (const Amount& each : actions_) {
    sum.objects += each.objects;
    sum.bytes += each.bytes;
  }
  return sum;
}

Amount Estimate::to_copy() const {
  return {of(Action::kNew).objects + of(Action::kChanged).objects, of(Action::kNew).bytes + of(Action::kChanged).bytes};
}

std::uint64_t Estimate::gets() const {
  std::uint64_t sum = 0;
  for (const auto& [name, use] : classes_) sum += use.gets;
  return sum;
}

std::uint64_t Estimate::heads() const {
  std::uint64_t sum = 0;
  for (const auto& [name, use] : classes_) sum += use.heads;
  return sum;
}

std::uint64_t Estimate::read_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [name, use] : classes_) sum += use.read_bytes;
  return sum;
}

TargetUse Estimate::uploads() const {
  TargetUse sum;
  for (const auto& [name, use] : target_) {
    sum.uploads += use.uploads;
    sum.single += use.single;
    sum.sessions += use.sessions;
    sum.chunks += use.chunks;
  }
  return sum;
}

TimeNeeded time_for(const Amount& work, std::uint64_t bytes_per_second, std::uint64_t objects_per_second) {
  const double by_bytes = static_cast<double>(work.bytes) / static_cast<double>(bytes_per_second);
  const double by_objects = static_cast<double>(work.objects) / static_cast<double>(objects_per_second);
  return {std::max(by_bytes, by_objects), by_objects > by_bytes};
}

}  // namespace ferry
