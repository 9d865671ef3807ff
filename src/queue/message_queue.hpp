#pragma once
// Work waiting to be done. At-least-once: a plan may arrive twice, never zero times. Rooms: memory/ (embedded mode,
// tests), pubsub/. Every room passes message_queue_contract.hpp.
//
// Threads: any. A coroutine is resumed on the executor it suspended on.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "domain/transfer_plan.hpp"
#include "kit/async/clock.hpp"
#include "kit/async/task.hpp"
#include "kit/base/error.hpp"

namespace ferry {

/// What a room must be able to do with one delivered message; called at most once, from any thread.
class Settlement {
 public:
  virtual ~Settlement() = default;
  virtual void ack() = 0;
  virtual void nack(Milliseconds delay) = 0;
};

/// One delivered message on loan. Settling consumes it; dropped unsettled, it is given back at once.
class Delivery {
 public:
  Delivery(TransferPlan plan, std::uint32_t attempt, std::unique_ptr<Settlement> settlement, std::string defect = {})
      : plan_(std::move(plan)), attempt_(attempt), settlement_(std::move(settlement)), defect_(std::move(defect)) {}
  Delivery(Delivery&&) = default;
  Delivery& operator=(Delivery&&) = delete;
  ~Delivery() {
    if (settlement_) settlement_->nack(Milliseconds{0});
  }
  [[nodiscard]] const TransferPlan& plan() const { return plan_; }
  [[nodiscard]] std::uint32_t attempt() const { return attempt_; }  ///< 1 for the first delivery
  /// Not empty: the message can't be read, and this says why (never the message's own text). Of the plan only the key
  /// holds something then: what the ledger is to call the message.
  [[nodiscard]] const std::string& defect() const { return defect_; }
  void ack() && { std::exchange(settlement_, nullptr)->ack(); }
  void nack(Milliseconds delay) && { std::exchange(settlement_, nullptr)->nack(delay); }

 private:
  TransferPlan plan_;
  std::uint32_t attempt_;
  std::unique_ptr<Settlement> settlement_;
  std::string defect_;
};

class MessageQueue {
 public:
  virtual ~MessageQueue() = default;

  /// Returns when all plans are safe with the queue; suspends while it is full (back-pressure).
  /// @error kUnavailable (some may have been taken: publish again)  kCancelled (closed)
  virtual Task<Status> publish(std::vector<TransferPlan> plans) = 0;

  /// 1 to `max` deliveries; suspends until there is one. Empty: closed, and nothing is left or on loan.
  virtual Task<Result<std::vector<Delivery>>> receive(std::size_t max) = 0;

  /// No more publishing: receivers drain what is there, then get an empty batch.
  virtual void close() = 0;
  /// Stop now: receivers get an empty batch at once; what is waiting is dropped (embedded) or left with the broker.
  virtual void abort() = 0;

  [[nodiscard]] virtual std::size_t waiting() const = 0;  ///< a hint for progress displays
};

}  // namespace ferry
