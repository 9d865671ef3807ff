#include "state/redis/address.hpp"

#include <array>
#include <limits>
#include <optional>

#include "kit/base/text.hpp"

namespace ferry::redis {
namespace {

constexpr std::uint16_t kPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;
constexpr unsigned kDatabaseMax = 1'000'000;

struct Scheme {
  std::string_view name;
  Address::Kind kind;
  bool tls;
};
constexpr std::array kSchemes{Scheme{"redis", Address::Kind::kSingle, false},
                              Scheme{"rediss", Address::Kind::kSingle, true},
                              Scheme{"redis-sentinel", Address::Kind::kSentinel, false},
                              Scheme{"rediss-sentinel", Address::Kind::kSentinel, true},
                              Scheme{"redis-cluster", Address::Kind::kCluster, false},
                              Scheme{"rediss-cluster", Address::Kind::kCluster, true}};

tl::unexpected<Error> refuse(std::string_view shown, std::string_view why) {
  return fail(ErrorKind::kInvalid,
              "Redis address \"" + printable(shown) + "\" " + std::string{why} +
                  ": write host:port, redis://user:password@host:port/database, "
                  "redis-sentinel://host:port,host:port/master or redis-cluster://host:port,host:port");
}

/// What stands before and after the first `mark`; all is before it if there is none.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char mark) {
  const auto place = text.find(mark);
  if (place == std::string_view::npos) return {text, {}};
  return {text.substr(0, place), text.substr(place + 1)};
}

std::optional<net::Origin> parse_host(std::string_view text, bool tls, std::uint16_t default_port) {
  net::Origin origin;
  origin.tls = tls;
  origin.port = default_port;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    origin.host = to_lower(text.substr(1, end - 1));
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return std::nullopt;
    if (!port.empty()) port.remove_prefix(1);
    if (port.empty() && text.back() == ':') return std::nullopt;
  } else {
    const auto [host, rest] = cut(text, ':');
    origin.host = to_lower(host);
    port = rest;
    if (port.empty() && text.ends_with(':')) return std::nullopt;
  }
  if (origin.host.empty()) return std::nullopt;
  for (const char c : origin.host) {
    if (c <= ' ' || c == '/' || c == '?' || c == '#' || c == '"' || c == '\x7f') return std::nullopt;
  }
  if (port.empty()) return origin;
  const auto number = parse_u64(port);
  if (!number || *number == 0 || *number > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  origin.port = static_cast<std::uint16_t>(*number);
  return origin;
}

bool parse_login(std::string_view text, Address* address) {
  const auto [user, password] = cut(text, ':');
  auto decoded_user = percent_decode(user);
  auto decoded_password = percent_decode(password);
  if (!decoded_user || !decoded_password) return false;
  address->username = *std::move(decoded_user);
  address->password = *std::move(decoded_password);
  return true;
}

bool parse_database(std::string_view text, Address* address) {
  if (text.empty()) return true;
  const auto number = parse_u64(text);
  if (!number || *number > kDatabaseMax || address->kind == Address::Kind::kCluster) return false;
  address->database = static_cast<unsigned>(*number);
  return true;
}

}  // namespace

std::string host_and_port(const net::Origin& origin) {
  const bool is_v6 = origin.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + origin.host + "]" : origin.host) + ":" + std::to_string(origin.port);
}

std::string Address::name() const {
  std::string text;
  for (const auto& host : hosts) text += (text.empty() ? "" : ",") + host_and_port(host);
  if (kind == Kind::kSentinel) text += "/" + printable(master);
  return text;
}

Result<Address> parse_address(std::string_view text) {
  // Whatever stands before the last @ may be a secret, however it is written: it is put aside first.
  const auto at = text.rfind('@');
  const auto scheme_end = text.find("://");
  auto rest = at == std::string_view::npos ? text : text.substr(at + 1);
  const Scheme* scheme = kSchemes.data();
  std::string_view login;
  if (scheme_end != std::string_view::npos && (at == std::string_view::npos || scheme_end < at)) {
    scheme = nullptr;
    for (const auto& known : kSchemes) {
      if (text.substr(0, scheme_end) == known.name) scheme = &known;
    }
    if (at == std::string_view::npos) rest = text.substr(scheme_end + 3);
    if (!scheme) return refuse(rest, "has a scheme that is not known");
    if (at != std::string_view::npos) login = text.substr(scheme_end + 3, at - scheme_end - 3);
  } else if (at != std::string_view::npos) {
    return refuse(rest, "has a user, which needs redis:// before it");
  }

  Address address;
  address.kind = scheme->kind;
  if (!parse_login(login, &address)) return refuse(rest, "has a user or password that is not percent-encoded");
  auto [hosts, path] = cut(rest, '/');
  const auto default_port = address.kind == Address::Kind::kSentinel ? kSentinelPort : kPort;
  const auto shown = rest;
  while (!hosts.empty()) {
    const auto [host, others] = cut(hosts, ',');
    auto origin = parse_host(host, scheme->tls, default_port);
    if (!origin) return refuse(shown, "names a host or port that can't be");
    address.hosts.push_back(*std::move(origin));
    hosts = others;
  }
  if (address.hosts.empty()) return refuse(shown, "names no host");
  if (address.kind == Address::Kind::kSingle && address.hosts.size() > 1) {
    return refuse(shown, "names several hosts, which needs redis-sentinel:// or redis-cluster://");
  }
  if (address.kind == Address::Kind::kSentinel) {
    const auto [master, database] = cut(path, '/');
    auto decoded = percent_decode(master);
    if (!decoded || decoded->empty()) return refuse(shown, "does not name the master after the sentinels");
    address.master = *std::move(decoded);
    path = database;
  }
  if (!parse_database(path, &address)) return refuse(shown, "has a database that is no number, or can't have one");
  return address;
}

}  // namespace ferry::redis
