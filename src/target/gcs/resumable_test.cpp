#include <gtest/gtest.h>

#include "target/gcs/room_test.hpp"

namespace ferry::gcs {
namespace {

using ferry::testing::FakeReply;
using ferry::testing::FakeRequest;

const std::uint64_t kSize = 5 * kGranuleBytes + 11;  // chunks [0, 2), [2, 4), [4, 5) granules, then a tail of 11 bytes

FakeReply held(std::uint64_t bytes) { return FakeReply{308, {{"Range", "bytes=0-" + std::to_string(bytes - 1)}}}; }

TEST(GcsSession, SendsGranuleMultiplesThenATailWithItsChecksum) {
  Room room;
  const auto bytes = Room::content_of(kSize);
  auto what = Room::spec("a", kSize);
  what.content.type = "text/plain";
  ASSERT_TRUE(room.send(what, bytes));
  ASSERT_EQ(room.http.requests().size(), 5);
  const auto& start = room.http.requests()[0];
  EXPECT_EQ(start.query("ifGenerationMatch"), "0");
  EXPECT_EQ(start.header("X-Upload-Content-Type"), "text/plain");
  EXPECT_EQ(start.header("X-Upload-Content-Length"), std::to_string(kSize));
  const auto total = "/" + std::to_string(kSize);
  EXPECT_EQ(room.http.requests()[1].header("Content-Range"), "bytes 0-524287" + total);
  EXPECT_EQ(room.http.requests()[2].header("Content-Range"), "bytes 524288-1048575" + total);
  EXPECT_EQ(room.http.requests()[3].header("Content-Range"), "bytes 1048576-1310719" + total);
  EXPECT_EQ(room.http.requests()[4].header("Content-Range"), "bytes 1310720-1310730" + total);
  EXPECT_EQ(room.http.requests()[4].header("X-Goog-Hash"), "crc32c=" + FakeBucket::crc32c_text(bytes));
  EXPECT_EQ(room.bucket.objects.at("a").bytes, bytes);
}

TEST(GcsSession, OpensWithBoundedRetries_F047) {
  Room room;
  room.fail_when(is_session_start, FakeBucket::error(429, "rateLimitExceeded", "planned"), 3);
  ASSERT_TRUE(room.send(Room::spec("a", kSize), Room::content_of(kSize)));
  EXPECT_EQ(room.bucket.sessions.size(), 1);
}

TEST(GcsSession, ChunkThatWasRefusedForNowIsRepeatedAfterTheServersWish_F047_F070) {
  Room room;
  room.fail_when(is_chunk, FakeBucket::error(503, "backendError", "planned", {{"Retry-After", "9"}}));
  ASSERT_TRUE(room.send(Room::spec("a", kSize), Room::content_of(kSize)));
  EXPECT_GE(room.clock.elapsed(), std::chrono::seconds{9});
}

TEST(GcsSession, LostAnswerToTheLastPutIsAskedFor_F049) {
  Room room;
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_tail(request)) return std::nullopt;
    room.bucket.answer(request);
    return FakeReply::reset();
  };
  const auto stored = room.send(Room::spec("a", kSize), Room::content_of(kSize));
  ASSERT_TRUE(stored) << stored.error().what;
  EXPECT_EQ(stored->provenance->source, "s3://from/a");
  EXPECT_EQ(room.bucket.commits, 1);
}

TEST(GcsSession, LostAnswerOfASessionThatIsForgottenIsFoundByItsProvenance_F049) {
  Room room;
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_tail(request)) return std::nullopt;
    room.bucket.answer(request);
    room.bucket.sessions.clear();
    return FakeReply{503};
  };
  const auto stored = room.send(Room::spec("a", kSize), Room::content_of(kSize));
  ASSERT_TRUE(stored) << stored.error().what;
  EXPECT_EQ(room.bucket.commits, 1);
}

TEST(GcsSession, TailThatDidNotArriveIsSentAgain_F049) {
  Room room;
  room.fail_when(is_tail, FakeReply::reset(), 2);
  ASSERT_TRUE(room.send(Room::spec("a", kSize), Room::content_of(kSize)));
  EXPECT_EQ(room.bucket.commits, 1);
}

TEST(GcsSession, FewerBytesHeldThanSentMeansGoingBack_F050) {
  Room room;
  int chunks = 0;
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_chunk(request) || ++chunks != 2) return std::nullopt;
    room.bucket.answer(request);
    room.bucket.sessions.begin()->second.bytes.resize(3 * kGranuleBytes);
    return held(3 * kGranuleBytes);
  };
  const auto bytes = Room::content_of(kSize);
  const auto upload = room.begin(Room::spec("a", kSize));
  ASSERT_TRUE(room.write(upload.get(), bytes, 2 * kGranuleBytes));
  EXPECT_EQ(upload->durable(), 2 * kGranuleBytes);
  EXPECT_EQ(room.write(upload.get(), bytes, 4 * kGranuleBytes).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(upload->durable(), 3 * kGranuleBytes);
  ASSERT_TRUE(room.run(upload->recover()));
  EXPECT_EQ(upload->offset(), 3 * kGranuleBytes);
  ASSERT_TRUE(room.write(upload.get(), bytes, upload->tail_begin()));
  ASSERT_TRUE(room.commit(upload.get(), bytes));
  EXPECT_EQ(room.bucket.objects.at("a").bytes, bytes);
}

TEST(GcsSession, BytesHeldOffTheGranuleAreSentAgainFromItsStart_F050) {
  Room room;
  int chunks = 0;
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_chunk(request) || ++chunks != 1) return std::nullopt;
    room.bucket.answer(request);
    room.bucket.sessions.begin()->second.bytes.resize(kGranuleBytes + 77);
    return held(kGranuleBytes + 77);
  };
  const auto bytes = Room::content_of(kSize);
  ASSERT_TRUE(room.send(Room::spec("a", kSize), bytes));
  EXPECT_EQ(room.bucket.objects.at("a").bytes, bytes);
}

TEST(GcsSession, ContinueWithoutRangeMeansNothingIsHeld_F051) {
  Room room;
  int chunks = 0;
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_chunk(request) || ++chunks != 1) return std::nullopt;
    return FakeReply{308};
  };
  const auto bytes = Room::content_of(kSize);
  const auto upload = room.begin(Room::spec("a", kSize));
  EXPECT_EQ(room.write(upload.get(), bytes, upload->tail_begin()).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(upload->durable(), 0);
  ASSERT_TRUE(room.run(upload->recover()));
  EXPECT_EQ(upload->offset(), 0);
  ASSERT_TRUE(room.write(upload.get(), bytes, upload->tail_begin()));
  ASSERT_TRUE(room.commit(upload.get(), bytes));
  EXPECT_EQ(room.bucket.objects.at("a").bytes, bytes);
}

TEST(GcsSession, SessionThatContradictsItselfIsAbandonedForANewOne_F052) {
  const std::vector<FakeReply> lies{held(5 * kGranuleBytes),                   // more than was sent
                                    held(kGranuleBytes),                       // less than it acknowledged
                                    FakeReply{308},                            // the same
                                    FakeReply{308, {{"Range", "bytes=5-9"}}},  // nonsense
                                    FakeReply{308, {{"Range", "bytes=0-18446744073709551615"}}}};
  for (const auto& lie : lies) {
    Room room;
    int chunks = 0;
    room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
      if (!is_chunk(request) || ++chunks != 2) return std::nullopt;
      return lie;
    };
    const auto bytes = Room::content_of(kSize);
    const auto upload = room.begin(Room::spec("a", kSize));
    const auto first = upload->session()->secret;
    EXPECT_EQ(room.write(upload.get(), bytes, upload->tail_begin()).error().kind, ErrorKind::kUnavailable);
    ASSERT_TRUE(room.run(upload->recover()));
    EXPECT_EQ(upload->offset(), 0);
    EXPECT_NE(upload->session()->secret, first);
    ASSERT_TRUE(room.write(upload.get(), bytes, upload->tail_begin()));
    ASSERT_TRUE(room.commit(upload.get(), bytes));
    EXPECT_EQ(room.bucket.objects.at("a").bytes, bytes);
  }
}

TEST(GcsSession, DeadSessionIsReplacedByANewOneFromZero_F053) {
  for (const int status : {404, 410}) {
    Room room;
    int puts = 0;
    room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
      if (!is_session_put(request) || ++puts != 2) return std::nullopt;
      return FakeReply{status};
    };
    const auto bytes = Room::content_of(kSize);
    const auto upload = room.begin(Room::spec("a", kSize));
    EXPECT_EQ(room.write(upload.get(), bytes, upload->tail_begin()).error().kind, ErrorKind::kUnavailable);
    ASSERT_TRUE(room.run(upload->recover()));
    EXPECT_EQ(upload->offset(), 0);
    EXPECT_EQ(room.bucket.sessions.size(), 2);
    ASSERT_TRUE(room.write(upload.get(), bytes, upload->tail_begin()));
    ASSERT_TRUE(room.commit(upload.get(), bytes));
  }
}

TEST(GcsSession, RecoverFindsADeadSessionAndStartsAnew_F053) {
  Room room;
  const auto bytes = Room::content_of(kSize);
  const auto upload = room.begin(Room::spec("a", kSize));
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_chunk(request)) return std::nullopt;
    room.bucket.sessions.clear();
    room.fault = nullptr;
    return FakeReply::reset();
  };
  EXPECT_EQ(room.write(upload.get(), bytes, upload->tail_begin()).error().kind, ErrorKind::kUnavailable);
  ASSERT_TRUE(room.run(upload->recover()));
  EXPECT_EQ(upload->offset(), 0);
  ASSERT_TRUE(room.write(upload.get(), bytes, upload->tail_begin()));
  ASSERT_TRUE(room.commit(upload.get(), bytes));
}

TEST(GcsSession, SessionThatIsCompleteWithOtherBytesIsCorruptAndRemoved_F054) {
  Room room;
  const auto bytes = Room::content_of(kSize);
  auto first = room.begin(Room::spec("a", kSize));
  const auto session = first->session().value();
  ASSERT_TRUE(room.write(first.get(), bytes, first->tail_begin()));
  ASSERT_TRUE(room.commit(first.get(), bytes));

  auto changed = bytes;
  changed[7] ^= 1;
  auto again = room.run(room.target->resume(Room::spec("a", kSize), session)).value();
  const auto error = room.commit(again.get(), changed).error();
  EXPECT_EQ(error.kind, ErrorKind::kCorrupt) << error.what;
  EXPECT_TRUE(room.bucket.objects.empty());
}

TEST(GcsSession, StatusQueryAfterALostAnswerFindsItComplete_F054) {
  Room room;
  const auto bytes = Room::content_of(kSize);
  auto upload = room.begin(Room::spec("a", kSize));
  ASSERT_TRUE(room.write(upload.get(), bytes, upload->tail_begin()));
  const auto session = upload->session().value();
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (is_tail(request)) room.bucket.answer(request);
    return FakeReply{503};
  };
  EXPECT_EQ(room.commit(upload.get(), bytes).error().kind, ErrorKind::kUnavailable);
  upload.reset();
  room.fault = nullptr;
  upload = room.run(room.target->resume(Room::spec("a", kSize), session)).value();
  EXPECT_EQ(upload->offset(), upload->tail_begin());
  ASSERT_TRUE(room.commit(upload.get(), bytes));
  EXPECT_EQ(room.bucket.commits, 1);
}

TEST(GcsSession, TargetThatCompletesBeforeTheLastByteIsCorrupt_F063) {
  Room room;
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_chunk(request)) return std::nullopt;
    room.bucket.put("a", "short");
    return FakeReply{200, {}, room.bucket.shown("a")};
  };
  const auto bytes = Room::content_of(kSize);
  const auto upload = room.begin(Room::spec("a", kSize));
  EXPECT_EQ(room.write(upload.get(), bytes, upload->tail_begin()).error().kind, ErrorKind::kCorrupt);
  EXPECT_TRUE(room.bucket.objects.empty());
}

TEST(GcsSession, EarlyRefusalInAChunkKeepsItsOwnMeaning_F059) {
  Room room;
  const auto bytes = Room::content_of(kSize);
  const auto upload = room.begin(Room::spec("a", kSize));
  room.http.on_head([&](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeBucket::error(403, "forbidden", "no delete access").early_after(1000);
  });
  const auto error = room.write(upload.get(), bytes, upload->tail_begin()).error();
  EXPECT_EQ(error.kind, ErrorKind::kDenied);
  EXPECT_LT(room.http.requests()[1].body.size(), 2 * kGranuleBytes) << "no use in sending the rest";
}

TEST(GcsSession, RecoverGivesUpAfterBoundedAttempts_F047) {
  Room room;
  const auto bytes = Room::content_of(kSize);
  const auto upload = room.begin(Room::spec("a", kSize));
  room.fail_when(any_request, FakeReply::reset(), 1000);
  EXPECT_EQ(room.write(upload.get(), bytes, upload->tail_begin()).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(room.run(upload->recover()).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(room.http.requests().size(), 2 + static_cast<std::size_t>(room.options.backoff.attempts_max));
}

TEST(GcsSession, RecoveriesThatBringNothingForwardWaitLonger) {
  Room room;
  const auto bytes = Room::content_of(kSize);
  const auto upload = room.begin(Room::spec("a", kSize));
  room.fail_when(is_chunk, FakeReply::reset(), 1000);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(room.write(upload.get(), bytes, upload->tail_begin()));
    ASSERT_TRUE(room.run(upload->recover()));
  }
  EXPECT_GT(room.clock.elapsed(), Milliseconds{0});
}

TEST(GcsSession, SessionAtAnotherOriginIsRefused_F143) {
  for (const auto* origin :
       {"https://evil.example", "http://storage.googleapis.com", "https://storage.googleapis.com:8443",
        "https://storage.googleapis.com@evil.example", "//evil.example", "ftp://x"}) {
    Room room;
    room.bucket.session_origin = origin;
    const auto upload = room.run(room.target->begin(Room::spec("a", kSize)));
    ASSERT_FALSE(upload) << origin;
    EXPECT_EQ(upload.error().kind, ErrorKind::kInvalid) << upload.error().what;
    EXPECT_EQ(upload.error().what.find("upload_id"), std::string::npos) << "a session's address is a secret";
    for (const auto& request : room.http.requests()) EXPECT_EQ(request.origin.host, "storage.googleapis.com");
  }
  Room room;
  const UploadSession foreign{"https://evil.example/session?upload_id=secret-1"};
  const auto resumed = room.run(room.target->resume(Room::spec("a", kSize), foreign));
  EXPECT_EQ(resumed.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(resumed.error().what.find("evil.example"), std::string::npos) << "names the foreign origin";
  EXPECT_EQ(room.run(room.target->cancel(foreign)).error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(room.http.requests().empty());
}

TEST(GcsSession, SecretsNeverReachErrorTexts_F143) {
  Room room;
  const auto bytes = Room::content_of(kSize);
  const auto upload = room.begin(Room::spec("a", kSize));
  room.fail_when(is_chunk, FakeBucket::error(403, "forbidden", "Invalid Upload_ID secret-1 for Bearer ya29.token"));
  const auto error = room.write(upload.get(), bytes, upload->tail_begin()).error();
  EXPECT_EQ(error.what.find("secret-1"), std::string::npos) << error.what;
  EXPECT_EQ(error.what.find("ya29"), std::string::npos) << error.what;
}

TEST(GcsSession, LocationMustBeThereAndBounded_F067) {
  for (const auto& reply :
       {FakeReply{200}, FakeReply{200, {{"Location", ""}}},
        FakeReply{200, {{"Location", "https://storage.googleapis.com/" + std::string(10'000, 'x')}}}}) {
    Room room;
    room.fail_when(is_session_start, reply);
    EXPECT_EQ(room.run(room.target->begin(Room::spec("a", kSize))).error().kind, ErrorKind::kCorrupt);
  }
}

TEST(GcsSession, CancelTakesEveryWayOfBeingGoneAsSuccess) {
  for (const int status : {499, 204, 404, 410}) {
    Room room;
    const auto upload = room.begin(Room::spec("a", kSize));
    room.fail_when([](const auto& request) { return request.head.method == "DELETE"; }, FakeReply{status});
    EXPECT_TRUE(room.run(room.target->cancel(*upload->session()))) << status;
    EXPECT_EQ(room.http.requests().back().header("Content-Length"), "0");
  }
}

}  // namespace
}  // namespace ferry::gcs
