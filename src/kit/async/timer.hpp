#pragma once
// Asio's timer on our executor. Only what implements a Clock or waits for no time at all uses it; all else asks its
// Clock.

#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>

#include "kit/async/task.hpp"

namespace ferry {

using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace ferry
