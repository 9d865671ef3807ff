#pragma once
// What the broker holds and decides, without sockets: topics, subscriptions, backlogs, leases. Any thread.

#include <grpcpp/support/status.h>
#include <pubsub.pb.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "kit/async/clock.hpp"
#include "sandbox/pubsub/server.hpp"
#include "sandbox/pubsub/watcher.hpp"

namespace ferry::sandbox::pubsub {

namespace pb = google::pubsub::v1;
using Received = google::protobuf::RepeatedPtrField<pb::ReceivedMessage>;
using AckIds = google::protobuf::RepeatedPtrField<std::string>;

class Broker {
 public:
  struct Subscription;

  /// Where messages go out: a stream, or a Pull that waits. Called without the broker's lock.
  class Outlet {
   public:
    virtual ~Outlet() = default;
    virtual void pump() = 0;  ///< there may be something: take()
    virtual void end(grpc::Status status) = 0;
  };

  /// One outlet's side of the books.
  struct Session {
    std::weak_ptr<Outlet> outlet;
    Subscription* subscription = nullptr;  ///< null: ended
    std::chrono::seconds lease{10};
    std::int64_t messages_max = 0, bytes_max = 0;  ///< 0: no limit
    std::int64_t messages = 0, bytes = 0;          ///< on loan
    bool is_stream = false;
    SteadyTime gives_up = SteadyTime::max();

    [[nodiscard]] bool has_room() const {
      return (messages_max <= 0 || messages < messages_max) && (bytes_max <= 0 || bytes < bytes_max);
    }
  };
  using SessionPtr = std::shared_ptr<Session>;

  Broker(Watcher* watcher, Clock* clock, Rng* rng);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  grpc::Status create_topic(const pb::Topic& topic, pb::Topic* out);
  grpc::Status get_topic(const std::string& name, pb::Topic* out) const;
  grpc::Status list_topics(const pb::ListTopicsRequest& request, pb::ListTopicsResponse* out) const;
  grpc::Status delete_topic(const std::string& name);
  grpc::Status publish(const pb::PublishRequest& request, pb::PublishResponse* out);

  grpc::Status create_subscription(const pb::Subscription& wanted, pb::Subscription* out);
  grpc::Status get_subscription(const std::string& name, pb::Subscription* out) const;
  grpc::Status list_subscriptions(const pb::ListSubscriptionsRequest& request,
                                  pb::ListSubscriptionsResponse* out) const;
  grpc::Status delete_subscription(const std::string& name);
  grpc::Status acknowledge(const std::string& subscription, const AckIds& ids);
  grpc::Status modify(const std::string& subscription, const AckIds& ids, std::int32_t seconds);

  /// From now on the outlet is pumped; `session` holds its limits and learns its subscription.
  grpc::Status open(const std::string& subscription, SessionPtr session);
  void close(const SessionPtr& session);
  void set_lease(const SessionPtr& session, std::chrono::seconds lease);
  /// Puts up to `max` messages that fit the session's limits on loan. @return whether there were any
  bool take(const SessionPtr& session, int max, Received* out);

  void expire_leases();
  void end_streams(const grpc::Status& status);
  void forget();
  [[nodiscard]] std::vector<Holdings> holdings() const;
  void run_timers(std::stop_token stop);  ///< leases, delays, waiting Pulls; until `stop`
  void run_due();                         ///< one look at them, for time that a test moves

 private:
  struct Item;
  struct Lease;
  class Turn;
  using ItemPtr = std::shared_ptr<Item>;

  [[nodiscard]] Subscription* find(const std::string& name) const;
  void accept(Turn* turn, Subscription* to, ItemPtr item);
  ItemPtr next_for(Turn* turn, const SessionPtr& session, Subscription* from);
  void lend(const SessionPtr& session, ItemPtr item, pb::ReceivedMessage* out);
  void settle(Turn* turn, Subscription* of, std::uint64_t lease, bool done);
  void give_back(Turn* turn, Subscription* to, ItemPtr item);
  bool dead_letter(Turn* turn, Subscription* from, const ItemPtr& item);
  void set_deadline(Subscription* of, std::uint64_t lease, SteadyTime deadline);
  void due_at(SteadyTime time);
  SteadyTime tick(Turn* turn);
  void end_session(Turn* turn, const SessionPtr& session, const grpc::Status& status);

  Watcher* const watcher_;
  Clock* const clock_;
  Rng* const rng_;
  mutable std::mutex mutex_;
  std::condition_variable_any sooner_;
  SteadyTime planned_ = SteadyTime::max();  ///< when the timers look again
  std::uint64_t last_id_ = 0;               ///< of messages and leases
  std::map<std::string, pb::Topic> topics_;
  std::map<std::string, std::unique_ptr<Subscription>> subscriptions_;
};

}  // namespace ferry::sandbox::pubsub
