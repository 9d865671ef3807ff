#include "source/s3/head_object.hpp"

#include <gtest/gtest.h>

#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {

class HeadPart : public S3Test {
 protected:
  Result<std::optional<std::uint64_t>> part_size(std::uint32_t number) {
    return run(source()->part_size(ObjectKey{"a"}, ETag{kHelloTag}, number));
  }
};

TEST_F(HeadPart, IsThePinnedLengthOfOnePart) {
  auto headers = object_headers();
  headers.add("x-amz-mp-parts-count", "3");
  headers.add("Content-Length", "5242880");
  http_.push(FakeReply{206, headers});
  const auto size = part_size(2);
  ASSERT_TRUE(size) << size.error().what;
  EXPECT_EQ(*size, 5'242'880u);
  EXPECT_EQ(request(0).head.method, "HEAD");
  EXPECT_EQ(request(0).head.target, "/bucket/a?partNumber=2");
  EXPECT_EQ(request(0).header("if-match"), kHelloTag);
}

TEST_F(HeadPart, ServersThatIgnoreTheNumberDoNotTell) {
  auto headers = object_headers();
  headers.add("Content-Length", "20000000");
  http_.push(FakeReply{200, headers});
  const auto size = part_size(1);
  ASSERT_TRUE(size) << size.error().what;
  EXPECT_FALSE(*size);
}

TEST_F(HeadPart, AnotherVersionIsAChange) {
  http_.push(FakeReply{412});
  const auto size = part_size(1);
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().kind, ErrorKind::kChanged);
}

}  // namespace
}  // namespace ferry::s3
