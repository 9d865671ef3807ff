#include "source/s3/sigv4.hpp"

#include <gtest/gtest.h>

#include "kit/base/hash.hpp"

namespace ferry::s3 {
namespace {

const Seconds kDate = std::chrono::sys_days{std::chrono::year{2013} / 5 / 24};

Credentials example() { return {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", std::nullopt}; }

std::string sha256(std::string_view text) {
  const auto hash = make_hash(HashKind::kSha256);
  hash->update(text);
  return hex(hash->digest().bytes);
}

struct Vector {
  std::string name;
  net::RequestHead head;
  std::string host = "examplebucket.s3.amazonaws.com";
  std::string payload{kEmptyPayload};
  std::string region = "us-east-1", service = "s3";
  std::optional<std::string> token;
  std::string canonical_hash, signature;
};

/// The request as sign() sees it once the date and the token are in.
std::string canonical_hash(Vector vector) {
  vector.head.headers.add("x-amz-date", "20130524T000000Z");
  if (vector.token) vector.head.headers.add("x-amz-security-token", *vector.token);
  std::string canonical, names;
  append_canonical_request(vector.head, vector.host, vector.payload, &canonical, &names);
  return sha256(canonical);
}

void check(Vector vector) {
  SCOPED_TRACE(vector.name);
  if (vector.service == "s3") vector.head.headers.add("x-amz-content-sha256", vector.payload);
  EXPECT_EQ(canonical_hash(vector), vector.canonical_hash);
  auto credentials = example();
  credentials.session_token = vector.token;
  Signer signer{vector.service};
  signer.sign(&vector.head, vector.host, credentials, vector.region, kDate, vector.payload);
  const std::string authorization{vector.head.headers.find("authorization").value()};
  EXPECT_EQ(authorization.substr(authorization.rfind('=') + 1), vector.signature);
}

TEST(SigV4, V1SignsAGetWithRange) {
  check({.name = "V1",
         .head = {"GET", "/test.txt", {{"Range", "bytes=0-9"}}},
         .canonical_hash = "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
         .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"});
}

TEST(SigV4, V2SignsAPutWithABody) {
  check({.name = "V2",
         .head = {"PUT",
                  "/test%24file.text",
                  {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
         .payload = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
         .canonical_hash = "9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d",
         .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"});
}

TEST(SigV4, V3SignsABareSubresource) {
  check({.name = "V3",
         .head = {"GET", "/?lifecycle"},
         .canonical_hash = "9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca",
         .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"});
}

TEST(SigV4, V4SignsAQueryInAnyOrder) {
  for (const char* target : {"/?max-keys=2&prefix=J", "/?prefix=J&max-keys=2"}) {
    check({.name = "V4",
           .head = {"GET", target},
           .canonical_hash = "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7",
           .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"});
  }
}

TEST(SigV4, V5SignsAnAwkwardKeyWithASessionToken) {
  check({.name = "V5",
         .head = {"GET",
                  "/a%20b%2Bc/%C3%BC%252F..//%C3%A9%3F%23%26%3D.txt?versionId=3%2FL4kqtJlcpXroDTDmJ%2BrmSpXd3dIbrHY",
                  {{"x-amz-checksum-mode", "ENABLED"}}},
         .host = "examplebucket.s3.us-east-1.amazonaws.com",
         .token = "AQoDYXdzEXAMPLE//token+value==",
         .canonical_hash = "fcdc68084a7925d47b6dfe7a9325b040c03d77b6f395d31c046107bb660bff2e",
         .signature = "865011a375e51260b46e767805805a0393cef667117efdeafd407df707aed1ed"});
}

TEST(SigV4, V6SignsWithoutThePayload) {
  check({.name = "V6",
         .head = {"PUT", "/mybucket/dir/obj?partNumber=1&uploadId=VXBs%2Bb2Fk%3D"},
         .host = "127.0.0.1:9000",
         .payload = std::string{kUnsignedPayload},
         .region = "eu-west-1",
         .canonical_hash = "782b0104d51944a9cc502051c6f13fb283304a148e19629fdd356c37595cf618",
         .signature = "b7d3181f47d9f2684c660f7e1c2d4f3f265c7c2705a9c572cba8b16b5aa3fa4d"});
}

TEST(SigV4, V7SignsAListing) {
  check({.name = "V7",
         .head = {"GET",
                  "/?list-type=2&continuation-token=1ueGcxLPRx1Tr%2FXYExHnhbYLgveDs2J%2Fwm36Hy4vbOwM%3D&delimiter=%2F"
                  "&prefix=%C3%A4%20b%2F&encoding-type=url&max-keys=1000&fetch-owner=false",
                  {{"x-amz-request-payer", "requester"}}},
         .host = "examplebucket.s3.eu-west-1.amazonaws.com",
         .region = "eu-west-1",
         .canonical_hash = "1c68410beaeb1a706e8c92e327ccf3039e6fdffec4c26beadd27d8e70fa0f6b0",
         .signature = "fb765a4ad13c4a824ddc67d3e04052f2065532696d0d9ae88ae506f87d9b147b"});
}

TEST(SigV4, V8SignsForAnotherService) {
  check({.name = "V8",
         .head = {"POST",
                  "/",
                  {{"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", "AmazonSQS.ReceiveMessage"}}},
         .host = "sqs.us-east-1.amazonaws.com",
         .payload = sha256(R"({"QueueUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/q"})"),
         .service = "sqs",
         .canonical_hash = "0dc315a656af431e890a9dd627440b70a03aa663fce4cab70c9b94bc426bfcab",
         .signature = "9a49269a6d88d6ab49d81fc704cdd64484cbfea90b99381f363edc182f7562ae"});
}

std::string authorization_of(Signer* signer, const Credentials& credentials, std::string_view region, Seconds now) {
  net::RequestHead head{"GET", "/test.txt", {{"x-amz-content-sha256", std::string{kEmptyPayload}}}};
  signer->sign(&head, "examplebucket.s3.amazonaws.com", credentials, region, now, kEmptyPayload);
  return std::string{head.headers.find("authorization").value()};
}

TEST(SigV4, OneSignerSignsForAnyDayRegionAndKeyAsAFreshOneDoes) {
  Signer kept{"s3"};
  auto other = example();
  other.secret_access_key = "another";
  for (const auto& credentials : {example(), other, example()}) {
    for (const char* region : {"us-east-1", "eu-west-1", "us-east-1"}) {
      for (const auto day : {0, 1, 0}) {
        Signer fresh{"s3"};
        const auto now = kDate + std::chrono::hours{24 * day};
        EXPECT_EQ(authorization_of(&kept, credentials, region, now),
                  authorization_of(&fresh, credentials, region, now));
      }
    }
  }
}

TEST(SigV4, JoinsRepeatedHeadersAndCollapsesWhiteSpace) {
  const net::RequestHead head{
      "GET", "/", {{"X-Amz-Meta-B", "  a   b "}, {"x-amz-meta-a", "1"}, {"x-amz-meta-b", "c"}, {"Accept", "x"}}};
  std::string canonical, names;
  append_canonical_request(head, "h", "P", &canonical, &names);
  EXPECT_EQ(canonical, "GET\n/\n\nhost:h\nx-amz-meta-a:1\nx-amz-meta-b:a b,c\n\nhost;x-amz-meta-a;x-amz-meta-b\nP");
}

TEST(SigV4, SortsParametersAsPairs) {
  const net::RequestHead head{"GET", "/?a-b=1&a=&a=0"};
  std::string canonical, names;
  append_canonical_request(head, "h", "P", &canonical, &names);
  EXPECT_EQ(canonical.substr(0, canonical.find("\nhost")), "GET\n/\na=&a=0&a-b=1");
}

}  // namespace
}  // namespace ferry::s3
