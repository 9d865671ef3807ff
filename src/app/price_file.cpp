#include "app/price_file.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "app/bounded_file.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kPriceFileBytesMax = 64 << 10;
constexpr double kPriceMax = 1e9;
constexpr std::size_t kTextBytesMax = 200;

constexpr std::string_view kDefaultPrices =
    R"(# Prices of a migration, for bucketferry plan. Edit a copy and give it with --prices FILE.
# List prices, before taxes, discounts and free tiers of single accounts; other regions cost more.
as_of: 2026-06
source: public reports of list prices (us-east-1; one region of Google, flat namespace), to be checked at aws.amazon.com/s3/pricing and cloud.google.com/storage/pricing
currency: USD

s3:
  list_per_1000: 0.005
  read_per_1000:            # GET and HEAD, by storage class
    STANDARD_IA: 0.001
    ONEZONE_IA: 0.001
    GLACIER_IR: 0.01
    other: 0.0004
  retrieval_per_gib:        # read from a class that charges for it
    STANDARD_IA: 0.01
    ONEZONE_IA: 0.01
    GLACIER_IR: 0.03
    other: 0
  egress_per_gib:           # to the internet in one month: up to so many GiB in all, at this price
    - {up_to_gib: 100, price: 0}
    - {up_to_gib: 10240, price: 0.09}
    - {up_to_gib: 51200, price: 0.085}
    - {up_to_gib: 153600, price: 0.07}
    - {price: 0.05}

gcs:
  list_per_1000: 0.005
  upload_per_1000:          # objects written, by the target's storage class
    STANDARD: 0.005
    NEARLINE: 0.01
    COLDLINE: 0.02
    ARCHIVE: 0.05
    other: 0.005
)";

/// What a person wrote wrong; never leaves this file.
struct Mistake {
  int line;
  std::string what;
};

[[noreturn]] void mistake(const YAML::Node& node, std::string what) {
  throw Mistake{node.Mark().line + 1, std::move(what)};
}

double price_of(const YAML::Node& node) {
  double price = 0;
  if (!node.IsScalar() || !YAML::convert<double>::decode(node, price) || !std::isfinite(price) || price < 0 ||
      price > kPriceMax) {
    mistake(node, "is not a price: a number that is not negative");
  }
  return price;
}

std::string text_of(const YAML::Node& node) {
  if (!node.IsScalar() || node.Scalar().empty() || node.Scalar().size() > kTextBytesMax) {
    mistake(node, "is not a short text");
  }
  return node.Scalar();
}

/// All of `names` are there, and nothing else.
void expect_fields(const YAML::Node& map, std::initializer_list<std::string_view> names) {
  if (!map.IsMap()) mistake(map, "is not a map of 'name: value' lines");
  for (const auto& pair : map) {
    if (!pair.first.IsScalar() || std::ranges::find(names, pair.first.Scalar()) == names.end()) {
      mistake(pair.first, "nothing here has this name");
    }
  }
  for (const auto name : names) {
    if (!map[std::string{name}]) mistake(map, std::string{name} + " is missing");
  }
}

ClassPrices classes_of(const YAML::Node& map) {
  if (!map.IsMap() || !map["other"]) mistake(map, "is not a map of storage classes with 'other' among them");
  ClassPrices prices;
  for (const auto& pair : map) {
    const std::string name = text_of(pair.first);
    if (name == "other") {
      prices.other = price_of(pair.second);
    } else {
      prices.of[name] = price_of(pair.second);
    }
  }
  return prices;
}

std::vector<PriceStep> steps_of(const YAML::Node& list) {
  if (!list.IsSequence() || list.size() == 0) mistake(list, "is not a list of steps");
  std::vector<PriceStep> steps;
  for (const auto& item : list) {
    const bool last = steps.size() + 1 == list.size();
    if (last) {
      expect_fields(item, {"price"});
    } else {
      expect_fields(item, {"up_to_gib", "price"});
    }
    PriceStep step;
    step.per_gib = price_of(item["price"]);
    if (!last) step.up_to_gib = price_of(item["up_to_gib"]);
    if (step.up_to_gib && !steps.empty() && *step.up_to_gib <= *steps.back().up_to_gib) {
      mistake(item, "steps must go up");
    }
    steps.push_back(step);
  }
  return steps;
}

PriceTable table_of(const YAML::Node& root) {
  expect_fields(root, {"as_of", "source", "currency", "s3", "gcs"});
  const YAML::Node s3 = root["s3"], gcs = root["gcs"];
  expect_fields(s3, {"list_per_1000", "read_per_1000", "retrieval_per_gib", "egress_per_gib"});
  expect_fields(gcs, {"list_per_1000", "upload_per_1000"});
  PriceTable table;
  table.as_of = text_of(root["as_of"]);
  table.source = text_of(root["source"]);
  table.currency = text_of(root["currency"]);
  table.s3_list = price_of(s3["list_per_1000"]);
  table.s3_read = classes_of(s3["read_per_1000"]);
  table.s3_retrieval = classes_of(s3["retrieval_per_gib"]);
  table.egress = steps_of(s3["egress_per_gib"]);
  table.gcs_list = price_of(gcs["list_per_1000"]);
  table.gcs_upload = classes_of(gcs["upload_per_1000"]);
  return table;
}

tl::unexpected<Error> wrong_at(int line, const std::string& what) {
  return fail(ErrorKind::kInvalid, "line " + std::to_string(line) + ": " + what);
}

}  // namespace

std::string_view default_prices_text() { return kDefaultPrices; }

PriceTable default_prices() { return parse_prices(std::string{kDefaultPrices}).value(); }

Result<PriceTable> parse_prices(const std::string& yaml) {
  if (!is_utf8(yaml) || yaml.find('\0') != std::string::npos) return wrong_at(1, "is not UTF-8 text");
  try {
    return table_of(YAML::Load(yaml));
  } catch (const Mistake& found) {
    return wrong_at(found.line, found.what);
  } catch (const YAML::Exception& error) {  // the library's only way to report what a person wrote
    return wrong_at(error.mark.line + 1, "is not YAML: " + printable(error.msg));
  }
}

Result<PriceTable> read_price_file(const std::string& path) {
  const std::string place = "--prices " + printable(path);
  auto file = read_bounded(path, kPriceFileBytesMax);
  if (!file) return fail(std::move(file).error().during(place));
  auto table = parse_prices(file->text);
  if (!table) return fail(std::move(table).error().during(place));
  return table;
}

}  // namespace ferry::app
