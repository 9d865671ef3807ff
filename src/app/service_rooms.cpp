#include "app/service_rooms.hpp"

#include "observe/log.hpp"

namespace ferry::app {

Task<> await_state(const ServiceRooms* rooms) {
  std::string reason;
  for (;;) {
    auto checked = co_await rooms->check_state();
    if (checked) {
      for (const auto& warning : *checked) log::warn("state.endangered", {{"why", warning}});
      co_return;
    }
    if (checked.error().what != reason) {
      reason = checked.error().what;
      log::warn("state.awaited", {{"error", reason}});
    }
    co_await rooms->clock->sleep(Milliseconds{1'000});
  }
}

}  // namespace ferry::app
