#include "observe/metrics.hpp"

#include <gmock/gmock.h>

namespace ferry {
namespace {

using ::testing::HasSubstr;

TEST(MetricsPage, GroupsTheSamplesOfOneName) {
  MetricsPage page;
  page.counter("ferry_objects_total", "Objects", 3, {{"result", "copied"}});
  page.counter("ferry_objects_total", "Objects", 1, {{"result", "failed"}});
  page.gauge("ferry_active", "Under way", 2);
  EXPECT_EQ(page.text(),
            "# HELP ferry_objects_total Objects\n"
            "# TYPE ferry_objects_total counter\n"
            "ferry_objects_total{result=\"copied\"} 3\n"
            "ferry_objects_total{result=\"failed\"} 1\n"
            "# HELP ferry_active Under way\n"
            "# TYPE ferry_active gauge\n"
            "ferry_active 2\n");
}

TEST(MetricsPage, TellsOfItsProcess) {
  MetricsPage page;
  page.process();
  for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds "}) {
    EXPECT_THAT(page.text(), HasSubstr(name));
  }
  EXPECT_THAT(page.text(), ::testing::Not(HasSubstr("process_resident_memory_bytes 0\n")));
}

}  // namespace
}  // namespace ferry
