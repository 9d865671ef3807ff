#pragma once
// Makes the rooms that talk to the two clouds, one set per I/O thread, as the settings say.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/environment.hpp"
#include "app/settings.hpp"
#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"
#include "source/object_source.hpp"
#include "target/object_target.hpp"

namespace ferry::app {

/// One thread's way to both sides.
struct Clients {
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<net::HttpClient> near;  ///< for credentials from this machine; null where none come from there
  std::unique_ptr<ObjectSource> source;   ///< null for `cache`, which looks at the target only
  std::unique_ptr<ObjectTarget> target;   ///< null for a plan without one
  /// Google's "Bearer …" for this thread; empty where none is sent.
  std::function<Task<Result<std::string>>()> authorization;
  std::function<void()> authorization_refused;  ///< a server did not accept the last one
};

/// How long to try. A first page that can't be had is a wrong setting more often than a bad moment: say so within
/// seconds.
enum class Patience { kWork, kFirstPage };

/// Called once per thread and patience, before the threads run; all that it returns belongs to `executor`.
using MakeClients = std::function<Result<Clients>(Executor executor, Patience patience)>;

/// Finds credentials now, so that what is missing is reported before anything starts. They are shared by all clients.
/// @error kInvalid: credentials, key or CA files, names: which setting, and what to do
[[nodiscard]] Result<MakeClients> connect(Settings* settings, const Environment& environment, Clock* clock, Rng* rng);

}  // namespace ferry::app
