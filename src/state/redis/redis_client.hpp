#pragma once
// The way to one Redis: connections, pipelining, reconnecting. State and board of all jobs of a process share a client.
//
// Threads: any. The client talks on a thread of its own; a coroutine is resumed on the executor it suspended on.
// Requests of concurrent callers go out together. Everything that is sent may be repeated: a request whose connection
// broke is sent once more on the next one.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kit/async/clock.hpp"
#include "kit/base/error.hpp"

namespace ferry::redis {

class Lane;

struct ClientOptions {
  /// `host:port` (port 6379 if left out) or `redis://[user:password@]host:port[/database]`; `rediss://` is TLS.
  /// `redis-sentinel://[user:password@]host:port,host:port…/master[/database]` asks the sentinels (port 26379) for the
  /// master at every connect. `redis-cluster://[user:password@]host:port,…` follows MOVED and ASK. With TLS:
  /// `rediss-sentinel`, `rediss-cluster`. User and password are percent-encoded in an address.
  std::string address = "127.0.0.1:6379";
  std::string username, password;      ///< unless the address names its own; no user: Redis's default user
  std::optional<std::string> ca_file;  ///< PEM, in addition to the system's roots
  Milliseconds connect_timeout{5'000};
  Milliseconds command_timeout{10'000};             ///< without one byte of an answer
  std::size_t reply_bytes_max = 64U * 1024 * 1024;  ///< a longer reply ends the connection
};

class Client {
 public:
  struct Core;

  /// Connects when first used. While Redis can't be reached uses fail with kUnavailable, all that wait at the same
  /// time.
  /// @param clock  is used on the client's thread, too: the system's, not a simulated one
  /// @error kInvalid  the address can't be read, or `ca_file` can't; never with the password in the text
  [[nodiscard]] static Result<std::shared_ptr<Client>> open(ClientOptions options, Clock* clock, Rng* rng);
  explicit Client(std::unique_ptr<Core> core);
  ~Client();  ///< nobody may be waiting for it any more
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Says at the start what would go wrong later. @return lines for a person: settings of the server that endanger what
  /// we keep there (an eviction policy). A server that does not tell its settings is taken as it is.
  /// @error kUnavailable  can't be reached, or is loading: try again
  /// @error kDenied       refuses our user or password, or the user lacks a permission; the text says which
  Task<Result<std::vector<std::string>>> check();

  /// "127.0.0.1:6379", for messages; without user and password.
  [[nodiscard]] std::string name() const;

  /// For the rooms behind the doors: the queue to whichever server holds the keys with this hash tag.
  [[nodiscard]] Lane* lane(const std::string& tag);
  /// Likewise: runs this on the client's thread; cancelled when the client ends.
  void spawn(Task<> task);

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace ferry::redis
