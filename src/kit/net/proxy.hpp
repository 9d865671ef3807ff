#pragma once
// Which requests go by a proxy, as the usual environment variables say it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kit/net/http.hpp"

namespace ferry::net {

struct Proxy {
  Origin address;             ///< always plain HTTP; what is sensitive goes through it as TLS
  std::string authorization;  ///< value of Proxy-Authorization; empty: none
};

class ProxyRules {
 public:
  /// URLs of the proxies ("http://user:password@host:port", scheme may be left out), and the list of exceptions. Empty:
  /// none.
  /// @error kInvalid names the variable, never the password in it.
  static Result<ProxyRules> make(std::string_view http_proxy, std::string_view https_proxy, std::string_view no_proxy);
  /// Null: directly.
  [[nodiscard]] const Proxy* find(const Origin& origin) const;

 private:
  [[nodiscard]] bool excepted(const Origin& origin) const;

  std::optional<Proxy> http_, https_;
  std::vector<std::string> exceptions_;  ///< lower case: "*", "host", ".domain", "host:port", "address", "address/bits"
};

}  // namespace ferry::net
