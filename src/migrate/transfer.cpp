#include "migrate/transfer.hpp"

#include <algorithm>
#include <utility>

#include "domain/byte_range.hpp"
#include "plan/metadata_map.hpp"

namespace ferry {
namespace {

constexpr int kRecoveriesMax = 8;  // in a row, without the target keeping anything new

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

/// Goes on where another process stopped. Leaves upload_ empty where that is not possible: then it is a fresh start.
Task<Step<Unit>> Transfer::resume(Checkpoint checkpoint) {
  checkpointed_ = checkpoint.offset;
  auto meta = co_await rooms_->source->stat(plan_.key);
  if (!meta) co_return setback(Side::kSource, std::move(meta).error(), "read source metadata");
  meta_ = *std::move(meta);
  if (auto chosen = co_await choose(); !chosen) co_return chosen;
  const UploadSession session{checkpoint.session};
  if (meta_.version.same_as(checkpoint.version) && meta_.version.etag == plan_.etag) {
    auto spec = make_spec();
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

/// Finds what can vouch for the bytes. Only where nothing else can, the source is asked for the parts of the upload: of
/// the first one, as nearly all uploads have parts of one size.
Task<Step<Unit>> Transfer::choose() {
  check_ = choose_check(meta_);
  const auto tag = parts_of(meta_.version.etag, meta_.encryption);
  if (check_.expected || !tag) co_return Unit{};
  std::optional<std::vector<std::uint64_t>> sizes;
  if (tag->count == 1) {
    sizes = std::vector{meta_.size};
  } else {
    auto first = co_await part_sizes(1, 1);
    if (!first) co_return tl::unexpected<Setback>(std::move(first).error());
    if (!*first) co_return Unit{};
    sizes = even_parts(meta_.size, tag->count, (*first)->front());
    if (!sizes) {
      auto all = co_await part_sizes(1, tag->count);
      if (!all) co_return tl::unexpected<Setback>(std::move(all).error());
      sizes = *std::move(all);
    }
  }
  if (sizes) check_ = Check{Rung::kParts, tag->digest, *std::move(sizes)};
  co_return Unit{};
}

/// Of parts `from` to `to`; nothing if the source doesn't tell.
Task<Step<std::optional<std::vector<std::uint64_t>>>> Transfer::part_sizes(std::uint32_t from, std::uint32_t to) {
  std::vector<std::uint64_t> sizes;
  for (std::uint32_t number = from; number <= to; ++number) {
    auto size = co_await rooms_->source->part_size(plan_.key, meta_.version.etag, number);
    if (!size) co_return setback(Side::kSource, std::move(size).error(), "read part sizes");
    if (!*size) co_return std::optional<std::vector<std::uint64_t>>{};
    sizes.push_back(**size);
  }
  co_return std::optional{std::move(sizes)};
}

std::unique_ptr<StreamHash> Transfer::fresh_digest() const {
  if (!check_.verified_in_stream()) return nullptr;
  return check_.rung == Rung::kParts ? make_pieces_hash(check_.parts) : make_hash(check_.expected->kind);
}

std::unique_ptr<StreamHash> Transfer::restored_digest(const Checkpoint& checkpoint) const {
  const auto saved = checkpoint.hashes.find(std::string{to_string(check_.rung)});
  if (saved == checkpoint.hashes.end()) return nullptr;
  return check_.rung == Rung::kParts ? restore_pieces_hash(check_.parts, saved->second)
                                     : restore_hash(check_.expected->kind, saved->second);
}

/// Digests go on from the checkpoint; if one of them can't be restored, all are computed again from the first byte.
void Transfer::restore_digests(const Checkpoint& checkpoint) {
  if (check_.verified_in_stream()) {
    digest_ = restored_digest(checkpoint);
    if (!digest_) {
      digest_ = fresh_digest();
      return;
    }
  }
  const auto crc = checkpoint.hashes.find(std::string{to_string(HashKind::kCrc32c)});
  const auto value = crc == checkpoint.hashes.end() ? std::nullopt : from_big_endian(crc->second);
  if (!value) {
    digest_ = fresh_digest();
    return;
  }
  crc32c_ = *value;
  hashed_ = checkpoint.offset;
}

Task<Step<Unit>> Transfer::begin_upload() {
  if (plan_.size && *plan_.size != meta_.size) {
    Error error{ErrorKind::kCorrupt,
                "the listing says " + std::to_string(*plan_.size) + " bytes, the reply " + std::to_string(meta_.size)};
    co_return setback(Side::kSource, std::move(error), "open source");
  }
  digest_ = fresh_digest();
  auto spec = make_spec();
  if (!spec) co_return tl::unexpected<Setback>(std::move(spec).error());
  auto upload = co_await rooms_->target->begin(*std::move(spec));
  if (!upload) co_return setback(Side::kTarget, std::move(upload).error(), "begin upload");
  upload_ = *std::move(upload);
  co_return Unit{};
}

Step<UploadSpec> Transfer::make_spec() const {
  const Provenance provenance{job_->source_uri(plan_.key), meta_.version, meta_.size, check_.rung};
  auto metadata = target_metadata(meta_.user, provenance);
  if (!metadata) {
    return tl::unexpected<Setback>(Setback{Side::kTarget, std::move(metadata).error(), FailureReason::kMetadata});
  }
  UploadSpec spec;
  spec.key = job_->target_key(plan_.key);
  spec.size = meta_.size;
  spec.expected = expected_;
  spec.content = meta_.content;
  spec.metadata = *std::move(metadata);
  if (check_.target_verifies()) spec.hash = check_.expected;
  return spec;
}

Task<Step<Unit>> Transfer::open_reader(std::uint64_t offset) {
  reader_.reset();
  auto reader = co_await rooms_->source->open(plan_.key, plan_.etag, offset);
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
  if (digest_) {
    if (auto saved = digest_->save()) checkpoint.hashes.emplace(to_string(check_.rung), *std::move(saved));
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
  receipt.rung = check_.rung;
  receipt.size = meta_.size;
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

/// A tag over parts that disagrees proves damage only if the sizes of the parts were right.
Task<Step<Unit>> Transfer::verify() {
  auto good = verify_digest();
  if (good || check_.rung != Rung::kParts) co_return good;
  auto corrected = co_await correct_part_sizes();
  if (!corrected) co_return tl::unexpected<Setback>(std::move(corrected).error());
  if (!*corrected) co_return good;
  if (auto read = co_await read_again(); !read) co_return read;
  co_return verify_digest();
}

/// Asks for the size of every part. False: they are what was assumed.
Task<Step<bool>> Transfer::correct_part_sizes() {
  auto sizes = co_await part_sizes(1, static_cast<std::uint32_t>(check_.parts.size()));
  if (!sizes) co_return tl::unexpected<Setback>(std::move(sizes).error());
  if (!*sizes || **sizes == check_.parts) co_return false;
  check_.parts = **std::move(sizes);
  co_return true;
}

/// Computes the digest over the corrected parts. What it reads must be what was sent: their CRC32C tells.
Task<Step<Unit>> Transfer::read_again() {
  if (auto opened = co_await open_reader(0); !opened) co_return opened;
  digest_ = fresh_digest();
  std::uint32_t crc = 0;
  auto buffer = rooms_->buffers->take(BufferPool::kBytesMax);
  for (;;) {
    auto got = co_await reader_->read(buffer.bytes());
    if (!got) co_return setback(Side::kSource, std::move(got).error(), "read source again");
    if (*got == 0) break;
    crc = crc32c(crc, buffer.bytes().first(*got));
    digest_->update(buffer.bytes().first(*got));
    rooms_->tally->moved_bytes += *got;
  }
  reader_.reset();
  if (crc == crc32c_) co_return Unit{};
  co_return setback(Side::kSource, Error{ErrorKind::kCorrupt, "two readings of the object differ"}, "verify");
}

Step<Unit> Transfer::verify_digest() const {
  if (!check_.expected) return Unit{};
  const bool by_crc = check_.expected->kind == HashKind::kCrc32c;
  if (!by_crc && !digest_) return Unit{};  // MD5: the target refuses a mismatch
  const std::string seen = by_crc ? big_endian(crc32c_) : digest_->digest().bytes;
  if (seen == check_.expected->bytes) return Unit{};
  return setback(Side::kSource,
                 Error{ErrorKind::kCorrupt, std::string{to_string(check_.rung)} + " of the bytes is " + hex(seen) +
                                                ", the source stored " + hex(check_.expected->bytes)},
                 "verify");
}

void Transfer::hash(std::span<const char> bytes) {
  const std::uint64_t end = position_ + bytes.size();
  if (end <= hashed_) return;
  const auto fresh = bytes.subspan(static_cast<std::size_t>(hashed_ > position_ ? hashed_ - position_ : 0));
  crc32c_ = crc32c(crc32c_, fresh);
  if (digest_) digest_->update(fresh);
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
