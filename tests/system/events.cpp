#include "tests/system/events.hpp"

#include <algorithm>
#include <map>
#include <regex>
#include <utility>

#include "kit/base/text.hpp"

namespace ferry::system_test {
namespace {

std::string text_of(const boost::json::object& fields, std::string_view name) {
  const auto* value = fields.if_contains(name);
  if (!value) return {};
  return value->is_string() ? std::string{value->get_string()} : boost::json::serialize(*value);
}

/// A version of a source object, as its commit told.
struct SourceVersion {
  std::string sha256, etag, modified;  ///< modified in whole seconds
  std::uint64_t size = 0;
};

struct Key {
  std::vector<SourceVersion> versions;  ///< in the order of their making
  std::size_t newest_shown = 0;         ///< index of the newest that became visible at the target
};

std::string whole_seconds(const std::string& time) {
  const auto dot = time.find('.');
  return dot == std::string::npos ? time : time.substr(0, dot) + "Z";
}

class Checker {
 public:
  explicit Checker(const Invariants& rules) : rules_(rules) {}

  void take(const Event& event) {
    if (event.is_commit("s3") && event.text("bucket") == rules_.source_bucket) {
      keys_[event.key()].versions.push_back(
          {event.text("sha256"), event.text("etag"), whole_seconds(event.text("modified")), event.number("size")});
    }
    if (event.is_commit("gcs") && event.text("bucket") == rules_.target_bucket) check(event);
  }
  std::vector<std::string> violations;

 private:
  void check(const Event& event) {
    const auto* metadata = event.fields().if_contains("metadata");
    const auto provenance = metadata && metadata->is_object() ? metadata->get_object() : boost::json::object{};
    if (!provenance.contains("ferry-etag")) return;
    const auto source_key = source_key_of(event, provenance);
    if (!source_key) return violated("I5 provenance names another object", event);
    check_bytes(event, provenance, *source_key);
  }

  void check_bytes(const Event& event, const boost::json::object& provenance, const std::string& source_key) {
    const auto found = keys_.find(source_key);
    if (found == keys_.end()) return check_computed(event, source_key);

    auto& key = found->second;
    const auto same_bytes = [&](const SourceVersion& version) {
      return version.sha256 == event.text("sha256") && version.size == event.number("size");
    };
    if (std::ranges::none_of(key.versions, same_bytes)) return violated("I2 bytes of no version", event);
    const auto named = [&](const SourceVersion& version) {
      return same_bytes(version) && version.etag == text_of(provenance, "ferry-etag") &&
             version.modified == text_of(provenance, "ferry-modified") &&
             std::to_string(version.size) == text_of(provenance, "ferry-size");
    };
    // Versions of one second and equal bytes are one to everybody: the newest of them counts.
    const auto version = std::find_if(key.versions.rbegin(), key.versions.rend(), named);
    if (version == key.versions.rend()) return violated("I5 provenance names another version than the bytes", event);
    const auto index = static_cast<std::size_t>(key.versions.rend() - version) - 1;
    if (index < key.newest_shown) return violated("I3 an older version over a newer one", event);
    key.newest_shown = index;
  }

  /// What provenance says, if the name at the target fits: as it is, or with some of its bytes escaped.
  [[nodiscard]] std::optional<std::string> source_key_of(const Event& event,
                                                         const boost::json::object& provenance) const {
    const auto encoded = percent_decode(text_of(provenance, "ferry-source-encoded")).value_or("");
    const std::string uri = encoded.empty() ? text_of(provenance, "ferry-source") : encoded;
    const std::string bucket = "s3://" + rules_.source_bucket + "/";
    if (!uri.starts_with(bucket + rules_.source_prefix)) return std::nullopt;
    std::string name = event.key();
    const std::string wanted = rules_.target_prefix + uri.substr(bucket.size() + rules_.source_prefix.size());
    if (name == wanted) return uri.substr(bucket.size());
    static const std::regex escape{"~x([0-9A-F]{2})"};
    std::string unescaped;
    for (std::smatch match; std::regex_search(name, match, escape); name = match.suffix()) {
      unescaped += match.prefix().str() + static_cast<char>(std::stoi(match[1], nullptr, 16));
    }
    return unescaped + name == wanted ? std::optional{uri.substr(bucket.size())} : std::nullopt;
  }

  void check_computed(const Event& event, const std::string& source_key) {
    const auto expected = rules_.computed_crc32c ? rules_.computed_crc32c(source_key) : std::nullopt;
    if (expected != event.text("crc32c")) violated("I2 bytes of no version", event);
  }

  void violated(const std::string& what, const Event& event) {
    violations.push_back(what + ": " + boost::json::serialize(event.fields()));
  }

  const Invariants& rules_;
  std::map<std::string, Key> keys_;
};

}  // namespace

std::string Event::text(std::string_view name) const { return text_of(fields_, name); }

std::uint64_t Event::number(std::string_view name) const {
  const auto* value = fields_.if_contains(name);
  return value ? value->to_number<std::uint64_t>() : 0;
}

bool Event::is_request(std::string_view service, std::string_view operation) const {
  return text("event") == "request" && text("service") == service && text("op") == operation;
}

bool Event::is_commit(std::string_view service) const {
  return text("event") == "commit" && text("service") == service;
}

std::vector<Event> parse_events(const std::string& lines) {
  std::vector<Event> events;
  for (std::size_t at = 0; at < lines.size();) {
    const auto end = std::min(lines.find('\n', at), lines.size());
    events.emplace_back(boost::json::parse(std::string_view{lines}.substr(at, end - at)).as_object());
    at = end + 1;
  }
  return events;
}

std::uint64_t count(const std::vector<Event>& events, std::string_view service, std::string_view operation,
                    const std::optional<std::string>& key) {
  return static_cast<std::uint64_t>(std::ranges::count_if(events, [&](const Event& event) {
    return event.is_request(service, operation) && (!key || event.key() == *key);
  }));
}

std::uint64_t sum(const std::vector<Event>& events, std::string_view service, std::string_view operation,
                  std::string_view field) {
  std::uint64_t total = 0;
  for (const auto& event : events) {
    if (event.is_request(service, operation)) total += event.number(field);
  }
  return total;
}

std::vector<std::string> violations(const std::vector<Event>& events, const Invariants& rules) {
  Checker checker{rules};
  for (const auto& event : events) checker.take(event);
  return std::move(checker.violations);
}

}  // namespace ferry::system_test
