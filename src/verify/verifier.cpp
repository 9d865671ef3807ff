#include "verify/verifier.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "kit/async/page_stream.hpp"
#include "kit/base/hash.hpp"
#include "plan/names.hpp"
#include "verify/metadata.hpp"

namespace ferry {
namespace {

using SourceStream = PageStream<SourcePage, SourceEntry, &SourcePage::entries>;
using TargetStream = PageStream<TargetPage, TargetObject, &TargetPage::objects>;

std::string crc_text(std::uint32_t crc) { return hex(big_endian(crc)); }

}  // namespace

struct Verifier::Streams {
  SourceStream source;
  TargetStream target;
};

struct Verifier::Scope {
  Streams streams;
  TaskGroup reads;
};

Verifier::Verifier(Job job, VerifyOptions options, ObjectSource* source, ObjectTarget* target, VerifyTally* tally,
                   FindingSink* sink)
    : job_(std::move(job)),
      options_(std::move(options)),
      source_(source),
      target_(target),
      tally_(tally),
      sink_(sink) {}

Task<Status> Verifier::run() {
  const auto executor = co_await asio::this_coro::executor;
  Scope scope{Streams{SourceStream{executor,
                                   [this](std::optional<std::string> token) {
                                     return source_->list(job_.source_prefix, std::move(token));
                                   }},
                      TargetStream{executor,
                                   [this](std::optional<std::string> token) {
                                     return target_->list(job_.target_prefix, std::move(token), detail());
                                   }}},
              TaskGroup{executor}};
  Status outcome = Unit{};
  std::exception_ptr cancelled;
  try {
    outcome = co_await merge(&scope);
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (cancelled) {
    co_await shield();
    scope.reads.cancel();
  }
  co_await scope.streams.source.close();
  co_await scope.streams.target.close();
  co_await scope.reads.join();
  if (cancelled) std::rethrow_exception(cancelled);
  co_return outcome;
}

Task<Status> Verifier::merge(Scope* scope) {
  auto& [source, target] = scope->streams;
  for (;;) {
    if (auto filled = co_await source.fill(); !filled) co_return fail(std::move(filled).error().during("list source"));
    if (auto filled = co_await target.fill(); !filled) co_return fail(std::move(filled).error().during("list target"));
    if (!source.head() && !target.head()) break;
    Leftover leftover;
    compare_heads(&scope->streams, &leftover);
    if (auto looked = co_await look_up(&leftover); !looked) co_return looked;
    co_await look_at(scope, std::move(leftover.closer));
  }
  tally_->listing_done = true;
  std::vector<Pair> sample;
  for (auto& [place, pair] : drawn_) sample.push_back(std::move(pair));
  drawn_.clear();
  co_await look_at(scope, std::move(sample));
  co_await scope->reads.join();
  co_return Unit{};
}

Task<> Verifier::look_at(Scope* scope, std::vector<Pair> pairs) {
  for (Pair& pair : pairs) {
    co_await scope->reads.below(options_.reads);
    scope->reads.spawn(look_closer(std::move(pair)));
  }
}

/// As far as both pages reach: the match of a head may be on a page that isn't here yet.
void Verifier::compare_heads(Streams* streams, Leftover* leftover) {
  auto& [source, target] = *streams;
  while (!source.starved() && !target.starved() && (source.head() || target.head())) {
    const SourceEntry* const entry = source.head();
    if (!entry) {
      settle_alone(*target.head(), leftover);
      target.step();
      continue;
    }
    auto name = target_name(job_, entry->key);
    if (name && !name->escaped) {
      compare_named(streams, *name, leftover);
      continue;
    }
    if (name) {
      leftover->asides.push_back({*entry, std::move(name->key)});
    } else {
      settle_unnamed(*entry, std::move(name).error());
    }
    source.step();
  }
}

/// `name`: of the source's head.
void Verifier::compare_named(Streams* streams, const TargetName& name, Leftover* leftover) {
  auto& [source, target] = *streams;
  const TargetObject* const there = target.head();
  if (there && there->key < name.key) {
    settle_alone(*there, leftover);
    target.step();
    return;
  }
  const bool match = there && there->key == name.key;
  settle_source(*source.head(), match ? there : nullptr, &leftover->closer);
  source.step();
  if (match) target.step();
}

void Verifier::settle_unnamed(const SourceEntry& entry, std::string why) {
  if (!in_scope(entry)) {
    ++tally_->filtered;
    return;
  }
  ++tally_->listed;
  tally_->listed_bytes += entry.size;
  if (job_.names.policy == NamePolicy::kSkip) {
    ++tally_->skipped;
    ++tally_->settled;
    tally_->settled_bytes += entry.size;
    return;
  }
  conclude(entry, nullptr, {Verdict::kMissing, Evidence::kNone, std::move(why)});
}

/// Nothing at the source has this name, unless it is an escaped one.
void Verifier::settle_alone(const TargetObject& there, Leftover* leftover) {
  if (options_.partial) return;
  if (const auto key = source_key(job_, there.key)) {
    if (target_name(job_, *key)->escaped) {
      leftover->strays.push_back(there);
      return;
    }
  }
  settle_extra(there);
}

/// By listing, so that nothing else needs to be permitted. Such names are rare: one after the other.
Task<Status> Verifier::look_up(Leftover* leftover) {
  for (Aside& aside : leftover->asides) {
    if (auto done = co_await look_up_target(std::move(aside), &leftover->closer); !done) {
      co_return fail(std::move(done).error().during("list target"));
    }
  }
  for (TargetObject& stray : leftover->strays) {
    if (auto done = co_await look_up_source(std::move(stray)); !done) {
      co_return fail(std::move(done).error().during("list source"));
    }
  }
  co_return Unit{};
}

Task<Status> Verifier::look_up_target(Aside aside, std::vector<Pair>* closer) {
  auto page = co_await target_->list(aside.target_key.str(), std::nullopt, detail());
  if (!page) co_return fail(std::move(page).error());
  // A name comes before all others that begin with it.
  const bool there = !page->objects.empty() && page->objects.front().key == aside.target_key;
  settle_source(aside.entry, there ? &page->objects.front() : nullptr, closer);
  co_return Unit{};
}

Task<Status> Verifier::look_up_source(TargetObject stray) {
  const ObjectKey key = source_key(job_, stray.key).value();
  auto page = co_await source_->list(key.str(), std::nullopt);
  if (!page) co_return fail(std::move(page).error());
  const bool there = !page->entries.empty() && page->entries.front().key == key;
  if (!there) settle_extra(stray);
  co_return Unit{};
}

/// Of an object that the source doesn't describe, only the name counts.
bool Verifier::in_scope(const SourceEntry& entry) const {
  return entry.trouble ? in_scope(entry.key) : options_.filter.accepts(job_, entry, options_.began);
}

bool Verifier::in_scope(const ObjectKey& source_key) const {
  return options_.filter.accepts(std::string_view{source_key.str()}.substr(job_.source_prefix.size()));
}

void Verifier::settle_source(const SourceEntry& entry, const TargetObject* there, std::vector<Pair>* closer) {
  if (!in_scope(entry)) {
    ++tally_->filtered;
    return;
  }
  ++tally_->listed;
  tally_->listed_bytes += entry.size;
  if (there) ++tally_->target_listed;
  if (entry.trouble) return conclude(entry, there, {Verdict::kUnverified, Evidence::kNone, entry.trouble->what});
  auto judgement = judge(job_, entry, there);
  // A closer look can settle what the listings leave open; it can't make another version or another size right.
  const bool by_size = judgement.verdict == Verdict::kDifferent && judgement.evidence != Evidence::kMd5;
  const bool final = !there || by_size || judgement.verdict == Verdict::kStale;
  const bool wanted = options_.deep || options_.metadata || is_open_question(judgement);
  if (!final && wanted) {
    choose(Pair{entry, *there, std::move(judgement)}, closer);
  } else {
    conclude(entry, there, std::move(judgement));
  }
}

/// Whom to look at more closely: the sample, now or, if its size is fixed, when all have drawn.
void Verifier::choose(Pair pair, std::vector<Pair>* closer) {
  const Sample& sample = options_.sample;
  if (!options_.deep && !options_.metadata) return leave_out(std::move(pair), closer);
  const auto place = sample.is_all() ? 0 : draw(pair.entry.key.str(), sample.seed);
  if (sample.objects == 0 && !falls_into(place, sample.share)) return leave_out(std::move(pair), closer);
  if (sample.objects == 0) {
    closer->push_back(std::move(pair));
    return;
  }
  drawn_.emplace_back(place, std::move(pair));
  std::ranges::push_heap(drawn_, later);
  if (drawn_.size() <= sample.objects) return;
  std::ranges::pop_heap(drawn_, later);
  auto last = std::move(drawn_.back().second);
  drawn_.pop_back();
  leave_out(std::move(last), closer);
}

/// Not in the sample: the listings decide, and of what they leave open, one request.
void Verifier::leave_out(Pair pair, std::vector<Pair>* closer) {
  if (!is_open_question(pair.listed)) return conclude(pair.entry, &pair.there, std::move(pair.listed));
  pair.sampled = false;
  closer->push_back(std::move(pair));
}

void Verifier::settle_extra(const TargetObject& there) {
  const auto key = source_key(job_, there.key);
  const auto rest = std::string_view{there.key.str()}.substr(job_.target_prefix.size());
  if (key ? !in_scope(*key) : !options_.filter.accepts(rest)) return;
  ++tally_->target_listed;
  auto judgement = judge_extra(job_, there);
  ++tally_->verdicts[static_cast<std::size_t>(judgement.verdict)];
  if (!sink_) return;
  Finding finding;
  finding.key = key.value_or(ObjectKey{});
  finding.target_key = there.key;
  finding.judgement = std::move(judgement);
  finding.target_generation = there.generation;
  finding.target_size = there.size;
  finding.crc32c = there.crc32c;
  sink_->found(finding);
}

Task<> Verifier::look_closer(Pair pair) {
  std::optional<ObjectMeta> meta;
  auto judgement = pair.listed;
  if (options_.deep && pair.sampled) {
    judgement = co_await compare_bytes(&pair, &meta);
  } else {
    auto told = co_await ask(&pair.entry);
    if (told) {
      judgement = judge(job_, pair.entry, *told, pair.there);
      meta = *std::move(told);
    } else {
      judgement = {Verdict::kUnverified, Evidence::kNone, std::move(told).error().what};
    }
  }
  judgement.recorded = pair.listed.recorded;
  const bool same_bytes = judgement.verdict == Verdict::kOk;
  if (same_bytes && options_.metadata && pair.sampled && meta) {
    auto difference = metadata_difference(job_, *meta, pair.entry.key, pair.there);
    if (!difference.empty()) {
      judgement.verdict = Verdict::kMetadata;
      judgement.what = std::move(difference);
    }
  }
  conclude(pair.entry, &pair.there, std::move(judgement));
}

/// One HEAD. It is about the version that was listed, or there is nothing to compare with.
Task<Result<ObjectMeta>> Verifier::ask(const SourceEntry* entry) {
  ++tally_->asked;
  auto meta = co_await source_->stat(entry->key, entry->version.version_id);
  if (!meta) co_return fail(std::move(meta).error().during("ask source"));
  if (!meta->version.same_as(entry->version)) {
    co_return fail(ErrorKind::kChanged, "ask source: it changed since it was listed; verify again");
  }
  co_return meta;
}

Task<Judgement> Verifier::compare_bytes(const Pair* pair, std::optional<ObjectMeta>* meta) {
  const auto undecided = [](std::string what) {
    return Judgement{Verdict::kUnverified, Evidence::kNone, std::move(what)};
  };
  if (!pair->there.crc32c) co_return undecided("the target gives no CRC32C");
  ++tally_->read;
  auto reader = co_await source_->open(pair->entry.key, pair->entry.version.etag, 0, pair->entry.version.version_id);
  if (!reader) co_return undecided(std::move(reader).error().during("read source").what);
  *meta = (*reader)->meta();
  auto buffer = buffers_.take(BufferPool::kBytesMax);
  std::uint32_t crc = 0;
  std::uint64_t size = 0;
  for (;;) {
    auto got = co_await (*reader)->read(buffer.bytes());
    if (!got) co_return undecided(std::move(got).error().during("read source").what);
    if (*got == 0) break;
    crc = crc32c(crc, buffer.bytes().first(*got));
    size += *got;
    tally_->read_bytes += *got;
  }
  if (size != pair->there.size) {
    co_return Judgement{
        Verdict::kDifferent, Evidence::kBytes,
        std::to_string(size) + " bytes read from the source, " + std::to_string(pair->there.size) + " at the target"};
  }
  if (crc != *pair->there.crc32c) {
    co_return Judgement{
        Verdict::kDifferent, Evidence::kBytes,
        "CRC32C of the source's bytes is " + crc_text(crc) + ", of the target's " + crc_text(*pair->there.crc32c)};
  }
  co_return Judgement{Verdict::kOk, Evidence::kBytes, {}};
}

void Verifier::conclude(const SourceEntry& entry, const TargetObject* there, Judgement judgement) {
  ++tally_->verdicts[static_cast<std::size_t>(judgement.verdict)];
  if (judgement.verdict == Verdict::kOk) {
    ++tally_->evidences[static_cast<std::size_t>(judgement.evidence)];
    const bool on_record = judgement.evidence == Evidence::kProvenance && judgement.recorded;
    if (on_record) ++tally_->recorded[static_cast<std::size_t>(*judgement.recorded)];
  }
  if (sink_) {
    Finding finding;
    finding.key = entry.key;
    if (auto name = target_name(job_, entry.key)) finding.target_key = std::move(name->key);
    finding.judgement = std::move(judgement);
    if (!entry.trouble) {
      finding.source_version = entry.version;
      finding.source_size = entry.size;
    }
    if (there) {
      finding.target_generation = there->generation;
      finding.target_size = there->size;
      finding.crc32c = there->crc32c;
    }
    sink_->found(finding);
  }
  ++tally_->settled;
  tally_->settled_bytes += entry.size;
}

}  // namespace ferry
