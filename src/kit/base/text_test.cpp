#include "kit/base/text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>

#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

using testing::SeededRng;

// Straight from the definition, for every code point.
std::string encode_utf8(char32_t point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | (point >> 6)), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | (point >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | (point >> 18)), tail(12), tail(6), tail(0)};
}

TEST(Utf8, TakesEveryCodePointAndNoSurrogate) {
  for (char32_t point = 0; point <= 0x10ffff; ++point) {
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    ASSERT_EQ(is_utf8(encode_utf8(point)), !surrogate) << std::hex << static_cast<std::uint32_t>(point);
  }
}

TEST(Utf8, RefusesWhatIsNotWellFormedWhereverItStands_F041) {
  const std::array<std::string_view, 16> broken{
      "\x80",
      "\xbf",
      "\xc0\x80",
      "\xc1\xbf",
      "\xc3",
      "\xe0\x80\x80",
      "\xe0\x9f\xbf",
      "\xed\xa0\x80",
      "\xed\xbf\xbf",
      "\xe2\x82",
      "\xf0\x80\x80\x80",
      "\xf0\x8f\xbf\xbf",
      "\xf4\x90\x80\x80",
      "\xf5\x80\x80\x80",
      "\xff",
      "\xc3(",
  };
  for (const auto bytes : broken) {
    for (std::size_t before = 0; before < 20; ++before) {
      const auto text = std::string(before, 'a') + std::string{bytes};
      ASSERT_FALSE(is_utf8(text)) << printable(text);
      ASSERT_FALSE(is_utf8(text + std::string(20, 'z'))) << printable(text);
    }
  }
}

TEST(Utf8, TakesMixedTextOfAnyLength) {
  EXPECT_TRUE(is_utf8(""));
  std::string text;
  for (int i = 0; i < 64; ++i) {
    text += i % 3 == 0 ? "é" : i % 7 == 0 ? "🚢" : "a";
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(PlainWords, EndBeforeTheWordThatHoldsAnythingElse) {
  const std::string plain(40, 'a');
  EXPECT_EQ(plain_words(plain), 40U);
  EXPECT_EQ(plain_words(std::string_view{plain}.substr(0, 39)), 32U);
  for (int byte = 0; byte < 256; ++byte) {
    const bool other = byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
    for (std::size_t at = 0; at < plain.size(); ++at) {
      auto text = plain;
      text[at] = static_cast<char>(byte);
      EXPECT_EQ(plain_words(text), other ? at / 8 * 8 : 40U) << "byte " << byte << " at " << at;
    }
  }
}

TEST(Printable, LeavesOrdinaryTextAlone) {
  for (const auto* text : {"", "logs/2026/a b.gz", "größe/файл/日本/🚢", "a%2Fb?c=d&e"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, ShowsWhatATerminalWouldObey_F151) {
  EXPECT_EQ(printable("a\nb\r\tc"), R"(a\x0ab\x0d\x09c)");
  EXPECT_EQ(printable(std::string_view{"\0\x1b[2J\x7f", 6}), R"(\x00\x1b[2J\x7f)");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            R"(\u{009b}31m)")
      << "C1: an escape sequence in one character";
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "gpj.exe"),
            R"(a\u{202e}gpj.exe)")
      << "text that turns round";
  EXPECT_EQ(printable("\xe2\x80\xa8|\xe2\x81\xa6|\xd8\x9c"), R"(\u{2028}|\u{2066}|\u{061c})");
  EXPECT_EQ(printable("a\\b"), R"(a\\b)") << "or an escape could be forged";
  EXPECT_EQ(printable("\xff\xc3"), R"(\xff\xc3)");
  EXPECT_EQ(printable("%s%n{}"), "%s%n{}");
}

TEST(Printable, MakesOneHarmlessLineOfAnyBytes_F151) {
  SeededRng rng{5};
  for (int round = 0; round < 2000; ++round) {
    const auto text = printable(rng.bytes(rng.next() % 60));
    ASSERT_TRUE(is_utf8(text));
    ASSERT_EQ(printable(text).find_first_of("\n\r\x1b\x7f"), std::string::npos);
    for (const char c : text) ASSERT_FALSE(c >= 0 && c < ' ') << text;
  }
}

TEST(Printable, DifferentBytesNeverLookTheSame) {
  SeededRng rng{6};
  const std::array<std::string_view, 8> pieces{"\\", "x", "0a", "\n", "\\x0a", "\xff", "u{202e}", "\xe2\x80\xae"};
  std::map<std::string, std::string> seen;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes;
    for (auto count = rng.next() % 5; count > 0; --count) bytes += pieces[rng.next() % pieces.size()];
    const auto [place, fresh] = seen.emplace(printable(bytes), bytes);
    ASSERT_EQ(place->second, bytes) << place->first;
  }
}

TEST(Percent, EncodesAllButUnreservedInUpperCase) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b+c/ü%2F..//é?#&=.txt", "/"), "a%20b%2Bc/%C3%BC%252F..//%C3%A9%3F%23%26%3D.txt");
  EXPECT_EQ(percent_encode("a/b"), "a%2Fb");
  EXPECT_EQ(percent_encode(std::string_view{"\0\xff", 2}), "%00%FF");
}

TEST(Percent, DecodesStrictly) {
  EXPECT_EQ(percent_decode("a%20b%2bc+d"), "a b+c+d");
  EXPECT_EQ(percent_decode("a+b%2Bc", true), "a b+c");
  for (const auto* text : {"%", "%2", "a%", "%g0", "%0g", "%%20", "% 20", "%+1"}) {
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
    EXPECT_EQ(percent_decode(text, true), std::nullopt) << text;
  }
}

TEST(Percent, AnyBytesComeBackUnchanged) {
  SeededRng rng{8};
  for (int round = 0; round < 1000; ++round) {
    const auto bytes = rng.bytes(rng.next() % 80);
    ASSERT_EQ(percent_decode(percent_encode(bytes)), bytes);
    ASSERT_EQ(percent_decode(percent_encode(bytes, "/"), true), bytes);
  }
}

TEST(ParseU64, TakesWholeDecimalNumbersInRange) {
  EXPECT_EQ(parse_u64("0"), 0U);
  EXPECT_EQ(parse_u64("007"), 7U);
  EXPECT_EQ(parse_u64("18446744073709551615"), 18446744073709551615ULL);
  for (const auto* text :
       {"", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_EQ(parse_u64(text), std::nullopt) << text;
  }
}

TEST(AsciiCase, IsFoldedForLettersOnly) {
  EXPECT_TRUE(iequals("Content-MD5", "content-md5"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{")) << "they differ by the same bit as letters do";
  EXPECT_FALSE(iequals("É", "é"));
  EXPECT_EQ(to_lower("X-Amz-É[@Z"), "x-amz-É[@z");
}

TEST(Trim, TakesWhiteSpaceOffBothEnds) {
  EXPECT_EQ(trim(" \t\r\n a b \v\f"), "a b");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(HumanBytes, NeedsAtMostThreeDigits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(17), "17 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "0.98 KiB");
  EXPECT_EQ(human_bytes(1024), "1 KiB");
  EXPECT_EQ(human_bytes(1'610'612'736), "1.5 GiB");
  EXPECT_EQ(human_bytes(999'999'999), "954 MiB");
  EXPECT_EQ(human_bytes(1'048'575), "1 MiB");
  EXPECT_EQ(human_bytes(~std::uint64_t{0}), "16 EiB");
}

TEST(HumanBytes, NeverFallsBackToAnExponent) {
  for (std::uint64_t bytes = 1; bytes < std::uint64_t{1} << 62; bytes += bytes / 7 + 1) {
    const auto text = human_bytes(bytes);
    ASSERT_EQ(text.find('e'), std::string::npos) << bytes << " → " << text;
    ASSERT_LE(text.find(' '), 4U) << bytes << " → " << text;
  }
}

}  // namespace
}  // namespace ferry
