#pragma once
// The receiving side: streams, loans, receivers, and the coroutines that keep all of it going.

#include <atomic>
#include <boost/asio/cancellation_signal.hpp>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kit/async/bell.hpp"
#include "kit/async/waiting_line.hpp"
#include "queue/pubsub/books.hpp"
#include "queue/pubsub/client.hpp"
#include "queue/pubsub/stream.hpp"
#include "queue/pubsub/topology.hpp"

namespace ferry::pubsub {

/// Shared by the queue, its deliveries, its streams and its own coroutines, so that the order in which they end doesn't
/// matter. One mutex guards what is below it; nothing foreign is called under it but Wake::set().
class Core final : public StreamSink, public std::enable_shared_from_this<Core> {
 public:
  Core(Executor home, Options options, std::shared_ptr<grpc::Channel> channel, Clock* clock, Rng* rng);

  /// A receive() that found nothing. Woken, it looks again.
  using Receiver = WaitingLine::Waiter<Core>;
  void forget(WaitingLine::Place* receiver);

  /// A message that waits for a receiver.
  struct Arrival {
    LoanPtr loan;
    TransferPlan plan;
    std::string defect;
  };
  struct Look {
    std::vector<Arrival> arrivals;
    bool ended = false;
  };

  Look look(std::size_t max, Receiver* receiver);
  void ack(const LoanPtr& loan);
  void nack(const LoanPtr& loan, Milliseconds delay);
  void start_pulling();  ///< once; further calls change nothing
  void close();
  void abort();
  Task<> shutdown(Milliseconds grace);
  /// Ends all calls, waits for gRPC's threads, tells the coroutines to end.
  void stop();

  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] bool open() const;
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Client* client() { return &client_; }
  [[nodiscard]] Topology* topology() { return &topology_; }
  [[nodiscard]] Clock* clock() const { return clock_; }
  [[nodiscard]] Rng* rng() const { return rng_; }

  bool received(pb::StreamingPullResponse* response) override;

 private:
  enum class Phase { kOpen, kClosed, kAborted };
  struct Incoming;
  struct PullEnd;
  class StreamEntry;
  class Sending;
  using Ids = std::vector<std::string>;

  // In core.cpp: what any thread may do.
  [[nodiscard]] Incoming read(pb::ReceivedMessage* message) const;
  void take_in(Incoming incoming, SteadyTime now);
  [[nodiscard]] bool drained() const;
  [[nodiscard]] std::vector<std::shared_ptr<Stream>> streams_to_resume();
  void end_pulling();
  void warn(const std::string& line) const;
  void warn_of_strangers(bool newer_schema, bool other_job);

  // In upkeep.cpp: coroutines on the home executor.
  void spawn(Task<> task);
  void start_upkeep();
  static Task<> pull(std::shared_ptr<Core> self);
  static Task<> keep_leases(std::shared_ptr<Core> self);
  static Task<> keep_delays(std::shared_ptr<Core> self);
  static Task<> tell_broker(std::shared_ptr<Core> self);
  static Task<> acknowledge(std::shared_ptr<Core> self, Ids ids);
  static Task<> modify(std::shared_ptr<Core> self, Ids ids, std::chrono::seconds lease, const char* what);
  static Task<> extend(std::shared_ptr<Core> self, std::vector<LoanPtr> loans);
  Task<PullEnd> pull_once();
  Task<> recover(PullEnd end, int* failures);
  void send_news();
  [[nodiscard]] bool all_told() const;
  [[nodiscard]] bool pulling_ended() const;

  const Executor home_;
  const Options options_;
  Clock* const clock_;
  Rng* const rng_;
  Client client_;
  Topology topology_;

  mutable std::mutex mutex_;
  Phase phase_ = Phase::kOpen;
  bool pulling_ = false;
  bool paused_ = false;  ///< streams are not read
  Books books_;
  std::deque<Arrival> ready_;
  WaitingLine receivers_;
  std::list<std::shared_ptr<Stream>> streams_;
  std::size_t sending_ = 0;  ///< requests with acks or nacks under way
  bool warned_schema_ = false, warned_job_ = false;

  std::atomic<bool> stopping_{false};
  std::atomic<bool> hurry_{false};  ///< acks and nacks are sent as soon as they are there
  Bell news_, hurry_bell_, due_, told_, idle_;
  std::list<asio::cancellation_signal> tasks_;  ///< home executor only
};

}  // namespace ferry::pubsub
