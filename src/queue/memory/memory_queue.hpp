#pragma once
// The embedded queue: bounded, in memory. Nothing is lost with it: a scan plans anew what is not at the target (ADR
// 0003).

#include <memory>

#include "kit/async/clock.hpp"
#include "queue/message_queue.hpp"

namespace ferry::memory {

/// Holds at most `capacity` plans that wait or are delayed; publish() suspends beyond that. Thread-safe.
[[nodiscard]] std::unique_ptr<MessageQueue> make_queue(std::size_t capacity, Clock* clock);

}  // namespace ferry::memory
