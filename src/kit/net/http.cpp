#include "kit/net/http.hpp"

#include <charconv>

#include "kit/base/text.hpp"

namespace ferry::net {
namespace {

bool is_host_character(char c, bool in_brackets) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return letter || c == '.' || (in_brackets ? c == ':' || c == '%' : c == '-' || c == '_');
}

/// Cuts the host off the front of "host:port" or "[v6]:port"; nothing if it is no host.
std::optional<std::string_view> take_host(std::string_view* authority) {
  const bool in_brackets = authority->starts_with('[');
  const auto end = in_brackets ? authority->find(']') : std::min(authority->find(':'), authority->size());
  if (end == std::string_view::npos) return std::nullopt;
  const auto host = in_brackets ? authority->substr(1, end - 1) : authority->substr(0, end);
  authority->remove_prefix(in_brackets ? end + 1 : end);
  for (const char c : host) {
    if (!is_host_character(c, in_brackets)) return std::nullopt;
  }
  return host.empty() ? std::nullopt : std::optional(host);
}

bool parse_port(std::string_view text, std::uint16_t* port) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), *port);
  return fault == std::errc{} && end == text.data() + text.size() && *port != 0;
}

}  // namespace

Result<Origin> Origin::parse(std::string_view url) {
  const auto refuse = [url](std::string_view why) {
    // What stands before an @ may be a password.
    const auto at = url.rfind('@');
    const auto shown = at == std::string_view::npos ? std::string(url) : "…" + std::string(url.substr(at));
    return fail(ErrorKind::kInvalid, "endpoint '" + shown + "': " + std::string(why) +
                                         "; expected http://host[:port] or https://host[:port]");
  };
  Origin origin;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    origin.tls = false;
    origin.port = 80;
  } else {
    return refuse("it doesn't start with http:// or https://");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('@') != std::string_view::npos) return refuse("credentials don't belong into an endpoint");
  if (rest.find_first_of("/?#") != std::string_view::npos) return refuse("it has a path or query");

  const auto host = take_host(&rest);
  if (!host) return refuse("its host is missing or not a host name");
  for (const char c : *host) origin.host += (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  if (!rest.empty() && (!rest.starts_with(':') || !parse_port(rest.substr(1), &origin.port))) {
    return refuse("its port is not a number from 1 to 65535");
  }
  return origin;
}

std::string Origin::host_header() const {
  auto text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::string Origin::url() const {
  const auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return (tls ? "https://" : "http://") + name + ":" + std::to_string(port);
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (iequals(key, name)) return value;
  }
  return std::nullopt;
}

}  // namespace ferry::net
