#pragma once
// One attempt to bring one version of one object over: the middle of the transfer rule (design §4, steps 2 to 4).

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "domain/job.hpp"
#include "domain/receipt.hpp"
#include "domain/transfer_plan.hpp"
#include "kit/async/clock.hpp"
#include "kit/base/buffer_pool.hpp"
#include "kit/base/hash.hpp"
#include "observe/activity.hpp"
#include "observe/tally.hpp"
#include "plan/integrity.hpp"
#include "plan/metadata_map.hpp"
#include "source/object_source.hpp"
#include "state/state_store.hpp"
#include "target/object_target.hpp"

namespace ferry {

enum class Side { kSource, kTarget, kState };

/// Why a transfer did not arrive, and where it went wrong.
struct Setback {
  Side side;
  Error error;
  std::optional<FailureReason> reason = std::nullopt;  ///< where the kind alone doesn't tell
  Setback(Side s, Error e, std::optional<FailureReason> r = std::nullopt) : side(s), error(std::move(e)), reason(r) {}
};

template <class T>
using Step = tl::expected<T, Setback>;

/// What a job may choose about every transfer.
struct TransferChoices {
  Integrity integrity = Integrity::kAuto;
  MetadataChoices metadata{};
  std::optional<RestoreWish> restore = std::nullopt;  ///< of archived objects; nothing: they stay where they are
};

/// What a transfer works with. All outlive it and belong to its thread (state and tally: any thread).
struct TransferRooms {
  ObjectSource* source;
  ObjectTarget* target;
  StateStore* state;
  Tally* tally;
  Clock* clock;
  BufferPool* buffers;
  Activity* activity;  ///< may be null
  TransferChoices choices;
};

/// Objects of at least this size leave a checkpoint behind, so that another process can go on after a crash.
inline constexpr std::uint64_t kCheckpointBytesMin = 8 << 20;

/// Use once: construct, run, drop. Nothing becomes visible at the target unless run() succeeds; dropping it in the
/// middle abandons what was sent, except what a checkpoint keeps for a later run.
class Transfer {
 public:
  /// `plan.key` is one that has a name at the target.
  Transfer(const TransferRooms* rooms, const Job* job, TransferPlan plan);

  /// `expected`: the target's generation, known before the source is read.
  /// Setbacks: source kGone/kChanged = superseded; target kConflict, kUnavailable = compare and try again; the rest per
  /// kind.
  Task<Step<Receipt>> run(Generation expected);

  /// What this attempt could not bring over, also where its outcome is unknown.
  [[nodiscard]] Losses losses() const { return losses_; }

 private:
  Task<Step<Unit>> start();
  Task<Step<Unit>> resume(Checkpoint checkpoint);
  Task<Step<Unit>> discard(UploadSession session);
  using PartSizes = std::vector<std::uint64_t>;
  Task<Step<Unit>> choose();
  Task<Step<std::optional<PartSizes>>> find_part_sizes(std::uint32_t count);
  Task<Step<std::optional<PartSizes>>> part_sizes(std::uint32_t from, std::uint32_t to);
  [[nodiscard]] std::unique_ptr<StreamHash> fresh_digest(const Proof& proof) const;
  [[nodiscard]] std::unique_ptr<StreamHash> restored_digest(const Proof& proof, const Checkpoint& checkpoint) const;
  [[nodiscard]] Rung rung() const { return rung_of(proofs_, rooms_->choices.integrity); }
  [[nodiscard]] bool promises_what_we_check(const Checkpoint& checkpoint) const;
  void begin_digests();
  void restore_digests(const Checkpoint& checkpoint);
  Task<Step<Unit>> begin_upload();
  Task<Step<UploadSpec>> make_spec();
  Task<Step<std::optional<Tags>>> find_tags();
  Task<Step<Unit>> open_reader(std::uint64_t offset);
  Task<Step<Unit>> move_body();
  Task<Step<Unit>> recover();
  Task<Step<Unit>> save_checkpoint();
  Task<Step<Receipt>> commit();
  Task<Step<std::span<char>>> read_tail(std::span<char> buffer);
  Task<Step<Unit>> verify();
  [[nodiscard]] std::string seen(std::size_t proof) const;
  [[nodiscard]] std::optional<std::size_t> disagreeing() const;
  [[nodiscard]] Step<Unit> judge(std::optional<std::size_t> disagreeing) const;
  Task<Step<bool>> correct_part_sizes();
  Task<Step<Unit>> read_again();
  void hash(std::span<const char> bytes);
  Task<> abandon();

  const TransferRooms* rooms_;
  const Job* job_;
  TransferPlan plan_;
  Generation expected_;

  ObjectMeta meta_;
  std::vector<Proof> proofs_;
  PartSizes parts_;  ///< where a proof is over parts
  Losses losses_;
  std::unique_ptr<ObjectReader> reader_;
  std::unique_ptr<Upload> upload_;
  std::uint64_t position_ = 0;  ///< next byte that the reader gives; never above upload_->offset() when a write begins
  std::uint64_t hashed_ = 0;    ///< bytes that the digests have seen; re-read bytes below it are not hashed twice
  std::uint32_t crc32c_ = 0;
  Activity::Entry under_way_;
  std::vector<std::unique_ptr<StreamHash>> digests_;  ///< by proof; null where CRC32C or the target verifies it
  std::optional<std::uint64_t> checkpointed_;
  int recoveries_ = 0;
};

}  // namespace ferry
