#include "verify/verifier.hpp"

#include <boost/asio/this_coro.hpp>
#include <utility>

#include "kit/async/page_stream.hpp"
#include "kit/base/hash.hpp"
#include "plan/names.hpp"

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
                                     return target_->list(job_.target_prefix, std::move(token));
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
    for (Pair& pair : leftover.to_read) {
      co_await scope->reads.below(options_.reads);
      scope->reads.spawn(read_again(std::move(pair)));
    }
  }
  tally_->listing_done = true;
  co_await scope->reads.join();
  co_return Unit{};
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
  settle_source(*source.head(), match ? there : nullptr, &leftover->to_read);
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
    if (auto done = co_await look_up_target(std::move(aside), &leftover->to_read); !done) {
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

Task<Status> Verifier::look_up_target(Aside aside, std::vector<Pair>* to_read) {
  auto page = co_await target_->list(aside.target_key.str(), std::nullopt);
  if (!page) co_return fail(std::move(page).error());
  // A name comes before all others that begin with it.
  const bool there = !page->objects.empty() && page->objects.front().key == aside.target_key;
  settle_source(aside.entry, there ? &page->objects.front() : nullptr, to_read);
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

void Verifier::settle_source(const SourceEntry& entry, const TargetObject* there, std::vector<Pair>* to_read) {
  if (!in_scope(entry)) {
    ++tally_->filtered;
    return;
  }
  ++tally_->listed;
  tally_->listed_bytes += entry.size;
  if (there) ++tally_->target_listed;
  auto judgement =
      entry.trouble ? Judgement{Verdict::kUnverified, Evidence::kNone, entry.trouble->what} : judge(job_, entry, there);
  // Reading again can settle what the listings left open; it can't make another version or another size right.
  const bool by_size = judgement.verdict == Verdict::kDifferent && judgement.evidence != Evidence::kMd5;
  if (options_.deep && there && !entry.trouble && !by_size && judgement.verdict != Verdict::kStale) {
    to_read->push_back(Pair{entry, *there});
    return;
  }
  conclude(entry, there, std::move(judgement));
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

Task<> Verifier::read_again(Pair pair) {
  auto judgement = co_await compare_bytes(&pair);
  conclude(pair.entry, &pair.there, std::move(judgement));
}

Task<Judgement> Verifier::compare_bytes(const Pair* pair) {
  const auto undecided = [](std::string what) {
    return Judgement{Verdict::kUnverified, Evidence::kNone, std::move(what)};
  };
  if (!pair->there.crc32c) co_return undecided("the target gives no CRC32C");
  auto reader = co_await source_->open(pair->entry.key, pair->entry.version.etag, 0, pair->entry.version.version_id);
  if (!reader) co_return undecided(std::move(reader).error().during("read source").what);
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
  if (judgement.verdict == Verdict::kOk) ++tally_->evidences[static_cast<std::size_t>(judgement.evidence)];
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
