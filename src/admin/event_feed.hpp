#pragma once
// The status of the service, once a second, for any number of watchers: one question to the operator per tick however
// many there are, none while nobody watches. A watcher that reads slowly misses ticks; nobody waits for it.

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>

#include "admin/operator.hpp"
#include "kit/async/clock.hpp"
#include "kit/async/task_group.hpp"
#include "kit/async/wake.hpp"
#include "kit/net/http_server.hpp"

namespace ferry::admin {

class EventFeed {
 public:
  static constexpr Milliseconds kTick{1'000};
  static constexpr std::size_t kHistoryMax = 600;  ///< ticks that a new watcher gets at once

  EventFeed(Executor executor, Operator* service, Clock* clock, std::size_t watchers_max);

  /// Streams until the peer is gone or close(). Too many watchers: 503.
  Task<> serve(net::ServerExchange* exchange);
  /// Ends all streams, and the questions. Once.
  void close();
  Task<> join() { return ticking_.join(); }

 private:
  struct Sample {
    std::int64_t second;  ///< Unix time
    double bytes_per_second, objects_per_second;
    std::uint64_t backlog;
  };
  using Text = std::shared_ptr<const std::string>;

  Task<> stream(net::ServerExchange* exchange);
  Task<Text> next(std::uint64_t* seen);
  static Task<> tick(EventFeed* feed);
  Task<> ask();
  void remember(const ServiceStatus& status);
  [[nodiscard]] std::string history_text() const;

  Operator* service_;
  Clock* clock_;
  std::size_t watchers_max_;
  TaskGroup ticking_;
  std::size_t watchers_ = 0;
  std::set<Wake*> waiting_;
  bool asking_ = false, closed_ = false;
  std::uint64_t ticks_ = 0;
  Text latest_;
  std::deque<Sample> history_;
};

}  // namespace ferry::admin
