#include "migrate/transfer.hpp"

#include <algorithm>
#include <utility>

#include "domain/byte_range.hpp"
#include "plan/names.hpp"

namespace ferry {
namespace {

constexpr const char* kPromised = "promised";  // in a checkpoint: the rung that the session's metadata names
constexpr int kRecoveriesMax = 8;              // in a row, without the target keeping anything new

tl::unexpected<Setback> setback(Side side, Error error, std::string_view doing) {
  return tl::unexpected<Setback>(Setback{side, std::move(error).during(doing)});
}

/// The upload (and what the target keeps of it) is worth nothing any more: other bytes are wanted, or these are wrong.
bool poisoned(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kGone:
    case ErrorKind::kChanged:
    case ErrorKind::kConflict:
    case ErrorKind::kCorrupt:
    case ErrorKind::kDenied:
    case ErrorKind::kArchived:
    case ErrorKind::kLimit:
    case ErrorKind::kInvalid: return true;
    case ErrorKind::kUnavailable:
    case ErrorKind::kCancelled: return false;
  }
  return true;
}

}  // namespace

Transfer::Transfer(const TransferRooms* rooms, const Job* job, TransferPlan plan)
    : rooms_(rooms),
      job_(job),
      plan_(std::move(plan)),
      under_way_(rooms->activity, plan_.key.str(), plan_.size.value_or(0),
                 std::chrono::floor<std::chrono::seconds>(rooms->clock->wall())) {}

Task<Step<Receipt>> Transfer::run(Generation expected) {
  expected_ = expected;
  Step<Unit> moved = co_await start();
  if (moved) moved = co_await move_body();
  Step<Receipt> receipt =
      tl::unexpected<Setback>(Setback{Side::kTarget, Error{ErrorKind::kCancelled, "not committed"}});
  if (moved) {
    receipt = co_await commit();
  } else {
    receipt = tl::unexpected<Setback>(std::move(moved).error());
  }
  if (!receipt && poisoned(receipt.error().error.kind)) co_await abandon();
  co_return receipt;
}

Task<Step<Unit>> Transfer::start() {
  if (plan_.size.value_or(0) >= kCheckpointBytesMin) {
    auto checkpoint = co_await rooms_->state->load_checkpoint(plan_.key);
    if (!checkpoint) co_return setback(Side::kState, std::move(checkpoint).error(), "load checkpoint");
    if (*checkpoint) {
      Checkpoint found = **std::move(checkpoint);
      auto resumed = co_await resume(std::move(found));
      if (!resumed || upload_) co_return resumed;
    }
  }
  auto opened = co_await open_reader(0);
  if (!opened) co_return opened;
  meta_ = reader_->meta();
  if (auto chosen = co_await choose(); !chosen) co_return chosen;
  co_return co_await begin_upload();
}

/// A session fixes its metadata when it begins: what comes of it must be proven by the check that is named there.
bool Transfer::promises_what_we_check(const Checkpoint& checkpoint) const {
  const auto promised = checkpoint.hashes.find(kPromised);
  return promised != checkpoint.hashes.end() && promised->second == to_string(rung());
}

/// Goes on where another process stopped. Leaves upload_ empty where that is not possible: then it is a fresh start.
Task<Step<Unit>> Transfer::resume(Checkpoint checkpoint) {
  checkpointed_ = checkpoint.offset;
  auto meta = co_await rooms_->source->stat(plan_.key, plan_.version_id);
  if (!meta) co_return setback(Side::kSource, std::move(meta).error(), "read source metadata");
  meta_ = *std::move(meta);
  if (auto chosen = co_await choose(); !chosen) co_return chosen;
  const UploadSession session{checkpoint.session};
  const bool same_version = meta_.version.same_as(checkpoint.version) && meta_.version.etag == plan_.etag;
  if (same_version && promises_what_we_check(checkpoint)) {
    auto spec = co_await make_spec();
    if (!spec) co_return tl::unexpected<Setback>(std::move(spec).error());
    auto upload = co_await rooms_->target->resume(*std::move(spec), session);
    if (!upload && upload.error().kind == ErrorKind::kUnavailable) {
      co_return setback(Side::kTarget, std::move(upload).error(), "resume upload");
    }
    if (upload) upload_ = *std::move(upload);
  }
  if (!upload_) co_return co_await discard(session);
  restore_digests(checkpoint);
  co_return co_await open_reader(std::min(hashed_, upload_->offset()));
}

/// The source has another version by now, or the session is dead: nothing of it is worth keeping.
Task<Step<Unit>> Transfer::discard(UploadSession session) {
  auto cancelled = co_await rooms_->target->cancel(session);
  if (!cancelled) co_return setback(Side::kTarget, std::move(cancelled).error(), "cancel old upload");
  auto dropped = co_await rooms_->state->drop_checkpoint(plan_.key);
  if (!dropped) co_return setback(Side::kState, std::move(dropped).error(), "drop checkpoint");
  checkpointed_.reset();
  co_return Unit{};
}

/// Finds what can vouch for the bytes, and what it takes to compute it.
Task<Step<Unit>> Transfer::choose() {
  proofs_ = choose_proofs(meta_, rooms_->choices.integrity);
  if (proofs_.empty() || proofs_.back().parts == 0) co_return Unit{};
  auto sizes = co_await find_part_sizes(proofs_.back().parts);
  if (!sizes) co_return tl::unexpected<Setback>(std::move(sizes).error());
  if (*sizes) {
    parts_ = **std::move(sizes);
  } else {
    std::erase_if(proofs_, [](const Proof& proof) { return proof.parts > 0; });
  }
  co_return Unit{};
}

/// Asks for the size of the first part, as nearly all uploads have parts of one size; only if that can't be, of all.
Task<Step<std::optional<Transfer::PartSizes>>> Transfer::find_part_sizes(std::uint32_t count) {
  if (count == 1) co_return std::optional{PartSizes{meta_.size}};
  auto first = co_await part_sizes(1, 1);
  if (!first || !*first) co_return first;
  if (auto even = even_parts(meta_.size, count, (*first)->front())) co_return even;
  co_return co_await part_sizes(1, count);
}

/// Of parts `from` to `to`; nothing if the source doesn't tell.
Task<Step<std::optional<Transfer::PartSizes>>> Transfer::part_sizes(std::uint32_t from, std::uint32_t to) {
  PartSizes sizes;
  for (std::uint32_t number = from; number <= to; ++number) {
    auto size = co_await rooms_->source->part_size(plan_.key, meta_.version.etag, number, plan_.version_id);
    if (!size) co_return setback(Side::kSource, std::move(size).error(), "read part sizes");
    if (!*size) co_return std::optional<PartSizes>{};
    sizes.push_back(**size);
  }
  co_return std::optional{std::move(sizes)};
}

std::unique_ptr<StreamHash> Transfer::fresh_digest(const Proof& proof) const {
  return proof.parts > 0 ? make_pieces_hash(proof.expected.kind, parts_) : make_hash(proof.expected.kind);
}

std::unique_ptr<StreamHash> Transfer::restored_digest(const Proof& proof, const Checkpoint& checkpoint) const {
  const auto saved = checkpoint.hashes.find(std::string{to_string(proof.rung)});
  if (saved == checkpoint.hashes.end()) return nullptr;
  return proof.parts > 0 ? restore_pieces_hash(proof.expected.kind, parts_, saved->second)
                         : restore_hash(proof.expected.kind, saved->second);
}

void Transfer::begin_digests() {
  digests_.clear();
  for (const Proof& proof : proofs_) digests_.push_back(proof.computed_in_stream() ? fresh_digest(proof) : nullptr);
}

/// Digests go on from the checkpoint; if one of them can't be restored, all are computed again from the first byte.
void Transfer::restore_digests(const Checkpoint& checkpoint) {
  begin_digests();
  const auto crc = checkpoint.hashes.find(std::string{to_string(HashKind::kCrc32c)});
  const auto value = crc == checkpoint.hashes.end() ? std::nullopt : from_big_endian(crc->second);
  if (!value) return;
  std::vector<std::unique_ptr<StreamHash>> restored;
  for (const Proof& proof : proofs_) {
    restored.push_back(proof.computed_in_stream() ? restored_digest(proof, checkpoint) : nullptr);
    if (proof.computed_in_stream() && !restored.back()) return;
  }
  digests_ = std::move(restored);
  crc32c_ = *value;
  hashed_ = checkpoint.offset;
}

Task<Step<Unit>> Transfer::begin_upload() {
  if (plan_.size && *plan_.size != meta_.size) {
    Error error{ErrorKind::kCorrupt,
                "the listing says " + std::to_string(*plan_.size) + " bytes, the reply " + std::to_string(meta_.size)};
    co_return setback(Side::kSource, std::move(error), "open source");
  }
  begin_digests();
  auto spec = co_await make_spec();
  if (!spec) co_return tl::unexpected<Setback>(std::move(spec).error());
  auto upload = co_await rooms_->target->begin(*std::move(spec));
  if (!upload) co_return setback(Side::kTarget, std::move(upload).error(), "begin upload");
  upload_ = *std::move(upload);
  co_return Unit{};
}

Task<Step<UploadSpec>> Transfer::make_spec() {
  const Provenance provenance{job_->source_uri(plan_.key), meta_.version, meta_.size, rung()};
  auto tags = co_await find_tags();
  if (!tags) co_return tl::unexpected<Setback>(std::move(tags).error());
  auto mapped = map_metadata(meta_, *tags, provenance, rooms_->choices.metadata);
  if (!mapped) {
    co_return tl::unexpected<Setback>(Setback{Side::kTarget, std::move(mapped).error(), FailureReason::kMetadata});
  }
  losses_ = mapped->losses;
  UploadSpec spec;
  spec.key = target_name(*job_, plan_.key).value().key;
  spec.size = meta_.size;
  spec.expected = expected_;
  spec.content = std::move(mapped->content);
  spec.metadata = std::move(mapped->entries);
  spec.contexts = std::move(mapped->contexts);
  spec.storage_class = std::move(mapped->storage_class);
  spec.custom_time = mapped->custom_time;
  const auto given = std::ranges::find_if(proofs_, &Proof::target_verifies);
  if (given != proofs_.end()) spec.hash = given->expected;
  co_return spec;
}

/// Only where there are some, and they are wanted. A source that refuses to tell them doesn't keep the object: their
/// loss is reported.
Task<Step<std::optional<Tags>>> Transfer::find_tags() {
  if (meta_.tags == 0 || rooms_->choices.metadata.tags == TagsTo::kNowhere) co_return std::optional<Tags>{};
  auto tags = co_await rooms_->source->tags(plan_.key, plan_.version_id);
  if (tags) co_return std::optional{*std::move(tags)};
  if (tags.error().kind == ErrorKind::kDenied || tags.error().kind == ErrorKind::kInvalid) {
    co_return std::optional<Tags>{};
  }
  co_return setback(Side::kSource, std::move(tags).error(), "read tags");
}

Task<Step<Unit>> Transfer::open_reader(std::uint64_t offset) {
  reader_.reset();
  auto reader = co_await rooms_->source->open(plan_.key, plan_.etag, offset, plan_.version_id);
  if (!reader) co_return setback(Side::kSource, std::move(reader).error(), "read source");
  reader_ = *std::move(reader);
  position_ = offset;
  co_return Unit{};
}

Task<Step<Unit>> Transfer::move_body() {
  if (upload_->tail_begin() == 0) co_return Unit{};
  auto buffer = rooms_->buffers->take(BufferPool::kBytesMax);
  while (upload_->offset() < upload_->tail_begin() || position_ < upload_->tail_begin()) {
    // Never across the end of a piece: there the digests can be saved for just what the target holds.
    const auto room = std::min<std::uint64_t>(buffer.bytes().size(), upload_->piece_end() - position_);
    auto got = co_await reader_->read(buffer.bytes().first(room));
    if (!got) co_return setback(Side::kSource, std::move(got).error(), "read source");
    if (*got == 0) {
      Error short_body{ErrorKind::kCorrupt,
                       "the body ended at byte " + std::to_string(position_) + " of " + std::to_string(meta_.size)};
      co_return setback(Side::kSource, std::move(short_body), "read source");
    }
    std::span<const char> bytes = buffer.bytes().first(*got);
    rooms_->tally->moved_bytes += bytes.size();
    hash(bytes);
    const std::uint64_t held = std::min<std::uint64_t>(upload_->offset() - position_, bytes.size());
    position_ += bytes.size();
    if (held == bytes.size()) continue;  // re-read for the digests only: the target has these bytes
    auto written = co_await upload_->write(bytes.subspan(held));
    if (!written && written.error().kind != ErrorKind::kUnavailable) {
      co_return setback(Side::kTarget, std::move(written).error(), "upload");
    }
    auto next = written ? co_await save_checkpoint() : co_await recover();
    if (!next) co_return next;
  }
  co_return Unit{};
}

/// The connection to the target is gone: ask what it holds, and read the source again from there.
Task<Step<Unit>> Transfer::recover() {
  const std::uint64_t durable = upload_->durable();
  auto recovered = co_await upload_->recover();
  if (!recovered) co_return setback(Side::kTarget, std::move(recovered).error(), "recover upload");
  recoveries_ = upload_->durable() > durable ? 0 : recoveries_ + 1;
  if (recoveries_ > kRecoveriesMax) {
    Error error{ErrorKind::kUnavailable,
                "the connection broke " + std::to_string(recoveries_) + " times at byte " + std::to_string(durable)};
    co_return setback(Side::kTarget, std::move(error), "upload");
  }
  const std::uint64_t from = std::min(upload_->offset(), hashed_);
  if (from == position_) co_return Unit{};
  co_return co_await open_reader(from);
}

/// Only where the digests stand exactly on what the target has acknowledged, and something new is worth remembering.
Task<Step<Unit>> Transfer::save_checkpoint() {
  if (meta_.size < kCheckpointBytesMin || upload_->durable() != hashed_ || checkpointed_ == hashed_) co_return Unit{};
  const auto session = upload_->session();
  if (!session) co_return Unit{};
  Checkpoint checkpoint;
  checkpoint.key = plan_.key;
  checkpoint.version = meta_.version;
  checkpoint.session = session->secret;
  checkpoint.offset = hashed_;
  checkpoint.hashes.emplace(to_string(HashKind::kCrc32c), big_endian(crc32c_));
  checkpoint.hashes.emplace(kPromised, to_string(rung()));
  for (std::size_t i = 0; i < digests_.size(); ++i) {
    auto saved = digests_[i] ? digests_[i]->save() : std::nullopt;
    if (saved) checkpoint.hashes.emplace(to_string(proofs_[i].rung), *std::move(saved));
  }
  auto saved = co_await rooms_->state->save_checkpoint(std::move(checkpoint));
  if (!saved) co_return setback(Side::kState, std::move(saved).error(), "save checkpoint");
  checkpointed_ = hashed_;
  co_return Unit{};
}

Task<Step<Receipt>> Transfer::commit() {
  auto buffer = rooms_->buffers->take(meta_.size - upload_->tail_begin());
  auto tail = co_await read_tail(buffer.bytes());
  if (!tail) co_return tl::unexpected<Setback>(std::move(tail).error());
  if (auto good = co_await verify(); !good) co_return tl::unexpected<Setback>(std::move(good).error());
  auto stored = co_await upload_->commit(*tail, crc32c_);
  if (!stored) co_return setback(Side::kTarget, std::move(stored).error(), "commit");
  Receipt receipt;
  receipt.key = plan_.key;
  receipt.version = meta_.version;
  receipt.generation = stored->generation;
  receipt.rung = rung();
  receipt.size = meta_.size;
  receipt.losses = losses_;
  receipt.when = std::chrono::floor<std::chrono::seconds>(rooms_->clock->wall());
  co_return receipt;
}

/// The held-back last piece, and proof that the source has nothing after it.
Task<Step<std::span<char>>> Transfer::read_tail(std::span<char> buffer) {
  const std::uint64_t begin = position_;
  const auto size = static_cast<std::size_t>(meta_.size - begin);
  std::size_t filled = 0;
  for (;;) {
    char surplus = 0;
    auto got =
        co_await reader_->read(filled < size ? buffer.subspan(filled, size - filled) : std::span<char>{&surplus, 1});
    if (!got) co_return setback(Side::kSource, std::move(got).error(), "read source");
    if (*got == 0 && filled == size) break;
    if (*got == 0 || filled == size) {
      Error error{ErrorKind::kCorrupt,
                  std::string{*got == 0 ? "the body ended early, at byte " : "the body goes on after byte "} +
                      std::to_string(begin + filled) + " of " + std::to_string(meta_.size)};
      co_return setback(Side::kSource, std::move(error), "read source");
    }
    filled += *got;
  }
  rooms_->tally->moved_bytes += size;
  hash(buffer.first(size));
  position_ = meta_.size;
  reader_.reset();  // its connection can serve another transfer while we commit
  co_return buffer.subspan(static_cast<std::size_t>(upload_->tail_begin() - begin),
                           static_cast<std::size_t>(meta_.size - upload_->tail_begin()));
}

/// A digest over parts that disagrees proves damage only if the sizes of the parts were right.
Task<Step<Unit>> Transfer::verify() {
  const auto wrong = disagreeing();
  if (!wrong) {
    if (rung() == Rung::kReadTwice) co_return co_await read_again();
    co_return Unit{};
  }
  if (proofs_[*wrong].parts == 0) co_return judge(wrong);
  auto corrected = co_await correct_part_sizes();
  if (!corrected) co_return tl::unexpected<Setback>(std::move(corrected).error());
  if (!*corrected) co_return judge(wrong);
  if (auto read = co_await read_again(); !read) co_return read;
  co_return judge(disagreeing());
}

/// Asks for the size of every part. False: they are what was assumed.
Task<Step<bool>> Transfer::correct_part_sizes() {
  auto sizes = co_await part_sizes(1, static_cast<std::uint32_t>(parts_.size()));
  if (!sizes) co_return tl::unexpected<Setback>(std::move(sizes).error());
  if (!*sizes || **sizes == parts_) co_return false;
  parts_ = **std::move(sizes);
  co_return true;
}

/// Computes the digests once more. What it reads must be what was sent: their CRC32C tells.
Task<Step<Unit>> Transfer::read_again() {
  if (auto opened = co_await open_reader(0); !opened) co_return opened;
  begin_digests();
  std::uint32_t crc = 0;
  auto buffer = rooms_->buffers->take(BufferPool::kBytesMax);
  for (;;) {
    auto got = co_await reader_->read(buffer.bytes());
    if (!got) co_return setback(Side::kSource, std::move(got).error(), "read source again");
    if (*got == 0) break;
    const std::span<const char> bytes = buffer.bytes().first(*got);
    crc = crc32c(crc, bytes);
    for (const auto& digest : digests_) {
      if (digest) digest->update(bytes);
    }
    rooms_->tally->moved_bytes += *got;
  }
  reader_.reset();
  if (crc == crc32c_) co_return Unit{};
  co_return setback(Side::kSource, Error{ErrorKind::kCorrupt, "two readings of the object differ"}, "verify");
}

/// What we computed for one proof; for the MD5 that the target verifies, what is expected.
std::string Transfer::seen(std::size_t proof) const {
  if (digests_[proof]) return digests_[proof]->digest().bytes;
  const Digest& expected = proofs_[proof].expected;
  return expected.kind == HashKind::kCrc32c ? big_endian(crc32c_) : expected.bytes;
}

/// The first proof that the bytes don't fit.
std::optional<std::size_t> Transfer::disagreeing() const {
  for (std::size_t i = 0; i < proofs_.size(); ++i) {
    if (seen(i) != proofs_[i].expected.bytes) return i;
  }
  return std::nullopt;
}

Step<Unit> Transfer::judge(std::optional<std::size_t> disagreeing) const {
  if (!disagreeing) return Unit{};
  const Proof& proof = proofs_[*disagreeing];
  return setback(
      Side::kSource,
      Error{ErrorKind::kCorrupt, std::string{to_string(proof.rung)} + " of the bytes is " + hex(seen(*disagreeing)) +
                                     ", the source stored " + hex(proof.expected.bytes)},
      "verify");
}

void Transfer::hash(std::span<const char> bytes) {
  const std::uint64_t end = position_ + bytes.size();
  if (end <= hashed_) return;
  const auto fresh = bytes.subspan(static_cast<std::size_t>(hashed_ > position_ ? hashed_ - position_ : 0));
  crc32c_ = crc32c(crc32c_, fresh);
  for (const auto& digest : digests_) {
    if (digest) digest->update(fresh);
  }
  hashed_ = end;
  under_way_.at(end);
}

/// Best effort: a session that stays behind holds invisible bytes, costs nothing and expires by itself.
Task<> Transfer::abandon() {
  reader_.reset();
  if (upload_) {
    if (const auto session = upload_->session()) {
      auto cancelled = co_await rooms_->target->cancel(*session);
      (void)cancelled.has_value();
    }
    upload_.reset();
  }
  if (checkpointed_) {
    auto dropped = co_await rooms_->state->drop_checkpoint(plan_.key);
    (void)dropped.has_value();
  }
}

}  // namespace ferry
