#include "kit/base/gunzip.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "kit/base/gzip.hpp"

namespace ferry {
namespace {

Result<std::string> unpack(std::string_view bytes, std::size_t piece, std::uint64_t ratio = 1000) {
  std::string text;
  Gunzip gunzip{ratio};
  const auto keep = [&](std::string_view some) -> Status {
    text += some;
    return Unit{};
  };
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    if (auto fed = gunzip.feed(bytes.substr(0, piece), keep); !fed) return fail(std::move(fed).error());
  }
  if (auto whole = gunzip.finish(); !whole) return fail(std::move(whole).error());
  return text;
}

std::string lines() {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "row " + std::to_string(i * 7919) + "\n";
  return text;
}

TEST(Gunzip, UnpacksInPiecesOfAnySize) {
  const auto text = lines();
  const auto bytes = gzip(text);
  EXPECT_EQ(unpack(bytes, bytes.size()).value(), text);
  EXPECT_EQ(unpack(bytes, 1).value(), text);
  EXPECT_EQ(unpack(bytes, 1000).value(), text);
}

TEST(Gunzip, JoinsMembers) {
  const auto bytes = gzip("one,") + gzip("") + gzip("two");
  EXPECT_EQ(unpack(bytes, 3).value(), "one,two");
}

TEST(Gunzip, RefusesWhatIsCutDamagedOrSomethingElse_F170) {
  const auto bytes = gzip(lines());
  EXPECT_EQ(unpack(bytes.substr(0, bytes.size() - 1), 100).error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(unpack("", 1).error().kind, ErrorKind::kCorrupt);
  auto flipped = bytes;
  flipped[bytes.size() / 2] ^= 1;
  EXPECT_FALSE(unpack(flipped, 4096));
  const auto other = unpack("bucket,key\n", 100);
  EXPECT_NE(other.error().what.find("at byte"), std::string::npos) << other.error().what;
}

TEST(Gunzip, StopsABombEarly_F170) {
  const auto bomb = gzip(std::string(64 << 20, '\0'));
  std::size_t seen = 0;
  Gunzip gunzip{100};
  const auto count = [&](std::string_view some) -> Status {
    seen += some.size();
    return Unit{};
  };
  EXPECT_EQ(gunzip.feed(bomb, count).error().kind, ErrorKind::kCorrupt);
  EXPECT_LT(seen, bomb.size() * 110 + (2 << 20));
}

TEST(Gunzip, HandsOnWhatItsReaderComplainsOf) {
  Gunzip gunzip{100};
  const auto refuse = [](std::string_view) -> Status { return fail(ErrorKind::kInvalid, "no"); };
  EXPECT_EQ(gunzip.feed(gzip("text"), refuse).error().what, "no");
}

}  // namespace
}  // namespace ferry
