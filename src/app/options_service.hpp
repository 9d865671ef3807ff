#pragma once
// The part of the table that publisher, migrator and cache have and the commands of one process don't.

#include <vector>

#include "app/options.hpp"

namespace ferry::app {

[[nodiscard]] std::vector<Option> schedule_options();
[[nodiscard]] std::vector<Option> pubsub_options();
[[nodiscard]] std::vector<Option> redis_options();
[[nodiscard]] std::vector<Option> admin_options();
[[nodiscard]] std::vector<Option> cache_options();

}  // namespace ferry::app
