#include "app/service_rooms.hpp"

#include <algorithm>

#include "observe/log.hpp"

namespace ferry::app {

pubsub::Options queue_options(const Settings& settings, const std::string& name) {
  const PubsubSettings& from = settings.service.pubsub;
  pubsub::Options options;
  options.endpoint = from.host;
  options.tls = from.tls;
  options.ca_file = settings.ca_file;
  options.project = from.project;
  options.topic = from.topic;
  options.subscription = from.subscription;
  options.job = settings.job.id();
  options.client_id = name;
  options.loan_messages_max = std::max<std::size_t>(100, 2 * settings.transfers);
  options.lease = from.lease;
  options.dead_letter_topic = from.dead_letter_topic;
  options.warn = [](std::string_view what) { log::warn("queue.trouble", {{"what", what}}); };
  return options;
}

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
