#pragma once
// The settings' Redis: what publisher, migrators and `cache` share.

#include <memory>

#include "app/settings.hpp"
#include "kit/base/error.hpp"
#include "state/redis/redis_client.hpp"
#include "state/state_store.hpp"

namespace ferry::app {

/// Does not connect yet. @error kInvalid: the address or the CA file can't be read; names the setting, never the
/// password
[[nodiscard]] Result<std::shared_ptr<redis::Client>> open_redis(const Settings& settings);

/// What is remembered of the settings' job there.
[[nodiscard]] std::unique_ptr<StateStore> open_redis_state(std::shared_ptr<redis::Client> client,
                                                           const Settings& settings);

}  // namespace ferry::app
