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
  if (!options_.filter.accepts(std::string_view{entry.key.str()}.substr(job_.source_prefix.size()))) {
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

void Publisher::refuse(const SourceEntry& entry, Refused refused, Batch* batch) {
  ++tally_->failed;
  tally_->failed_bytes += entry.size;
  Failure failure;
  failure.key = entry.key;
  failure.version = entry.version;
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
  if (!batch.plans.empty()) {
    auto published = co_await queue_->publish(std::move(batch.plans));
    if (!published) co_return fail(std::move(published).error().during("publish plans"));
  }
  co_return Unit{};
}

}  // namespace ferry
