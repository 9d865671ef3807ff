#include <unistd.h>

#include <climits>
#include <memory>
#include <string>
#include <utility>

#include "app/migrator_run.hpp"
#include "app/publisher_run.hpp"
#include "app/roles.hpp"
#include "app/service_rooms.hpp"
#include "app/service_state.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "observe/log.hpp"
#include "state/redis/redis_state.hpp"

namespace ferry::app {
namespace {

/// Everything that a service's rooms point to; lives as long as the service.
struct Standing {
  std::shared_ptr<redis::Client> redis;
  std::unique_ptr<StateStore> state;
  std::unique_ptr<SharedBoard> board;
};

/// The host and a few random digits: two processes of one host differ, and so does one that was started again.
std::string process_name() {
  char host[HOST_NAME_MAX + 1] = {};
  if (::gethostname(host, sizeof host - 1) != 0 || host[0] == 0)
    return "bucketferry-" + hex(big_endian(system_rng()->next()));
  return printable(host) + "-" + hex(big_endian(static_cast<std::uint32_t>(system_rng()->next())));
}

Result<Standing> stand(const Settings& settings) {
  auto client = open_redis(settings);
  if (!client) return fail(std::move(client).error());
  Standing standing;
  standing.redis = *std::move(client);
  standing.state = open_redis_state(standing.redis, settings);
  standing.board = redis::open_board(standing.redis, settings.job, system_rng());
  return standing;
}

Result<ServiceRooms> wire(Settings* settings, const Environment& environment, const Standing& standing) {
  auto clients = connect(settings, environment, system_clock(), system_rng());
  if (!clients) return fail(std::move(clients).error());
  ServiceRooms rooms;
  rooms.make_clients = *std::move(clients);
  rooms.name = process_name();
  rooms.make_queue = [options = queue_options(*settings, rooms.name)](Executor home, const Clients& with) mutable {
    if (options.tls) {  // else an emulator: no token goes out in the clear
      options.authorization = with.authorization;
      options.authorization_refused = with.authorization_refused;
    }
    return pubsub::make_queue(home, options, system_clock(), system_rng());
  };
  rooms.state = standing.state.get();
  rooms.board = standing.board.get();
  rooms.check_state = [client = standing.redis] { return client->check(); };
  const AdminSettings& admin = settings->service.admin;
  rooms.admin.address = admin.address;
  rooms.admin.port = admin.port;
  rooms.admin.certificate_file = admin.certificate_file;
  rooms.admin.key_file = admin.key_file;
  rooms.admin.user = admin.username;
  rooms.admin.password = admin.password;
  rooms.clock = system_clock();
  rooms.rng = system_rng();
  return rooms;
}

ExitCode finish(const Status& ended) { return ended ? ExitCode::kDone : refuse(ended.error()); }

void log_warnings(const Settings& settings) {
  for (const auto& warning : settings.warnings) log::warn("settings.warning", {{"what", warning}});
  if (settings.service.redis.secret.empty()) {
    log::warn("settings.warning", {{"what", "FERRY_STATE_SECRET is not set: large uploads start over after a crash"}});
  }
}

}  // namespace

ExitCode publisher(Settings settings, const Environment& environment) {
  auto standing = stand(settings);
  if (!standing) return refuse(standing.error());
  auto rooms = wire(&settings, environment, *standing);
  if (!rooms) return refuse(rooms.error());
  log_warnings(settings);
  PublisherOptions options;
  options.schedule.interval = settings.service.scan_interval;
  options.schedule.audit_interval = settings.service.audit_interval;
  options.republish_after = settings.service.republish_after;
  PublisherRun run{settings, options, *std::move(rooms)};
  return finish(run.run());
}

ExitCode migrator(Settings settings, const Environment& environment) {
  auto standing = stand(settings);
  if (!standing) return refuse(standing.error());
  auto rooms = wire(&settings, environment, *standing);
  if (!rooms) return refuse(rooms.error());
  log_warnings(settings);
  MigratorRun run{settings, *std::move(rooms)};
  return finish(run.run());
}

}  // namespace ferry::app
