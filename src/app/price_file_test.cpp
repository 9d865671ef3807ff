#include "app/price_file.hpp"

#include <gtest/gtest.h>

namespace ferry::app {
namespace {

std::string with_line(std::string_view old_line, std::string_view new_line) {
  std::string text{default_prices_text()};
  const auto at = text.find(old_line);
  EXPECT_NE(at, std::string::npos) << old_line;
  return text.replace(at, old_line.size(), new_line);
}

TEST(PriceFile, TheBuiltInTableIsOneThatItReads) {
  const auto prices = default_prices();
  EXPECT_EQ(prices.currency, "USD");
  EXPECT_FALSE(prices.as_of.empty());
  EXPECT_EQ(prices.s3_read.at("GLACIER_IR"), 0.01);
  EXPECT_EQ(prices.s3_read.at("STANDARD"), 0.0004);
  EXPECT_EQ(prices.egress.size(), 5u);
  EXPECT_FALSE(prices.egress.back().up_to_gib);
}

TEST(PriceFile, NamesTheLineOfEveryMistake) {
  const std::pair<std::string, std::string> wrong[] = {
      {with_line("currency: USD", "currency: [a]"), "line 5: is not a short text"},
      {with_line("currency: USD", "money: USD"), "line 5: nothing here has this name"},
      {with_line("  list_per_1000: 0.005", "  list_per_1000: cheap"), "line 8: is not a price"},
      {with_line("  list_per_1000: 0.005", "  list_per_1000: -1"), "line 8: is not a price"},
      {with_line("  list_per_1000: 0.005", "  list_per_1000: .nan"), "line 8: is not a price"},
      {with_line("    - {price: 0.05}\n", ""), "nothing here has this name"},
      {with_line("up_to_gib: 51200", "up_to_gib: 5"), "steps must go up"},
      {with_line("    other: 0.0004\n", ""), "with 'other' among them"},
      {"{", "is not YAML"},
      {"", "is not a map"},
      {"\xff", "is not UTF-8"},
  };
  for (const auto& [text, what] : wrong) {
    const auto parsed = parse_prices(text);
    ASSERT_FALSE(parsed) << what;
    EXPECT_NE(parsed.error().what.find(what), std::string::npos) << parsed.error().what;
  }
}

TEST(PriceFile, AMissingFileIsNamed) {
  const auto read = read_price_file("/nowhere/prices.yaml");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(read.error().what.starts_with("--prices /nowhere/prices.yaml: ")) << read.error().what;
}

}  // namespace
}  // namespace ferry::app
