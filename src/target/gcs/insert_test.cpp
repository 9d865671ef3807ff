#include <gtest/gtest.h>

#include "target/gcs/room_test.hpp"

namespace ferry::gcs {
namespace {

using ferry::testing::FakeReply;
using ferry::testing::FakeRequest;

Digest md5_of(const std::string& bytes) {
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(bytes);
  return hash->digest();
}

/// Small enough for one request from memory, and large enough to be streamed with its MD5 known.
const std::uint64_t kSmall = 100;
const std::uint64_t kStreamed = 3 * kGranuleBytes + 5;

UploadSpec streamed_spec(const std::string& key, const std::string& bytes) {
  auto what = Room::spec(key, bytes.size());
  what.hash = md5_of(bytes);
  return what;
}

TEST(GcsInsert, SendsPreconditionHashesAndFramingThatAddsUp) {
  Room room;
  auto what = Room::spec("dir/a b", kSmall);
  what.content.type = "image/png";
  what.content.encoding = "gzip";
  const auto bytes = Room::content_of(kSmall);
  what.hash = md5_of(bytes);
  ASSERT_TRUE(room.send(what, bytes));
  ASSERT_EQ(room.http.requests().size(), 1);
  const auto& request = room.http.requests()[0];
  EXPECT_EQ(request.head.method, "POST");
  EXPECT_TRUE(request.origin.tls);
  EXPECT_EQ(request.origin.host, "storage.googleapis.com");
  EXPECT_EQ(request.query("uploadType"), "multipart");
  EXPECT_EQ(request.query("ifGenerationMatch"), "0");
  EXPECT_EQ(request.body_length, request.body.size());
  EXPECT_FALSE(request.header("Content-Encoding")) << "would make the server decompress";
  const auto& stored = room.bucket.objects.at("dir/a b").resource;
  EXPECT_EQ(std::string{stored.at("crc32c").as_string()}, FakeBucket::crc32c_text(bytes));
  EXPECT_EQ(std::string{stored.at("md5Hash").as_string()}, FakeBucket::md5_text(bytes));
  EXPECT_EQ(std::string{stored.at("contentEncoding").as_string()}, "gzip");
}

TEST(GcsInsert, StreamsWithoutASessionWhereTheHashIsKnown) {
  Room room;
  const auto bytes = Room::content_of(kStreamed);
  const auto upload = room.begin(streamed_spec("a", bytes));
  EXPECT_FALSE(upload->session());
  ASSERT_TRUE(room.write(upload.get(), bytes, kGranuleBytes + 1));
  EXPECT_EQ(upload->offset(), kGranuleBytes + 1);
  EXPECT_EQ(upload->durable(), 0);
  ASSERT_TRUE(room.write(upload.get(), bytes, upload->tail_begin()));
  ASSERT_TRUE(room.commit(upload.get(), bytes));
  ASSERT_EQ(room.http.requests().size(), 1);
  EXPECT_EQ(room.http.requests()[0].body_length, room.http.requests()[0].body.size());
}

TEST(GcsInsert, IllegalMediaTypesBecomeTheDefaultAndNeverReachAHeader_F046_F152) {
  struct Case {
    std::string given, sent;
  };
  const std::string fallback = "application/octet-stream";
  for (const auto& [given, sent] :
       {Case{"text/html; charset=\"utf-8\"", "text/html; charset=\"utf-8\""},
        Case{"binary/octet-stream", "binary/octet-stream"}, Case{"", fallback}, Case{"nonsense", fallback},
        Case{"text/plain\r\nX-Injected: 1", fallback}, Case{"text/" + std::string(1100, 'x'), fallback},
        Case{"text/\xc3\xa9", fallback}, Case{std::string{"text/pl\0ain", 11}, fallback}}) {
    Room room;
    for (const auto size : {kSmall, kStreamed}) {
      auto what = Room::spec("a" + std::to_string(size), size);
      what.content.type = given;
      ASSERT_TRUE(room.send(what, Room::content_of(size)));
      EXPECT_EQ(std::string{room.bucket.objects.at(what.key.str()).resource.at("contentType").as_string()}, sent);
    }
    for (const auto& request : room.http.requests()) {
      for (const auto& [name, value] : request.head.headers) EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos);
      if (is_session_start(request)) EXPECT_EQ(request.header("X-Upload-Content-Type"), sent);
    }
  }
}

TEST(GcsInsert, ControlCharactersInKeysAndMetadataStayData_F044_F152) {
  Room room;
  auto what = Room::spec("a\r\nHost: evil\r\n\r\nb", kSmall);
  what.metadata.emplace_back("x\r\ny", "1\r\n--boundary--\r\n");
  what.content.disposition = "attachment\r\nX: 1";
  ASSERT_TRUE(room.send(what, Room::content_of(kSmall)));
  const auto seen = room.run(room.target->stat(what.key)).value();
  ASSERT_TRUE(seen);
  for (const auto& request : room.http.requests()) {
    EXPECT_EQ(request.head.target.find_first_of("\r\n "), std::string::npos);
    for (const auto& [name, value] : request.head.headers) EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos);
  }
  EXPECT_EQ(
      std::string{room.bucket.objects.at(what.key.str()).resource.at("metadata").as_object().at("x\r\ny").as_string()},
      "1\r\n--boundary--\r\n");
}

TEST(GcsInsert, RepeatsWithBackOffWhileNothingIsStored_F047) {
  for (const int status : {408, 429, 500, 503}) {
    Room room;
    room.fail_when(is_insert, FakeBucket::error(status, "backendError", "planned", {{"Retry-After", "7"}}), 2);
    ASSERT_TRUE(room.send(Room::spec("a", kSmall), Room::content_of(kSmall))) << status;
    EXPECT_EQ(room.http.requests().size(), 3);
    EXPECT_GE(room.clock.elapsed(), std::chrono::seconds{14}) << "the server's wish is a floor";
    EXPECT_LE(room.clock.elapsed(), std::chrono::seconds{20});
  }
}

TEST(GcsInsert, GivesUpAfterBoundedAttempts_F047) {
  Room room;
  room.fail_when(is_insert, FakeReply::reset(), 1000);
  const auto error = room.send(Room::spec("a", kSmall), Room::content_of(kSmall)).error();
  EXPECT_EQ(error.kind, ErrorKind::kUnavailable);
  EXPECT_EQ(room.http.requests().size(), static_cast<std::size_t>(room.options.backoff.attempts_max));
}

TEST(GcsInsert, CommitWhoseAnswerWasLostIsAConflictNotASecondCommit_F048) {
  for (const bool reset : {true, false}) {
    Room room;
    int requests = 0;
    room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
      if (++requests > 1) return std::nullopt;
      room.bucket.answer(request);
      return reset ? FakeReply::reset() : FakeReply{500};
    };
    const auto error = room.send(Room::spec("a", kSmall), Room::content_of(kSmall)).error();
    EXPECT_EQ(error.kind, ErrorKind::kConflict) << error.what;
    EXPECT_EQ(room.bucket.commits, 1);
    const auto live = room.run(room.target->stat(ObjectKey{"a"})).value();
    ASSERT_TRUE(live && live->provenance) << "what the caller compares";
    EXPECT_EQ(live->provenance->source, "s3://from/a");
  }
}

TEST(GcsInsert, StreamedCommitWhoseAnswerWasLostIsFoundByItsProvenance_F048) {
  Room room;
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_insert(request)) return std::nullopt;
    room.bucket.answer(request);
    return FakeReply::reset();
  };
  const auto bytes = Room::content_of(kStreamed);
  const auto stored = room.send(streamed_spec("a", bytes), bytes);
  ASSERT_TRUE(stored) << stored.error().what;
  EXPECT_EQ(room.bucket.commits, 1);
}

TEST(GcsInsert, StreamedCommitWithAnUnknownOutcomeSaysSo) {
  Room room;
  room.fail_when(is_insert, FakeReply::reset(), 1000);
  const auto bytes = Room::content_of(kStreamed);
  EXPECT_EQ(room.send(streamed_spec("a", bytes), bytes).error().kind, ErrorKind::kUnavailable);
  room.bucket.put("a", "foreign");
  EXPECT_EQ(room.send(streamed_spec("a", bytes), bytes).error().kind, ErrorKind::kConflict);
}

TEST(GcsInsert, CutStreamStartsAgainAtZero) {
  Room room;
  int heads = 0;
  room.http.on_head([&](const FakeRequest&) -> std::optional<FakeReply> {
    if (++heads > 1) return std::nullopt;
    return FakeReply::reset().early_after(kGranuleBytes);
  });
  const auto bytes = Room::content_of(kStreamed);
  const auto upload = room.begin(streamed_spec("a", bytes));
  EXPECT_EQ(room.write(upload.get(), bytes, upload->tail_begin()).error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(room.write(upload.get(), bytes, upload->tail_begin()).error().kind, ErrorKind::kUnavailable);
  ASSERT_TRUE(room.run(upload->recover()));
  EXPECT_EQ(upload->offset(), 0);
  ASSERT_TRUE(room.write(upload.get(), bytes, upload->tail_begin()));
  ASSERT_TRUE(room.commit(upload.get(), bytes));
  EXPECT_EQ(room.bucket.objects.at("a").bytes, bytes);
}

TEST(GcsInsert, EarlyRefusalOfAStreamKeepsItsOwnMeaning_F059) {
  Room room;
  room.http.on_head([&](const FakeRequest&) -> std::optional<FakeReply> {
    return FakeBucket::error(403, "retentionPolicyNotMet", "Object is under active Temporary hold").early_after(1000);
  });
  const auto bytes = Room::content_of(kStreamed);
  const auto upload = room.begin(streamed_spec("a", bytes));
  const auto error = room.write(upload.get(), bytes, upload->tail_begin()).error();
  EXPECT_EQ(error.kind, ErrorKind::kDenied);
  EXPECT_NE(error.what.find("retention"), std::string::npos) << error.what;
}

TEST(GcsInsert, ForbiddenOverwriteNamesRetentionHoldAndPermission_F059) {
  Room room;
  room.fail_when(is_insert,
                 FakeBucket::error(403, "forbidden", "Object 'a' is subject to the bucket's retention policy"));
  const auto error = room.send(Room::spec("a", kSmall), Room::content_of(kSmall)).error();
  EXPECT_EQ(error.kind, ErrorKind::kDenied);
  for (const auto* word : {"gs://bucket/a", "permission", "retention", "hold"}) {
    EXPECT_NE(error.what.find(word), std::string::npos) << error.what;
  }
  EXPECT_TRUE(room.send(Room::spec("b", kSmall), Room::content_of(kSmall))) << "new objects go on";
}

TEST(GcsInsert, ReplyWithOtherChecksumOrSizeIsCorruptAndExactlyThatGenerationIsRemoved_F063) {
  for (const auto* field : {"crc32c", "size", "md5Hash"}) {
    Room room;
    std::string removed;
    room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
      if (request.head.method == "DELETE") removed = request.query("ifGenerationMatch").value_or("none");
      if (!is_insert(request)) return std::nullopt;
      room.bucket.answer(request);
      auto reply = boost::json::parse(room.bucket.shown("a")).as_object();
      reply[field] = std::string_view{field} == "size"
                         ? "99"
                         : base64(std::string(std::string_view{field} == "crc32c" ? 4 : 16, 'x'));
      return FakeReply{200, {}, boost::json::serialize(reply)};
    };
    const auto bytes = Room::content_of(kSmall);
    auto what = Room::spec("a", kSmall);
    what.hash = md5_of(bytes);
    const auto error = room.send(what, bytes).error();
    EXPECT_EQ(error.kind, ErrorKind::kCorrupt) << error.what;
    EXPECT_TRUE(room.bucket.objects.empty()) << field;
    EXPECT_EQ(removed, "1700000000000001");
  }
}

TEST(GcsInsert, ForeignObjectThatReplacedOursIsNotRemoved_F063) {
  Room room;
  room.fault = [&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (!is_insert(request)) return std::nullopt;
    room.bucket.answer(request);
    auto reply = boost::json::parse(room.bucket.shown("a")).as_object();
    reply["size"] = "99";
    room.bucket.put("a", "somebody else's");
    return FakeReply{200, {}, boost::json::serialize(reply)};
  };
  EXPECT_EQ(room.send(Room::spec("a", kSmall), Room::content_of(kSmall)).error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(room.bucket.objects.at("a").bytes, "somebody else's");
}

TEST(GcsInsert, RepliesThatAreNoObjectAreCorruptAndBounded_F067) {
  const std::string huge = R"({"name":")" + std::string(1 << 20, 'x') + "\"}";
  for (const auto& body :
       {std::string{}, std::string{"<html>"}, std::string{"[]"}, std::string{"{}"}, std::string(200, '['),
        std::string{R"({"name":"a"})"}, std::string{R"({"name":"a","generation":"x","size":"1"})"},
        std::string{R"({"name":"a","generation":"1","size":"-1"})"},
        std::string{R"({"name":"a","generation":"0","size":"1"})"},
        std::string{R"({"name":"a","generation":"1","size":"1","crc32c":"!"})"},
        std::string{R"({"name":"other","generation":"1","size":"1"})"}, huge}) {
    Room room;
    room.fail_when(is_insert, FakeReply{200, {}, body});
    const auto error = room.send(Room::spec("a", 1), "x").error();
    EXPECT_EQ(error.kind, ErrorKind::kCorrupt) << body.substr(0, 60) << ": " << error.what;
    EXPECT_LT(error.what.size(), 1000);
  }
}

TEST(GcsInsert, HugeErrorPageKeepsTheMeaningOfItsStatus_F067) {
  Room room;
  room.fail_when(is_insert, FakeReply{503, {}, std::string(1 << 20, '<')});
  EXPECT_TRUE(room.send(Room::spec("a", kSmall), Room::content_of(kSmall)));
}

}  // namespace
}  // namespace ferry::gcs
