#include "queue/memory/memory_queue.hpp"

#include <algorithm>
#include <cassert>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "kit/async/waiting_line.hpp"

namespace ferry::memory {
namespace {

constexpr Milliseconds kDelayMax = std::chrono::hours{24 * 365};  // keeps sums of times far from overflow

struct Message {
  TransferPlan plan;
  std::uint32_t deliveries = 0;  ///< so far
};

/// The queue itself. Everything in it is guarded by one mutex; coroutines wait outside of it, in Publisher and
/// Receiver. Shared with frames and loans, so that the order in which they and the queue are destroyed doesn't matter.
class Core {
 public:
  /// A publish() with plans that don't fit yet. Whoever makes room moves them in, in order, and wakes it when all are
  /// in.
  class Publisher {
   public:
    Publisher(Core* core, std::vector<TransferPlan> plans) : core_(core), plans_(std::move(plans)) {}
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;
    ~Publisher() { core_->forget(this); }

    Wake wake;
    bool refused = false;

   private:
    friend class Core;
    Core* core_;
    std::vector<TransferPlan> plans_;
    std::size_t taken_ = 0;
    bool listed_ = false;
  };

  /// A receive() that found nothing. Woken, it looks again.
  using Receiver = WaitingLine::Waiter<Core>;

  /// What a receiver finds: messages, the end, or nothing so far (and when a delayed message is due).
  struct Look {
    std::vector<Message> messages;
    bool ended = false;
    std::optional<Milliseconds> due;
  };

  Core(std::size_t capacity, Clock* clock) : capacity_(capacity), clock_(clock) { assert(capacity > 0); }

  [[nodiscard]] Clock* clock() const { return clock_; }
  [[nodiscard]] std::size_t waiting() const {
    const std::lock_guard lock{mutex_};
    return held();
  }

  /// True: done with, see `refused`. False: wait for the wake-up, then see `refused`.
  bool offer(Publisher* publisher) {
    const std::lock_guard lock{mutex_};
    if (phase_ != Phase::kOpen) {
      publisher->refused = true;
      return true;
    }
    if (publisher->plans_.empty()) return true;
    publisher->listed_ = true;
    publishers_.push_back(publisher);
    refill();
    return !publisher->listed_;
  }

  /// Takes up to `max` messages on loan, or lists the receiver to be woken.
  Look look(std::size_t max, Receiver* receiver) {
    const std::lock_guard lock{mutex_};
    Look found;
    if (!delayed_.empty()) promote_due();
    if (!ready_.empty()) {
      found.messages = lend(max);
      refill();
      return found;
    }
    found.ended = phase_ == Phase::kAborted || drained();
    if (found.ended) return found;
    if (!delayed_.empty()) found.due = until(delayed_.begin()->first);
    receivers_.join(receiver);
    return found;
  }

  void ack() {
    const std::lock_guard lock{mutex_};
    --on_loan_;
    if (drained()) receivers_.wake_all();
  }

  void nack(Message message, Milliseconds delay) {
    const std::lock_guard lock{mutex_};
    --on_loan_;
    if (phase_ == Phase::kAborted) return;
    if (delay <= Milliseconds{0}) {
      ready_.push_back(std::move(message));
      receivers_.wake_one();
      return;
    }
    const auto place = delayed_.emplace(clock_->now() + std::min(delay, kDelayMax), std::move(message));
    if (place == delayed_.begin()) receivers_.wake_all();  // they sleep for too long
  }

  void forget(WaitingLine::Place* receiver) {
    const std::lock_guard lock{mutex_};
    if (receivers_.leave(receiver) && !ready_.empty()) receivers_.wake_one();
  }

  void close() {
    const std::lock_guard lock{mutex_};
    if (phase_ != Phase::kOpen) return;
    phase_ = Phase::kClosed;
    refuse_publishers();
    if (drained()) receivers_.wake_all();
  }

  void abort() {
    const std::lock_guard lock{mutex_};
    phase_ = Phase::kAborted;
    refuse_publishers();
    ready_.clear();
    delayed_.clear();
    receivers_.wake_all();
  }

 private:
  enum class Phase { kOpen, kClosed, kAborted };

  [[nodiscard]] std::size_t held() const { return ready_.size() + delayed_.size(); }
  [[nodiscard]] bool drained() const { return phase_ == Phase::kClosed && held() == 0 && on_loan_ == 0; }

  /// Rounded up: a receiver that wakes a little early would only sleep again.
  [[nodiscard]] Milliseconds until(SteadyTime due) const {
    return std::chrono::ceil<Milliseconds>(std::max(due - clock_->now(), SteadyTime::duration::zero()));
  }

  void promote_due() {
    const auto now = clock_->now();
    while (!delayed_.empty() && delayed_.begin()->first <= now) {
      ready_.push_back(std::move(delayed_.begin()->second));
      delayed_.erase(delayed_.begin());
    }
  }

  std::vector<Message> lend(std::size_t max) {
    const auto count = std::min(max, ready_.size());
    const auto last = ready_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Message> messages{std::make_move_iterator(ready_.begin()), std::make_move_iterator(last)};
    ready_.erase(ready_.begin(), last);
    on_loan_ += count;
    return messages;
  }

  /// Moves plans of waiting publishers in, first come, first served, and wakes a receiver if there is something for it.
  void refill() {
    while (!publishers_.empty()) {
      Publisher* first = publishers_.front();
      while (first->taken_ < first->plans_.size() && held() < capacity_) {
        ready_.push_back(Message{std::move(first->plans_[first->taken_++])});
      }
      if (first->taken_ < first->plans_.size()) break;
      publishers_.pop_front();
      first->listed_ = false;
      first->wake.set();
    }
    if (!ready_.empty()) receivers_.wake_one();
  }

  void refuse_publishers() {
    for (Publisher* publisher : std::exchange(publishers_, {})) {
      publisher->listed_ = false;
      publisher->refused = true;
      publisher->wake.set();
    }
  }

  void forget(Publisher* publisher) {
    const std::lock_guard lock{mutex_};
    if (publisher->listed_) publishers_.remove(publisher);
  }

  const std::size_t capacity_;
  Clock* const clock_;

  mutable std::mutex mutex_;
  Phase phase_ = Phase::kOpen;
  std::deque<Message> ready_;
  std::multimap<SteadyTime, Message> delayed_;  ///< by the time they are due; equal times in the order of arrival
  std::size_t on_loan_ = 0;
  std::list<Publisher*> publishers_;
  WaitingLine receivers_;
};

class Loan final : public Settlement {
 public:
  Loan(std::shared_ptr<Core> core, Message message) : core_(std::move(core)), message_(std::move(message)) {}
  void ack() override { core_->ack(); }
  void nack(Milliseconds delay) override { core_->nack(std::move(message_), delay); }

 private:
  std::shared_ptr<Core> core_;
  Message message_;  ///< to be given back; the Delivery's plan is the receiver's
};

std::vector<Delivery> deliver(const std::shared_ptr<Core>& core, std::vector<Message> messages) {
  std::vector<Delivery> deliveries;
  deliveries.reserve(messages.size());
  for (auto& message : messages) {
    const auto attempt = ++message.deliveries;
    auto plan = message.plan;
    deliveries.emplace_back(std::move(plan), attempt, std::make_unique<Loan>(core, std::move(message)));
  }
  return deliveries;
}

class MemoryQueue final : public MessageQueue {
 public:
  MemoryQueue(std::size_t capacity, Clock* clock) : core_(std::make_shared<Core>(capacity, clock)) {}
  ~MemoryQueue() override { core_->abort(); }

  Task<Status> publish(std::vector<TransferPlan> plans) override {
    const auto core = core_;
    Core::Publisher publisher{core.get(), std::move(plans)};
    if (!core->offer(&publisher)) co_await publisher.wake.wait();
    if (publisher.refused) co_return fail(ErrorKind::kCancelled, "publish: the queue is closed");
    co_return Unit{};
  }

  Task<Result<std::vector<Delivery>>> receive(std::size_t max) override {
    assert(max > 0);
    const auto core = core_;
    for (;;) {
      Core::Receiver receiver{core.get()};
      auto found = core->look(max, &receiver);
      if (found.ended || !found.messages.empty()) co_return deliver(core, std::move(found.messages));
      if (found.due) {
        co_await wait_at_most(&receiver.wake, core->clock(), *found.due);
      } else {
        co_await receiver.wake.wait();
      }
      receiver.looks_again = true;
    }
  }

  void close() override { core_->close(); }
  void abort() override { core_->abort(); }
  [[nodiscard]] std::size_t waiting() const override { return core_->waiting(); }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<MessageQueue> make_queue(std::size_t capacity, Clock* clock) {
  return std::make_unique<MemoryQueue>(capacity, clock);
}

}  // namespace ferry::memory
