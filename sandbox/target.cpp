#include "sandbox/target.hpp"

#include "kit/base/text.hpp"

namespace ferry::sandbox {

std::optional<std::string_view> Query::find(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

namespace {
std::string_view take_until(std::string_view* rest, char separator) {
  const auto end = rest->find(separator);
  const auto taken = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view{} : rest->substr(end + 1);
  return taken;
}

Status parse_query(std::string_view text, Query* query) {
  while (!text.empty()) {
    const auto pair = take_until(&text, '&');
    if (pair.empty()) continue;
    auto value = pair;
    auto name = percent_decode(take_until(&value, '='), true);
    auto decoded = percent_decode(value, true);
    if (!name || !decoded) return fail(ErrorKind::kInvalid, "bad percent escape in the query");
    query->add(*std::move(name), *std::move(decoded));
  }
  return {};
}
}  // namespace

Result<Target> parse_target(std::string_view target) {
  if (target.empty() || target.front() != '/') return fail(ErrorKind::kInvalid, "the request target is not a path");
  Target parsed;
  auto rest = target;
  parsed.raw_path = take_until(&rest, '?');
  if (auto query = parse_query(rest, &parsed.query); !query) return fail(std::move(query).error());
  auto path = parsed.raw_path.substr(1);
  for (bool more = true; more;) {
    more = path.find('/') != std::string_view::npos;
    auto segment = percent_decode(take_until(&path, '/'));
    if (!segment) return fail(ErrorKind::kInvalid, "bad percent escape in the path");
    parsed.segments.push_back(*std::move(segment));
  }
  return parsed;
}

}  // namespace ferry::sandbox
