#include "migrate/migrator.hpp"

#include <boost/asio/this_coro.hpp>

#include "kit/async/task_group.hpp"
#include "kit/base/text.hpp"
#include "observe/log.hpp"
#include "plan/names.hpp"

namespace ferry {
namespace {

/// One more transfer under way for as long as this lives, however it ends.
class Active {
 public:
  explicit Active(Tally* tally) : tally_(tally) { ++tally_->active; }
  ~Active() { --tally_->active; }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;

 private:
  Tally* tally_;
};

bool is_superseded(const Setback& setback) {
  return setback.side == Side::kSource &&
         (setback.error.kind == ErrorKind::kGone || setback.error.kind == ErrorKind::kChanged);
}

/// The target may or may not hold it by now: compare, then decide again.
bool is_undecided(const Setback& setback) {
  return setback.side == Side::kTarget &&
         (setback.error.kind == ErrorKind::kConflict || setback.error.kind == ErrorKind::kUnavailable) &&
         !setback.reason;
}

bool may_succeed_later(const Setback& setback) {
  switch (setback.error.kind) {
    case ErrorKind::kConflict: return !setback.reason;
    case ErrorKind::kCorrupt:
    case ErrorKind::kUnavailable: return true;
    case ErrorKind::kGone:
    case ErrorKind::kChanged:
    case ErrorKind::kDenied:
    case ErrorKind::kArchived:
    case ErrorKind::kLimit:
    case ErrorKind::kInvalid:
    case ErrorKind::kCancelled: return false;
  }
  return false;
}

}  // namespace

FailureReason reason_of(const Setback& setback) {
  if (setback.reason) return *setback.reason;
  switch (setback.error.kind) {
    case ErrorKind::kDenied:
      return setback.side == Side::kTarget ? FailureReason::kTargetDenied : FailureReason::kDenied;
    case ErrorKind::kArchived: return FailureReason::kArchived;
    case ErrorKind::kCorrupt: return FailureReason::kIntegrity;
    case ErrorKind::kUnavailable:
    case ErrorKind::kConflict:
    case ErrorKind::kCancelled: return FailureReason::kUnavailable;
    case ErrorKind::kLimit:
    case ErrorKind::kInvalid:
    case ErrorKind::kGone:
    case ErrorKind::kChanged: return FailureReason::kRejected;
  }
  return FailureReason::kRejected;
}

Migrator::Migrator(Job job, MigratorOptions options, ObjectSource* source, ObjectTarget* target, MessageQueue* queue,
                   StateStore* state, Tally* tally, OutcomeSink* sink, Clock* clock, Rng* rng)
    : job_(std::move(job)),
      options_(options),
      queue_(queue),
      state_(state),
      tally_(tally),
      sink_(sink),
      clock_(clock),
      rng_(rng),
      rooms_{source, target, state, tally, clock, &buffers_, options.activity, options.choices} {}

Task<Status> Migrator::run() {
  TaskGroup transfers{co_await asio::this_coro::executor};
  auto feed = [](Migrator* self, TaskGroup* group) -> Task<Status> {
    for (;;) {
      co_await group->below(self->options_.transfers);
      co_await self->while_paused();
      if (self->refused_) co_return fail(*self->refused_);
      auto batch = co_await self->queue_->receive(self->options_.transfers - group->size());
      if (!batch) co_return fail(std::move(batch).error());
      if (batch->empty()) co_return Unit{};
      if (self->resumed_) continue;  // paused since: dropped, they go back
      for (Delivery& delivery : *batch) group->spawn(self->handle(std::move(delivery)));
    }
  };
  Status fed = Unit{};
  std::exception_ptr cancelled;
  try {
    fed = co_await feed(this, &transfers);
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (cancelled) {
    co_await shield();
    transfers.cancel();
  }
  co_await transfers.join();
  if (cancelled) std::rethrow_exception(cancelled);
  if (fed && refused_) co_return fail(*refused_);
  co_return fed;
}

void Migrator::set_paused(bool paused) {
  if (paused == (resumed_ != nullptr)) return;
  if (paused) {
    resumed_ = std::make_shared<Wake>();
  } else {
    std::exchange(resumed_, nullptr)->set();
  }
}

Task<> Migrator::while_paused() {
  while (const auto resumed = resumed_) co_await resumed->wait();
}

Task<> Migrator::handle(Delivery delivery) {
  const Active active{tally_};
  if (refused_) co_return;  // dropped: the message goes back
  if (!delivery.defect().empty()) {
    co_await report_defect(std::move(delivery));
    co_return;
  }
  auto outcome = co_await carry(delivery.plan(), delivery.attempt() == 1);
  co_await settle(std::move(delivery), std::move(outcome));
}

/// The whole transfer rule for one message, whatever it says.
Task<Migrator::Outcome> Migrator::carry(TransferPlan plan, bool first_delivery) {
  if (plan.key.empty() || plan.etag.empty() || !job_.covers(plan.key)) {
    Error error{ErrorKind::kInvalid, "the message names an object outside of " + job_.describe()};
    co_return Setback{Side::kState, std::move(error), FailureReason::kMessage};
  }
  if (const auto name = target_name(job_, plan.key); !name) {
    co_return Setback{Side::kTarget, Error{ErrorKind::kLimit, name.error()}, FailureReason::kName};
  }
  if (!plan.modified) {  // the smallest form of a message: what is missing is looked up
    auto meta = co_await rooms_.source->stat(plan.key, plan.version_id);
    if (!meta) {
      Setback setback{Side::kSource, std::move(meta).error().during("look up source")};
      if (is_superseded(setback)) co_return Superseded{std::move(setback.error.what)};
      co_return setback;
    }
    if (meta->version.etag != plan.etag) co_return Superseded{"the object changed since the message was published"};
    plan.modified = meta->version.modified;
    plan.size = meta->size;
    plan.storage_class = meta->storage_class;
  }
  // What the scan saw at the target is good for the first delivery; an earlier one may have committed unseen.
  const auto expected = first_delivery ? plan.target_generation : std::nullopt;
  auto outcome = co_await carry_completed(plan, expected);
  for (int round = 1; round < options_.rounds_max && std::holds_alternative<Superseded>(outcome); ++round) {
    if (!plan.or_newest || !co_await look_again(&plan)) break;
    outcome = co_await carry_completed(plan, std::nullopt);
  }
  co_return outcome;
}

/// The listing was old: what does the source hold under that key now? False: nothing else that could be read.
Task<bool> Migrator::look_again(TransferPlan* plan) {
  auto meta = co_await rooms_.source->stat(plan->key, std::nullopt);
  if (!meta || (meta->version.etag == plan->etag && meta->version.modified == plan->modified)) co_return false;
  plan->etag = meta->version.etag;
  plan->modified = meta->version.modified;
  plan->size = meta->size;
  plan->storage_class = meta->storage_class;
  co_return true;
}

/// Nothing: it can be read by now. Else what the ledger is to say.
Task<std::optional<Setback>> Migrator::ask_for_restore(TransferPlan plan, Setback archived) {
  RestoreWish wish = *rooms_.choices.restore;
  if (plan.storage_class == "INTELLIGENT_TIERING") wish.days.reset();  // it comes back for good
  auto answer = co_await rooms_.source->restore(plan.key, wish, plan.version_id);
  if (!answer) {
    const bool later = answer.error().kind == ErrorKind::kUnavailable;
    Setback refused{Side::kSource, std::move(answer).error().during("archived; ask for restore")};
    if (!later && !is_superseded(refused)) refused.reason = FailureReason::kArchived;
    co_return refused;
  }
  if (*answer == RestoreAnswer::kReadable) co_return std::nullopt;
  if (*answer == RestoreAnswer::kStarted) ++tally_->restores;
  archived.error.what = *answer == RestoreAnswer::kStarted ? "archived; asked for its restore (tier " + wish.tier + ")"
                                                           : "archived; its restore is under way";
  archived.error.what += ": copied by the first scan after it is ready";
  co_return archived;
}

Task<Migrator::Outcome> Migrator::carry_completed(TransferPlan plan, std::optional<Generation> expected) {
  Losses losses;
  for (int round = 1;; ++round) {
    if (!expected) {
      auto there = co_await compare(plan, &expected);
      if (!there && is_superseded(there.error())) co_return Superseded{std::move(there.error().error.what)};
      if (!there) co_return std::move(there).error();
      if (*there && (round == 1 || (*there)->adopted)) co_return AlreadyThere{**there};
      if (*there) {  // our own commit, whose answer was lost
        (*there)->losses = losses;
        co_return **there;
      }
    }
    Transfer transfer{&rooms_, &job_, plan};
    auto receipt = co_await transfer.run(*expected);
    if (receipt) co_return *std::move(receipt);
    losses = transfer.losses();
    Setback setback = std::move(receipt).error();
    if (setback.error.kind == ErrorKind::kArchived && rooms_.choices.restore && round < options_.rounds_max) {
      auto waiting = co_await ask_for_restore(plan, std::move(setback));
      if (!waiting) continue;
      setback = *std::move(waiting);
    }
    if (is_superseded(setback)) co_return Superseded{std::move(setback.error.what)};
    if (!is_undecided(setback) || round >= options_.rounds_max) co_return setback;
    expected.reset();
  }
}

/// Step 1 with a fresh metadata read: a receipt if the wanted version is there, else the generation to replace.
Task<Step<std::optional<Receipt>>> Migrator::compare(TransferPlan plan, std::optional<Generation>* expected) {
  const ObjectKey target_key = target_name(job_, plan.key).value().key;
  auto there = co_await rooms_.target->stat(target_key);
  if (!there)
    co_return tl::unexpected<Setback>(Setback{Side::kTarget, std::move(there).error().during("look up target")});
  const std::optional<TargetObject>& object = *there;
  const Version wanted{plan.etag, *plan.modified, plan.version_id};
  if (object && holds(*object, job_, plan.key, wanted, plan.size)) {
    Receipt receipt;
    receipt.key = plan.key;
    receipt.version = object->provenance->version;
    receipt.generation = object->generation;
    receipt.rung = object->provenance->check;
    receipt.size = object->size;
    receipt.when = std::chrono::floor<std::chrono::seconds>(clock_->wall());
    co_return receipt;
  }
  if (object && !is_ours(*object, job_, plan.key)) {
    auto examined = co_await examine(&plan, &*object);
    if (!examined || *examined) co_return examined;
  }
  *expected = object ? object->generation : Generation{};
  co_return std::optional<Receipt>{};
}

/// Somebody else's object is there: a receipt if it is the wanted version, nothing if it is to be replaced.
Task<Step<std::optional<Receipt>>> Migrator::examine(const TransferPlan* plan, const TargetObject* there) {
  SourceEntry entry;
  entry.version = Version{plan->etag, *plan->modified, plan->version_id};
  entry.size = plan->size.value_or(there->size);
  auto seen = recognise(entry, *there);
  if (seen.likeness == Likeness::kUnknown) {
    auto meta = co_await rooms_.source->stat(plan->key, plan->version_id);
    if (!meta) {
      co_return tl::unexpected<Setback>(Setback{Side::kSource, std::move(meta).error().during("ask for checksums")});
    }
    if (!meta->version.same_as(entry.version)) {
      Error changed{ErrorKind::kChanged, "the object changed since it was listed"};
      co_return tl::unexpected<Setback>(Setback{Side::kSource, std::move(changed)});
    }
    entry.version = meta->version;
    seen = recognise(*meta, *there);
  }
  if (seen.likeness == Likeness::kSame) co_return co_await recognised(plan->key, entry.version, seen.rung, there);
  if (options_.policy.on_foreign == OnForeign::kOverwrite) co_return std::optional<Receipt>{};
  Error foreign{ErrorKind::kConflict, foreign_text(there->key, seen.likeness)};
  co_return tl::unexpected<Setback>(Setback{Side::kTarget, std::move(foreign), FailureReason::kForeign});
}

/// It gets our provenance if that is wanted; then it is ours for every later run.
Task<Step<std::optional<Receipt>>> Migrator::recognised(ObjectKey key, Version version, Rung rung,
                                                        const TargetObject* there) {
  if (may_adopt(*there, options_.policy)) {
    Provenance provenance{job_.source_uri(key), version, there->size, rung};
    provenance.adopted = true;
    auto adopted =
        co_await rooms_.target->adopt(there->key, there->generation, there->metageneration, std::move(provenance));
    if (!adopted) {
      const bool full = adopted.error().kind == ErrorKind::kLimit;
      const auto reason = full ? std::optional{FailureReason::kMetadata} : std::nullopt;
      co_return tl::unexpected<Setback>(Setback{Side::kTarget, std::move(adopted).error(), reason});
    }
  }
  Receipt receipt;
  receipt.key = std::move(key);
  receipt.version = std::move(version);
  receipt.generation = there->generation;
  receipt.rung = rung;
  receipt.size = there->size;
  receipt.when = std::chrono::floor<std::chrono::seconds>(clock_->wall());
  receipt.adopted = true;
  co_return receipt;
}

Task<> Migrator::settle(Delivery delivery, Outcome outcome) {
  if (auto* receipt = std::get_if<Receipt>(&outcome)) {
    co_await conclude(std::move(delivery), std::move(*receipt), true);
  } else if (auto* there = std::get_if<AlreadyThere>(&outcome)) {
    co_await conclude(std::move(delivery), std::move(there->receipt), false);
  } else if (auto* superseded = std::get_if<Superseded>(&outcome)) {
    ++tally_->superseded;
    tally_->superseded_bytes += delivery.plan().size.value_or(0);
    if (sink_) sink_->superseded(delivery.plan().key, superseded->why);
    std::move(delivery).ack();
  } else {
    co_await set_back(std::move(delivery), std::get<Setback>(std::move(outcome)));
  }
}

/// Record, then acknowledge. A record that can't be written keeps the message: a repeat finds the object at the target.
Task<> Migrator::conclude(Delivery delivery, Receipt receipt, bool moved) {
  succeeded_ = true;
  refusals_ = 0;
  auto recorded = co_await state_->record_consumed(receipt);
  if (!recorded) {
    log::warn("record.failed", {{"key", receipt.key.str()}, {"error", recorded.error().what}});
    give_back(std::move(delivery));
    co_return;
  }
  ++(moved ? tally_->copied : tally_->unchanged);
  (moved ? tally_->copied_bytes : tally_->unchanged_bytes) += receipt.size;
  if (moved) count_proof(receipt);
  if (receipt.adopted) ++tally_->adopted;
  if (sink_ && moved) sink_->copied(receipt);
  if (sink_ && receipt.adopted) sink_->adopted(receipt);
  std::move(delivery).ack();
}

void Migrator::count_proof(const Receipt& receipt) {
  ++tally_->rungs[static_cast<std::size_t>(receipt.rung)];
  if (!receipt.losses.empty()) ++tally_->lossy;
  for (const Loss loss : receipt.losses.all()) ++tally_->losses[static_cast<std::size_t>(loss)];
}

Task<> Migrator::set_back(Delivery delivery, Setback setback) {
  const bool refusal = count_refusal(setback);
  if (refused_) co_return;  // the set-up is at fault, not this object: the message goes back
  const auto attempt = static_cast<int>(delivery.attempt());
  const auto wait = options_.redelivery.after(attempt, rng_->unit(), setback.error.retry_after);
  const bool set_up_at_fault = options_.patient && refusals_ >= options_.refusals_max;
  if (refusal && options_.patient && (wait || set_up_at_fault)) {
    give_back(std::move(delivery));
    co_return;
  }
  if (may_succeed_later(setback) && (wait || setback.side == Side::kState)) {
    ++tally_->retried;
    log::debug("transfer.retried",
               {{"key", delivery.plan().key.str()}, {"attempt", attempt}, {"error", setback.error.what}});
    std::move(delivery).nack(wait.value_or(options_.redelivery.ceiling));
    co_return;
  }
  Failure failure;
  failure.key = delivery.plan().key;
  if (delivery.plan().modified) {
    failure.version = Version{delivery.plan().etag, *delivery.plan().modified, delivery.plan().version_id};
  }
  failure.reason = reason_of(setback);
  failure.what = std::move(setback.error.what);
  failure.attempts = delivery.attempt();
  failure.when = std::chrono::floor<std::chrono::seconds>(clock_->wall());
  co_await give_up(std::move(delivery), std::move(failure));
}

Task<> Migrator::report_defect(Delivery delivery) {
  Failure failure;
  failure.key = delivery.plan().key;
  failure.reason = FailureReason::kMessage;
  failure.what = delivery.defect();
  failure.attempts = delivery.attempt();
  failure.when = std::chrono::floor<std::chrono::seconds>(clock_->wall());
  co_await give_up(std::move(delivery), std::move(failure));
}

/// Into the ledger, then acknowledge: never one without the other.
Task<> Migrator::give_up(Delivery delivery, Failure failure) {
  std::vector<Failure> failures;
  failures.push_back(failure);
  auto recorded = co_await state_->record_failures(std::move(failures));
  if (!recorded) {
    log::warn("ledger.failed", {{"key", failure.key.str()}, {"error", recorded.error().what}});
    give_back(std::move(delivery));
    co_return;
  }
  ++tally_->failed;
  tally_->failed_bytes += delivery.plan().size.value_or(0);
  if (sink_) sink_->failed(failure);
  std::move(delivery).ack();
}

/// Not the object's fault, so never too often; soon at first, because most outages are short.
void Migrator::give_back(Delivery delivery) {
  ++tally_->retried;
  const auto wait = options_.redelivery.after(static_cast<int>(delivery.attempt()), rng_->unit(), std::nullopt);
  std::move(delivery).nack(wait.value_or(options_.redelivery.ceiling));
}

/// When nothing at all succeeds, going on would only fill the ledger with every object of the bucket.
bool Migrator::count_refusal(const Setback& setback) {
  const bool refusal = setback.side != Side::kState && !setback.reason &&
                       (setback.error.kind == ErrorKind::kDenied || setback.error.kind == ErrorKind::kInvalid);
  if (!refusal || (succeeded_ && !options_.patient)) return refusal;
  if (++refusals_ < options_.refusals_max) return refusal;
  if (options_.patient) {
    if (sink_) sink_->refused(setback.error.what);
    return refusal;
  }
  const char* side =
      setback.side == Side::kSource ? "the source refuses every object" : "the target refuses every object";
  if (!refused_) refused_ = Error{setback.error}.during(side);
  queue_->abort();
  return refusal;
}

}  // namespace ferry
