#pragma once
// What the API answers, as JSON. Every answer is valid UTF-8 whatever keys hold: a key that isn't travels
// percent-encoded under a name that says so, and nothing is lost.

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "admin/operator.hpp"

namespace ferry::admin {

/// Members `"published:KEY": {…},"consumed:KEY": {…}` of these records, without braces around or comma behind.
/// A key that is no UTF-8 gives `"published%:PERCENT-ENCODED"`, which no other key can give.
/// @param only  nothing: both halves
[[nodiscard]] std::string entries_text(const std::vector<Record>& records, std::optional<Mark> only);

[[nodiscard]] boost::json::object describe(const Failure& failure);
[[nodiscard]] boost::json::object describe(const ServiceStatus& status);

/// {"statusCode":…,"msg":…}: the form of every error.
[[nodiscard]] std::string error_text(int status, std::string_view message);

/// The text itself if it is UTF-8, else with \xNN where it isn't.
[[nodiscard]] std::string readable(std::string_view text);

}  // namespace ferry::admin
