#include "kit/base/time.hpp"

#include <gtest/gtest.h>

#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

using namespace std::chrono_literals;

constexpr Seconds at(std::int64_t seconds) { return Seconds{std::chrono::seconds{seconds}}; }
constexpr std::int64_t kFirst = -62'167'219'200;  // 0000-01-01T00:00:00Z
constexpr std::int64_t kLast = 253'402'300'799;   // 9999-12-31T23:59:59Z

TEST(Rfc3339, WritesAndReadsKnownTimes) {
  EXPECT_EQ(rfc3339(at(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(at(1'369'353'600)), "2013-05-24T00:00:00Z");
  EXPECT_EQ(rfc3339(at(kFirst)), "0000-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(at(kLast)), "9999-12-31T23:59:59Z");
  EXPECT_EQ(parse_rfc3339("2013-05-24T00:00:00Z"), at(1'369'353'600));
  EXPECT_EQ(parse_rfc3339("2024-02-29T12:34:56Z"), at(1'709'210'096));
}

TEST(Rfc3339, CutsFractionsOffAlsoBefore1970_F035) {
  EXPECT_EQ(parse_rfc3339("2013-05-24T00:00:00.999Z"), at(1'369'353'600));
  EXPECT_EQ(parse_rfc3339("2013-05-24T00:00:00.000000000000000000001Z"), at(1'369'353'600));
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:59.999Z"), at(-1)) << "cut towards the past, not towards zero";
  EXPECT_EQ(parse_rfc3339("1901-12-13T20:45:51Z"), at(-2'147'483'649));
  EXPECT_EQ(rfc3339(at(-1)), "1969-12-31T23:59:59Z");
}

TEST(Rfc3339, AppliesNumericOffsets) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T05:30:00+05:30"), at(0));
  EXPECT_EQ(parse_rfc3339("1969-12-31T16:00:00.5-08:00"), at(0));
  EXPECT_EQ(parse_rfc3339("1970-01-01t00:00:00z"), at(0));
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00-00:00"), at(0));
}

TEST(Rfc3339, RefusesImpossibleTimesAndOtherForms) {
  for (const auto* text : {"",
                           "Z",
                           "2026",
                           "2026-01-02",
                           "2026-01-02T03:04:05",
                           "2026-01-02 03:04:05Z",
                           "2026-02-29T00:00:00Z",
                           "2100-02-29T00:00:00Z",
                           "2026-04-31T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:60Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00.5",
                           "2026-01-01T00:00:00,5Z",
                           "2026-01-01T00:00:00ZZ",
                           "2026-01-01T00:00:00+0100",
                           "2026-01-01T00:00:00+24:00",
                           "2026-01-01T00:00:00+01:60",
                           "2026-01-01T00:00:00+1:00",
                           "2026-1-01T00:00:00Z",
                           "+026-01-01T00:00:00Z",
                           "-026-01-01T00:00:00Z",
                           "2026-01-01T 0:00:00Z",
                           "12026-01-01T00:00:00Z",
                           " 2026-01-01T00:00:00Z",
                           "2026-01-01T00:00:00Z ",
                           "0000-01-01T00:00:00+00:01",
                           "9999-12-31T23:59:59-00:01"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

TEST(HttpDate, WritesAndReadsTheFixedForm) {
  EXPECT_EQ(http_date(at(1'369'353'600)), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(http_date(at(784'111'777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), at(784'111'777));
  EXPECT_EQ(parse_http_date("Wed, 31 Dec 1969 23:59:59 GMT"), at(-1));
}

TEST(HttpDate, RefusesImpossibleTimesAndOtherForms) {
  for (const auto* text :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:60 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun; 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08-49-37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994  8:49:37 GMT", "Sun, 29 Feb 2026 00:00:00 GMT"}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
}

TEST(AmzDate, IsTheBasicFormOfIso8601) {
  EXPECT_EQ(amz_date(at(1'369'353'600)), "20130524T000000Z");
  EXPECT_EQ(amz_date(at(kLast)), "99991231T235959Z");
}

TEST(Time, ClampsWhatFourDigitsOfAYearCannotHold_F035) {
  EXPECT_EQ(rfc3339(at(kFirst) - 1s), "0000-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(at(kLast) + 1s), "9999-12-31T23:59:59Z");
  EXPECT_EQ(rfc3339(Seconds::min()), "0000-01-01T00:00:00Z");
  EXPECT_EQ(http_date(Seconds::max()), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(Time, EveryTimeComesBackUnchanged_F035) {
  testing::SeededRng rng{9};
  for (int round = 0; round < 20'000; ++round) {
    const auto time = at(kFirst + static_cast<std::int64_t>(rng.next() % (kLast - kFirst + 1)));
    ASSERT_EQ(parse_rfc3339(rfc3339(time)), time) << rfc3339(time);
    ASSERT_EQ(parse_http_date(http_date(time)), time) << http_date(time);
  }
}

}  // namespace
}  // namespace ferry
