#pragma once
// What the broker asks and tells the outside: whether a call goes wrong, and what happened.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ferry::sandbox::pubsub {

/// How one call goes wrong, or (operation "Deliver", asked once per message) one delivery. Codes are gRPC's numbers.
struct Fault {
  std::string text;                ///< as instructed, for the event log
  std::optional<int> code;         ///< answered at once, nothing is done; StreamingPull: the stream doesn't open
  std::optional<int> commit_then;  ///< everything is done, then this is answered
  bool swallow = false;            ///< nothing is done, and answered with OK: a lost ack, a lost extension
  bool duplicate = false;          ///< Deliver: and waits to be delivered again, at once, preferably by another stream
  bool shuffle = false;            ///< Deliver: not the oldest message that waits, but any
};

/// One call, one batch of deliveries, or one event in the life of a stream.
struct Happening {
  std::string_view operation;  ///< name of the rpc; Deliver, StreamOpened, StreamEnded
  std::string_view resource;   ///< topic or subscription, full name
  int code = 0;
  std::uint64_t messages = 0;  ///< or ack ids
  std::uint64_t bytes = 0;     ///< of message data
  std::string_view fault;
};

/// Called on the broker's threads, several at a time. It must not call the broker.
class Watcher {
 public:
  virtual ~Watcher() = default;
  [[nodiscard]] virtual std::optional<Fault> fault(std::string_view operation, std::string_view resource) = 0;
  /// Whether a call with this Authorization header (empty: none) may come in; else UNAUTHENTICATED.
  [[nodiscard]] virtual bool admits(std::string_view /*authorization*/) { return true; }
  virtual void happened(const Happening& what) = 0;
};

}  // namespace ferry::sandbox::pubsub
