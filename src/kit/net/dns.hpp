#pragma once
// Names to addresses, remembered for a short while.

#include <boost/asio/ip/address.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kit/async/clock.hpp"
#include "kit/base/error.hpp"

namespace ferry::net {

class Dns {
 public:
  Dns(Executor executor, Clock* clock) : executor_(executor), clock_(clock) {}

  /// All addresses of `host`, families alternating, in the order to try them; never empty. Who asks while a question is
  /// under way shares its answer. Literal addresses and "localhost" ask nobody. Failures aren't remembered.
  Task<Result<std::vector<asio::ip::address>>> resolve(std::string host);
  /// None of the addresses answered: ask anew next time.
  void forget(const std::string& host) { answers_.erase(host); }

 private:
  struct Lookup;
  std::shared_ptr<Lookup> ask(const std::string& host);

  Executor executor_;
  Clock* clock_;
  std::map<std::string, std::shared_ptr<Lookup>> answers_;
};

}  // namespace ferry::net
