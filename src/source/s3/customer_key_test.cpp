#include <gtest/gtest.h>

#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {

constexpr const char* kKeyHeader = "x-amz-server-side-encryption-customer-key";

class S3CustomerKey : public S3Test {
 protected:
  S3CustomerKey() { options_.customer_key = "0123456789abcdef0123456789abcdef"; }
  static FakeReply not_applicable() {
    return refusal(400, "InvalidRequest");  // "The encryption parameters are not applicable to this object."
  }
};

TEST_F(S3CustomerKey, GoesWithEveryReadOfAnObjectAndNothingElse) {
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_EQ(request(0).header("x-amz-server-side-encryption-customer-algorithm"), "AES256");
  EXPECT_EQ(request(0).header(kKeyHeader), "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
  EXPECT_EQ(request(0).header("x-amz-server-side-encryption-customer-key-md5"), "hRasmdxgYDKV3nvbahU1MA==");
  EXPECT_NE(request(0).header("authorization")->find("x-amz-server-side-encryption-customer-key;"), std::string::npos)
      << "signed";
  http_.push(FakeReply{200, object_headers(), ""});
  EXPECT_TRUE(stat());
  EXPECT_TRUE(request(1).header(kKeyHeader));
  http_.push(list_reply({}));
  EXPECT_TRUE(list());
  EXPECT_FALSE(request(2).header(kKeyHeader));
  http_.push(FakeReply{200, {}, "<Tagging><TagSet></TagSet></Tagging>"});
  EXPECT_TRUE(run(source()->tags(ObjectKey{"a"})));
  EXPECT_FALSE(request(3).header(kKeyHeader));
}

TEST_F(S3CustomerKey, IsLeftAwayWhereAnObjectDoesNotWantIt) {
  http_.push(not_applicable());
  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_TRUE(request(0).header(kKeyHeader));
  EXPECT_FALSE(request(1).header(kKeyHeader));

  http_.push(object_reply("hello"));
  EXPECT_EQ(read().value(), "hello");
  EXPECT_FALSE(request(2).header(kKeyHeader)) << "begins as the last one succeeded";

  http_.push(FakeReply{400});
  http_.push(FakeReply{200, object_headers(), ""});
  EXPECT_TRUE(stat()) << "a HEAD is refused without a word";
  EXPECT_TRUE(request(4).header(kKeyHeader));
}

TEST_F(S3CustomerKey, IsTriedOnceEachWay) {
  http_.push(not_applicable());
  http_.push(not_applicable());
  EXPECT_FALSE(read());
  EXPECT_EQ(http_.requests().size(), 2u);
}

TEST_F(S3CustomerKey, WithoutOneTheRemedyIsSaid) {
  options_.customer_key.clear();
  http_.push(refusal(400, "InvalidRequest"));
  EXPECT_FALSE(read());
  EXPECT_EQ(http_.requests().size(), 1u);
}

TEST_F(S3CustomerKey, NeverTravelsInTheClear_F140) {
  const auto made = [this] { return make_source(options_, credentials_, &http_, &clock_, &rng_).has_value(); };
  EXPECT_TRUE(made()) << "this machine";
  options_.endpoint = net::Origin{false, "s3.example.com", 80};
  EXPECT_FALSE(made());
  options_.endpoint->tls = true;
  EXPECT_TRUE(made());
  options_.customer_key = "short";
  EXPECT_FALSE(made());
}

TEST_F(S3CustomerKey, IsInNoError_F166) {
  http_.push(refusal(403, "AccessDenied"));
  const auto error = read().error().what;
  EXPECT_EQ(error.find("0123456789"), std::string::npos) << error;
  EXPECT_EQ(error.find("MDEyMzQ1"), std::string::npos) << error;
}

}  // namespace
}  // namespace ferry::s3
