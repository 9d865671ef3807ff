#pragma once
// Publisher: lists both sides, compares, plans, enqueues. Listing, comparing and transferring overlap: a full queue
// makes the scan wait, and memory does not grow with the bucket (two pages per side).
//
// Both listings come in the order of names, so one pass matches them. Only a name that had to be escaped stands
// elsewhere in the target's listing: such objects are looked up there one by one.

#include <functional>
#include <optional>
#include <string>

#include "domain/job.hpp"
#include "kit/async/clock.hpp"
#include "observe/outcome.hpp"
#include "observe/tally.hpp"
#include "plan/decide.hpp"
#include "plan/filter.hpp"
#include "publish/listings.hpp"
#include "queue/message_queue.hpp"
#include "source/object_source.hpp"
#include "state/state_store.hpp"
#include "target/object_target.hpp"

namespace ferry {

/// One source object in scope, what the target holds under its name (or null), and what follows.
struct Sighting {
  const SourceEntry* entry;
  const TargetObject* there;
  const Decision* decision;
};

struct ScanOptions {
  Policy policy;
  Filter filter;
  std::string scan_id;       ///< travels with each plan
  bool old_listing = false;  ///< the source's listing may be hours old: what changed since is looked at anew
  bool dry_run = false;      ///< decides, counts and tells the sink, but neither enqueues nor records

  /// Marks what is published, and publishes it again only after this time, or when it was consumed and is still missing
  /// at the target. Nothing: no marks; the queue lives no longer than the scan.
  std::optional<Milliseconds> republish_after;
  bool audit = false;  ///< whatever the marks say, publishes all that the target lacks
  /// Told of each object in scope what was decided. Absent: nobody wants to know.
  std::function<void(const Sighting&)> observe;
  /// Asked before each batch is published; an error ends the scan with it. Absent: always.
  std::function<Status()> may_go_on;
};

class Publisher {
 public:
  /// All pointers outlive the Publisher; `sink` may be null, and so may `target`, where all is to be copied, and, in a
  /// dry run, `queue` and `state`. Belongs to the executor that scan() is awaited on.
  Publisher(Job job, ScanOptions options, ObjectSource* source, ObjectTarget* target, MessageQueue* queue,
            StateStore* state, Tally* tally, OutcomeSink* sink, Clock* clock);

  /// One pass over the whole job. Returns when everything to be copied is with the queue; does not close the queue.
  /// An error means that the scan is incomplete: nothing may be concluded from what was not seen.
  /// @error as ObjectSource::list, ObjectTarget::list, MessageQueue::publish, StateStore
  Task<Status> scan();

 private:
  struct Batch;
  struct Aside;
  Task<Status> merge(Listings* listings);
  void match_heads(Listings* listings, Batch* batch);
  bool match(const SourceEntry& entry, Listings::TargetStream* target, Batch* batch);
  Task<Status> look_up(Batch* batch);
  Task<> look_up_one(const Aside* aside, Batch* batch, Status* outcome);
  [[nodiscard]] bool in_scope(const SourceEntry& entry) const;
  void judge(const SourceEntry& entry, const TargetObject* there, Batch* batch);
  void judge_trouble(const SourceEntry& entry, Batch* batch);
  void conclude(const SourceEntry& entry, const TargetObject* there, Decision decision, Batch* batch);
  void refuse(const SourceEntry& entry, Refused refused, Batch* batch);
  bool plan(TransferPlan* plan);
  Task<Status> deliver(Batch batch);
  Task<Status> publish(std::vector<TransferPlan> plans);
  Task<Status> leave_out_recognised(Batch* batch);
  Task<Status> leave_out_pending(std::vector<TransferPlan>* plans);
  [[nodiscard]] bool is_pending(const Record& record, const TransferPlan& plan) const;

  Job job_;
  ScanOptions options_;
  ObjectSource* source_;
  ObjectTarget* target_;
  MessageQueue* queue_;
  StateStore* state_;
  Tally* tally_;
  OutcomeSink* sink_;
  Clock* clock_;
  Seconds began_{};
};

}  // namespace ferry
