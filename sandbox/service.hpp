#pragma once
// What all servers of the sandbox have in common: a request is first understood, then spoiled or served, then logged.

#include <string>

#include "sandbox/target.hpp"
#include "sandbox/wire.hpp"

namespace ferry::sandbox {

/// What a request wants, before anybody checks whether it may.
struct Route {
  std::string operation = "BadRequest";  ///< GetObject, PutChunk, …: the word that fault instructions use
  std::string bucket, key;
  bool uploads = false;  ///< its body is object bytes
  Target target;
};

/// One request being served.
struct Call {
  Wire* wire;
  Route route;
  std::uint64_t generation = 0;  ///< for the event log
  std::string range;
};

class Service {
 public:
  virtual ~Service() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual Route route(const net::ServerRequest& request) const = 0;
  virtual Task<> serve(Call* call) = 0;
  /// A fault instruction changes or deletes an object behind the clients' backs.
  virtual void mutate(const std::string& bucket, const std::string& key,
                      const std::optional<std::string>& replacement) = 0;
};

}  // namespace ferry::sandbox
