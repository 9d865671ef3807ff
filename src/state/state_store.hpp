#pragma once
// What is remembered between runs and between workers, per job. A cache: losing it costs work, never correctness
// (provenance on the target objects is the truth). Rooms: sqlite/ (embedded), memory/ (tests), redis/.
// Every room passes state_store_contract.hpp.
//
// Threads: any. A coroutine is resumed on the executor it suspended on. Writes that arrive together may be made durable
// together; a Task that returned success is durable as far as the room promises (SQLite: survives a killed process).
// @error kUnavailable everywhere: the store can't be reached or is full → do not ack, try again later
// @error kInvalid everywhere: the store is damaged; the text says what to do → do not ack, stop and tell a person

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kit/async/task.hpp"
#include "kit/base/error.hpp"
#include "state/record.hpp"

namespace ferry {

/// A large upload that another process can go on with: session, and hash states at `offset`.
struct Checkpoint {
  ObjectKey key;  ///< source key
  Version version;
  std::string session;  ///< bearer secret
  std::uint64_t offset = 0;
  std::map<std::string, std::string> hashes;  ///< rung → StreamHash::save() at `offset`; and the rung it promises
};

class StateStore {
 public:
  virtual ~StateStore() = default;

  virtual Task<Status> mark_published(std::vector<Published> published) = 0;
  /// One answer per key, in the same order; an empty Record where nothing is known.
  virtual Task<Result<std::vector<Record>>> lookup(std::vector<ObjectKey> keys) = 0;
  /// Records that a version is at the target and clears the key's failure and checkpoint. Fenced: a receipt with a
  /// lower generation than the recorded one changes nothing and is still a success.
  virtual Task<Status> record_consumed(Receipt receipt) = 0;
  /// All records, page by page. The order is the room's own; a record that is written meanwhile may be missed or come
  /// twice. @error kInvalid: not a cursor of this store
  virtual Task<Result<RecordPage>> list(std::optional<std::string> cursor, std::size_t limit) = 0;
  /// Forgets one half of these records, so that the next scan decides anew. @return how many there were
  virtual Task<Result<std::uint64_t>> forget(Mark mark, std::vector<ObjectKey> keys) = 0;
  /// The same for every record of the job, in slices that do not hold up others.
  virtual Task<Result<std::uint64_t>> forget_all(Mark mark) = 0;

  virtual Task<Status> record_failures(std::vector<Failure> failures) = 0;
  virtual Task<Status> clear_failures(std::vector<ObjectKey> keys) = 0;
  virtual Task<Result<FailurePage>> failures(std::optional<ObjectKey> after, std::size_t limit) = 0;
  /// How many there are. Cheap, however many.
  virtual Task<Result<std::uint64_t>> failure_count() = 0;

  virtual Task<Status> save_checkpoint(Checkpoint checkpoint) = 0;
  virtual Task<Result<std::optional<Checkpoint>>> load_checkpoint(ObjectKey key) = 0;
  virtual Task<Status> drop_checkpoint(ObjectKey key) = 0;
  /// All of them, for the sweep of abandoned sessions.
  virtual Task<Result<std::vector<Checkpoint>>> checkpoints() = 0;
};

}  // namespace ferry
