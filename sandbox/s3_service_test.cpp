#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "sandbox/world_test.hpp"

namespace ferry::sandbox {
namespace {

std::string md5_base64(std::string_view bytes) {
  const auto hash = make_hash(HashKind::kMd5);
  hash->update(bytes);
  return base64(hash->digest().bytes);
}

TEST(S3, StoresAndReturnsBytesHeadersAndMetadata) {
  World world;
  const auto put = world.s3("PUT", "/src/a//b",
                            {{"Content-Type", "text/x"},
                             {"Cache-Control", "no-cache"},
                             {"x-amz-meta-Author", "me"},
                             {"x-amz-tagging", "a=1&b=2"}},
                            "123456789");
  ASSERT_EQ(put->status, 200) << put->body;
  EXPECT_EQ(put->header("ETag"), "\"25f9e794323b453885f5181f1b624d0b\"");
  const auto got = world.s3("GET", "/src/a//b", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "123456789");
  EXPECT_EQ(got->header("Content-Type"), "text/x");
  EXPECT_EQ(got->header("Cache-Control"), "no-cache");
  EXPECT_EQ(got->header("x-amz-meta-author"), "me");
  EXPECT_EQ(got->header("x-amz-tagging-count"), "2");
  EXPECT_EQ(got->header("x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
  EXPECT_EQ(got->header("x-amz-server-side-encryption"), "AES256");
  EXPECT_EQ(got->header("Last-Modified"), "Thu, 01 Jan 2026 00:00:00 GMT");
}

TEST(S3, KeepsEveryKeyByteForByte) {
  World world;
  const std::string kKeys[] = {"..",
                               "/lead",
                               "x/../y",
                               "a+b",
                               "a b",
                               "a%2Fb",
                               "a%b",
                               "dir/",
                               "\xE6\x97\xA5",
                               "e\xCC\x81",
                               "\xC3\xA9",
                               "q?#&=<>\"'",
                               std::string(1024, 'k')};
  for (const auto& key : kKeys)
    ASSERT_EQ(world.s3("PUT", "/src/" + percent_encode(key, "/"), {}, key)->status, 200) << key;
  for (const auto& key : kKeys) EXPECT_EQ(world.s3("GET", "/src/" + percent_encode(key, "/"))->body, key);
  EXPECT_EQ(world.s3("PUT", "/src/" + std::string(1025, 'k'), {}, "x")->xml("Code"), "KeyTooLongError");
  EXPECT_EQ(world.s3("PUT", "/src/%ff", {}, "x")->xml("Code"), "InvalidURI");
}

TEST(S3, RefusesAnonymousAndMissignedRequests) {
  Settings settings;
  settings.buckets_open = {"public"};
  World world(settings);
  ASSERT_EQ(world.s3("PUT", "/public/k", {}, "open")->status, 200);
  world.sign = false;
  EXPECT_EQ(world.s3("GET", "/src?list-type=2")->xml("Code"), "AccessDenied");
  EXPECT_EQ(world.s3("GET", "/public/k")->body, "open");
  EXPECT_EQ(world.s3("PUT", "/public/k", {}, "no")->status, 403);
  world.sign = true;
  world.keys.secret_access_key = "wrong";
  EXPECT_EQ(world.s3("GET", "/src/k")->xml("Code"), "SignatureDoesNotMatch");
  EXPECT_EQ(world.s3("HEAD", "/src/k")->body, "") << "errors of HEAD have no body";
}

TEST(S3, TellsTheRegionOfABucketElsewhere) {
  Settings settings;
  settings.buckets_s3 = {"far@eu-west-1"};
  World world(settings);
  const auto refused = world.s3("GET", "/far?list-type=2");
  EXPECT_EQ(refused->status, 400);
  EXPECT_EQ(refused->xml("Code"), "AuthorizationHeaderMalformed");
  EXPECT_EQ(refused->xml("Region"), "eu-west-1");
  EXPECT_EQ(world.s3("HEAD", "/far")->header("x-amz-bucket-region"), "eu-west-1");
  world.region = "eu-west-1";
  EXPECT_EQ(world.s3("GET", "/far?list-type=2")->status, 200);
}

TEST(S3, ChecksEveryDigestThatComesAlong) {
  World world;
  EXPECT_EQ(world.s3("PUT", "/src/k", {{"Content-MD5", md5_base64("other")}}, "bytes")->xml("Code"), "BadDigest");
  EXPECT_EQ(world.s3("PUT", "/src/k", {{"Content-MD5", "nonsense"}}, "bytes")->xml("Code"), "InvalidDigest");
  EXPECT_EQ(world.s3("PUT", "/src/k", {{"x-amz-checksum-crc32c", "AAAAAA=="}}, "bytes")->xml("Code"), "BadDigest");
  EXPECT_EQ(world.s3("PUT", "/src/k", {{"x-amz-content-sha256", std::string(64, '0')}}, "bytes")->xml("Code"),
            "XAmzContentSHA256Mismatch");
  EXPECT_EQ(world.s3("GET", "/src/k")->status, 404) << "nothing of all that was stored";
  EXPECT_EQ(world
                .s3("PUT", "/src/k", {{"x-amz-checksum-crc32c", "4waSgw=="}, {"Content-MD5", md5_base64("123456789")}},
                    "123456789")
                ->status,
            200);
  EXPECT_EQ(world.s3("GET", "/src/k", {{"x-amz-checksum-mode", "ENABLED"}})->header("x-amz-checksum-crc32c"),
            "4waSgw==");
}

TEST(S3, ReadsUnsignedChunksWithATrailingChecksum) {
  World world;
  const net::Headers headers{{"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
                             {"x-amz-decoded-content-length", "9"},
                             {"x-amz-trailer", "x-amz-checksum-crc32c"},
                             {"Content-Encoding", "aws-chunked"}};
  const auto body = [](const std::string& checksum) {
    return "4\r\n1234\r\n5\r\n56789\r\n0\r\nx-amz-checksum-crc32c:" + checksum + "\r\n\r\n";
  };
  EXPECT_EQ(world.s3("PUT", "/src/k", headers, body("4waSgw=="))->status, 200);
  const auto got = world.s3("GET", "/src/k");
  EXPECT_EQ(got->body, "123456789");
  EXPECT_EQ(got->header("Content-Encoding"), "(none)");
  EXPECT_EQ(world.s3("PUT", "/src/k", headers, body("AAAAAA=="))->xml("Code"), "BadDigest");
  EXPECT_EQ(world.s3("PUT", "/src/k", headers, "4\r\n1234\r\n0\r\n\r\n")->xml("Code"), "IncompleteBody");
  EXPECT_EQ(world.s3("PUT", "/src/k", headers, "4\r\n12345\r\n0\r\n\r\n")->status, 400);
}

TEST(S3, VerifiesTheSignatureOfEachChunk) {
  World world;
  const net::Headers headers{{"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
                             {"x-amz-decoded-content-length", "3"}};
  const std::string forged =
      "3;chunk-signature=" + std::string(64, 'a') + "\r\nabc\r\n0;chunk-signature=" + std::string(64, 'a') + "\r\n\r\n";
  EXPECT_EQ(world.s3("PUT", "/src/k", headers, forged)->xml("Code"), "SignatureDoesNotMatch");
}

TEST(S3, RangesFollowTheRules) {
  World world;
  ASSERT_EQ(world.s3("PUT", "/src/k", {}, "0123456789")->status, 200);
  ASSERT_EQ(world.s3("PUT", "/src/zero")->status, 200);
  const auto range = [&](const std::string& value, const std::string& key = "k") {
    return world.s3("GET", "/src/" + key, {{"Range", value}});
  };
  EXPECT_EQ(range("bytes=2-4")->body, "234");
  EXPECT_EQ(range("bytes=2-4")->header("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(range("bytes=8-99")->body, "89");
  EXPECT_EQ(range("bytes=7-")->body, "789");
  EXPECT_EQ(range("bytes=-3")->body, "789");
  EXPECT_EQ(range("bytes=10-")->status, 416);
  EXPECT_EQ(range("bytes=0-0", "zero")->status, 416);
  EXPECT_EQ(range("bytes=0-1,3-4")->status, 200) << "several ranges at once are not served";
}

TEST(S3, ConditionsDecide) {
  World world;
  const auto etag = world.s3("PUT", "/src/k", {}, "A")->header("ETag");
  EXPECT_EQ(world.s3("GET", "/src/k", {{"If-Match", etag}})->status, 200);
  EXPECT_EQ(world.s3("GET", "/src/k", {{"If-Match", "\"other\""}})->status, 412);
  EXPECT_EQ(world.s3("GET", "/src/k", {{"If-None-Match", etag}})->status, 304);
  EXPECT_EQ(world.s3("PUT", "/src/k", {{"If-None-Match", "*"}}, "B")->status, 412);
  EXPECT_EQ(world.s3("PUT", "/src/k", {{"If-Match", etag}}, "B")->status, 200);
}

TEST(S3, ListsInByteOrderPageByPage) {
  World world;
  for (const auto* key : {"b", "a/2", "a/1", "B", "a", "c/x/1", "c/x/2"})
    ASSERT_EQ(world.s3("PUT", std::string("/src/") + key, {}, "x")->status, 200);
  std::string keys;
  std::string token;
  for (int page = 0; page < 10; ++page) {
    const auto listed = world.s3(
        "GET", "/src?list-type=2&max-keys=2" + (token.empty() ? "" : "&continuation-token=" + percent_encode(token)));
    ASSERT_EQ(listed->status, 200);
    for (auto at = listed->body.find("<Key>"); at != std::string::npos; at = listed->body.find("<Key>", at + 1)) {
      keys += listed->body.substr(at + 5, listed->body.find('<', at + 5) - at - 5) + " ";
    }
    token = listed->xml("NextContinuationToken");
    if (listed->xml("IsTruncated") == "false") break;
  }
  EXPECT_EQ(keys, "B a a/1 a/2 b c/x/1 c/x/2 ");
}

TEST(S3, FoldsCommonPrefixesAcrossPages) {
  World world;
  for (const auto* key : {"a/1", "a/2", "b", "c/1"})
    ASSERT_EQ(world.s3("PUT", std::string("/src/") + key, {}, "x")->status, 200);
  const auto first = world.s3("GET", "/src?list-type=2&delimiter=%2F&max-keys=1");
  EXPECT_EQ(first->xml("CommonPrefixes"), "<Prefix>a/</Prefix>");
  const auto second = world.s3("GET", "/src?list-type=2&delimiter=%2F&max-keys=1&continuation-token=" +
                                          percent_encode(first->xml("NextContinuationToken")));
  EXPECT_EQ(second->xml("Key"), "b");
  EXPECT_EQ(world.s3("GET", "/src?list-type=2&start-after=a%2F1")->xml("Key"), "a/2");
  EXPECT_EQ(world.s3("GET", "/src?delimiter=%2F&marker=a%2F")->xml("Key"), "b");
  EXPECT_EQ(world.s3("GET", "/src?list-type=2&continuation-token=forged")->xml("Code"), "InvalidArgument");
}

TEST(S3, EncodesKeysInListingsAsForms) {
  World world;
  ASSERT_EQ(world.s3("PUT", "/src/a%20b%2Bc%0A", {}, "x")->status, 200);
  EXPECT_EQ(world.s3("GET", "/src?list-type=2&encoding-type=url")->xml("Key"), "a+b%2Bc%0A");
  EXPECT_EQ(world.s3("GET", "/src?list-type=2")->xml("Key"), "a b+c&#xa;");
}

TEST(S3, ListsSyntheticKeysWithTheStoredOnes) {
  Settings settings;
  settings.synthetic = {SyntheticSpec{"syn", 3, 100}};
  World world(settings);
  EXPECT_EQ(world.s3("GET", "/syn/data/0000000/001")->body.size(), 100u);
  ASSERT_EQ(world.s3("PUT", "/syn/data/0000000/001", {}, "mine")->status, 200);
  ASSERT_EQ(world.s3("DELETE", "/syn/data/0000000/002")->status, 204);
  ASSERT_EQ(world.s3("PUT", "/syn/zzz", {}, "last")->status, 200);
  const auto listed = world.s3("GET", "/syn?list-type=2");
  EXPECT_EQ(listed->xml("KeyCount"), "3");
  EXPECT_NE(listed->body.find("<Size>4</Size>"), std::string::npos);
  EXPECT_EQ(world.s3("GET", "/syn/data/0000000/002")->status, 404);
}

struct Multipart {
  World world;
  std::string id;
  explicit Multipart(Settings settings, net::Headers headers = {}) : world(std::move(settings)) {
    id = world.s3("POST", "/src/mp?uploads", std::move(headers))->xml("UploadId");
  }
  std::string part(int number, std::string bytes) {
    return world.s3("PUT", "/src/mp?partNumber=" + std::to_string(number) + "&uploadId=" + id, {}, std::move(bytes))
        ->header("ETag");
  }
  std::unique_ptr<FakeExchange> complete(std::vector<std::pair<int, std::string>> parts) {
    std::string body = "<CompleteMultipartUpload>";
    for (const auto& [number, etag] : parts)
      body += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag + "</ETag></Part>";
    return world.s3("POST", "/src/mp?uploadId=" + id, {}, body + "</CompleteMultipartUpload>");
  }
};
Settings small_parts() {
  Settings settings;
  settings.s3.part_bytes_min = 1024;
  return settings;
}

TEST(S3Multipart, MakesTheVectorsOfTwoParts) {
  Multipart upload(small_parts(), {{"x-amz-checksum-algorithm", "CRC32C"}});
  const auto a = upload.part(1, std::string(1024, 'A'));
  const auto b = upload.part(2, std::string(100, 'B'));
  const auto done = upload.complete({{1, a}, {2, b}});
  ASSERT_EQ(done->status, 200) << done->body;
  EXPECT_EQ(done->xml("ETag"), "&quot;0561a0fc7fa0356324d20074221dd473-2&quot;");
  EXPECT_EQ(done->xml("ChecksumCRC32C"), "gV37hw==-2");
  const auto second = upload.world.s3("GET", "/src/mp?partNumber=2");
  EXPECT_EQ(second->status, 206);
  EXPECT_EQ(second->body, std::string(100, 'B'));
  EXPECT_EQ(second->header("x-amz-mp-parts-count"), "2");
  EXPECT_EQ(upload.world.s3("GET", "/src/mp?partNumber=3")->status, 416);
  EXPECT_EQ(upload.complete({{1, a}, {2, b}})->xml("Code"), "NoSuchUpload");
}

TEST(S3Multipart, JoinsTheDefaultChecksumOverAllParts) {
  Multipart upload(small_parts());
  const auto a = upload.part(1, std::string(1024, 'A'));
  const auto b = upload.part(2, std::string(100, 'B'));
  ASSERT_EQ(upload.complete({{1, a}, {2, b}})->xml("ChecksumCRC64NVME"), "7lFjfFWNY0o=");
  EXPECT_EQ(upload.world.s3("HEAD", "/src/mp", {{"x-amz-checksum-mode", "ENABLED"}})->header("x-amz-checksum-type"),
            "FULL_OBJECT");
}

TEST(S3Multipart, RefusesWrongPartsOrderAndSizes) {
  Multipart upload(small_parts());
  const auto a = upload.part(1, std::string(1023, 'A'));
  const auto b = upload.part(2, std::string(100, 'B'));
  EXPECT_EQ(upload.complete({{2, b}, {1, a}})->xml("Code"), "InvalidPartOrder");
  EXPECT_EQ(upload.complete({{1, b}})->xml("Code"), "InvalidPart");
  EXPECT_EQ(upload.complete({{3, a}})->xml("Code"), "InvalidPart");
  EXPECT_EQ(upload.complete({{1, a}, {2, b}})->xml("Code"), "EntityTooSmall");
  EXPECT_EQ(upload.complete({})->xml("Code"), "MalformedXML");
  EXPECT_EQ(upload.world.s3("GET", "/src/mp")->status, 404);
  EXPECT_EQ(upload.world.s3("DELETE", "/src/mp?uploadId=" + upload.id)->status, 204);
  EXPECT_EQ(upload.world.s3("DELETE", "/src/mp?uploadId=" + upload.id)->status, 404);
}

TEST(S3, GivesEncryptedObjectsATagThatIsNoMd5) {
  World world;
  const auto etag =
      world.s3("PUT", "/src/k", {{"x-amz-server-side-encryption", "aws:kms"}}, "123456789")->header("ETag");
  EXPECT_EQ(etag.size(), 34u);
  EXPECT_NE(etag, "\"25f9e794323b453885f5181f1b624d0b\"");
  EXPECT_EQ(world.s3("GET", "/src/k")->header("x-amz-server-side-encryption"), "aws:kms");
}

TEST(S3, AsksForTheKeyOfCustomerEncryptedObjects) {
  World world;
  const std::string key(32, 'k');
  const net::Headers headers{{"x-amz-server-side-encryption-customer-algorithm", "AES256"},
                             {"x-amz-server-side-encryption-customer-key", base64(key)},
                             {"x-amz-server-side-encryption-customer-key-MD5", md5_base64(key)}};
  ASSERT_EQ(world.s3("PUT", "/src/k", headers, "secret")->status, 200);
  EXPECT_EQ(world.s3("GET", "/src/k")->status, 400);
  EXPECT_EQ(world.s3("GET", "/src/k", headers)->body, "secret");
  const net::Headers liar{{"x-amz-server-side-encryption-customer-algorithm", "AES256"},
                          {"x-amz-server-side-encryption-customer-key", base64(std::string(32, 'x'))},
                          {"x-amz-server-side-encryption-customer-key-MD5", md5_base64(key)}};
  EXPECT_EQ(world.s3("GET", "/src/k", liar)->xml("Code"), "InvalidArgument") << "the MD5 of another key";
  ASSERT_EQ(world.s3("PUT", "/src/plain", {}, "plain")->status, 200);
  EXPECT_EQ(world.s3("GET", "/src/plain", headers)->xml("Code"), "InvalidRequest");
}

TEST(S3, MakesReadersOfSuchABucketPay) {
  Settings settings;
  settings.buckets_requester_pays.emplace_back("src");
  World world{std::move(settings)};
  ASSERT_EQ(world.s3("PUT", "/src/k", {}, "bytes")->status, 200);
  EXPECT_EQ(world.s3("GET", "/src/k")->status, 403);
  EXPECT_EQ(world.s3("GET", "/src?list-type=2")->status, 403);
  EXPECT_EQ(world.s3("GET", "/src/k", {{"x-amz-request-payer", "requester"}})->body, "bytes");
}

TEST(S3, RefusesArchivedObjectsUntilTheyAreRestored) {
  World world;
  ASSERT_EQ(world.s3("PUT", "/src/k", {{"x-amz-storage-class", "GLACIER"}}, "cold")->status, 200);
  const auto refused = world.s3("GET", "/src/k");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->xml("Code"), "InvalidObjectState");
  EXPECT_EQ(world.s3("HEAD", "/src/k")->header("x-amz-storage-class"), "GLACIER");
  EXPECT_EQ(world.s3("POST", "/src/k?restore", {}, "<RestoreRequest><Days>7</Days></RestoreRequest>")->status, 202);
  EXPECT_EQ(world.s3("GET", "/src/k")->body, "cold");
}

TEST(S3, RestoresTakeTheirTimeAndAreShownInListings) {
  Settings settings;
  settings.s3.restore_time = std::chrono::hours{5};
  World world{std::move(settings)};
  const std::string wish = "<RestoreRequest><Days>7</Days></RestoreRequest>";
  const auto status_in_listing = [&] {
    const auto listing = world.s3("GET", "/src?list-type=2", {{"x-amz-optional-object-attributes", "RestoreStatus"}});
    return listing->xml("IsRestoreInProgress");
  };
  ASSERT_EQ(world.s3("PUT", "/src/k", {{"x-amz-storage-class", "GLACIER"}}, "cold")->status, 200);
  EXPECT_EQ(status_in_listing(), "");
  EXPECT_EQ(world.s3("POST", "/src/k?restore", {}, "<RestoreRequest/>")->xml("Code"), "MalformedXML");
  EXPECT_EQ(world.s3("POST", "/src/k?restore", {}, wish)->status, 202);
  EXPECT_EQ(world.s3("POST", "/src/k?restore", {}, wish)->xml("Code"), "RestoreAlreadyInProgress");
  EXPECT_EQ(world.s3("GET", "/src/k")->xml("Code"), "InvalidObjectState");
  EXPECT_EQ(world.s3("HEAD", "/src/k")->header("x-amz-restore"), "ongoing-request=\"true\"");
  EXPECT_EQ(status_in_listing(), "true");
  world.clock.advance(std::chrono::hours{5});
  EXPECT_EQ(world.s3("GET", "/src/k")->body, "cold");
  EXPECT_EQ(status_in_listing(), "false");
  EXPECT_EQ(world.s3("POST", "/src/k?restore", {}, wish)->status, 200) << "readable for longer";
  world.clock.advance(std::chrono::days{8});
  EXPECT_EQ(world.s3("GET", "/src/k")->xml("Code"), "InvalidObjectState");
}

TEST(S3, CopyOntoItselfRewritesMetadataUnderTheSameTag) {
  World world;
  const auto etag = world.s3("PUT", "/src/k", {}, "same")->header("ETag");
  EXPECT_EQ(world.s3("PUT", "/src/k", {{"x-amz-copy-source", "/src/k"}})->xml("Code"), "InvalidRequest");
  world.clock.advance(std::chrono::seconds{5});
  ASSERT_EQ(world
                .s3("PUT", "/src/k",
                    {{"x-amz-copy-source", "/src/k"}, {"x-amz-metadata-directive", "REPLACE"}, {"x-amz-meta-n", "v"}})
                ->status,
            200);
  const auto head = world.s3("HEAD", "/src/k");
  EXPECT_EQ(head->header("ETag"), etag);
  EXPECT_EQ(head->header("x-amz-meta-n"), "v");
  EXPECT_EQ(head->header("Last-Modified"), "Thu, 01 Jan 2026 00:00:05 GMT");
}

TEST(S3, ReturnsMetadataThatIsNotAsciiAsEncodedWords) {
  World world;
  ASSERT_EQ(world
                .s3("PUT", "/src/k",
                    {{"x-amz-meta-raw", "\xC3\x84M\xC3\x84Z\xC3\x95\xC3\x91 S3"},
                     {"x-amz-meta-word", "=?UTF-8?B?Y2Fmw6k=?="}},
                    "x")
                ->status,
            200);
  const auto head = world.s3("HEAD", "/src/k");
  EXPECT_EQ(head->header("x-amz-meta-raw"), "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=");
  EXPECT_EQ(head->header("x-amz-meta-word"), "=?UTF-8?B?Y2Fmw6k=?=");
  EXPECT_EQ(world.s3("PUT", "/src/k", {{"x-amz-meta-big", std::string(2048, 'x')}}, "x")->xml("Code"),
            "MetadataTooLarge");
}

TEST(S3, KeepsVersionsWhereAsked) {
  World world;
  ASSERT_EQ(world
                .s3("PUT", "/src?versioning", {},
                    "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
                ->status,
            200);
  const auto first = world.s3("PUT", "/src/k", {}, "one")->header("x-amz-version-id");
  ASSERT_EQ(world.s3("PUT", "/src/k", {}, "two")->status, 200);
  EXPECT_EQ(world.s3("GET", "/src/k?versionId=" + first)->body, "one");
  EXPECT_EQ(world.s3("DELETE", "/src/k")->header("x-amz-delete-marker"), "true");
  EXPECT_EQ(world.s3("GET", "/src/k")->status, 404);
  EXPECT_EQ(world.s3("GET", "/src?list-type=2")->xml("KeyCount"), "0");
}

TEST(S3, DeletesManyOnlyWithADigestThatIsRight) {
  World world;
  ASSERT_EQ(world.s3("PUT", "/src/a", {}, "x")->status, 200);
  const std::string body = "<Delete><Object><Key>a</Key></Object><Object><Key>never-there</Key></Object></Delete>";
  EXPECT_EQ(world.s3("POST", "/src?delete", {}, body)->xml("Code"), "InvalidRequest");
  EXPECT_EQ(world.s3("POST", "/src?delete", {{"Content-MD5", md5_base64("else")}}, body)->xml("Code"), "BadDigest");
  const auto gone = world.s3("POST", "/src?delete", {{"Content-MD5", md5_base64(body)}}, body);
  EXPECT_EQ(gone->status, 200);
  EXPECT_NE(gone->body.find("never-there"), std::string::npos) << "S3 reports keys that were not there as deleted";
  EXPECT_EQ(world.s3("GET", "/src/a")->status, 404);
}

TEST(S3, AnswersBucketQuestions) {
  World world;
  EXPECT_EQ(world.s3("PUT", "/Not_A_Name")->xml("Code"), "InvalidBucketName");
  EXPECT_EQ(world
                .s3("PUT", "/fresh", {},
                    "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></"
                    "CreateBucketConfiguration>")
                ->status,
            200);
  EXPECT_EQ(world.s3("PUT", "/src")->status, 409);
  EXPECT_EQ(world.s3("GET", "/missing?list-type=2")->xml("Code"), "NoSuchBucket");
  EXPECT_NE(world.s3("GET", "/")->body.find("<Name>fresh</Name>"), std::string::npos);
  ASSERT_EQ(world.s3("PUT", "/src/k", {}, "x")->status, 200);
  EXPECT_EQ(world.s3("DELETE", "/src")->xml("Code"), "BucketNotEmpty");
  EXPECT_EQ(world.s3("GET", "/src?lifecycle")->status, 501);
}

TEST(S3, DropsAnUploadThatBreaksOff) {
  World world;
  net::Headers headers{{"Host", "h"},
                       {"x-amz-date", amz_date(std::chrono::floor<std::chrono::seconds>(world.clock.wall()))},
                       {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}};
  headers.add("Authorization", authorization("PUT", "/src/k", Query{}, headers, world.keys, "us-east-1"));
  auto exchange = std::make_unique<FakeExchange>("PUT", "/src/k", headers, "half of it");
  exchange->break_after(4);
  world.send(world.sandbox->s3(), std::move(exchange));
  EXPECT_EQ(world.s3("GET", "/src/k")->status, 404);
}

}  // namespace
}  // namespace ferry::sandbox
