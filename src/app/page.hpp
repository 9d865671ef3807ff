#pragma once
// The rows that the summaries of all commands are made of.

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kit/base/error.hpp"

namespace ferry::app {

/// "  copied               312     1.2 GiB   checked by md5 300, crc32c 12\n"
[[nodiscard]] std::string page_row(std::string_view name, std::uint64_t count, std::optional<std::uint64_t> bytes,
                                   std::string_view remark = {});
[[nodiscard]] std::string page_requests(std::uint64_t source, std::uint64_t target);
/// For a run that was refused before it had seen anything: what is wrong, as every complaint of the program.
[[nodiscard]] std::string page_refused(const Error& error);
/// `object` on one line, with "seconds" as people write them (Boost.JSON would say 1.25E0).
[[nodiscard]] std::string json_line(const boost::json::object& object, double seconds);
[[nodiscard]] std::string precise_seconds(double seconds);  ///< "0.4 s", "12 s", "3 min 05 s"

}  // namespace ferry::app
