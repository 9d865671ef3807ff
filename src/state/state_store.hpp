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

#include "domain/receipt.hpp"
#include "domain/version.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"

namespace ferry {

struct Published {
  ObjectKey key;
  Version version;
  Seconds when{};
};

/// What is known of one key.
struct Record {
  ObjectKey key;
  std::optional<Published> published;
  std::optional<Receipt> consumed;
};

struct RecordPage {
  std::vector<Record> records;    ///< ascending by key
  std::optional<ObjectKey> next;  ///< pass as `after`; nothing: the end
};

/// A large upload that another process can go on with: session, and hash states at `offset`.
struct Checkpoint {
  ObjectKey key;  ///< source key
  Version version;
  std::string session;  ///< bearer secret
  std::uint64_t offset = 0;
  std::map<std::string, std::string> hashes;  ///< HashKind text → StreamHash::save(); all at `offset`
};

struct FailurePage {
  std::vector<Failure> failures;
  std::optional<ObjectKey> next;
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
  virtual Task<Result<RecordPage>> list(std::optional<ObjectKey> after, std::size_t limit) = 0;

  virtual Task<Status> record_failures(std::vector<Failure> failures) = 0;
  virtual Task<Status> clear_failures(std::vector<ObjectKey> keys) = 0;
  virtual Task<Result<FailurePage>> failures(std::optional<ObjectKey> after, std::size_t limit) = 0;

  virtual Task<Status> save_checkpoint(Checkpoint checkpoint) = 0;
  virtual Task<Result<std::optional<Checkpoint>>> load_checkpoint(ObjectKey key) = 0;
  virtual Task<Status> drop_checkpoint(ObjectKey key) = 0;
  /// All of them, for the sweep of abandoned sessions.
  virtual Task<Result<std::vector<Checkpoint>>> checkpoints() = 0;
};

}  // namespace ferry
