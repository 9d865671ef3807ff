#pragma once
// The publisher service: scans on schedule and on request, and serves the HTTP API and the dashboard.

#include <memory>

#include "app/service_rooms.hpp"
#include "app/settings.hpp"
#include "publish/scan_schedule.hpp"

namespace ferry::app {

struct PublisherOptions {
  ScanSchedule::Options schedule;
  Milliseconds republish_after{3'600'000};
};

class PublisherRun {
 public:
  PublisherRun(const Settings& settings, PublisherOptions options, ServiceRooms rooms);
  ~PublisherRun();
  PublisherRun(const PublisherRun&) = delete;
  PublisherRun& operator=(const PublisherRun&) = delete;

  /// Blocks until SIGTERM, SIGINT or SIGHUP. A scan under way is given up: the next one starts anew, and costs no
  /// message twice. A second signal ends the process at once. Once per object.
  /// @error kInvalid: clients, queue or the API server can't be made as the settings say
  [[nodiscard]] Status run();

 private:
  class Crew;
  std::unique_ptr<Crew> crew_;
};

}  // namespace ferry::app
