#include "target/memory/memory_target.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "kit/base/text.hpp"
#include "target/limits.hpp"

namespace ferry::memory {
namespace {

struct Session {
  std::string bytes;
  bool dead = false;
  std::optional<TargetObject> done;

  /// What an interruption leaves of the first `kept` bytes.
  void interrupt(std::uint64_t kept) {
    if (!done) bytes.resize(std::min<std::uint64_t>(bytes.size(), kept) / kGranuleBytes * kGranuleBytes);
  }
};

struct OpenSession {
  ObjectKey key;
  std::shared_ptr<Session> session;
};

struct PlannedFailure {
  TargetOp op;
  Error error;
  int times;
  std::optional<ObjectKey> key;
};

struct Cut {
  std::uint64_t at, kept;
};

enum class LostAnswer { kUnknown, kConflict };

Digest digest_of(HashKind kind, const std::string& bytes) {
  const auto hash = make_hash(kind);
  hash->update(bytes);
  return hash->digest();
}

StoredObject stored(ObjectKey key, std::string bytes, ContentHeaders content, UserMetadata metadata) {
  StoredObject object;
  object.key = std::move(key);
  object.crc32c = crc32c(0, bytes);
  object.md5 = digest_of(HashKind::kMd5, bytes).bytes;
  object.sha256 = hex(digest_of(HashKind::kSha256, bytes).bytes);
  object.bytes = std::make_shared<const std::string>(std::move(bytes));
  object.content = std::move(content);
  object.metadata = std::move(metadata);
  return object;
}

TargetObject shown(const StoredObject& object) {
  TargetObject result;
  result.key = object.key;
  result.generation = object.generation;
  result.size = object.bytes->size();
  result.crc32c = object.crc32c;
  result.md5 = object.md5;
  result.provenance = parse_provenance(object.metadata);
  result.metageneration = object.metageneration;
  return result;
}

std::shared_ptr<const TargetMetadata> metadata_of(const StoredObject& object) {
  auto metadata = std::make_shared<TargetMetadata>(TargetMetadata{object.content, object.metadata});
  if (auto& expires = metadata->content.expires) metadata->entries.emplace_back("expires", *std::exchange(expires, {}));
  return metadata;
}

bool agrees(const Digest& expected, const StoredObject& object) {
  if (expected.kind == HashKind::kMd5) return expected.bytes == object.md5;
  return expected == digest_of(expected.kind, *object.bytes);
}

template <class Map>
auto take(Map* map, const ObjectKey& key) -> std::optional<typename Map::mapped_type> {
  auto node = map->extract(key);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

}  // namespace

struct TargetBucket::State {
  mutable std::mutex mutex;
  std::map<ObjectKey, StoredObject> live;
  std::vector<StoredObject> log;
  std::map<std::string, OpenSession> sessions;  // by secret; finished ones stay, as they do at the real thing
  std::int64_t last_generation = 0;
  std::uint64_t last_session = 0;

  std::vector<PlannedFailure> failures;
  std::set<ObjectKey> denied, corrupt;
  std::map<ObjectKey, LostAnswer> lost_answers;
  std::map<ObjectKey, Cut> cuts;
  std::map<ObjectKey, std::function<void()>> callbacks;

  // All of these expect the mutex to be held.

  std::optional<Error> planned_failure(TargetOp op, const ObjectKey* key) {
    const auto hit = std::find_if(failures.begin(), failures.end(), [&](const PlannedFailure& failure) {
      return failure.op == op && (!failure.key || (key && *failure.key == *key));
    });
    if (hit == failures.end()) return std::nullopt;
    Error error = hit->error;
    if (--hit->times <= 0) failures.erase(hit);
    return error;
  }

  Generation publish(StoredObject object) {
    object.generation = Generation{++last_generation};
    const auto generation = object.generation;
    live.insert_or_assign(object.key, std::move(object));
    return generation;
  }

  Generation live_generation(const ObjectKey& key) const {
    const auto found = live.find(key);
    return found == live.end() ? Generation{} : found->second.generation;
  }

  std::string open_session(const ObjectKey& key, std::shared_ptr<Session> session) {
    auto secret = "memory-session-" + std::to_string(++last_session);
    sessions.emplace(secret, OpenSession{key, std::move(session)});
    return secret;
  }

  Result<TargetObject> commit(const UploadSpec& spec, std::string bytes, std::uint32_t checksum) {
    if (live_generation(spec.key) != spec.expected) {
      return fail(ErrorKind::kConflict, "commit " + printable(spec.key.str()) + ": expected generation " +
                                            std::to_string(spec.expected.value) + ", found " +
                                            std::to_string(live_generation(spec.key).value));
    }
    auto object = stored(spec.key, std::move(bytes), spec.content, spec.metadata);
    object.contexts = spec.contexts;
    object.storage_class = spec.storage_class;
    object.custom_time = spec.custom_time;
    if (object.crc32c != checksum || corrupt.erase(spec.key) > 0 || (spec.hash && !agrees(*spec.hash, object))) {
      return fail(ErrorKind::kCorrupt,
                  "commit " + printable(spec.key.str()) + ": the target counted other bytes than were sent");
    }
    object.generation = publish(object);
    log.push_back(object);
    return shown(object);
  }
};

namespace {

using State = TargetBucket::State;

enum class Way { kWhole, kSingle, kSession };  ///< from memory; streamed in one request; streamed into a session

class MemoryUpload final : public Upload {
 public:
  MemoryUpload(std::shared_ptr<TargetBucket> bucket, std::shared_ptr<std::uint64_t> requests, TargetOptions options,
               UploadSpec spec, Way way)
      : bucket_(std::move(bucket)),
        requests_(std::move(requests)),
        options_(options),
        spec_(std::move(spec)),
        way_(way),
        tail_begin_(way == Way::kWhole ? 0 : streamed_tail_begin(spec_.size)) {}

  std::uint64_t offset() const override { return offset_; }
  std::uint64_t tail_begin() const override { return tail_begin_; }
  std::uint64_t durable() const override { return durable_; }
  std::uint64_t piece_end() const override {
    if (way_ != Way::kSession) return tail_begin_;
    return std::min((offset_ / options_.chunk_bytes + 1) * options_.chunk_bytes, tail_begin_);
  }

  std::optional<UploadSession> session() const override {
    if (way_ != Way::kSession) return std::nullopt;
    return UploadSession{secret_};
  }

  /// A new, empty place for the bytes. The bucket's mutex is held.
  void start() {
    buffer_ = std::make_shared<Session>();
    if (way_ == Way::kSession) {
      secret_ = state().open_session(spec_.key, buffer_);
      ++*requests_;
    }
    offset_ = durable_ = 0;
  }

  /// Goes on with what is there. The bucket's mutex is held.
  void take_up(std::string secret, std::shared_ptr<Session> session) {
    secret_ = std::move(secret);
    buffer_ = std::move(session);
    buffer_->interrupt(buffer_->bytes.size());
    offset_ = durable_ = buffer_->done ? tail_begin_ : buffer_->bytes.size();
  }

  Task<Status> write(std::span<const char> bytes) override {
    const std::lock_guard lock{state().mutex};
    assert(bytes.size() <= tail_begin_ - offset_);
    if (auto error = state().planned_failure(TargetOp::kWrite, &spec_.key)) {
      lost_ = error->kind == ErrorKind::kUnavailable;
      co_return fail(*std::move(error));
    }
    if (lost_ || buffer_->dead) co_return unavailable("the connection is lost: recover() first");
    if (buffer_->done) co_return Unit{};
    buffer_->bytes.append(bytes.data(), bytes.size());
    const auto cut = state().cuts.find(spec_.key);
    if (cut != state().cuts.end() && buffer_->bytes.size() >= cut->second.at) {
      buffer_->interrupt(cut->second.kept);
      state().cuts.erase(cut);
      lost_ = true;
      co_return unavailable("connection reset by the target");
    }
    advance(bytes.size());
    co_return Unit{};
  }

  Task<Status> recover() override {
    const std::lock_guard lock{state().mutex};
    if (auto error = state().planned_failure(TargetOp::kRecover, &spec_.key)) co_return fail(*std::move(error));
    lost_ = false;
    if (way_ != Way::kSession || buffer_->dead) {
      start();
    } else {
      ++*requests_;
      take_up(secret_, buffer_);
    }
    co_return Unit{};
  }

  Task<Result<TargetObject>> commit(std::span<const char> tail, std::uint32_t crc32c) override {
    assert(offset_ == tail_begin_ && tail.size() == spec_.size - tail_begin_);
    run_callback();
    const std::lock_guard lock{state().mutex};
    ++*requests_;
    if (auto error = state().planned_failure(TargetOp::kCommit, &spec_.key)) co_return fail(*std::move(error));
    if (buffer_->dead) co_return unavailable("the session died before it was complete");
    if (!buffer_->done) {
      std::string bytes = buffer_->bytes;
      bytes.append(tail.data(), tail.size());
      auto object = state().commit(spec_, std::move(bytes), crc32c);
      if (!object) {
        buffer_->dead = true;
        co_return object;
      }
      buffer_->done = *std::move(object);
      if (const auto lost = take(&state().lost_answers, spec_.key)) co_return answer_lost(*lost);
    }
    if (buffer_->done->crc32c != crc32c) {
      co_return fail(ErrorKind::kCorrupt,
                     "commit " + printable(spec_.key.str()) + ": the session is complete with other bytes");
    }
    co_return *buffer_->done;
  }

 private:
  State& state() const { return *bucket_->state(); }

  tl::unexpected<Error> unavailable(const std::string& why) const {
    return fail(ErrorKind::kUnavailable, "upload " + printable(spec_.key.str()) + ": " + why);
  }

  tl::unexpected<Error> answer_lost(LostAnswer how) const {
    if (how == LostAnswer::kUnknown) return unavailable("no answer to the commit");
    return fail(ErrorKind::kConflict, "commit " + printable(spec_.key.str()) + ": the repeat met another generation");
  }

  void advance(std::uint64_t bytes) {
    offset_ += bytes;
    if (way_ != Way::kSession) return;
    const auto whole_chunks = offset_ / options_.chunk_bytes * options_.chunk_bytes;
    *requests_ += (whole_chunks - std::min(whole_chunks, durable_)) / options_.chunk_bytes;
    durable_ = std::max(durable_, whole_chunks);
  }

  /// Outside of the lock: what it does with the bucket happens before the precondition is checked.
  void run_callback() {
    std::unique_lock lock{state().mutex};
    const auto callback = take(&state().callbacks, spec_.key);
    lock.unlock();
    if (callback) (*callback)();
  }

  std::shared_ptr<TargetBucket> bucket_;
  std::shared_ptr<std::uint64_t> requests_;
  TargetOptions options_;
  UploadSpec spec_;
  Way way_;
  std::uint64_t tail_begin_;
  std::uint64_t offset_ = 0;
  std::uint64_t durable_ = 0;
  bool lost_ = false;
  std::string secret_;
  std::shared_ptr<Session> buffer_;
};

class MemoryTarget final : public ObjectTarget {
 public:
  MemoryTarget(std::shared_ptr<TargetBucket> bucket, TargetOptions options)
      : bucket_(std::move(bucket)), options_(options) {}

  Task<Result<TargetPage>> list(std::string prefix, std::optional<std::string> token, Detail detail) override {
    const std::lock_guard lock{state().mutex};
    ++*requests_;
    const ObjectKey asked{prefix};
    if (auto error = state().planned_failure(TargetOp::kList, &asked)) co_return fail(*std::move(error));
    const auto& live = state().live;
    auto next = token ? live.upper_bound(ObjectKey{*token}) : live.lower_bound(ObjectKey{prefix});
    TargetPage page;
    for (; next != live.end() && next->first.str().starts_with(prefix); ++next) {
      if (page.objects.size() == options_.page_size) {
        page.next = page.objects.back().key.str();
        break;
      }
      page.objects.push_back(shown(next->second));
      if (detail == Detail::kMetadata) page.objects.back().metadata = metadata_of(next->second);
    }
    co_return page;
  }

  Task<Result<std::optional<TargetObject>>> stat(ObjectKey key) override {
    const std::lock_guard lock{state().mutex};
    ++*requests_;
    if (auto error = state().planned_failure(TargetOp::kStat, &key)) co_return fail(*std::move(error));
    const auto found = state().live.find(key);
    if (found == state().live.end()) co_return std::optional<TargetObject>{};
    co_return std::optional<TargetObject>{shown(found->second)};
  }

  Task<Result<std::unique_ptr<Upload>>> begin(UploadSpec spec) override {
    if (auto legal = within_limits(spec.key, spec.metadata); !legal) co_return fail(std::move(legal).error());
    const std::lock_guard lock{state().mutex};
    if (auto error = state().planned_failure(TargetOp::kBegin, &spec.key)) co_return fail(*std::move(error));
    if (auto refused = refusal(spec.key)) co_return fail(*std::move(refused));
    const auto way = way_of(spec);
    auto upload = std::make_unique<MemoryUpload>(bucket_, requests_, options_, std::move(spec), way);
    upload->start();
    co_return std::unique_ptr<Upload>{std::move(upload)};
  }

  Task<Result<std::unique_ptr<Upload>>> resume(UploadSpec spec, UploadSession session) override {
    if (auto legal = within_limits(spec.key, spec.metadata); !legal) co_return fail(std::move(legal).error());
    const std::lock_guard lock{state().mutex};
    ++*requests_;
    if (auto error = state().planned_failure(TargetOp::kResume, &spec.key)) co_return fail(*std::move(error));
    if (auto refused = refusal(spec.key)) co_return fail(*std::move(refused));
    const auto found = state().sessions.find(session.secret);
    if (found == state().sessions.end() || found->second.session->dead || found->second.key != spec.key) {
      co_return fail(ErrorKind::kGone,
                     "resume " + printable(spec.key.str()) + ": the target has no such session any more");
    }
    auto upload = std::make_unique<MemoryUpload>(bucket_, requests_, options_, std::move(spec), Way::kSession);
    upload->take_up(session.secret, found->second.session);
    co_return std::unique_ptr<Upload>{std::move(upload)};
  }

  Task<Status> cancel(UploadSession session) override {
    const std::lock_guard lock{state().mutex};
    ++*requests_;
    if (auto error = state().planned_failure(TargetOp::kCancel, nullptr)) co_return fail(*std::move(error));
    const auto found = state().sessions.find(session.secret);
    if (found != state().sessions.end()) {
      found->second.session->dead = true;
      state().sessions.erase(found);
    }
    co_return Unit{};
  }

  Task<Status> remove(ObjectKey key, Generation generation) override {
    const std::lock_guard lock{state().mutex};
    ++*requests_;
    if (auto error = state().planned_failure(TargetOp::kRemove, &key)) co_return fail(*std::move(error));
    const auto found = state().live.find(key);
    if (found == state().live.end()) co_return Unit{};
    if (found->second.generation != generation) {
      co_return fail(ErrorKind::kConflict, "remove " + printable(key.str()) + ": another generation is there");
    }
    state().live.erase(found);
    co_return Unit{};
  }

  Task<Status> adopt(ObjectKey key, Generation generation, std::int64_t metageneration,
                     Provenance provenance) override {
    const std::lock_guard lock{state().mutex};
    ++*requests_;
    if (auto error = state().planned_failure(TargetOp::kAdopt, &key)) co_return fail(*std::move(error));
    const auto found = state().live.find(key);
    const bool same = found != state().live.end() && found->second.generation == generation &&
                      found->second.metageneration == metageneration;
    if (!same) co_return fail(ErrorKind::kConflict, "adopt " + printable(key.str()) + ": it is another one by now");
    auto metadata = to_metadata(provenance);
    for (const auto& entry : found->second.metadata) {
      if (!entry.first.starts_with(kProvenancePrefix)) metadata.push_back(entry);
    }
    if (auto legal = within_limits(key, metadata); !legal) co_return fail(std::move(legal).error());
    found->second.metadata = std::move(metadata);
    ++found->second.metageneration;
    co_return Unit{};
  }

  std::uint64_t requests() const override { return *requests_; }

 private:
  State& state() const { return *bucket_->state(); }

  std::optional<Error> refusal(const ObjectKey& key) const {
    if (!state().denied.contains(key)) return std::nullopt;
    return Error{ErrorKind::kDenied, "upload " + printable(key.str()) + ": the target forbids to write this object"};
  }

  Way way_of(const UploadSpec& spec) const {
    if (spec.size <= options_.whole_bytes_max) return Way::kWhole;
    return spec.hash && spec.size <= options_.single_bytes_max ? Way::kSingle : Way::kSession;
  }

  std::shared_ptr<TargetBucket> bucket_;
  TargetOptions options_;
  std::shared_ptr<std::uint64_t> requests_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace

TargetBucket::TargetBucket() : state_(std::make_unique<State>()) {}
TargetBucket::~TargetBucket() = default;

Generation TargetBucket::put(ObjectKey key, std::string bytes, UserMetadata metadata, ContentHeaders content) {
  auto object = stored(std::move(key), std::move(bytes), std::move(content), std::move(metadata));
  const std::lock_guard lock{state_->mutex};
  return state_->publish(std::move(object));
}

bool TargetBucket::erase(const ObjectKey& key) {
  const std::lock_guard lock{state_->mutex};
  return state_->live.erase(key) > 0;
}

std::optional<StoredObject> TargetBucket::object(const ObjectKey& key) const {
  const std::lock_guard lock{state_->mutex};
  const auto found = state_->live.find(key);
  if (found == state_->live.end()) return std::nullopt;
  return found->second;
}

std::string TargetBucket::text(const ObjectKey& key) const {
  const auto found = object(key);
  return found ? *found->bytes : std::string{};
}

std::vector<ObjectKey> TargetBucket::keys() const {
  const std::lock_guard lock{state_->mutex};
  std::vector<ObjectKey> result;
  result.reserve(state_->live.size());
  for (const auto& [key, object] : state_->live) result.push_back(key);
  return result;
}

std::vector<StoredObject> TargetBucket::commits() const {
  const std::lock_guard lock{state_->mutex};
  return state_->log;
}

std::size_t TargetBucket::open_sessions() const {
  const std::lock_guard lock{state_->mutex};
  return static_cast<std::size_t>(
      std::count_if(state_->sessions.begin(), state_->sessions.end(),
                    [](const auto& entry) { return !entry.second.session->dead && !entry.second.session->done; }));
}

void TargetBucket::fail_next(TargetOp op, Error error, int times, std::optional<ObjectKey> key) {
  const std::lock_guard lock{state_->mutex};
  state_->failures.push_back(PlannedFailure{op, std::move(error), times, std::move(key)});
}

void TargetBucket::deny(ObjectKey key) {
  const std::lock_guard lock{state_->mutex};
  state_->denied.insert(std::move(key));
}

void TargetBucket::lose_answer(ObjectKey key) {
  const std::lock_guard lock{state_->mutex};
  state_->lost_answers.insert_or_assign(std::move(key), LostAnswer::kUnknown);
}

void TargetBucket::lose_answer_then_conflict(ObjectKey key) {
  const std::lock_guard lock{state_->mutex};
  state_->lost_answers.insert_or_assign(std::move(key), LostAnswer::kConflict);
}

void TargetBucket::corrupt_reply(ObjectKey key) {
  const std::lock_guard lock{state_->mutex};
  state_->corrupt.insert(std::move(key));
}

void TargetBucket::lose_sessions(const ObjectKey& key) {
  const std::lock_guard lock{state_->mutex};
  for (auto& [secret, open] : state_->sessions) {
    if (open.key == key && !open.session->done) open.session->dead = true;
  }
}

void TargetBucket::cut_write(ObjectKey key, std::uint64_t at, std::uint64_t kept) {
  const std::lock_guard lock{state_->mutex};
  state_->cuts.insert_or_assign(std::move(key), Cut{at, kept});
}

void TargetBucket::before_commit(ObjectKey key, std::function<void()> callback) {
  const std::lock_guard lock{state_->mutex};
  state_->callbacks.insert_or_assign(std::move(key), std::move(callback));
}

std::unique_ptr<ObjectTarget> make_target(std::shared_ptr<TargetBucket> bucket, TargetOptions options) {
  return std::make_unique<MemoryTarget>(std::move(bucket), options);
}

}  // namespace ferry::memory
