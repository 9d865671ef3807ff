#pragma once
// What the HTTP API and the dashboard may ask and command. app implements it; the tests have their own.
//
// Threads: all calls come from the API server's thread. Anything may fail with kUnavailable (Redis away): the API
// answers 503 then. Objects named in commands are exact keys, never patterns.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/receipt.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"
#include "state/record.hpp"

namespace ferry::admin {

struct ScanState {
  std::string id;
  bool audit = false;  ///< ignores what the cache says
  bool running = false;
  Seconds began{};
  std::optional<Seconds> ended;
  std::string outcome;  ///< empty while running; "complete", or the error in one line
  std::uint64_t listed = 0, listed_bytes = 0, published = 0, published_bytes = 0, unchanged = 0, waiting = 0,
                failed = 0, skipped = 0;
  std::uint64_t adopted = 0;            ///< of the unchanged: brought by another tool, known by a checksum
  std::uint64_t gone = 0, deleted = 0;  ///< left the source; of those, deleted at the target
  std::string deletions;                ///< why nothing, or not all, was deleted; empty: nothing was in the way
};

struct TransferState {
  std::string key;
  std::uint64_t size = 0, done = 0;  ///< bytes
  Seconds began{};
};

struct WorkerState {
  std::string name;
  std::string version;
  Seconds began{};
  Seconds heard{};  ///< its last word
  bool draining = false;
  std::uint64_t active = 0, transfers_max = 0;
  std::uint64_t copied = 0, copied_bytes = 0, failed = 0;  ///< since it began
  double bytes_per_second = 0, objects_per_second = 0;
  std::vector<TransferState> transfers;  ///< the largest, at most 20
};

/// All that the dashboard shows, but the failures themselves.
struct ServiceStatus {
  std::string version;
  std::string job;  ///< "s3://bucket/prefix → gs://bucket/prefix"
  Seconds now{};
  bool paused = false;
  std::vector<std::string> troubles;  ///< one line each: what is away or wrong, and what that means
  std::vector<ScanState> scans;       ///< the newest first, at most 20; the first may be running
  std::optional<Seconds> next_scan;
  std::uint64_t backlog = 0, backlog_bytes = 0;  ///< published, not yet consumed, as far as is known
  std::uint64_t copied = 0, copied_bytes = 0, already_there = 0, superseded = 0, retried = 0;
  std::uint64_t failed = 0;                     ///< entries of the ledger now, also of what no scan could publish
  std::uint64_t gave_up = 0;                    ///< how often migrators put an object there
  std::uint64_t adopted = 0;                    ///< of those already there: brought by another tool
  std::uint64_t deleted = 0;                    ///< at the target, because they left the source
  std::map<std::string, std::uint64_t> rungs;   ///< objects by integrity check
  std::map<std::string, std::uint64_t> losses;  ///< objects by what of them did not arrive
  std::vector<WorkerState> workers;
  double bytes_per_second = 0, objects_per_second = 0;
  std::optional<std::uint64_t> seconds_left;
};

enum class ScanRequest { kStarted, kQueued, kAlreadyQueued };

class Operator {
 public:
  virtual ~Operator() = default;

  virtual Task<Result<RecordPage>> records(std::optional<std::string> cursor, std::size_t limit) = 0;
  virtual Task<Result<Record>> record(ObjectKey key) = 0;
  virtual Task<Result<std::uint64_t>> forget(Mark mark, ObjectKey key) = 0;
  virtual Task<Result<std::uint64_t>> forget_all(Mark mark) = 0;

  /// Any number of requests while one scan runs make one more scan.
  virtual Task<Result<ScanRequest>> scan(bool audit) = 0;
  virtual Task<Status> set_paused(bool paused) = 0;
  virtual Task<Result<ServiceStatus>> status() = 0;
  virtual Task<Result<FailurePage>> failures(std::optional<ObjectKey> after, std::size_t limit) = 0;
  /// Clears these from the ledger and publishes them again; no keys: all. @return how many
  virtual Task<Result<std::uint64_t>> retry(std::vector<ObjectKey> keys) = 0;

  /// Prometheus text format, version 0.0.4.
  virtual Task<Result<std::string>> metrics() = 0;
  /// Everything that is needed to work was reachable lately.
  [[nodiscard]] virtual bool ready() const = 0;
};

}  // namespace ferry::admin
