#include "kit/async/thread.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/base/own_memory.hpp"

namespace ferry {
namespace {

TEST(Thread, RunsWhatItIsGiven) {
  int done = 0;
  start_thread([&done] { done = 42; }).join();
  EXPECT_EQ(done, 42);
}

/// In a process of its own, whose limit leaves no room for a stack; a sanitizer could not live with it.
TEST(Thread, ThatFindsNoMemoryForItsStackAsksTheHandlerOfOperatorNew_F131) {
  const auto starve = [] {
    std::set_new_handler([] { ::_exit(3); });
    const rlimit none{0, 0};
    const bool limited = testing::kMemoryIsOurs;
    if (limited && (::setrlimit(RLIMIT_DATA, &none) != 0 || ::setrlimit(RLIMIT_AS, &none) != 0)) ::_exit(1);
    start_thread([] {}).join();
    ::_exit(0);
  };
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // begun anew: no stack of an earlier thread is left to be used again
  EXPECT_EXIT(starve(), ::testing::ExitedWithCode(testing::kMemoryIsOurs ? 3 : 0), "");
}

}  // namespace
}  // namespace ferry
