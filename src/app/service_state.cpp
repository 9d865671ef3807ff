#include "app/service_state.hpp"

#include <utility>

#include "kit/async/clock.hpp"
#include "state/redis/redis_state.hpp"

namespace ferry::app {

Result<std::shared_ptr<redis::Client>> open_redis(const Settings& settings) {
  const RedisSettings& from = settings.service.redis;
  redis::ClientOptions options;
  options.address = from.address;
  options.username = from.username;
  options.password = from.password;
  options.ca_file = settings.ca_file;
  auto client = redis::Client::open(std::move(options), system_clock(), system_rng());
  if (!client) return fail(std::move(client).error().during("REDIS_ADDRESS"));
  return client;
}

std::unique_ptr<StateStore> open_redis_state(std::shared_ptr<redis::Client> client, const Settings& settings) {
  const RedisSettings& from = settings.service.redis;
  const redis::StateOptions options{from.expected_objects, from.secret};
  return redis::open_state(std::move(client), settings.job, options, system_rng());
}

}  // namespace ferry::app
