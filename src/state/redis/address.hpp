#pragma once
// Where a Redis is, as people write it.

#include <string>
#include <string_view>
#include <vector>

#include "kit/net/http.hpp"

namespace ferry::redis {

struct Address {
  enum class Kind { kSingle, kSentinel, kCluster };

  Kind kind = Kind::kSingle;
  std::vector<net::Origin> hosts;  ///< one; or the sentinels; or some nodes of the cluster
  std::string master;              ///< its name among the sentinels
  std::string username, password;
  unsigned database = 0;

  [[nodiscard]] std::string name() const;  ///< the hosts, without secrets
};

/// "host:port" as people and Redis write it.
[[nodiscard]] std::string host_and_port(const net::Origin& origin);

/// The forms in ClientOptions::address. @error kInvalid says what is wrong, and shows nothing that stands before an `@`
[[nodiscard]] Result<Address> parse_address(std::string_view text);

}  // namespace ferry::redis
