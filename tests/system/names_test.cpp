// Keys that GCS can't hold as names, with the shipped program: the ledger, left out, or another name.

#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

class Names : public SystemTest {
 protected:
  void SetUp() override { start(); }
  void put_awkward() {
    for (const auto& key : unholdable_) source_->put(key, "of " + key);
    for (const auto* key : {"a", "a~x0Ab", "z"}) source_->put(key, std::string{"of "} + key);
  }
  const std::vector<std::string> unholdable_{"..", ".well-known/acme-challenge/token", "a\nb", "dir/\r\n"};
};

TEST_F(Names, ThatGcsCantHoldAreFailuresUnlessSomethingElseIsWanted_F036) {
  put_awkward();
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 1) << outcome.describe();
  EXPECT_EQ(outcome.number("failed"), unholdable_.size());
  EXPECT_EQ(outcome.number("copied"), 3);
  for (const auto& line : reported("failed")) EXPECT_EQ(line.at("reason").as_string(), "name");
  EXPECT_EQ(verify().number("differences"), unholdable_.size());
}

TEST_F(Names, ThatAreSkippedAreCountedAndReported_F036) {
  put_awkward();
  const auto outcome = copy({"--names", "skip"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("skipped"), unholdable_.size());
  EXPECT_EQ(outcome.number("failed"), 0);
  EXPECT_EQ(reported("skipped").size(), unholdable_.size());
  EXPECT_EQ(verify({"--names", "skip"}).code(), 0);
}

TEST_F(Names, ThatAreEscapedArriveAndAreRecognisedEverAfter_F036_F042) {
  put_awkward();
  const auto outcome = copy({"--names", "escape"});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), unholdable_.size() + 3);
  EXPECT_EQ(target_->get("a~x0Ab"), "of a\nb");
  EXPECT_EQ(target_->get("a~x7Ex0Ab"), "of a~x0Ab") << "what looks escaped is escaped, too";
  EXPECT_EQ(target_->get("~x2E."), "of ..");
  EXPECT_EQ(target_->get("dir/~x0D~x0A"), "of dir/\r\n");
  EXPECT_EQ(target_->get("~x2Ewell-known/acme-challenge/token"), "of .well-known/acme-challenge/token");
  const auto stored = target_->describe("a~x0Ab");
  EXPECT_EQ(stored->at("metadata").at("ferry-source-encoded").as_string(), "s3://source-bucket/a%0Ab");

  const auto again = copy({"--names", "escape"});
  EXPECT_EQ(again.number("unchanged"), unholdable_.size() + 3) << again.describe();
  EXPECT_EQ(verify({"--names", "escape"}).code(), 0);
  EXPECT_EQ(verify({"--names", "escape", "--deep"}).code(), 0);
  source_->remove("a\nb");
  const auto missed = verify({"--names", "escape"});
  EXPECT_EQ(missed.number("differences"), 1) << missed.describe();
}

}  // namespace
}  // namespace ferry::system_test
