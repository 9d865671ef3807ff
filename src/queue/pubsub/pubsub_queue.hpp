#pragma once
// The queue on Google Cloud Pub/Sub, or on anything that speaks its gRPC: the emulator, the sandbox. Messages:
// message.hpp.
// @see https://cloud.google.com/pubsub/docs/reference/rpc/google.pubsub.v1

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"
#include "kit/resilience/backoff.hpp"
#include "queue/message_queue.hpp"

namespace ferry::pubsub {

struct Options {
  std::string endpoint = "pubsub.googleapis.com:443";  ///< host:port, no scheme
  bool tls = true;                                     ///< false: an emulator, plaintext and never with a token
  std::optional<std::string> ca_file;                  ///< PEM roots to trust instead of the system's
  std::string project, topic, subscription;            ///< ids: "p", "t", "s"
  std::string job;                                     ///< Job::id(); messages of another job are left alone
  /// The value of the Authorization header ("Bearer …") for the next request, cached by whoever gives it. Absent: none
  /// is sent. Called on the home executor only.
  std::function<Task<Result<std::string>>()> authorization;
  /// The broker answered UNAUTHENTICATED: the next authorization() must ask anew. Called on the home executor. May be
  /// absent.
  std::function<void()> authorization_refused;
  std::string client_id;  ///< the same over reconnects, different between processes

  std::size_t loan_messages_max = 1'000;   ///< delivered and not settled yet, over all streams
  std::size_t loan_bytes_max = 64u << 20;  ///< the same, in bytes of message data
  std::chrono::seconds lease{60};          ///< 10–600; extended for as long as a delivery is on loan
  unsigned streams = 1;                    ///< StreamingPull calls at a time; they share the limits

  std::optional<std::string> dead_letter_topic;  ///< id; must exist. Absent: the migrator's attempt limit alone
  int dead_letter_attempts = 20;               ///< 5–100; above the migrator's own limit, which explains itself better
  std::chrono::seconds retention{7 * 86'400};  ///< 10 min to 31 days
  std::chrono::seconds retry_min{1}, retry_max{60};  ///< the broker's own back-off after a nack or an expired lease

  Milliseconds call_timeout{60'000};  ///< of one unary call
  /// Between attempts of one request; streams and prepare() go on for ever with its ceiling.
  Backoff backoff{.first = Milliseconds{100}, .ceiling = Milliseconds{10'000}, .attempts_max = 8};
  /// One line for the log, made safe to print. May be called on any thread, also gRPC's. Absent: nothing is said.
  std::function<void(std::string_view)> warn;
};

/// What a broker needs besides the contract. Nothing is pulled before the first receive(), so a process that only
/// publishes takes no messages away from others. close(): pulling stops, messages that wait here go back to the broker,
/// and receivers end once nothing is on loan. A delayed nack keeps the lease until the delay is over: if the process
/// dies, the broker delivers the message when the lease ends.
class Queue : public MessageQueue {
 public:
  /// Makes topic and subscription where they are missing; waits while the broker is away, until cancelled. Both sides
  /// call it before the first message. publish() and receive() repeat it by themselves if one of the two vanishes.
  /// @error kDenied: may neither create nor see them; kInvalid: the subscription belongs to another topic
  virtual Task<Status> prepare() = 0;

  /// Whether topic and subscription are there and belong together; makes nothing. @error kGone: prepare() would make
  /// what is missing; kInvalid: as there; kDenied: may not see them; kUnavailable
  virtual Task<Status> look() = 0;

  /// The orderly end, on the home executor: abort(), nacks what is unsettled, sends the acks and nacks that are due for
  /// at most `grace`, ends all calls. After it, the queue may be destroyed whether or not the home executor still runs.
  virtual Task<> shutdown(Milliseconds grace) = 0;
};

/// @param home  runs the queue's own coroutines: lease keeping, batches of acks, reconnecting. If the queue is
/// destroyed
///              without shutdown(), it tells them to end, and the broker delivers again what was not settled.
/// @param clock used on the home executor and on those of callers
/// @error kInvalid: an option is out of range or missing; names it
[[nodiscard]] Result<std::unique_ptr<Queue>> make_queue(Executor home, Options options, Clock* clock, Rng* rng);

}  // namespace ferry::pubsub
