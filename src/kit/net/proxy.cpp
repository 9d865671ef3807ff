#include "kit/net/proxy.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::net {
namespace {

namespace ip = boost::asio::ip;

Result<std::optional<Proxy>> parse_proxy(std::string_view name, std::string_view url) {
  if (url.empty()) return std::optional<Proxy>{};
  std::string_view rest = url;
  if (rest.starts_with("http://")) rest.remove_prefix(7);
  if (rest.find("://") != std::string_view::npos) {
    return fail(ErrorKind::kInvalid, std::string(name) + ": only http:// proxies are supported");
  }
  Proxy proxy;
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    const auto credentials = percent_decode(rest.substr(0, at));
    if (!credentials)
      return fail(ErrorKind::kInvalid, std::string(name) + ": the credentials in it have a bad %XX escape");
    proxy.authorization = "Basic " + base64(*credentials);
    rest.remove_prefix(at + 1);
  }
  auto address = Origin::parse("http://" + std::string(rest));
  if (!address) return fail(std::move(address).error().during(name));
  proxy.address = *std::move(address);
  return std::optional(std::move(proxy));
}

bool in_network(const ip::address& address, std::string_view network) {
  boost::system::error_code fault;
  if (address.is_v4()) {
    const auto range = ip::make_network_v4(std::string(network), fault);
    return !fault && ip::network_v4(address.to_v4(), range.prefix_length()).canonical() == range.canonical();
  }
  const auto range = ip::make_network_v6(std::string(network), fault);
  return !fault && ip::network_v6(address.to_v6(), range.prefix_length()).canonical() == range.canonical();
}

bool matches(std::string_view rule, const Origin& origin) {
  if (rule == "*") return true;
  boost::system::error_code fault;
  const auto address = ip::make_address(origin.host, fault);
  if (!fault) {
    if (rule.find('/') != std::string_view::npos) return in_network(address, rule);
    return rule == origin.host || rule == origin.host + ":" + std::to_string(origin.port);
  }
  if (const auto colon = rule.rfind(':'); colon != std::string_view::npos) {
    if (rule.substr(colon + 1) != std::to_string(origin.port)) return false;
    rule = rule.substr(0, colon);
  }
  if (rule.starts_with("*.")) rule.remove_prefix(1);
  const bool domain = rule.starts_with('.');
  if (domain) rule.remove_prefix(1);
  if (!domain && origin.host == rule) return true;
  return origin.host.size() > rule.size() && !rule.empty() && origin.host.ends_with(rule) &&
         origin.host[origin.host.size() - rule.size() - 1] == '.';
}

}  // namespace

Result<ProxyRules> ProxyRules::make(std::string_view http_proxy, std::string_view https_proxy,
                                    std::string_view no_proxy) {
  ProxyRules rules;
  auto http = parse_proxy("http_proxy", http_proxy);
  if (!http) return fail(std::move(http).error());
  auto https = parse_proxy("HTTPS_PROXY", https_proxy);
  if (!https) return fail(std::move(https).error());
  rules.http_ = *std::move(http);
  rules.https_ = *std::move(https);
  while (!no_proxy.empty()) {
    const auto comma = std::min(no_proxy.find(','), no_proxy.size());
    if (const auto rule = trim(no_proxy.substr(0, comma)); !rule.empty()) rules.exceptions_.push_back(to_lower(rule));
    no_proxy.remove_prefix(std::min(comma + 1, no_proxy.size()));
  }
  return rules;
}

const Proxy* ProxyRules::find(const Origin& origin) const {
  const auto& proxy = origin.tls ? https_ : http_;
  return proxy && !excepted(origin) ? &*proxy : nullptr;
}

bool ProxyRules::excepted(const Origin& origin) const {
  for (const auto& rule : exceptions_) {
    if (matches(rule, origin)) return true;
  }
  return false;
}

}  // namespace ferry::net
