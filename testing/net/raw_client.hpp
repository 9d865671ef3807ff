#pragma once
// A client that sends exactly the bytes a test gives it.

#include <cstdint>
#include <string>
#include <vector>

#include "kit/async/task.hpp"

namespace ferry::testing {

/// Connects to 127.0.0.1:`port`, sends the pieces one after the other (the peer's reactions aren't waited for), and
/// returns all that came back until the peer closed. "<reset>" at the end: the peer reset the connection.
Task<std::string> talk(std::uint16_t port, std::vector<std::string> pieces);
/// One byte per segment.
Task<std::string> talk_sliced(std::uint16_t port, std::string bytes);
/// Keeps the sending direction open and reads until the peer closes or `enough` bytes have come.
Task<std::string> talk_until(std::uint16_t port, std::string bytes, std::size_t enough);

}  // namespace ferry::testing
