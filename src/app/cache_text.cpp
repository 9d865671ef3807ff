#include "app/cache_text.hpp"

#include <boost/json.hpp>
#include <initializer_list>
#include <string_view>

#include "app/report.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

std::string columns(std::initializer_list<std::string_view> texts) {
  std::string line;
  for (const auto text : texts) line += (line.empty() ? "" : "\t") + printable(text);
  return line;
}

}  // namespace

std::string cache_line(const Published& published, bool json) {
  if (!json) {
    return columns({"published", rfc3339(published.when), published.version.etag.str(),
                    rfc3339(published.version.modified), "-", "-", "-", published.key.str()});
  }
  boost::json::object line{{"type", "published"}};
  set_key(&line, published.key);
  set_version(&line, published.version);
  line["when"] = rfc3339(published.when);
  return boost::json::serialize(line);
}

std::string cache_line(const Receipt& receipt, bool json) {
  if (!json) {
    return columns({"consumed", rfc3339(receipt.when), receipt.version.etag.str(), rfc3339(receipt.version.modified),
                    std::to_string(receipt.generation.value), to_string(receipt.rung), std::to_string(receipt.size),
                    receipt.key.str()});
  }
  boost::json::object line{{"type", "consumed"}};
  set_receipt(&line, receipt);
  return boost::json::serialize(line);
}

std::string cache_line(const Failure& failure, bool json) {
  if (!json) {
    return columns({to_string(failure.reason), rfc3339(failure.when), std::to_string(failure.attempts),
                    failure.key.str(), failure.what});
  }
  boost::json::object line;
  set_failure(&line, failure);
  return boost::json::serialize(line);
}

}  // namespace ferry::app
