#include "tests/system/emulator.hpp"

#include <stdexcept>

namespace ferry::system_test {
namespace {

Command command(const std::filesystem::path& folder, std::uint16_t port) {
  Command emulator{FERRY_PUBSUB_EMULATOR,
                   {"--host=127.0.0.1", "--port=" + std::to_string(port)},
                   {{"HOME", folder.string()}, {"JAVA_OPTS", "-Xmx128m -XX:+UseSerialGC"}}};
  emulator.own_group = true;  // a script, which may have started more
  return emulator;
}

}  // namespace

Emulator::Emulator(const std::filesystem::path& folder, std::uint16_t port)
    : port_(port), process_(command(folder, port), folder, "emulator-" + std::to_string(port)) {
  const auto ready = [&] {
    return (process_.out() + process_.err()).find("Server started") != std::string::npos || !process_.running();
  };
  if (!eventually(ready, kStartMax) || !process_.running()) {
    throw std::runtime_error("the Pub/Sub emulator didn't start: " + process_.out() + process_.err());
  }
}

}  // namespace ferry::system_test
