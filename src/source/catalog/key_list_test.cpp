#include "source/catalog/key_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ferry::catalog {
namespace {

using KeysAndVersions = std::vector<std::pair<std::string, std::string>>;

Result<KeysAndVersions> read_keys(std::string_view text, std::size_t piece = 5, std::string prefix = {}) {
  KeyList list{BucketName{"photos"}, std::move(prefix)};
  std::vector<SourceEntry> entries;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    if (auto fed = list.feed(text.substr(0, piece), &entries); !fed) return fail(std::move(fed).error());
  }
  if (auto done = list.finish(&entries); !done) return fail(std::move(done).error());
  KeysAndVersions found;
  for (const auto& entry : entries) {
    found.emplace_back(entry.key.str(), entry.version.version_id.value_or(VersionId{}).str());
  }
  return found;
}

TEST(KeyList, ReadsRowsOfBatchOperationsWithEncodedKeysAndVersions) {
  const KeysAndVersions expected{{"a b/\xc3\xbc", ""}, {"a+b,c", "3/L4k+qtJ"}, {"plus ", ""}};
  for (const std::size_t piece : {1UL, 9UL, 1000UL}) {
    EXPECT_EQ(read_keys("photos,a%20b/%C3%BC\r\n\"photos\",\"a%2Bb%2Cc\",3/L4k+qtJ\nphotos,plus+,", piece).value(),
              expected);
  }
}

TEST(KeyList, ReadsPlainLinesAsTheyAre) {
  const KeysAndVersions expected{{"a b", ""}, {"100%", ""}, {"c,d", ""}, {"e+f", ""}};
  for (const std::size_t piece : {1UL, 9UL, 1000UL}) {
    EXPECT_EQ(read_keys("\xEF\xBB\xBF"
                        "a b\r\n100%\n\nc,d\ne+f",
                        piece)
                  .value(),
              expected);
  }
  EXPECT_EQ(read_keys("only").value(), (KeysAndVersions{{"only", ""}}));
  EXPECT_TRUE(read_keys("")->empty());
}

TEST(KeyList, KeepsWhatBeginsWithThePrefix) {
  EXPECT_EQ(read_keys("logs/a\nother\nlogs/b\n", 4, "logs/").value(),
            (KeysAndVersions{{"logs/a", ""}, {"logs/b", ""}}));
}

TEST(KeyList, RefusesWhatItWouldHaveToGuessAt_F170) {
  const auto refused = [](const std::string& text) {
    const auto read = read_keys(text);
    EXPECT_FALSE(read) << text;
    return read ? std::string{} : read.error().what;
  };
  EXPECT_NE(refused("photos,a\nvideos,b\n").find("line 2: bucket 'videos'"), std::string::npos);
  EXPECT_NE(refused("photos,a\nphotos,50%\n").find("line 2: '50%'"), std::string::npos);
  EXPECT_NE(refused("photos,a,b,c\n").find("line 1: 4 columns"), std::string::npos);
  EXPECT_NE(refused("photos,\n").find("line 1"), std::string::npos);
  EXPECT_NE(refused("a,b\n").find("no comma"), std::string::npos);
  EXPECT_NE(refused("ok\n" + std::string(2000, 'k')).find("line 2: a key has at most"), std::string::npos);
  EXPECT_NE(refused(std::string(1 << 20, 'k')).find("line 1"), std::string::npos);
  EXPECT_NE(refused("photos,\"a\nb\n").find("never ends"), std::string::npos);
}

}  // namespace
}  // namespace ferry::catalog
