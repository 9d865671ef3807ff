#include "publish/pruner.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "kit/async/task_group.hpp"
#include "plan/names.hpp"
#include "publish/listings.hpp"

namespace ferry {
namespace {

constexpr std::size_t kRememberedMax = 10'000;
constexpr std::size_t kBatch = 500;

}  // namespace

Pruner::Pruner(Job job, PruneOptions options, ObjectSource* source, ObjectTarget* target, StateStore* state,
               Tally* tally, OutcomeSink* sink)
    : job_(std::move(job)),
      options_(std::move(options)),
      source_(source),
      target_(target),
      state_(state),
      tally_(tally),
      sink_(sink) {}

Task<Status> Pruner::run() {
  if (auto counted = co_await walk(Pass::kCount); !counted) co_return counted;
  outcome_.refused = objection();
  if (outcome_.gone == 0 || options_.dry_run || !outcome_.refused.empty()) co_return Unit{};
  if (outcome_.gone > remembered_.size()) co_return co_await walk(Pass::kDelete);
  for (std::size_t first = 0; first < remembered_.size(); first += kBatch) {
    const auto begin = remembered_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = std::min(kBatch, remembered_.size() - first);
    std::vector<Candidate> batch{begin, begin + static_cast<std::ptrdiff_t>(count)};
    if (auto removed = co_await remove_all(std::move(batch)); !removed) co_return removed;
  }
  co_return Unit{};
}

/// What stands against deleting anything.
std::string Pruner::objection() const {
  if (outcome_.gone == 0) return {};
  const auto gone = std::to_string(outcome_.gone), ours = std::to_string(outcome_.ours);
  if (source_empty_ && !options_.allow_empty_source) {
    return "the source is empty: all " + ours +
           " objects of this job at the target would be deleted; if that is what " +
           "you mean, add --allow-empty-source";
  }
  const auto allowed = options_.limit.of(outcome_.ours);
  if (outcome_.gone <= allowed) return {};
  return gone + " of " + ours + " objects of this job left the source, and --max-delete allows " +
         std::to_string(allowed) + ": none was deleted; raise it if that is right";
}

Task<Status> Pruner::walk(Pass pass) {
  const auto executor = co_await asio::this_coro::executor;
  auto list_source = [this](std::optional<std::string> token) {
    return source_->list(job_.source_prefix, std::move(token));
  };
  auto list_target = [this](std::optional<std::string> token) {
    return target_->list(job_.target_prefix, std::move(token));
  };
  Listings listings{executor, std::move(list_source), std::move(list_target)};
  co_return co_await listings.finish(merge(&listings, pass));
}

Task<Status> Pruner::merge(Listings* listings, Pass pass) {
  for (;;) {
    if (auto filled = co_await listings->fill(); !filled) co_return filled;
    if (listings->source.head()) source_empty_ = false;
    if (!listings->target.head()) co_return Unit{};  // what the source has besides is of no interest here
    Found found;
    compare_heads(listings, &found, pass);
    co_await look_up(&found);
    if (pass == Pass::kCount) {
      remember(std::move(found.gone));
    } else if (auto removed = co_await remove_all(std::move(found.gone)); !removed) {
      co_return removed;
    }
  }
}

/// As far as both pages reach. A key that the source's listing has is there, whatever the filter thinks of it.
void Pruner::compare_heads(Listings* listings, Found* found, Pass pass) {
  auto& [source, target] = *listings;
  while (target.head()) {
    const TargetObject& there = *target.head();
    bool listed = false;
    for (; source.head(); source.step()) {
      const auto name = target_name(job_, source.head()->key);
      if (!name || name->escaped) continue;  // it isn't at the target, or not in this order
      listed = name->key == there.key;
      if (name->key >= there.key) break;
    }
    if (source.starved()) return;
    if (auto key = origin_in_scope(there)) {
      if (pass == Pass::kCount) ++outcome_.ours;
      const auto name = target_name(job_, *key);
      const bool in_order = name && !name->escaped && name->key == there.key;
      if (!listed) (in_order ? found->gone : found->strays).push_back({*std::move(key), there.key, there.generation});
    }
    target.step();
  }
}

/// Names that had to be escaped, or that another policy gave, stand out of order: of these the source is asked at once.
Task<> Pruner::look_up(Found* found) {
  for (Candidate& stray : found->strays) {
    const auto meta = co_await source_->stat(stray.key);
    if (!meta && meta.error().kind == ErrorKind::kGone) found->gone.push_back(std::move(stray));
  }
}

/// The source key that it was copied from; nothing if it isn't ours, or nobody wants to know of it.
std::optional<ObjectKey> Pruner::origin_in_scope(const TargetObject& there) const {
  auto key = origin_of(job_, there);
  const auto in_scope = [this](const std::string& k) {
    return options_.filter.accepts(std::string_view{k}.substr(job_.source_prefix.size()));
  };
  if (!key || !in_scope(key->str())) return std::nullopt;
  return key;
}

void Pruner::remember(std::vector<Candidate> gone) {
  outcome_.gone += gone.size();
  for (Candidate& candidate : gone) {
    if (options_.dry_run && sink_) sink_->would_delete(candidate.key);
    if (remembered_.size() < kRememberedMax && !options_.dry_run) remembered_.push_back(std::move(candidate));
  }
}

/// Never more than were counted, although more may have left the source since.
Task<Status> Pruner::remove_all(std::vector<Candidate> gone) {
  if (gone.empty()) co_return Unit{};
  if (options_.may_go_on) {
    if (auto may = options_.may_go_on(); !may) co_return may;
  }
  std::vector<ObjectKey> deleted;
  TaskGroup removals{co_await asio::this_coro::executor};
  for (Candidate& candidate : gone) {
    if (tried_ == outcome_.gone) break;
    ++tried_;
    co_await removals.below(options_.removals);
    removals.spawn(remove_one(std::move(candidate), &deleted));
  }
  co_await removals.join();
  co_return co_await forget(std::move(deleted));
}

/// A 404 to a HEAD is the source's own word, later than any listing. Whatever is written at the target from now on is
/// another generation, which this does not touch.
Task<> Pruner::remove_one(Candidate candidate, std::vector<ObjectKey>* deleted) {
  const auto trouble = [this](Error error) {
    ++outcome_.failed;
    if (outcome_.trouble.empty()) outcome_.trouble = std::move(error.what);
  };
  auto meta = co_await source_->stat(candidate.key);
  if (meta) {
    ++outcome_.kept;
    co_return;
  }
  if (meta.error().kind != ErrorKind::kGone) {
    trouble(std::move(meta).error().during("ask source"));
    co_return;
  }
  auto removed = co_await target_->remove(candidate.target_key, candidate.generation);
  if (!removed && removed.error().kind == ErrorKind::kConflict) {
    ++outcome_.kept;
  } else if (!removed) {
    trouble(std::move(removed).error());
  } else {
    ++outcome_.deleted;
    ++tally_->deleted;
    if (sink_) sink_->deleted(candidate.key, candidate.generation);
    deleted->push_back(std::move(candidate.key));
  }
}

/// Nothing needs to be remembered of what is on neither side.
Task<Status> Pruner::forget(std::vector<ObjectKey> deleted) {
  if (deleted.empty()) co_return Unit{};
  for (const Mark mark : {Mark::kPublished, Mark::kConsumed}) {
    auto forgotten = co_await state_->forget(mark, deleted);
    if (!forgotten) co_return fail(std::move(forgotten).error().during("forget what was deleted"));
  }
  auto cleared = co_await state_->clear_failures(std::move(deleted));
  if (!cleared) co_return fail(std::move(cleared).error().during("forget what was deleted"));
  co_return Unit{};
}

}  // namespace ferry
