#include "migrate/tidy.hpp"

#include <algorithm>

namespace ferry {
namespace {

constexpr std::size_t kPage = 1000;

bool in_scope(const Job& job, const Filter& filter, const ObjectKey& key) {
  return job.covers(key) && filter.accepts(std::string_view{key.str()}.substr(job.source_prefix.size()));
}

/// Keys of the ledger, page by page beside the checkpoints: both come in the same order.
class LedgerWalk {
 public:
  explicit LedgerWalk(StateStore* state) : state_(state) {}
  /// Ask in ascending order of keys.
  Task<Result<bool>> has(ObjectKey key) {
    for (;;) {
      while (at_ < page_.failures.size() && page_.failures[at_].key < key) ++at_;
      if (at_ < page_.failures.size()) co_return page_.failures[at_].key == key;
      if (started_ && !page_.next) co_return false;
      auto page = co_await state_->failures(page_.next, kPage);
      if (!page) co_return fail(std::move(page).error());
      page_ = *std::move(page);
      at_ = 0;
      started_ = true;
    }
  }

 private:
  StateStore* state_;
  FailurePage page_;
  std::size_t at_ = 0;
  bool started_ = false;
};

Task<Status> forget_old_failures(const Job* job, const Filter* filter, StateStore* state, Seconds began) {
  std::optional<ObjectKey> after;
  do {
    auto page = co_await state->failures(after, kPage);
    if (!page) co_return fail(std::move(page).error());
    std::vector<ObjectKey> settled;
    for (const Failure& failure : page->failures) {
      if (failure.when < began && in_scope(*job, *filter, failure.key)) settled.push_back(failure.key);
    }
    if (!settled.empty()) {
      auto cleared = co_await state->clear_failures(std::move(settled));
      if (!cleared) co_return cleared;
    }
    after = page->next;
  } while (after);
  co_return Unit{};
}

Task<Status> cancel_orphans(const Job* job, const Filter* filter, StateStore* state, ObjectTarget* target) {
  auto checkpoints = co_await state->checkpoints();
  if (!checkpoints) co_return fail(std::move(checkpoints).error());
  std::ranges::sort(*checkpoints, {}, &Checkpoint::key);
  LedgerWalk ledger{state};
  for (const Checkpoint& checkpoint : *checkpoints) {
    if (!in_scope(*job, *filter, checkpoint.key)) continue;
    auto wanted = co_await ledger.has(checkpoint.key);
    if (!wanted) co_return fail(std::move(wanted).error());
    if (*wanted) continue;
    const UploadSession session{checkpoint.session};
    auto cancelled = co_await target->cancel(session);
    if (!cancelled) co_return cancelled;
    auto dropped = co_await state->drop_checkpoint(checkpoint.key);
    if (!dropped) co_return dropped;
  }
  co_return Unit{};
}

}  // namespace

Task<Status> tidy(const Job* job, const Filter* filter, StateStore* state, ObjectTarget* target, Seconds began) {
  if (!filter->by_name_only()) co_return Unit{};
  auto forgotten = co_await forget_old_failures(job, filter, state, began);
  if (!forgotten) co_return fail(std::move(forgotten).error().during("tidy the ledger"));
  auto cancelled = co_await cancel_orphans(job, filter, state, target);
  if (!cancelled) co_return fail(std::move(cancelled).error().during("cancel unfinished uploads"));
  co_return Unit{};
}

}  // namespace ferry
