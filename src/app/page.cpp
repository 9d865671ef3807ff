#include "app/page.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>

#include "app/progress.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kNameColumns = 16;
constexpr std::size_t kCountColumns = 13;
constexpr std::size_t kBytesColumns = 12;
constexpr double kWholeSecondsFrom = 10;

std::string padded(std::string_view text, std::size_t columns) {
  return std::string(columns > text.size() ? columns - text.size() : 0, ' ') + std::string{text};
}

}  // namespace

std::string page_row(std::string_view name, std::uint64_t count, std::optional<std::uint64_t> bytes,
                     std::string_view remark) {
  std::string line = "  " + std::string{name};
  line.resize(std::max(line.size(), 2 + kNameColumns), ' ');
  line += padded(with_commas(count), kCountColumns);
  if (bytes || !remark.empty()) line += padded(bytes ? human_bytes(*bytes) : "", kBytesColumns);
  if (!remark.empty()) line += "   " + std::string{remark};
  return line + "\n";
}

std::string page_requests(std::uint64_t source, std::uint64_t target) {
  return "  requests         S3 " + with_commas(source) + ", GCS " + with_commas(target) + "\n";
}

std::string page_refused(const Error& error) {
  const bool unreachable = error.kind == ErrorKind::kUnavailable;
  return "bucketferry: " + printable(error.what) + (unreachable ? "; check the address and the network" : "") + "\n";
}

std::string json_line(const boost::json::object& object, double seconds) {
  std::string line = boost::json::serialize(object);
  char text[64];
  std::snprintf(text, sizeof text, R"(,"seconds":%.3f})", seconds);
  line.pop_back();
  return line + text;
}

std::string precise_seconds(double seconds) {
  if (seconds >= kWholeSecondsFrom) return human_seconds(static_cast<std::uint64_t>(std::llround(seconds)));
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", seconds);
  return text;
}

}  // namespace ferry::app
