#include "source/s3/get_object.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {

using ::testing::HasSubstr;

class S3Get : public S3Test {
 protected:
  ErrorKind kind_of(FakeReply reply, std::uint64_t offset = 0) {
    http_.push(std::move(reply));
    const auto bytes = read(offset);
    return bytes ? ErrorKind::kCancelled : bytes.error().kind;
  }
};

TEST_F(S3Get, AsksForThePinnedVersionWithChecksumsAndWithoutRange) {
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_EQ(request(0).head.method, "GET");
  EXPECT_EQ(request(0).head.target, "/bucket/a");
  EXPECT_EQ(request(0).header("if-match"), kHelloTag);
  EXPECT_EQ(request(0).header("x-amz-checksum-mode"), "ENABLED");
  EXPECT_EQ(request(0).header("accept-encoding"), "identity");
  EXPECT_EQ(request(0).header("range"), std::nullopt);
  EXPECT_EQ(source()->requests(), 1);
}

TEST_F(S3Get, EncodesKeysOnceAndKeepsSlashes_F037_F152) {
  http_.on_request([](const FakeRequest&) { return object_reply("hello"); });
  ASSERT_TRUE(open(0, std::nullopt, "/a//b/../\xc3\xbc%2F+\r\n?#"));
  EXPECT_EQ(request(0).head.target, "/bucket//a//b/../%C3%BC%252F%2B%0D%0A%3F%23");
  EXPECT_EQ(request(0).header("if-match"), std::nullopt);
}

TEST_F(S3Get, ReadsAnEmptyObject_F020) {
  http_.push(object_reply(""));
  auto reader = open();
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ((*reader)->meta().size, 0);
  EXPECT_EQ(rest_of(reader->get()).value(), "");
}

TEST_F(S3Get, ReadsFromAnOffset) {
  http_.push(range_reply("lo", "bytes 3-4/5"));
  auto reader = open(3);
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ(request(0).header("range"), "bytes=3-");
  EXPECT_EQ((*reader)->meta().size, 5);
  EXPECT_EQ(rest_of(reader->get()).value(), "lo");
}

TEST_F(S3Get, TakesNoChecksumFromAReplyToARange) {
  auto headers = object_headers();
  headers.add("x-amz-checksum-crc32c", "4waSgw==");
  http_.push(range_reply("lo", "bytes 3-4/5", headers));
  EXPECT_TRUE(open(3).value()->meta().checksums.empty());
}

TEST_F(S3Get, GoesOnAfterACutWithAPinnedRange_F010_F076) {
  http_.push(object_reply("hello").cut_after(2));
  http_.push(range_reply("llo", "bytes 2-4/5").cut_after(1));
  http_.push(range_reply("lo", "bytes 3-4/5"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_EQ(request(1).header("range"), "bytes=2-");
  EXPECT_EQ(request(1).header("if-match"), kHelloTag);
  EXPECT_EQ(request(2).header("range"), "bytes=3-");
}

TEST_F(S3Get, PinsTheRangeEvenIfNoVersionWasAskedFor_F003) {
  http_.push(object_reply("hello").cut_after(2));
  http_.push(range_reply("llo", "bytes 2-4/5"));
  auto reader = open(0, std::nullopt);
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ(rest_of(reader->get()).value(), "hello");
  EXPECT_EQ(request(1).header("if-match"), kHelloTag);
}

TEST_F(S3Get, StartsAgainAtZeroWithoutRangeAfterACutBeforeTheFirstByte_F010) {
  http_.push(object_reply("hello").cut_after(0));
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_EQ(request(1).header("range"), std::nullopt);
}

TEST_F(S3Get, GivesUpWhenNoByteArrivesAgainAndAgain_F010) {
  http_.push(object_reply("hello").cut_after(2));
  http_.on_request([](const FakeRequest&) { return FakeReply::reset(); });
  const auto bytes = read();
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::kUnavailable);
  EXPECT_LE(http_.requests().size(), 1U + static_cast<std::size_t>(options_.backoff.attempts_max));
}

TEST_F(S3Get, CountsAttemptsAnewAfterEachByte_F010) {
  http_.read_at_most(1);
  for (std::size_t at = 0; at < 26; ++at) {
    const std::string all = "abcdefghijklmnopqrstuvwxyz";
    if (at == 0)
      http_.push(object_reply(all).cut_after(1));
    else
      http_.push(range_reply(all.substr(at), "bytes " + std::to_string(at) + "-25/26").cut_after(1));
  }
  EXPECT_EQ(read().value(), "abcdefghijklmnopqrstuvwxyz");
}

TEST_F(S3Get, SaysChangedWhenTheObjectIsReplacedBetweenRanges_F003) {
  http_.push(object_reply("hello").cut_after(2));
  http_.push(refusal(412, "PreconditionFailed"));
  EXPECT_EQ(read().error().kind, ErrorKind::kChanged);
}

TEST_F(S3Get, SaysGoneWhenTheObjectIsDeletedBetweenRanges_F007) {
  http_.push(object_reply("hello").cut_after(2));
  http_.push(refusal(404, "NoSuchKey"));
  EXPECT_EQ(read().error().kind, ErrorKind::kGone);
}

TEST_F(S3Get, FailsTheAttemptWhenTheRangeIsIgnored_F017) {
  http_.push(object_reply("hello").cut_after(2));
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(kind_of(object_reply("hello"), 2), ErrorKind::kCorrupt);
}

TEST_F(S3Get, FailsTheAttemptOnAWrongContentRange_F017_F011) {
  for (const char* range : {"", "bytes 0-4/5", "bytes 1-4/5", "bytes 2-3/5", "bytes 2-4/*", "bytes 2-5/6", "garbage"}) {
    EXPECT_EQ(kind_of(range_reply("llo", range), 2), ErrorKind::kCorrupt) << range;
  }
  http_.push(object_reply("hello").cut_after(2));
  http_.push(range_reply("lloo", "bytes 2-5/6"));
  EXPECT_EQ(read().error().kind, ErrorKind::kCorrupt) << "another total under the same tag";
}

TEST_F(S3Get, FailsTheAttemptOnAPartNobodyAskedFor_F017) {
  EXPECT_EQ(kind_of(range_reply("hello", "bytes 0-4/5")), ErrorKind::kCorrupt);
}

TEST_F(S3Get, FailsTheAttemptOnAMissingOrOtherTag_F018) {
  EXPECT_EQ(kind_of(object_reply("hello", {{"Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT"}})), ErrorKind::kCorrupt);
  http_.push(object_reply("hello", object_headers("\"other\"")));
  const auto bytes = read();
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(bytes.error().what, HasSubstr("bad reply"));
}

TEST_F(S3Get, ComparesTagsWithTheirQuotes) {
  http_.push(object_reply("hello", object_headers("5d41402abc4b2a76b9719d911017c592")));
  EXPECT_EQ(read().value(), "hello");
}

TEST_F(S3Get, FindsBytesBeyondTheSize_F012) {
  http_.push(range_reply("llo and more", "bytes 2-4/5").without_length());
  EXPECT_EQ(read(2).error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(kind_of(range_reply("llo and more", "bytes 2-4/5"), 2), ErrorKind::kCorrupt);
}

TEST_F(S3Get, AsksForTheSizeThatAChunkedReplyLeavesOut_F012) {
  http_.push(object_reply("hello").without_length());
  http_.push(FakeReply{200, object_headers()}.announcing(5));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_EQ(request(1).head.method, "HEAD");
  EXPECT_EQ(request(1).header("if-match"), kHelloTag);
}

TEST_F(S3Get, HoldsAChunkedBodyToTheSize_F012) {
  http_.push(object_reply("hello, world").without_length());
  http_.push(FakeReply{200, object_headers()}.announcing(5));
  EXPECT_EQ(read().error().kind, ErrorKind::kCorrupt);
  http_.push(object_reply("hel").without_length());
  http_.push(FakeReply{200, object_headers()}.announcing(5));
  http_.push(range_reply("lo", "bytes 3-4/5"));
  EXPECT_EQ(read().value(), "hello");
}

TEST_F(S3Get, TakesAnErrorDocumentWithStatus200ForThatError_F029) {
  EXPECT_EQ(kind_of(FakeReply{200, {{"Content-Type", "application/xml"}}, error_xml("AccessDenied")}),
            ErrorKind::kDenied);
  http_.push(FakeReply{200, {}, error_xml("InternalError")});
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
}

TEST_F(S3Get, DeliversAnObjectThatLooksLikeAnErrorDocument_F029) {
  http_.push(object_reply(error_xml("AccessDenied")));
  EXPECT_EQ(read().value(), error_xml("AccessDenied"));
}

TEST_F(S3Get, StoresGzipBytesUntouched_F019) {
  auto headers = object_headers();
  headers.add("Content-Encoding", "gzip");
  http_.push(object_reply("\x1f\x8b raw", headers));
  auto reader = open();
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ((*reader)->meta().content.encoding, "gzip");
  EXPECT_EQ(rest_of(reader->get()).value(), "\x1f\x8b raw");
}

TEST_F(S3Get, RefusesATagThatNoHeaderMayHold_F152) {
  const auto reader = open(0, ETag{"\"a\r\nX-Evil: 1\""});
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(http_.requests().empty());
  EXPECT_EQ(reader.error().what.find('\n'), std::string::npos);
}

TEST_F(S3Get, RetriesTheOpening_F047) {
  http_.push(FakeReply::connect_error());
  http_.push(FakeReply::reset());
  http_.push(refusal(503, "SlowDown"));
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
}

TEST_F(S3Get, ClampsTheServersWishToWait_F070) {
  for (const char* wish : {"86400", "-5", "18446744073709551616", "Fri, 31 Dec 2100 00:00:00 GMT", "soon", ""}) {
    const auto before = clock_.elapsed();
    http_.push(refusal(503, "SlowDown", {{"Retry-After", wish}}));
    http_.push(object_reply("hello"));
    EXPECT_EQ(read().value(), "hello");
    EXPECT_LE(clock_.elapsed() - before, options_.backoff.wish_max) << wish;
  }
}

TEST_F(S3Get, WaitsAsLongAsTheServerWishes_F070) {
  http_.push(refusal(503, "SlowDown", {{"Retry-After", "7"}}));
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_GE(clock_.elapsed(), std::chrono::seconds{7});
}

TEST_F(S3Get, MapsRefusalsToWhatTheCallerDoesNext_F030_F033_F006_F001) {
  EXPECT_EQ(kind_of(refusal(404, "NoSuchKey")), ErrorKind::kGone);
  EXPECT_EQ(kind_of(refusal(404, "NoSuchBucket")), ErrorKind::kInvalid);
  EXPECT_EQ(kind_of(refusal(403, "AccessDenied")), ErrorKind::kDenied);
  EXPECT_EQ(kind_of(refusal(403, "InvalidObjectState")), ErrorKind::kArchived);
  EXPECT_EQ(kind_of(refusal(412, "PreconditionFailed")), ErrorKind::kChanged);
  EXPECT_EQ(kind_of(refusal(416, "InvalidRange")), ErrorKind::kChanged);
  EXPECT_EQ(kind_of(refusal(400, "KeyTooLongError")), ErrorKind::kLimit);
  EXPECT_EQ(kind_of(refusal(400, "InvalidArgument")), ErrorKind::kInvalid);
  EXPECT_EQ(http_.requests().size(), 8) << "none of them is repeated";
}

TEST_F(S3Get, StatReadsTheSameWithoutABody) {
  auto headers = object_headers();
  headers.add("x-amz-checksum-crc32c", "4waSgw==");
  headers.add("Content-Length", "123456789012");
  http_.push(FakeReply{200, headers});
  const auto meta = stat();
  ASSERT_TRUE(meta) << meta.error().what;
  EXPECT_EQ(request(0).head.method, "HEAD");
  EXPECT_EQ(meta->size, 123'456'789'012);
  EXPECT_EQ(meta->checksums.size(), 1);
}

TEST_F(S3Get, StatKnowsRefusalsByTheirStatus) {
  for (const auto& [status, kind] :
       {std::pair{404, ErrorKind::kGone}, {403, ErrorKind::kDenied}, {412, ErrorKind::kChanged}}) {
    http_.push(FakeReply{status});
    EXPECT_EQ(stat().error().kind, kind);
  }
  http_.push(FakeReply{500});
  http_.push(FakeReply{200, object_headers()}.announcing(5));
  EXPECT_EQ(stat().value().size, 5);
}

TEST_F(S3Get, ReaderOutlivesItsSource) {
  http_.push(object_reply("hello").cut_after(2));
  http_.push(range_reply("llo", "bytes 2-4/5"));
  auto reader = open();
  ASSERT_TRUE(reader) << reader.error().what;
  source_.reset();
  EXPECT_EQ(rest_of(reader->get()).value(), "hello");
}

}  // namespace
}  // namespace ferry::s3
