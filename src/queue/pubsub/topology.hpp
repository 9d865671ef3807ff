#pragma once
// The topic and the subscription of one job: what they are called, and that they exist.

#include <string>

#include "queue/pubsub/client.hpp"

namespace ferry::pubsub {

/// Any thread.
class Topology {
 public:
  Topology(const Options* options, Client* client, Clock* clock, Rng* rng);
  [[nodiscard]] const std::string& topic() const { return topic_; }
  [[nodiscard]] const std::string& subscription() const { return subscription_; }

  /// See Queue::prepare(). Several at a time, also in several processes, do no harm.
  Task<Status> prepare();
  Task<Status> look();  ///< see Queue::look()

 private:
  Task<Status> make_both();
  Task<Status> make_topic();
  Task<Status> make_subscription();
  Task<Status> check_subscription();
  Task<Status> replace_subscription();
  [[nodiscard]] Status belongs(const pb::Subscription& there) const;
  [[nodiscard]] pb::Subscription wanted() const;
  void warn(const std::string& line) const;

  const Options* const options_;
  Client* const client_;
  Clock* const clock_;
  Rng* const rng_;
  const std::string topic_, subscription_;
};

}  // namespace ferry::pubsub
