#include "observe/activity.hpp"

#include <gtest/gtest.h>

namespace ferry {
namespace {

TEST(Activity, KnowsWhatIsUnderWayAndForgetsWhatEnded) {
  Activity activity;
  EXPECT_TRUE(activity.largest(5).empty());
  const Activity::Entry small{&activity, "small", 1, {}};
  {
    Activity::Entry large{&activity, "large", 100, {}};
    large.at(40);
    const auto two = activity.largest(5);
    ASSERT_EQ(two.size(), 2u);
    EXPECT_EQ(two[0].key, "large");
    EXPECT_EQ(two[0].done, 40u);
    EXPECT_EQ(two[1].key, "small");
  }
  ASSERT_EQ(activity.largest(5).size(), 1u);
}

TEST(Activity, GivesTheLargestOnly) {
  Activity activity;
  const Activity::Entry a{&activity, "a", 1, {}}, b{&activity, "b", 3, {}}, c{&activity, "c", 2, {}};
  const auto two = activity.largest(2);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].key, "b");
  EXPECT_EQ(two[1].key, "c");
}

TEST(Activity, WithoutAListenerNothingIsKept) {
  Activity::Entry entry{nullptr, "a", 1, {}};
  entry.at(1);
}

}  // namespace
}  // namespace ferry
