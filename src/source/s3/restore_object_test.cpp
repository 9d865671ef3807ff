#include "source/s3/restore_object.hpp"

#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {

class S3Restore : public S3Test {
 protected:
  Result<RestoreAnswer> restore(std::optional<std::uint32_t> days = 7,
                                std::optional<VersionId> version = std::nullopt) {
    return run(source()->restore(ObjectKey{"a b"}, RestoreWish{days, "Bulk"}, std::move(version)));
  }
};

TEST_F(S3Restore, AsksWithDaysAndTierInASignedBody) {
  http_.push(FakeReply{202});
  EXPECT_EQ(restore().value(), RestoreAnswer::kStarted);
  EXPECT_EQ(request(0).head.method, "POST");
  EXPECT_EQ(request(0).head.target, "/bucket/a%20b?restore=");
  EXPECT_EQ(request(0).body,
            "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>7</Days><GlacierJobParameters>"
            "<Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>");
  const auto hash = make_hash(HashKind::kSha256);
  hash->update(request(0).body);
  EXPECT_EQ(request(0).header("x-amz-content-sha256"), hex(hash->digest().bytes));
}

TEST_F(S3Restore, SaysNoDaysWhereTheObjectMovesBackForGood) {
  http_.push(FakeReply{202});
  EXPECT_TRUE(restore(std::nullopt, VersionId{"v 1"}));
  EXPECT_EQ(request(0).body.find("Days"), std::string::npos);
  EXPECT_EQ(request(0).head.target, "/bucket/a%20b?restore=&versionId=v%201");
}

TEST_F(S3Restore, TellsWhatIsUnderWayOrReadableFromARefusal) {
  http_.push(refusal(409, "RestoreAlreadyInProgress"));
  EXPECT_EQ(restore().value(), RestoreAnswer::kUnderWay);
  http_.push(FakeReply{200});
  EXPECT_EQ(restore().value(), RestoreAnswer::kReadable);
  http_.push(refusal(403, "InvalidObjectState"));
  EXPECT_EQ(restore().value(), RestoreAnswer::kReadable) << "not archived any more";
  http_.push(refusal(403, "AccessDenied"));
  EXPECT_EQ(restore().error().kind, ErrorKind::kDenied);
  http_.push(refusal(404, "NoSuchKey"));
  EXPECT_EQ(restore().error().kind, ErrorKind::kGone);
}

TEST_F(S3Restore, ARepeatAfterALostAnswerFindsTheFirstUnderWay) {
  http_.push(FakeReply::reset());
  http_.push(refusal(409, "RestoreAlreadyInProgress"));
  EXPECT_EQ(restore().value(), RestoreAnswer::kUnderWay);
}

class S3Versions : public S3Test {
 protected:
  const VersionId version_{"3/L4k qtJ"};
};

TEST_F(S3Versions, EveryCallAboutAnObjectNamesTheVersion) {
  http_.push(object_reply("hello"));
  auto reader = run(source()->open(ObjectKey{"a"}, ETag{kHelloTag}, 0, version_));
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ(rest_of(reader->get()).value(), "hello");
  http_.push(object_reply("hello"));
  EXPECT_TRUE(run(source()->stat(ObjectKey{"a"}, version_)));
  http_.push(object_reply("hello"));
  EXPECT_TRUE(run(source()->part_size(ObjectKey{"a"}, ETag{kHelloTag}, 1, version_)));
  http_.push(FakeReply{200, {}, "<Tagging><TagSet></TagSet></Tagging>"});
  EXPECT_TRUE(run(source()->tags(ObjectKey{"a"}, version_)));
  for (std::size_t i = 0; i < http_.requests().size(); ++i) {
    EXPECT_EQ(request(i).query("versionId"), version_.str()) << request(i).head.target;
  }
  EXPECT_EQ(request(2).head.target, "/bucket/a?partNumber=1&versionId=3%2FL4k%20qtJ") << "in canonical order";
}

TEST_F(S3Versions, ReadingGoesOnWithTheSameVersionAfterACut) {
  http_.push(object_reply("hello").cut_after(2));
  http_.push(range_reply("llo", "bytes 2-4/5"));
  auto reader = run(source()->open(ObjectKey{"a"}, ETag{kHelloTag}, 0, version_));
  ASSERT_TRUE(reader) << reader.error().what;
  EXPECT_EQ(rest_of(reader->get()).value(), "hello");
  EXPECT_EQ(request(1).query("versionId"), version_.str());
}

TEST_F(S3Versions, ADeleteMarkerIsNothingToRead) {
  http_.push(refusal(405, "MethodNotAllowed"));
  EXPECT_EQ(run(source()->open(ObjectKey{"a"}, std::nullopt, 0, version_)).error().kind, ErrorKind::kGone);
  http_.push(FakeReply{405});
  EXPECT_EQ(run(source()->stat(ObjectKey{"a"}, version_)).error().kind, ErrorKind::kGone);
  http_.push(FakeReply{405});
  EXPECT_EQ(stat().error().kind, ErrorKind::kInvalid) << "a server that knows no HEAD";
}

class S3Access : public S3Test {
 protected:
  Access listed(const std::string& more) {
    ListedObject object{"a"};
    object.more = more;
    http_.push(list_reply({object}));
    return list()->entries.at(0).access;
  }
  Access told(net::Headers headers) {
    for (const auto& [name, value] : object_headers()) headers.add(name, value);
    http_.push(FakeReply{200, std::move(headers), ""});
    return stat()->access;
  }
};

TEST_F(S3Access, AmazonsListingTellsWhatCanBeRead_F033) {
  options_.endpoint.reset();
  const std::string glacier = "<StorageClass>GLACIER</StorageClass>";
  EXPECT_EQ(listed(glacier), Access::kArchived);
  EXPECT_EQ(request(0).header("x-amz-optional-object-attributes"), "RestoreStatus");
  EXPECT_EQ(listed("<StorageClass>DEEP_ARCHIVE</StorageClass>"), Access::kArchived);
  EXPECT_EQ(listed("<StorageClass>GLACIER_IR</StorageClass>"), Access::kReadable);
  EXPECT_EQ(listed(glacier + "<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>"),
            Access::kRestoring);
  EXPECT_EQ(listed(glacier + "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>"
                             "2012-12-21T00:00:00.000Z</RestoreExpiryDate></RestoreStatus>"),
            Access::kReadable);
}

TEST_F(S3Access, OtherServersThatSayNothingMustBeAsked_F033) {
  EXPECT_EQ(listed("<StorageClass>GLACIER</StorageClass>"), Access::kReadable) << "it may have been restored";
  EXPECT_EQ(listed("<StorageClass>GLACIER</StorageClass><RestoreStatus><IsRestoreInProgress>true"
                   "</IsRestoreInProgress></RestoreStatus>"),
            Access::kRestoring);
}

TEST_F(S3Access, MetadataTellsWhatCanBeRead_F033) {
  EXPECT_EQ(told({}), Access::kReadable);
  EXPECT_EQ(told({{"x-amz-storage-class", "GLACIER"}}), Access::kArchived);
  EXPECT_EQ(told({{"x-amz-storage-class", "INTELLIGENT_TIERING"}, {"x-amz-archive-status", "ARCHIVE_ACCESS"}}),
            Access::kArchived);
  EXPECT_EQ(told({{"x-amz-storage-class", "GLACIER"}, {"x-amz-restore", "ongoing-request=\"true\""}}),
            Access::kRestoring);
  EXPECT_EQ(told({{"x-amz-storage-class", "GLACIER"},
                  {"x-amz-restore", "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2012 00:00:00 GMT\""}}),
            Access::kReadable);
}

}  // namespace
}  // namespace ferry::s3
