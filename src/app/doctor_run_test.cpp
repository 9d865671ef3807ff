#include "app/doctor_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ferry::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Seconds kNoon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1} + std::chrono::hours{12}};

TEST(Doctor, JudgesClocksByHowFarTheyAreOff_F135) {
  const auto judged = [](int off) { return judge_clock("source clock", kNoon, kNoon + std::chrono::seconds{off}); };
  EXPECT_EQ(judged(0).health, Health::kOk);
  EXPECT_EQ(judged(60).health, Health::kOk);
  EXPECT_EQ(judged(61).health, Health::kWarn);
  EXPECT_EQ(judged(-300).health, Health::kWarn);
  EXPECT_EQ(judged(-301).health, Health::kFail);
  EXPECT_THAT(judged(-301).what, HasSubstr("301 s behind"));
  EXPECT_THAT(judged(61).what, HasSubstr("61 s ahead"));
  EXPECT_NE(judged(61).remedy, "");
}

TEST(Doctor, NamesThePermissionsThatAreMissing) {
  const std::string list = "storage.objects.list", get = "storage.objects.get", create = "storage.objects.create",
                    remove = "storage.objects.delete";
  EXPECT_EQ(judge_permissions({create, get, list, remove}, "b").health, Health::kOk);
  const auto partly = judge_permissions({list, get, create}, "b");
  EXPECT_EQ(partly.health, Health::kWarn);
  EXPECT_THAT(partly.what, AllOf(HasSubstr(remove), HasSubstr("replaced")));
  const auto none = judge_permissions({list}, "b");
  EXPECT_EQ(none.health, Health::kFail);
  EXPECT_THAT(none.what,
              AllOf(HasSubstr("gs://b"), HasSubstr(get), HasSubstr(create), HasSubstr(remove), Not(HasSubstr(list))));
  EXPECT_THAT(none.remedy, HasSubstr("roles/storage.objectUser"));
}

TEST(Doctor, EndsAsDesignPromises) {
  const Check fine{Health::kOk, "a", "b", {}, false}, warned{Health::kWarn, "a", "b", {}, false};
  const Check refused{Health::kFail, "a", "b", {}, false}, wrong{Health::kFail, "a", "b", {}, true};
  EXPECT_EQ(exit_code_of({fine, warned}), ExitCode::kDone);
  EXPECT_EQ(exit_code_of({fine, refused}), ExitCode::kRefused);
  EXPECT_EQ(exit_code_of({refused, wrong}), ExitCode::kUsage);
}

TEST(Doctor, SaysEachCheckOnALineAndWhatToDoOnTheNext) {
  EXPECT_EQ(page_of({Health::kOk, "source list", "s3://b/\n", {}, false}),
            "ok    source list           s3://b/\\x0a\n");
  EXPECT_EQ(page_of({Health::kFail, "redis", "refuses us", "check REDIS_PASSWORD", false}),
            "FAIL  redis                 refuses us\n                            to do: check REDIS_PASSWORD\n");
  EXPECT_EQ(
      json_of({{Health::kWarn, "redis", "evicts", "set it", false}}),
      R"({"checks":[{"check":"redis","result":"warn","what":"evicts","remedy":"set it"}],"ok":0,"warn":1,"fail":0})");
}

}  // namespace
}  // namespace ferry::app
