#pragma once
// Kept-alive connections that nobody uses right now. Last in, first out: the rest may age and go.

#include <deque>
#include <map>
#include <memory>

#include "kit/net/conn.hpp"

namespace ferry::net {

class Pool {
 public:
  Pool(Clock* clock, Milliseconds idle_timeout, std::size_t idle_max)
      : clock_(clock), idle_timeout_(idle_timeout), idle_max_(idle_max) {}

  /// One that is still good: young enough, not closed by the peer, and silent. Null: none.
  std::unique_ptr<Conn> take(const Origin& origin);
  void put(const Origin& origin, std::unique_ptr<Conn> conn);

 private:
  struct Idle {
    std::unique_ptr<Conn> conn;
    SteadyTime since;
  };
  void drop_old(SteadyTime now);

  Clock* clock_;
  Milliseconds idle_timeout_;
  std::size_t idle_max_;
  std::size_t size_ = 0;
  SteadyTime cleaned_{};
  std::map<Origin, std::deque<Idle>> idle_;  ///< oldest first
};

}  // namespace ferry::net
