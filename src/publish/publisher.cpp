#include "publish/publisher.hpp"

#include <boost/asio/this_coro.hpp>
#include <utility>

#include "kit/async/task_group.hpp"
#include "plan/names.hpp"
#include "publish/listings.hpp"

namespace ferry {
namespace {

constexpr std::size_t kLookupsMax = 32;  // at once

Task<Result<TargetPage>> nothing_there() { co_return TargetPage{}; }

}  // namespace

/// A source object whose name had to be escaped, on its way to be looked up at the target.
struct Publisher::Aside {
  SourceEntry entry;
  ObjectKey target_key;
};

/// What one stretch of the merge came to, until it is handed over.
struct Publisher::Batch {
  std::vector<TransferPlan> plans;
  std::vector<Examine> examine;
  std::vector<Failure> failures;
  std::vector<Aside> asides;
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
  auto list_source = [this](std::optional<std::string> token) {
    return source_->list(job_.source_prefix, std::move(token));
  };
  auto list_target = [this](std::optional<std::string> token) {
    return target_ ? target_->list(job_.target_prefix, std::move(token)) : nothing_there();
  };
  Listings listings{executor, std::move(list_source), std::move(list_target)};
  auto outcome = co_await listings.finish(merge(&listings));
  if (outcome) tally_->listing_done = true;
  co_return outcome;
}

Task<Status> Publisher::merge(Listings* listings) {
  for (;;) {
    // Both heads must stand before they can be compared. Each page is awaited once; the merge itself never suspends.
    if (auto filled = co_await listings->fill(); !filled) co_return filled;
    if (!listings->source.head()) co_return Unit{};
    Batch batch;
    match_heads(listings, &batch);
    if (auto looked = co_await look_up(&batch); !looked)
      co_return fail(std::move(looked).error().during("list target"));
    if (auto delivered = co_await deliver(std::move(batch)); !delivered) co_return delivered;
  }
}

/// As far as both pages reach.
void Publisher::match_heads(Listings* listings, Batch* batch) {
  auto& [source, target] = *listings;
  while (source.head() && !target.starved()) {
    if (!in_scope(*source.head())) {
      ++tally_->filtered;
    } else if (!match(*source.head(), &target, batch)) {
      return;
    }
    source.step();
  }
}

/// False: the match may be on the next page of the target.
bool Publisher::match(const SourceEntry& entry, Listings::TargetStream* target, Batch* batch) {
  if (entry.trouble) {
    judge_trouble(entry, batch);
    return true;
  }
  auto name = target_name(job_, entry.key);
  if (!name) {
    conclude(entry, nullptr, Refused{FailureReason::kName, std::move(name).error()}, batch);
    return true;
  }
  if (name->escaped) {
    batch->asides.push_back({entry, std::move(name->key)});
    return true;
  }
  while (target->head() && target->head()->key < name->key) target->step();
  if (target->starved()) return false;
  judge(entry, target->head() && target->head()->key == name->key ? target->head() : nullptr, batch);
  return true;
}

/// By listing, so that a scan needs no other permission.
Task<Status> Publisher::look_up(Batch* batch) {
  if (batch->asides.empty()) co_return Unit{};
  const auto asides = std::exchange(batch->asides, {});
  Status outcome = Unit{};
  TaskGroup lookups{co_await asio::this_coro::executor};
  for (std::size_t i = 0; i < asides.size() && outcome; ++i) {
    lookups.spawn(look_up_one(&asides[i], batch, &outcome));
    if (lookups.size() == kLookupsMax) co_await lookups.join();
  }
  co_await lookups.join();
  co_return outcome;
}

Task<> Publisher::look_up_one(const Aside* aside, Batch* batch, Status* outcome) {
  if (!target_) {
    judge(aside->entry, nullptr, batch);
    co_return;
  }
  auto page = co_await target_->list(aside->target_key.str(), std::nullopt);
  if (!page) {
    *outcome = fail(std::move(page).error());
    co_return;
  }
  // A name comes before all others that begin with it.
  const bool there = !page->objects.empty() && page->objects.front().key == aside->target_key;
  judge(aside->entry, there ? &page->objects.front() : nullptr, batch);
}

/// Of an object that the source doesn't describe, only the name counts.
bool Publisher::in_scope(const SourceEntry& entry) const {
  if (!entry.trouble) return options_.filter.accepts(job_, entry, began_);
  return options_.filter.accepts(std::string_view{entry.key.str()}.substr(job_.source_prefix.size()));
}

void Publisher::judge(const SourceEntry& entry, const TargetObject* there, Batch* batch) {
  conclude(entry, there, decide(job_, entry, there, options_.policy), batch);
}

void Publisher::conclude(const SourceEntry& entry, const TargetObject* there, Decision decision, Batch* batch) {
  ++tally_->listed;
  tally_->listed_bytes += entry.size;
  if (options_.observe) options_.observe({&entry, there, &decision});
  if (auto* copy = std::get_if<Copy>(&decision)) {
    if (plan(&copy->plan)) batch->plans.push_back(std::move(copy->plan));
  } else if (auto* examine = std::get_if<Examine>(&decision)) {
    ++tally_->examine;
    if (plan(&examine->plan)) batch->examine.push_back(std::move(*examine));
  } else if (auto* refused = std::get_if<Refused>(&decision)) {
    refuse(entry, std::move(*refused), batch);
  } else {
    ++tally_->unchanged;
    tally_->unchanged_bytes += entry.size;
    if (std::get<Unchanged>(decision).adopted) ++tally_->adopted;
  }
}

/// A key that was named to us, of an object that the source doesn't have or doesn't describe.
void Publisher::judge_trouble(const SourceEntry& entry, Batch* batch) {
  if (entry.trouble->kind == ErrorKind::kGone) {
    ++tally_->listed;
    ++tally_->superseded;
    if (sink_) sink_->superseded(entry.key, entry.trouble->what);
    return;
  }
  const bool denied = entry.trouble->kind == ErrorKind::kDenied;
  Refused refused{denied ? FailureReason::kDenied : FailureReason::kRejected, entry.trouble->what};
  conclude(entry, nullptr, std::move(refused), batch);
}

/// Whether it is to be handed over: not in a dry run.
bool Publisher::plan(TransferPlan* plan) {
  ++tally_->planned;
  tally_->planned_bytes += plan->size.value_or(0);
  plan->scan = options_.scan_id;
  plan->or_newest = options_.old_listing;
  if (options_.dry_run && sink_) sink_->planned(*plan);
  return !options_.dry_run;
}

void Publisher::refuse(const SourceEntry& entry, Refused refused, Batch* batch) {
  if (refused.reason == FailureReason::kName && job_.names.policy == NamePolicy::kSkip) {
    ++tally_->skipped;
    tally_->skipped_bytes += entry.size;
    if (sink_) sink_->skipped(entry.key, refused.what);
    return;
  }
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
  if (auto done = co_await leave_out_recognised(&batch); !done) co_return done;
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

/// What was recognised earlier, in the generation that is still there, needs no second look.
Task<Status> Publisher::leave_out_recognised(Batch* batch) {
  if (batch->examine.empty()) co_return Unit{};
  std::vector<ObjectKey> keys;
  keys.reserve(batch->examine.size());
  for (const auto& each : batch->examine) keys.push_back(each.plan.key);
  auto records = co_await state_->lookup(std::move(keys));
  if (!records) co_return fail(std::move(records).error().during("look up what was recognised"));
  for (std::size_t i = 0; i < batch->examine.size(); ++i) {
    Examine& examine = batch->examine[i];
    const auto& consumed = (*records)[i].consumed;
    const Version wanted{examine.plan.etag, *examine.plan.modified, examine.plan.version_id};
    const bool known = consumed && consumed->version.same_as(wanted) && consumed->generation == examine.there;
    if (known && !examine.adopt) {
      ++tally_->unchanged;
      ++tally_->adopted;
      tally_->unchanged_bytes += examine.plan.size.value_or(0);
    } else {
      batch->plans.push_back(std::move(examine.plan));
    }
  }
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
