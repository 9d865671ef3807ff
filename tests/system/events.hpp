#pragma once
// What the sandbox's event log says, and what must be true of every such log (fault-matrix section 2).

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ferry::system_test {

/// One line: a request, or a commit (an object that became visible) on either side.
class Event {
 public:
  explicit Event(boost::json::object fields) : fields_(std::move(fields)) {}
  [[nodiscard]] std::string text(std::string_view name) const;      ///< empty where there is none
  [[nodiscard]] std::uint64_t number(std::string_view name) const;  ///< 0 where there is none
  [[nodiscard]] bool is_request(std::string_view service, std::string_view operation) const;
  [[nodiscard]] bool is_commit(std::string_view service) const;
  [[nodiscard]] std::string key() const { return text("key"); }
  [[nodiscard]] const boost::json::object& fields() const { return fields_; }

 private:
  boost::json::object fields_;
};

[[nodiscard]] std::vector<Event> parse_events(const std::string& lines);
/// Requests of this operation, for all keys or one.
[[nodiscard]] std::uint64_t count(const std::vector<Event>& events, std::string_view service,
                                  std::string_view operation, const std::optional<std::string>& key = std::nullopt);
[[nodiscard]] std::uint64_t sum(const std::vector<Event>& events, std::string_view service, std::string_view operation,
                                std::string_view field);

/// The job that ran, and what else there is to know about its source.
struct Invariants {
  std::string source_bucket, target_bucket;
  std::string source_prefix, target_prefix;
  /// For source objects that nobody stored (synthetic buckets): the CRC32C (base64) of the only version of this key.
  std::function<std::optional<std::string>(const std::string& key)> computed_crc32c;
};

/// Checks that, per key,
///   I2  every commit at the target holds the bytes of a real version of the source,
///   I3  source versions become visible in the order in which they came into being,
///   I5  provenance names exactly the version whose bytes were committed.
/// Commits without provenance are strangers' (a test's own).
/// @return one line per violation
[[nodiscard]] std::vector<std::string> violations(const std::vector<Event>& events, const Invariants& rules);

}  // namespace ferry::system_test
