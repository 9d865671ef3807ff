#pragma once
// Deadlines of many connections, kept by one sleeper: arming one costs a few stores, not a timer.

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <string_view>

#include "kit/async/clock.hpp"

namespace ferry::net {

/// Something that must not take for ever. Either an instant by which it must be over, or a pace it must keep while it
/// waits. Times are exact to one tick of the watchdog, never early.
class Watch : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Over by `deadline`, whatever moves meanwhile. `reason` ends an error text and must outlive the watch.
  void due(SteadyTime deadline, std::string_view reason);
  /// In each `limit` spent waiting, at least `bytes_min` bytes; and never `limit` without any.
  void keep_pace(Milliseconds limit, std::uint64_t bytes_min);
  void relax() { rule_ = Rule::kNone; }

 protected:
  Watch() = default;
  virtual ~Watch() = default;
  virtual void expire(std::string_view reason) = 0;  ///< called once per rule, from the sweeper

  bool waiting_ = false;     ///< for the peer; time that the caller takes for himself doesn't count
  std::uint64_t moved_ = 0;  ///< bytes, both directions

 private:
  friend class Watchdog;
  enum class Rule { kNone, kDue, kPace };
  void check(SteadyTime now);
  void check_pace(SteadyTime now);

  Rule rule_ = Rule::kNone;
  SteadyTime deadline_;
  std::string_view reason_;
  // The pace as the sweeper saw it.
  Milliseconds limit_{0};
  std::uint64_t bytes_min_ = 0;
  std::uint64_t seen_moved_ = 0;    ///< at the last sweep
  std::uint64_t window_moved_ = 0;  ///< when the window began
  SteadyTime swept_;                ///< last sweep that found it waiting
  Milliseconds silent_{0};          ///< waited since the last byte
  Milliseconds window_{0};          ///< waited since the window began
  bool swept_waiting_ = false;
};

/// Sweeps while it has something to watch; otherwise nothing of it is left on the io_context. One thread.
class Watchdog {
 public:
  Watchdog(Executor executor, Clock* clock, Milliseconds shortest_limit);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void add(Watch* watch);     ///< until remove() or its end
  void remove(Watch* watch);  ///< and no longer keeps the io_context busy if it was the last one

 private:
  struct State;
  static Task<> sweep(std::shared_ptr<State> state);
  static void start(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace ferry::net
