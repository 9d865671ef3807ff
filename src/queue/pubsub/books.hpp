#pragma once
// What this process has of the broker's: leases, delays, and what is to be told about them. No locks, no I/O.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kit/async/clock.hpp"
#include "queue/pubsub/attempts.hpp"

namespace ferry::pubsub {

/// One message on lease.
struct Loan {
  std::string message_id;
  std::string ack_id;  ///< the newest: the broker may deliver a message again while we have it
  std::size_t bytes = 0;
  std::uint32_t attempt = 1;
  SteadyTime granted;    ///< when the lease was last set
  bool out = false;      ///< with a receiver
  bool parked = false;   ///< held because it isn't for us
  bool settled = false;  ///< nothing can be said about it any more
};
using LoanPtr = std::shared_ptr<Loan>;

class Books {
 public:
  Books(std::size_t messages_max, std::size_t bytes_max);

  /// A message came. `attempt` is the broker's word; 0: it doesn't say, and we count.
  /// @return null: it is here already, and keeps the newer ack id
  LoanPtr enter(const std::string& message_id, std::string ack_id, std::size_t bytes, std::uint32_t attempt,
                SteadyTime now);
  void lend(const LoanPtr& loan);
  void ack(const LoanPtr& loan);
  void nack(const LoanPtr& loan);
  void hold(const LoanPtr& loan, SteadyTime due);  ///< nacked when it is due
  /// As hold(), but only a quarter of the room is for what isn't ours: beyond that, it goes back at once.
  void park(const LoanPtr& loan, SteadyTime due);

  [[nodiscard]] std::optional<SteadyTime> next_due() const;
  void nack_due(SteadyTime now);
  void nack_idle();  ///< all but what is out
  void nack_all();

  [[nodiscard]] std::vector<LoanPtr> granted_before(SteadyTime time) const;
  [[nodiscard]] std::vector<std::string> take_acks() { return std::exchange(acks_, {}); }
  [[nodiscard]] std::vector<std::string> take_nacks() { return std::exchange(nacks_, {}); }
  [[nodiscard]] bool has_news() const { return !acks_.empty() || !nacks_.empty(); }
  [[nodiscard]] std::size_t out() const { return out_; }
  [[nodiscard]] bool full() const { return loans_.size() >= messages_max_ || bytes_ >= bytes_max_; }
  [[nodiscard]] bool has_room() const;  ///< clearly below the limits, so that reading is worth starting again

 private:
  void drop(const LoanPtr& loan, std::vector<std::string>* into);

  const std::size_t messages_max_, bytes_max_;
  Attempts attempts_;
  std::unordered_map<std::string_view, LoanPtr> loans_;  ///< by message id
  std::multimap<SteadyTime, LoanPtr> held_;
  std::size_t bytes_ = 0, out_ = 0, parked_ = 0;
  std::vector<std::string> acks_, nacks_;  ///< ack ids
};

/// Ids in portions that fit one request.
[[nodiscard]] std::vector<std::vector<std::string>> portions(std::vector<std::string> ack_ids);

}  // namespace ferry::pubsub
