#include "source/s3/get_tagging.hpp"

#include <gtest/gtest.h>

#include "source/s3/room_test.hpp"

namespace ferry::s3 {
namespace {
class GetTagging : public S3Test {
 protected:
  Result<Tags> tags_of(std::string body, int status = 200) {
    http_.push(FakeReply{status, {{"Content-Type", "application/xml"}}, std::move(body)});
    return run(source()->tags(ObjectKey{"a b"}));
  }
};

TEST_F(GetTagging, ReadsNamesAndValuesAsTheyAre) {
  const auto tags = tags_of(
      R"(<?xml version="1.0" encoding="UTF-8"?><Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>)"
      "<Tag><Key>Project</Key><Value>x &amp; y</Value></Tag><Tag><Value/><Key>a/\xC3\xA4 :</Key></Tag>"
      "</TagSet></Tagging>");
  ASSERT_TRUE(tags) << tags.error().what;
  EXPECT_EQ(*tags, (Tags{{"Project", "x & y"}, {"a/\xC3\xA4 :", ""}}));
  EXPECT_EQ(request(0).head.method, "GET");
  EXPECT_EQ(request(0).head.target, "/bucket/a%20b?tagging=");
}

TEST_F(GetTagging, NoTagsAreNoError) {
  const auto tags = tags_of("<Tagging><TagSet/></Tagging>");
  ASSERT_TRUE(tags) << tags.error().what;
  EXPECT_TRUE(tags->empty());
}

TEST_F(GetTagging, BrokenDocumentsAreNotTakenForTags) {
  for (const auto* body : {"<Other/>", "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>"}) {
    const auto tags = tags_of(body);
    ASSERT_FALSE(tags) << body;
    EXPECT_EQ(tags.error().kind, ErrorKind::kCorrupt);
  }
}

TEST_F(GetTagging, RefusalIsDenied) {
  const auto tags = tags_of("<Error><Code>AccessDenied</Code><Message>no</Message></Error>", 403);
  ASSERT_FALSE(tags);
  EXPECT_EQ(tags.error().kind, ErrorKind::kDenied);
  EXPECT_NE(tags.error().what.find("s3://bucket/a b"), std::string::npos) << tags.error().what;
}

}  // namespace
}  // namespace ferry::s3
