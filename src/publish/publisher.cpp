#include "publish/publisher.hpp"

#include <boost/asio/this_coro.hpp>

#include "kit/async/page_stream.hpp"

namespace ferry {
namespace {

using SourceStream = PageStream<SourcePage, SourceEntry, &SourcePage::entries>;
using TargetStream = PageStream<TargetPage, TargetObject, &TargetPage::objects>;

}  // namespace

/// What one stretch of the merge came to, until it is handed over.
struct Publisher::Batch {
  std::vector<TransferPlan> plans;
  std::vector<Failure> failures;
};

Publisher::Publisher(Job job, ScanOptions options, ObjectSource* source, ObjectTarget* target, MessageQueue* queue,
                     StateStore* state, Tally* tally, OutcomeSink* sink, Clock* clock)
    : job_(std::move(job)),
      options_(std::move(options)),
      source_(source),
      target_(target),
      queue_(queue),
      state_(state),
      tally_(tally),
      sink_(sink),
      clock_(clock) {}

Task<Status> Publisher::scan() {
  began_ = std::chrono::floor<std::chrono::seconds>(clock_->wall());
  const auto executor = co_await asio::this_coro::executor;
  SourceStream wanted{executor, [this](std::optional<std::string> token) {
                        return source_->list(job_.source_prefix, std::move(token));
                      }};
  TargetStream present{executor, [this](std::optional<std::string> token) {
                         return target_->list(job_.target_prefix, std::move(token));
                       }};
  auto merge = [](Publisher* self, SourceStream* source, TargetStream* target) -> Task<Status> {
    for (;;) {
      // Both heads must stand before they can be compared. Each page is awaited once; the merge itself never suspends.
      if (auto filled = co_await source->fill(); !filled)
        co_return fail(std::move(filled).error().during("list source"));
      if (auto filled = co_await target->fill(); !filled)
        co_return fail(std::move(filled).error().during("list target"));
      if (!source->head()) co_return Unit{};
      Batch batch;
      while (source->head() && !target->starved()) {
        const ObjectKey target_key = self->job_.target_key(source->head()->key);
        while (target->head() && target->head()->key < target_key) target->step();
        if (target->starved()) break;  // the match may be on the next page
        const bool match = target->head() && target->head()->key == target_key;
        self->judge(*source->head(), match ? target->head() : nullptr, &batch);
        source->step();
      }
      if (auto delivered = co_await self->deliver(std::move(batch)); !delivered) co_return delivered;
    }
  };
  Result<Unit> outcome = Unit{};
  std::exception_ptr cancelled;
  try {
    outcome = co_await merge(this, &wanted, &present);
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (cancelled) co_await shield();
  co_await wanted.close();
  co_await present.close();
  if (cancelled) std::rethrow_exception(cancelled);
  if (outcome) tally_->listing_done = true;
  co_return outcome;
}

void Publisher::judge(const SourceEntry& entry, const TargetObject* there, Batch* batch) {
  if (entry.trouble) {
    judge_trouble(entry, batch);
    return;
  }
  if (!options_.filter.accepts(job_, entry, began_)) {
    ++tally_->filtered;
    return;
  }
  ++tally_->listed;
  tally_->listed_bytes += entry.size;
  auto decision = decide(job_, entry, there, options_.policy);
  if (auto* copy = std::get_if<Copy>(&decision)) {
    ++tally_->planned;
    tally_->planned_bytes += entry.size;
    copy->plan.scan = options_.scan_id;
    copy->plan.or_newest = options_.old_listing;
    if (!options_.dry_run) {
      batch->plans.push_back(std::move(copy->plan));
    } else if (sink_) {
      sink_->planned(copy->plan);
    }
  } else if (auto* refused = std::get_if<Refused>(&decision)) {
    refuse(entry, std::move(*refused), batch);
  } else {
    ++tally_->unchanged;
    tally_->unchanged_bytes += entry.size;
  }
}

/// A key that was named to us, of an object that the source doesn't have or doesn't describe.
void Publisher::judge_trouble(const SourceEntry& entry, Batch* batch) {
  if (!options_.filter.accepts(std::string_view{entry.key.str()}.substr(job_.source_prefix.size()))) {
    ++tally_->filtered;
    return;
  }
  ++tally_->listed;
  if (entry.trouble->kind == ErrorKind::kGone) {
    ++tally_->superseded;
    if (sink_) sink_->superseded(entry.key, entry.trouble->what);
    return;
  }
  const bool denied = entry.trouble->kind == ErrorKind::kDenied;
  refuse(entry, Refused{denied ? FailureReason::kDenied : FailureReason::kRejected, entry.trouble->what}, batch);
}

void Publisher::refuse(const SourceEntry& entry, Refused refused, Batch* batch) {
  ++tally_->failed;
  tally_->failed_bytes += entry.size;
  Failure failure;
  failure.key = entry.key;
  if (!entry.trouble) failure.version = entry.version;
  failure.reason = refused.reason;
  failure.what = std::move(refused.what);
  failure.when = std::chrono::floor<std::chrono::seconds>(clock_->wall());
  if (sink_) sink_->failed(failure);
  if (!options_.dry_run) batch->failures.push_back(std::move(failure));
}

Task<Status> Publisher::deliver(Batch batch) {
  if (!batch.failures.empty()) {
    auto recorded = co_await state_->record_failures(std::move(batch.failures));
    if (!recorded) co_return fail(std::move(recorded).error().during("record refused objects"));
  }
  if (batch.plans.empty()) co_return Unit{};
  if (options_.may_go_on) {
    if (auto may = options_.may_go_on(); !may) co_return may;
  }
  if (options_.republish_after) {
    if (auto done = co_await leave_out_pending(&batch.plans); !done) co_return done;
  }
  co_return co_await publish(std::move(batch.plans));
}

/// Published first, marked then: dying in between costs a repeated message, never a lost one.
Task<Status> Publisher::publish(std::vector<TransferPlan> plans) {
  if (plans.empty()) co_return Unit{};
  std::vector<Published> marks;
  std::uint64_t bytes = 0;
  if (options_.republish_after) {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_->wall());
    marks.reserve(plans.size());
    for (const auto& plan : plans) {
      marks.push_back({plan.key, {plan.etag, plan.modified.value_or(Seconds{}), plan.version_id}, now});
    }
  }
  for (const auto& plan : plans) bytes += plan.size.value_or(0);
  const auto count = plans.size();
  auto published = co_await queue_->publish(std::move(plans));
  if (!published) co_return fail(std::move(published).error().during("publish plans"));
  tally_->published += count;
  tally_->published_bytes += bytes;
  if (marks.empty()) co_return Unit{};
  auto marked = co_await state_->mark_published(std::move(marks));
  if (!marked) co_return fail(std::move(marked).error().during("mark as published"));
  co_return Unit{};
}

Task<Status> Publisher::leave_out_pending(std::vector<TransferPlan>* plans) {
  if (options_.audit) co_return Unit{};
  std::vector<ObjectKey> keys;
  keys.reserve(plans->size());
  for (const auto& plan : *plans) keys.push_back(plan.key);
  auto records = co_await state_->lookup(std::move(keys));
  if (!records) co_return fail(std::move(records).error().during("look up what was published"));
  std::vector<TransferPlan> wanted;
  wanted.reserve(plans->size());
  for (std::size_t i = 0; i < plans->size(); ++i) {
    if (is_pending((*records)[i], (*plans)[i])) {
      ++tally_->pending;
      tally_->pending_bytes += (*plans)[i].size.value_or(0);
    } else {
      wanted.push_back(std::move((*plans)[i]));
    }
  }
  *plans = std::move(wanted);
  co_return Unit{};
}

/// Published in this version, lately, and not consumed since. What was consumed and is missing all the same was removed
/// at the target. A mark from the future (a clock was wrong) counts as no mark.
bool Publisher::is_pending(const Record& record, const TransferPlan& plan) const {
  if (!record.published) return false;
  const Version wanted{plan.etag, plan.modified.value_or(Seconds{}), plan.version_id};
  if (!record.published->version.same_as(wanted)) return false;
  const auto age = clock_->wall() - record.published->when;
  if (age < -*options_.republish_after || age >= *options_.republish_after) return false;
  return !record.consumed || !record.consumed->version.same_as(wanted) ||
         record.consumed->when < record.published->when;
}

}  // namespace ferry
