#pragma once
// A queue of requests to the server that holds one group of keys, and the connection that serves it: round by round,
// each round everything that waits. Callers are on any thread, the connection on the client's.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kit/async/wake.hpp"
#include "kit/resilience/backoff.hpp"
#include "state/redis/link.hpp"

namespace ferry::redis {

class Lane {
 public:
  /// All must outlive it.
  Lane(net::Dialer* dialer, const Address* address, const ClientOptions* options, Clock* clock, Rng* rng);

  /// The replies, one per request and in their order; error replies are among them, except where this repairs their
  /// cause: a script that is not there is loaded, keys that moved are followed. All requests must bear being done
  /// twice. A caller that is cancelled does not wait; its requests may still be done.
  /// @error kUnavailable  no connection, no answer, the connection broke twice
  /// @error kDenied       the server refuses the login
  Task<Result<Replies>> send(Commands commands);

  /// Serves until cancelled; on the client's thread.
  Task<> serve();

 private:
  struct Batch {
    explicit Batch(Commands what) : commands(std::move(what)), replies(commands.size()) {}
    const Commands commands;
    Replies replies;
    std::optional<Error> error;
    Wake done;
  };
  /// One request of a batch, on its way.
  struct Item {
    Batch* batch;
    std::size_t index;
  };
  using Batches = std::vector<std::shared_ptr<Batch>>;
  using Items = std::vector<Item>;

  Task<Batches> next_round();
  Batches take_waiting(std::size_t bytes_max);
  Task<Status> perform(Items* open);
  Task<Status> connect();
  Task<Status> exchange(Items* open);
  Task<Status> repair(Items* failed);
  Task<Status> load_scripts(const Items* missing);
  Task<Status> ask_elsewhere(Item item, net::Origin server);
  static void finish(const Batches& batches, const Status& outcome);

  Connector connector_;
  const ClientOptions* options_;
  Clock* clock_;
  Rng* rng_;

  std::mutex mutex_;
  Batches waiting_;
  std::shared_ptr<Wake> idle_;  ///< where serve() waits for work; null: it is at work

  // Of the client's thread.
  std::unique_ptr<Link> link_;
  std::optional<net::Origin> owner_;  ///< the cluster's node that holds our keys, once it is known
  std::string outgoing_;
  int failures_ = 0;  ///< connects in a row that led to nothing
  SteadyTime connect_not_before_{};
};

/// The first error reply's meaning, if there is one; otherwise done.
[[nodiscard]] Status all_well(const Replies& replies);

}  // namespace ferry::redis
