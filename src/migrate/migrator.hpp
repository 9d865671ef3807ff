#pragma once
// Migrator: receive → transfer → record → acknowledge. The order of the last two is the durability promise (design §4).

#include <memory>
#include <variant>

#include "kit/async/wake.hpp"
#include "kit/resilience/backoff.hpp"
#include "migrate/transfer.hpp"
#include "observe/outcome.hpp"
#include "plan/decide.hpp"
#include "queue/message_queue.hpp"

namespace ferry {

struct MigratorOptions {
  Policy policy;
  TransferChoices choices;
  std::size_t transfers = 64;  ///< at once
  int rounds_max = 4;          ///< per delivery: compare-and-try-again after a conflict or an unknown outcome
  /// Between deliveries of one object; attempts_max deliveries, then the ledger.
  Backoff redelivery{.first = Milliseconds{1'000}, .ceiling = Milliseconds{30'000}, .attempts_max = 5};
  /// So many refusals in a row by one side, before anything succeeded, are a fault of the set-up, not of objects.
  int refusals_max = 20;
  /// What such refusals lead to. False: the run ends. True (a service): messages go back with a delay, for as long as
  /// it lasts, and the sink is told; somebody may put the set-up right meanwhile.
  bool patient = false;
  Activity* activity = nullptr;  ///< told what is under way; may be null
};

/// Belongs to one io_context thread; so do its source and target. Queue, state, tally, sink: any thread.
class Migrator {
 public:
  /// All pointers outlive the Migrator; `sink` may be null.
  Migrator(Job job, MigratorOptions options, ObjectSource* source, ObjectTarget* target, MessageQueue* queue,
           StateStore* state, Tally* tally, OutcomeSink* sink, Clock* clock, Rng* rng);

  /// Works until the queue is closed and drained, or aborted; then waits for transfers under way. Cancelled: they
  /// unwind, and their messages go back.
  /// @error kDenied, kInvalid: a side refuses everything (credentials, bucket): nothing more is taken; tell a person
  Task<Status> run();

  /// While paused nothing new is taken; what is under way goes on. On the Migrator's thread.
  void set_paused(bool paused);

 private:
  struct Superseded {
    std::string why;
  };
  struct AlreadyThere {
    Receipt receipt;
  };
  using Outcome = std::variant<Receipt, AlreadyThere, Superseded, Setback>;

  Task<> while_paused();
  Task<> handle(Delivery delivery);
  Task<> report_defect(Delivery delivery);
  Task<Outcome> carry(TransferPlan plan, bool first_delivery);
  Task<bool> look_again(TransferPlan* plan);
  Task<std::optional<Setback>> ask_for_restore(TransferPlan plan, Setback archived);
  Task<Outcome> carry_completed(TransferPlan plan, std::optional<Generation> expected);
  Task<Step<std::optional<Receipt>>> compare(TransferPlan plan, std::optional<Generation>* expected);
  Task<Step<std::optional<Receipt>>> examine(const TransferPlan* plan, const TargetObject* there);
  Task<Step<std::optional<Receipt>>> recognised(ObjectKey key, Version version, Rung rung, const TargetObject* there);
  Task<> settle(Delivery delivery, Outcome outcome);
  Task<> conclude(Delivery delivery, Receipt receipt, bool moved);
  void count_proof(const Receipt& receipt);
  Task<> set_back(Delivery delivery, Setback setback);
  Task<> give_up(Delivery delivery, Failure failure);
  void give_back(Delivery delivery);
  bool count_refusal(const Setback& setback);

  Job job_;
  MigratorOptions options_;
  MessageQueue* queue_;
  StateStore* state_;
  Tally* tally_;
  OutcomeSink* sink_;
  Clock* clock_;
  Rng* rng_;
  BufferPool buffers_;
  TransferRooms rooms_;
  std::shared_ptr<Wake> resumed_;  ///< there is one while paused
  bool succeeded_ = false;
  int refusals_ = 0;
  std::optional<Error> refused_;
};

/// Which entry of the ledger a setback becomes.
[[nodiscard]] FailureReason reason_of(const Setback& setback);

}  // namespace ferry
