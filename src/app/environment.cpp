#include "app/environment.hpp"

#include <cstdlib>

namespace ferry::app {

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing of ours writes it
    if (!value) return std::nullopt;
    return value;
  };
}

}  // namespace ferry::app
