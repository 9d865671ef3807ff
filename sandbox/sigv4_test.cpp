#include "sandbox/sigv4.hpp"

#include <gtest/gtest.h>

#include "kit/base/hash.hpp"
#include "kit/base/time.hpp"

namespace ferry::sandbox {
namespace {

constexpr const char* kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const S3Keys kKeys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", std::nullopt};

struct Vector {
  std::string method, path, query, region, signed_headers, signature;
  net::Headers headers;
};

S3Result<std::optional<Signature>> check(const Vector& v, const S3Keys& keys = kKeys,
                                         std::string_view now = "2013-05-24T00:00:00Z") {
  auto headers = v.headers;
  if (!headers.find("host")) headers.add("Host", "examplebucket.s3.amazonaws.com");
  headers.add("X-Amz-Date", "20130524T000000Z");
  if (!headers.find("x-amz-content-sha256")) headers.add("x-amz-content-sha256", kEmptyHash);
  headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/" + v.region +
                                   "/s3/aws4_request, SignedHeaders=" + v.signed_headers +
                                   ", Signature=" + v.signature);
  const auto target = parse_target(v.path + "?" + v.query);
  return verify_signature(v.method, v.path, target->query, headers, keys,
                          SignatureRules{v.region, *parse_rfc3339(now)});
}

Vector get_lifecycle() {
  return {"GET",
          "/",
          "lifecycle",
          "us-east-1",
          "host;x-amz-content-sha256;x-amz-date",
          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
          {}};
}

std::vector<Vector> vectors() {
  return {
      {"GET",
       "/test.txt",
       "",
       "us-east-1",
       "host;range;x-amz-content-sha256;x-amz-date",
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
       {{"Range", "bytes=0-9"}}},
      {"PUT",
       "/test%24file.text",
       "",
       "us-east-1",
       "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
       {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
        {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
        {"x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"}}},
      get_lifecycle(),
      {"GET",
       "/",
       "max-keys=2&prefix=J",
       "us-east-1",
       "host;x-amz-content-sha256;x-amz-date",
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
       {}},
      {"PUT",
       "/mybucket/dir/obj",
       "partNumber=1&uploadId=VXBs%2Bb2Fk%3D",
       "eu-west-1",
       "host;x-amz-content-sha256;x-amz-date",
       "b7d3181f47d9f2684c660f7e1c2d4f3f265c7c2705a9c572cba8b16b5aa3fa4d",
       {{"Host", "127.0.0.1:9000"}, {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}}},
      {"GET",
       "/",
       "list-type=2&continuation-token=1ueGcxLPRx1Tr%2FXYExHnhbYLgveDs2J%2Fwm36Hy4vbOwM%3D&delimiter=%2F&prefix=%C3%A4%"
       "20b%2F&"
       "encoding-type=url&max-keys=1000&fetch-owner=false",
       "eu-west-1",
       "host;x-amz-content-sha256;x-amz-date;x-amz-request-payer",
       "fb765a4ad13c4a824ddc67d3e04052f2065532696d0d9ae88ae506f87d9b147b",
       {{"Host", "examplebucket.s3.eu-west-1.amazonaws.com"}, {"x-amz-request-payer", "requester"}}},
  };
}

TEST(SigV4, AcceptsThePublishedVectors) {
  for (const auto& v : vectors()) {
    const auto result = check(v);
    EXPECT_TRUE(result && *result) << v.method << " " << v.path << "?" << v.query << ": "
                                   << (result ? "" : result.error().code);
  }
}

TEST(SigV4, AcceptsAKeyFullOfReservedCharactersWithASessionToken) {
  auto keys = kKeys;
  keys.session_token = "AQoDYXdzEXAMPLE//token+value==";
  const Vector v{"GET",
                 "/a%20b%2Bc/%C3%BC%252F..//%C3%A9%3F%23%26%3D.txt",
                 "versionId=3%2FL4kqtJlcpXroDTDmJ%2BrmSpXd3dIbrHY",
                 "us-east-1",
                 "host;x-amz-checksum-mode;x-amz-content-sha256;x-amz-date;x-amz-security-token",
                 "865011a375e51260b46e767805805a0393cef667117efdeafd407df707aed1ed",
                 {{"Host", "examplebucket.s3.us-east-1.amazonaws.com"},
                  {"x-amz-checksum-mode", "ENABLED"},
                  {"x-amz-security-token", *keys.session_token}}};
  EXPECT_TRUE(check(v, keys));
}

TEST(SigV4, RefusesAnythingChangedAfterSigning) {
  auto other_query = get_lifecycle();
  other_query.query = "lifecycle&x=1";
  auto other_path = get_lifecycle();
  other_path.path = "/other";
  auto other_method = get_lifecycle();
  other_method.method = "DELETE";
  auto other_signature = get_lifecycle();
  other_signature.signature.back() = '0';
  for (const auto& v : {other_query, other_path, other_method, other_signature}) {
    const auto result = check(v);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, "SignatureDoesNotMatch");
  }
}

TEST(SigV4, RefusesAnUnsignedAmazonHeader) {
  auto v = get_lifecycle();
  v.headers.add("x-amz-acl", "public-read");
  EXPECT_EQ(check(v).error().details.at(0).second, "x-amz-acl");
}

TEST(SigV4, RefusesAClockMoreThanFifteenMinutesOff) {
  EXPECT_TRUE(check(get_lifecycle(), kKeys, "2013-05-24T00:15:00Z"));
  EXPECT_EQ(check(get_lifecycle(), kKeys, "2013-05-24T00:15:01Z").error().code, "RequestTimeTooSkewed");
  EXPECT_EQ(check(get_lifecycle(), kKeys, "2013-05-23T23:44:59Z").error().code, "RequestTimeTooSkewed");
}

TEST(SigV4, NamesTheRightRegionToWhoSignedForAnother) {
  auto v = get_lifecycle();
  const auto headers =
      net::Headers{{"Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-west-2/s3/aws4_request, "
                    "SignedHeaders=host, Signature=00"}};
  const auto result = verify_signature("GET", "/", Query{}, headers, kKeys,
                                       SignatureRules{"eu-west-1", *parse_rfc3339("2013-05-24T00:00:00Z")});
  EXPECT_EQ(result.error().code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(result.error().details.at(0), (std::pair<std::string, std::string>{"Region", "eu-west-1"}));
}

TEST(SigV4, RefusesAnotherKeyAndAnotherSessionToken) {
  auto keys = kKeys;
  keys.access_key_id = "SOMEBODYELSE";
  EXPECT_EQ(check(get_lifecycle(), keys).error().code, "InvalidAccessKeyId");
  keys = kKeys;
  keys.session_token = "wanted";
  EXPECT_EQ(check(get_lifecycle(), keys).error().code, "InvalidToken");
}

TEST(SigV4, LeavesAnonymousRequestsToTheCaller) {
  const auto result = verify_signature("GET", "/", Query{}, net::Headers{}, kKeys, SignatureRules{"us-east-1", {}});
  ASSERT_TRUE(result);
  EXPECT_FALSE(*result);
}

TEST(SigV4, ChainsChunkSignaturesAsInThePublishedExample) {
  // Amazon's example: 66,560 times 'a' in chunks of 65,536, 1,024 and 0 bytes.
  Signature seed{"20130524T000000Z", "20130524/us-east-1/s3/aws4_request",
                 *from_hex("dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378"),
                 "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"};
  const auto link = [&](const std::string& previous, std::size_t size) {
    return chain_signature(seed, "AWS4-HMAC-SHA256-PAYLOAD", previous,
                           hex(sha256("")) + "\n" + hex(sha256(std::string(size, 'a'))));
  };
  const auto first = link(seed.signature, 65536);
  const auto second = link(first, 1024);
  EXPECT_EQ(first, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  EXPECT_EQ(second, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
  EXPECT_EQ(link(second, 0), "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

}  // namespace
}  // namespace ferry::sandbox
