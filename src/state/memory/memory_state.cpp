#include "state/memory/memory_state.hpp"

#include <cassert>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

namespace ferry::memory {
namespace {

class Store final : public MemoryState {
 public:
  void fail_next(StateOp operation, ErrorKind kind) override {
    const std::lock_guard lock{mutex_};
    planned_[operation].push_back(kind);
  }

  Task<Status> mark_published(std::vector<Published> published) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kMarkPublished)) co_return fail(*std::move(error));
    for (auto& one : published) {
      const auto record = records_.try_emplace(one.key, Record{one.key, {}, {}}).first;
      record->second.published = std::move(one);
    }
    co_return Unit{};
  }

  Task<Result<std::vector<Record>>> lookup(std::vector<ObjectKey> keys) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kLookup)) co_return fail(*std::move(error));
    std::vector<Record> records;
    records.reserve(keys.size());
    for (auto& key : keys) {
      const auto known = records_.find(key);
      records.push_back(known == records_.end() ? Record{std::move(key), {}, {}} : known->second);
    }
    co_return records;
  }

  Task<Status> record_consumed(Receipt receipt) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kRecordConsumed)) co_return fail(*std::move(error));
    Record& record = records_.try_emplace(receipt.key, Record{receipt.key, {}, {}}).first->second;
    if (record.consumed && receipt.generation < record.consumed->generation) co_return Unit{};
    failures_.erase(receipt.key);
    checkpoints_.erase(receipt.key);
    record.consumed = std::move(receipt);
    co_return Unit{};
  }

  Task<Result<RecordPage>> list(std::optional<std::string> cursor, std::size_t limit) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kList)) co_return fail(*std::move(error));
    const auto after = cursor ? std::optional{ObjectKey{*std::move(cursor)}} : std::nullopt;
    RecordPage page;
    const auto next = copy_page(records_, after, limit, &page.records);
    if (next) page.next = next->str();
    co_return page;
  }

  Task<Result<std::uint64_t>> forget(Mark mark, std::vector<ObjectKey> keys) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kForget)) co_return fail(*std::move(error));
    std::uint64_t count = 0;
    for (const auto& key : keys) {
      const auto known = records_.find(key);
      if (known == records_.end()) continue;
      count += forget_half(mark, &known->second);
      if (!known->second.published && !known->second.consumed) records_.erase(known);
    }
    co_return count;
  }

  Task<Result<std::uint64_t>> forget_all(Mark mark) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kForget)) co_return fail(*std::move(error));
    std::uint64_t count = 0;
    for (auto& [key, record] : records_) count += forget_half(mark, &record);
    std::erase_if(records_, [](const auto& one) { return !one.second.published && !one.second.consumed; });
    co_return count;
  }

  Task<Status> record_failures(std::vector<Failure> failures) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kRecordFailures)) co_return fail(*std::move(error));
    for (auto& failure : failures) {
      const auto key = failure.key;
      failures_.insert_or_assign(key, std::move(failure));
    }
    co_return Unit{};
  }

  Task<Status> clear_failures(std::vector<ObjectKey> keys) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kClearFailures)) co_return fail(*std::move(error));
    for (const auto& key : keys) failures_.erase(key);
    co_return Unit{};
  }

  Task<Result<FailurePage>> failures(std::optional<ObjectKey> after, std::size_t limit) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kFailures)) co_return fail(*std::move(error));
    FailurePage page;
    page.next = copy_page(failures_, after, limit, &page.failures);
    co_return page;
  }

  Task<Result<std::uint64_t>> failure_count() override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kFailures)) co_return fail(*std::move(error));
    co_return std::uint64_t{failures_.size()};
  }

  Task<Status> save_checkpoint(Checkpoint checkpoint) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kSaveCheckpoint)) co_return fail(*std::move(error));
    const auto key = checkpoint.key;
    checkpoints_.insert_or_assign(key, std::move(checkpoint));
    co_return Unit{};
  }

  Task<Result<std::optional<Checkpoint>>> load_checkpoint(ObjectKey key) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kLoadCheckpoint)) co_return fail(*std::move(error));
    const auto known = checkpoints_.find(key);
    co_return known == checkpoints_.end() ? std::nullopt : std::optional{known->second};
  }

  Task<Status> drop_checkpoint(ObjectKey key) override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kDropCheckpoint)) co_return fail(*std::move(error));
    checkpoints_.erase(key);
    co_return Unit{};
  }

  Task<Result<std::vector<Checkpoint>>> checkpoints() override {
    const std::lock_guard lock{mutex_};
    if (auto error = planned_failure(StateOp::kCheckpoints)) co_return fail(*std::move(error));
    std::vector<Checkpoint> all;
    all.reserve(checkpoints_.size());
    for (const auto& [key, checkpoint] : checkpoints_) all.push_back(checkpoint);
    co_return all;
  }

 private:
  static std::uint64_t forget_half(Mark mark, Record* record) {
    const bool there = mark == Mark::kPublished ? record->published.has_value() : record->consumed.has_value();
    if (mark == Mark::kPublished) {
      record->published.reset();
    } else {
      record->consumed.reset();
    }
    return there ? 1 : 0;
  }

  std::optional<Error> planned_failure(StateOp operation) {
    auto& kinds = planned_[operation];
    if (kinds.empty()) return std::nullopt;
    const auto kind = kinds.front();
    kinds.pop_front();
    return Error{kind, "state in memory: planned failure"};
  }

  /// The entries after `after`, at most `limit`; returns the key to go on from.
  template <class Value>
  static std::optional<ObjectKey> copy_page(const std::map<ObjectKey, Value>& from,
                                            const std::optional<ObjectKey>& after, std::size_t limit,
                                            std::vector<Value>* page) {
    assert(limit > 0);
    auto entry = after ? from.upper_bound(*after) : from.begin();
    for (; entry != from.end() && page->size() < limit; ++entry) page->push_back(entry->second);
    if (entry == from.end()) return std::nullopt;
    return page->back().key;
  }

  std::mutex mutex_;
  std::map<ObjectKey, Record> records_;
  std::map<ObjectKey, Failure> failures_;
  std::map<ObjectKey, Checkpoint> checkpoints_;
  std::map<StateOp, std::deque<ErrorKind>> planned_;
};

}  // namespace

std::unique_ptr<MemoryState> make_state() { return std::make_unique<Store>(); }

}  // namespace ferry::memory
