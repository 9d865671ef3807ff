#include "source/s3/list_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {

using ::testing::HasSubstr;

class S3Listing : public S3Test {
 protected:
  /// The error that a page with this text ends in.
  Error error_of(std::string xml, std::string prefix = {}) {
    http_.on_request([xml](const FakeRequest&) { return FakeReply{200, {}, xml}; });
    auto page = list(std::move(prefix));
    return page ? Error{ErrorKind::kCancelled, "no error"} : page.error();
  }
  Error error_of(const std::vector<ListedObject>& objects) { return error_of(list_xml(objects)); }
  Result<std::vector<std::string>> keys_of_all_pages() {
    std::vector<std::string> keys;
    std::optional<std::string> token;
    do {
      auto page = list({}, token);
      if (!page) return fail(page.error());
      for (const auto& entry : page->entries) keys.push_back(entry.key.str());
      token = page->next;
    } while (token);
    return keys;
  }
};

TEST_F(S3Listing, AsksForUrlEncodedKeysUnderThePrefix) {
  http_.push(list_reply({}));
  ASSERT_TRUE(list("ä b/"));
  EXPECT_EQ(request(0).head.target, "/bucket?encoding-type=url&list-type=2&max-keys=1000&prefix=%C3%A4%20b%2F");
  EXPECT_EQ(request(0).header("accept-encoding"), "identity");
}

TEST_F(S3Listing, AsksAfterAKey) {
  http_.push(list_reply({}));
  ASSERT_TRUE(run(source()->list("", std::nullopt, ObjectKey{"a+b"})));
  EXPECT_EQ(request(0).query("start-after"), "a+b");
}

TEST_F(S3Listing, PassesTheServersTokenOnEncodedOnce) {
  http_.push(list_reply({ListedObject{"a"}}, "1ueG+/=&x"));
  http_.push(list_reply({ListedObject{"b"}}));
  EXPECT_THAT(keys_of_all_pages().value(), ::testing::ElementsAre("a", "b"));
  EXPECT_THAT(request(1).head.target, HasSubstr("continuation-token=1ueG%2B%2F%3D%26x&"));
  EXPECT_EQ(source()->requests(), 2);
}

TEST_F(S3Listing, ReadsEveryFieldOfAnEntry) {
  ListedObject object{"a"};
  object.more =
      "<StorageClass>SNOW_2031</StorageClass><Owner><ID>1</ID></Owner>"
      "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>";
  ListedObject composite{"b"};
  composite.more = "<ChecksumAlgorithm>SHA256</ChecksumAlgorithm><ChecksumType>COMPOSITE</ChecksumType>";
  http_.push(list_reply({object, composite}));
  const auto page = list();
  ASSERT_TRUE(page) << page.error().what;
  const auto& entry = page->entries.at(0);
  EXPECT_EQ(entry.size, 5);
  EXPECT_EQ(entry.version.etag.str(), kHelloTag);
  EXPECT_EQ(rfc3339(entry.version.modified), "2026-01-02T03:04:05Z");
  EXPECT_EQ(entry.storage_class, "SNOW_2031");
  EXPECT_TRUE(entry.full_checksum);
  EXPECT_FALSE(page->entries.at(1).full_checksum);
}

TEST_F(S3Listing, AcceptsAPrefixedNamespaceAndUnquotedTags) {
  http_.push(
      FakeReply{200,
                {},
                "<s:ListBucketResult xmlns:s='x'><s:IsTruncated>false</s:IsTruncated><s:Contents><s:Key>a</s:Key>"
                "<s:LastModified>2026-01-02T03:04:05Z</s:LastModified><s:ETag>5d41402abc4b2a76b9719d911017c592"
                "</s:ETag><s:Size>5</s:Size></s:Contents></s:ListBucketResult>"});
  const auto page = list();
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_EQ(page->entries.at(0).version.etag.str(), kHelloTag);
}

TEST_F(S3Listing, AcceptsAnEmptyListing_F022) {
  http_.push(list_reply({}));
  const auto page = list("nothing/here/");
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_TRUE(page->entries.empty());
  EXPECT_FALSE(page->next);
}

TEST_F(S3Listing, GoesOnAfterAnEmptyPage) {
  http_.push(list_reply({ListedObject{"a"}}, "1"));
  for (const char* token : {"2", "3", "4", "5", "6"}) http_.push(list_reply({}, token));
  http_.push(list_reply({ListedObject{"b"}}));
  EXPECT_THAT(keys_of_all_pages().value(), ::testing::ElementsAre("a", "b"));
}

TEST_F(S3Listing, RepeatsAFailedPageWithTheSameToken_F024) {
  http_.push(list_reply({ListedObject{"a"}}, "t1"));
  http_.push(refusal(500, "InternalError"));
  http_.push(FakeReply::reset());
  http_.push(list_reply({ListedObject{"b"}}).cut_after(100));
  http_.push(list_reply({ListedObject{"b"}}));
  EXPECT_THAT(keys_of_all_pages().value(), ::testing::ElementsAre("a", "b"));
  for (std::size_t i = 1; i <= 4; ++i) EXPECT_EQ(request(i).query("continuation-token"), "t1");
}

TEST_F(S3Listing, GivesUpOnAPageThatKeepsFailing_F024) {
  http_.on_request([](const FakeRequest&) { return refusal(503, "SlowDown"); });
  const auto page = list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(http_.requests().size(), static_cast<std::size_t>(options_.backoff.attempts_max));
}

TEST_F(S3Listing, FindsATokenThatComesAgain_F025) {
  http_.push(list_reply({ListedObject{"a"}}, "t1"));
  http_.push(list_reply({ListedObject{"b"}}, "t1"));
  const auto all = keys_of_all_pages();
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(all.error().what, HasSubstr("token"));
}

TEST_F(S3Listing, FindsACircleOfEmptyPages_F025) {
  int pages = 0;
  http_.on_request([&pages](const FakeRequest&) { return list_reply({}, "t" + std::to_string(++pages % 7)); });
  const auto all = keys_of_all_pages();
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().kind, ErrorKind::kCorrupt);
  EXPECT_LT(pages, 50);
}

TEST_F(S3Listing, RefusesATruncatedPageWithoutToken_F025) {
  const auto error = error_of("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>");
  EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
  EXPECT_EQ(http_.requests().size(), 1);
}

TEST_F(S3Listing, RefusesAPageThatDoesNotSayWhetherMoreFollow) {
  EXPECT_EQ(error_of("<ListBucketResult></ListBucketResult>").kind, ErrorKind::kCorrupt);
  EXPECT_EQ(error_of("<ListBucketResult><IsTruncated>1</IsTruncated></ListBucketResult>").kind, ErrorKind::kCorrupt);
}

TEST_F(S3Listing, NamesBothKeysThatAreOutOfOrder_F026) {
  const auto error = error_of({ListedObject{"kiwi"}, ListedObject{"apple"}});
  EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
  EXPECT_THAT(error.what, HasSubstr("kiwi"));
  EXPECT_THAT(error.what, HasSubstr("apple"));
}

TEST_F(S3Listing, NamesAKeyThatComesTwiceAcrossPages_F026) {
  http_.push(list_reply({ListedObject{"a"}, ListedObject{"b"}}, "t1"));
  http_.push(list_reply({ListedObject{"b"}, ListedObject{"c"}}));
  const auto all = keys_of_all_pages();
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(all.error().what, HasSubstr("'b'"));
}

TEST_F(S3Listing, RefusesKeysThatWereNotAskedFor) {
  const auto error = error_of(list_xml({ListedObject{"other/a"}}), "logs/");
  EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
  EXPECT_THAT(error.what, HasSubstr("other/a"));
}

TEST_F(S3Listing, RefusesFoldedKeys) {
  EXPECT_EQ(error_of(list_xml({}, {}, "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>")).kind,
            ErrorKind::kCorrupt);
}

TEST_F(S3Listing, RepeatsATruncatedDocumentAndNeverTakesItForTheEnd_F028) {
  const auto whole = list_xml({ListedObject{"a"}, ListedObject{"b"}});
  for (std::size_t size = 0; size < whole.size(); size += 13) {
    FakeHttp http;
    http.push(FakeReply{200, {}, whole.substr(0, size)});
    http.push(FakeReply{200, {}, whole});
    const auto fresh = make_source(options_, credentials_, &http, &clock_, &rng_).value();
    const auto page = run(fresh->list("", std::nullopt));
    ASSERT_TRUE(page) << size << ": " << page.error().what;
    EXPECT_EQ(page->entries.size(), 2);
    EXPECT_EQ(http.requests().size(), 2);
  }
}

TEST_F(S3Listing, RepeatsADocumentThatEndsInsideACharacter_F028) {
  http_.push(FakeReply{200, {}, "<ListBucketResult><Name>\xc3"});
  http_.push(list_reply({}));
  EXPECT_TRUE(list());
}

TEST_F(S3Listing, GivesUpOnADocumentThatIsAlwaysTruncated_F028) {
  const auto error = error_of(std::string{"<ListBucketResult><Contents><Key>a</Key>"});
  EXPECT_EQ(error.kind, ErrorKind::kUnavailable);
}

TEST_F(S3Listing, TakesAnErrorDocumentWithStatus200ForThatError_F029) {
  EXPECT_EQ(error_of(error_xml("AccessDenied")).kind, ErrorKind::kDenied);
  EXPECT_EQ(error_of(error_xml("NoSuchBucket")).kind, ErrorKind::kInvalid);
  http_.push(FakeReply{200, {}, error_xml("InternalError")});
  http_.push(list_reply({ListedObject{"a"}}));
  EXPECT_TRUE(list());
}

TEST_F(S3Listing, TakesA404OfAnyKindForAMissingBucketOrAWrongAddress_F032) {
  for (const auto* body : {"", "<html>not here</html>"}) {
    http_.push(FakeReply{404, {}, body});
    const auto page = list();
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(page.error().what, HasSubstr("check the bucket's name and the endpoint"));
  }
}

TEST_F(S3Listing, RefusesADocumentThatIsNoListing) {
  EXPECT_EQ(error_of("<html><body>welcome</body></html>").kind, ErrorKind::kCorrupt);
}

TEST_F(S3Listing, NamesTheKeyWhoseSizeIsAbsurd_F034_F150) {
  for (const char* size : {"-1", "", "9223372036854775808", "99999999999999999999", "1e9", "0x10", "five"}) {
    ListedObject object{"big.bin"};
    object.size = size;
    const auto error = error_of({object});
    EXPECT_EQ(error.kind, ErrorKind::kCorrupt) << size;
    EXPECT_THAT(error.what, HasSubstr("big.bin"));
  }
}

TEST_F(S3Listing, ListsObjectsLargerThanTheTargetTakes_F034) {
  ListedObject object{"big.bin"};
  object.size = "50000000000000";
  http_.push(list_reply({object}));
  EXPECT_EQ(list().value().entries.at(0).size, 50'000'000'000'000);
}

TEST_F(S3Listing, AcceptsTimesInTheFutureAndBefore1970_F035) {
  ListedObject past{"a"}, future{"b"};
  past.modified = "1931-05-06T00:00:00.000Z";
  future.modified = "2999-01-01T00:00:00Z";
  http_.push(list_reply({past, future}));
  const auto page = list();
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_EQ(rfc3339(page->entries.at(0).version.modified), "1931-05-06T00:00:00Z");
  EXPECT_EQ(rfc3339(page->entries.at(1).version.modified), "2999-01-01T00:00:00Z");
}

TEST_F(S3Listing, NamesTheKeyWhoseTimeIsAbsurd_F035) {
  ListedObject object{"a.txt"};
  object.modified = "yesterday";
  const auto error = error_of({object});
  EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
  EXPECT_THAT(error.what, HasSubstr("a.txt"));
}

TEST_F(S3Listing, DecodesPlusAndPercentExactly_F037_F040) {
  http_.push(list_reply({ListedObject{"a%01%0a%2B%25+%2525"}, ListedObject{"b%3Cc%3E%26"}}));
  const auto page = list();
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_EQ(page->entries.at(0).key.str(), "a\x01\n+% %25");
  EXPECT_EQ(page->entries.at(1).key.str(), "b<c>&");
}

TEST_F(S3Listing, TakesKeysAsTheyAreFromAServerThatDoesNotEncode_F040) {
  http_.push(FakeReply{200,
                       {},
                       "<ListBucketResult><IsTruncated>false</IsTruncated>" + ListedObject{"a+b%20c&amp;&#10; "}.xml() +
                           "</ListBucketResult>"});
  const auto page = list();
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_EQ(page->entries.at(0).key.str(), "a+b%20c&\n ");
}

TEST_F(S3Listing, RefusesUnencodedControlCharacters_F040) {
  const std::string head = "<ListBucketResult><IsTruncated>false</IsTruncated>";
  for (const char* key : {"a\x01", "a\x1f", "a&#1;", "a&#0;b", "a&#x1F;"}) {
    EXPECT_EQ(error_of(head + ListedObject{key}.xml() + "</ListBucketResult>").kind, ErrorKind::kCorrupt) << key;
  }
}

TEST_F(S3Listing, RefusesABadEscapeInAKey_F037) {
  for (const char* key : {"a%", "a%2", "a%zz"})
    EXPECT_EQ(error_of({ListedObject{key}}).kind, ErrorKind::kCorrupt) << key;
}

TEST_F(S3Listing, CarriesKeysThatAreNotUtf8AsBytes_F041) {
  http_.push(list_reply({ListedObject{"a%FF%FEb"}}));
  const auto page = list();
  ASSERT_TRUE(page) << page.error().what;
  EXPECT_EQ(page->entries.at(0).key.str(),
            "a\xff\xfe"
            "b");
}

TEST_F(S3Listing, RefusesAKeyThatACommentWouldCut) {
  EXPECT_EQ(error_of({ListedObject{"a<!-- x -->b"}}).kind, ErrorKind::kCorrupt);
  EXPECT_EQ(error_of({ListedObject{"a</Key><Key>b"}}).kind, ErrorKind::kCorrupt);
}

TEST_F(S3Listing, RefusesATagThatNoHeaderMayHold_F152) {
  for (const char* tag : {"", "&#13;&#10;X-Evil: 1", "a\"b", "\xc3\xbc"}) {
    ListedObject object{"a.txt"};
    object.etag = tag;
    const auto error = error_of({object});
    EXPECT_EQ(error.kind, ErrorKind::kCorrupt) << tag;
    EXPECT_THAT(error.what, HasSubstr("a.txt"));
    EXPECT_EQ(error.what.find('\n'), std::string::npos);
  }
}

TEST_F(S3Listing, RefusesAPageWithTooManyKeys_F150) {
  std::vector<ListedObject> objects;
  for (int i = 0; i < 1001; ++i) objects.emplace_back("k" + std::to_string(10'000 + i));
  EXPECT_EQ(error_of(objects).kind, ErrorKind::kCorrupt);
}

TEST_F(S3Listing, RefusesAPageOfManyMegabytes_F146) {
  const auto error = error_of(list_xml({}, {}, "<Comment>" + std::string(9 << 20, 'x') + "</Comment>"));
  EXPECT_EQ(error.kind, ErrorKind::kCorrupt);
  EXPECT_EQ(http_.requests().size(), 1);
}

TEST_F(S3Listing, RefusesACompressedReply_F148) {
  http_.push(FakeReply{200, {{"Content-Encoding", "gzip"}}, "\x1f\x8b whatever"});
  const auto page = list();
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::kCorrupt);
}

TEST_F(S3Listing, RefusesATokenThatIsNotItsOwn) {
  for (const char* token : {"", "x", "3:abc", "99:abc", "1:a0:0:1:00:", "1:a0:0:1:x1:1"}) {
    const auto page = list({}, token);
    ASSERT_FALSE(page) << token;
    EXPECT_EQ(page.error().kind, ErrorKind::kInvalid);
  }
  EXPECT_TRUE(http_.requests().empty());
}

TEST(S3ListCursor, SurvivesItsEncodedForm) {
  Cursor cursor;
  cursor.token = "1:x\n";
  cursor.last_key = std::string("\0:5:", 4);
  cursor.anchor = "anchor";
  cursor.steps = 3;
  cursor.steps_max = 8;
  const auto back = Cursor::decode(cursor.encode());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->token, cursor.token);
  EXPECT_EQ(back->last_key, cursor.last_key);
  EXPECT_EQ(back->anchor, cursor.anchor);
  EXPECT_EQ(back->steps, 3);
  EXPECT_EQ(back->steps_max, 8);
}

}  // namespace
}  // namespace ferry::s3
