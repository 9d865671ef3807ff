#pragma once
// The migrator service: takes messages until it is told to end, transfers, records, acknowledges.

#include <memory>

#include "app/service_rooms.hpp"
#include "app/settings.hpp"

namespace ferry::app {

class MigratorRun {
 public:
  MigratorRun(const Settings& settings, ServiceRooms rooms);
  ~MigratorRun();
  MigratorRun(const MigratorRun&) = delete;
  MigratorRun& operator=(const MigratorRun&) = delete;

  /// Blocks until SIGTERM, SIGINT or SIGHUP: then takes nothing new, lets what is under way finish for the grace time,
  /// gives the rest back. A second signal ends the process at once. Once per object.
  /// @error kInvalid: clients, queue or the probe server can't be made as the settings say
  [[nodiscard]] Status run();

 private:
  class Crew;
  std::unique_ptr<Crew> crew_;
};

}  // namespace ferry::app
