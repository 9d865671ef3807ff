#pragma once
// What both services are wired to. Made by the roles; everything outlives the run.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin/api_server.hpp"
#include "app/clients.hpp"
#include "queue/pubsub/pubsub_queue.hpp"
#include "state/shared_board.hpp"
#include "state/state_store.hpp"

namespace ferry::app {

inline constexpr Milliseconds kShutdownGrace{3'000};    ///< for the queue to tell the broker what is left to tell
inline constexpr Milliseconds kPauseAfterError{5'000};  ///< of a loop whose work failed as a whole

struct ServiceRooms {
  MakeClients make_clients;
  /// The queue's own coroutines run on `home`, which is that of `clients`: they give it its tokens.
  std::function<Result<std::unique_ptr<pubsub::Queue>>(Executor home, const Clients& clients)> make_queue;
  StateStore* state = nullptr;
  SharedBoard* board = nullptr;
  /// Whether the state can be worked with; lines for the log about what endangers it.
  std::function<Task<Result<std::vector<std::string>>>()> check_state;
  admin::AdminOptions admin;
  std::string name;  ///< of this process, unlike all others'
  Clock* clock = nullptr;
  Rng* rng = nullptr;
};

/// The settings' queue; `name` tells this process from others.
[[nodiscard]] pubsub::Options queue_options(const Settings& settings, const std::string& name);

/// Waits until the state answers; says once why it doesn't, and again when the reason changes. Ends by cancellation
/// only.
Task<> await_state(const ServiceRooms* rooms);

}  // namespace ferry::app
