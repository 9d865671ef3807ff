#include "source/catalog/csv.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ferry::catalog {
namespace {

using CsvTable = std::vector<std::vector<std::string>>;

Result<CsvTable> read_csv(std::string_view text, std::size_t piece) {
  CsvTable rows;
  CsvRows csv;
  const auto keep = [&](std::span<const std::string> fields) -> Status {
    rows.emplace_back(fields.begin(), fields.end());
    return Unit{};
  };
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    if (auto fed = csv.feed(text.substr(0, piece), keep); !fed) return fail(std::move(fed).error());
  }
  if (auto done = csv.finish(keep); !done) return fail(std::move(done).error());
  return rows;
}

TEST(Csv, ReadsQuotedAndBareFieldsInPiecesOfAnySize) {
  const std::string text = "\"a\",b,\"c,\"\"d\"\"\nsecond line\"\r\n\n,,\"\"\nlast";
  const CsvTable expected{{"a", "b", "c,\"d\"\nsecond line"}, {"", "", ""}, {"last"}};
  for (const std::size_t piece : {1UL, 2UL, 7UL, 1000UL}) EXPECT_EQ(read_csv(text, piece).value(), expected) << piece;
  EXPECT_TRUE(read_csv("", 1)->empty());
  EXPECT_TRUE(read_csv("\n\r\n", 1)->empty());
}

TEST(Csv, RefusesUnbalancedQuotesWithTheLineWhereTheRowBegan_F170) {
  for (const auto* text : {"ok\n\"never\nends", "ok\nin\"side\n", "ok\n\"after\"text\n", "ok\n\"after\" \n"}) {
    const auto read = read_csv(text, 3);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt);
    EXPECT_TRUE(read.error().what.starts_with("line 2: ")) << read.error().what;
  }
}

TEST(Csv, RefusesARowWithoutEndWhileItIsStillSmall_F170) {
  const std::string endless(1 << 20, 'x');
  for (const auto* begin : {"ok\n", "ok\n\"", "ok\n,,"}) {
    const auto read = read_csv(begin + endless, 64 * 1024);
    ASSERT_FALSE(read);
    EXPECT_TRUE(read.error().what.starts_with("line 2: a row of more than")) << read.error().what;
  }
  EXPECT_FALSE(read_csv(std::string(1 << 20, ','), 64 * 1024)) << "a million columns";
}

TEST(Csv, PutsTheLineBeforeWhatItsReaderComplainsOf) {
  CsvRows csv;
  const auto refuse = [](std::span<const std::string>) -> Status { return fail(ErrorKind::kInvalid, "no such thing"); };
  EXPECT_EQ(csv.feed("\n\nrow\n", refuse).error().what, "line 3: no such thing");
}

}  // namespace
}  // namespace ferry::catalog
