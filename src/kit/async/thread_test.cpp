#include "kit/async/thread.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ferry {
namespace {

TEST(Thread, RunsWhatItIsGiven) {
  int done = 0;
  start_thread([&done] { done = 42; }).join();
  EXPECT_EQ(done, 42);
}

/// In a process of its own, whose limit leaves no room for a stack.
TEST(Thread, ThatFindsNoMemoryForItsStackAsksTheHandlerOfOperatorNew_F131) {
  const auto starve = [] {
    std::set_new_handler([] { ::_exit(3); });
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_DATA, &none) != 0 || ::setrlimit(RLIMIT_AS, &none) != 0) ::_exit(1);
    start_thread([] {}).join();
    ::_exit(0);
  };
  EXPECT_EXIT(starve(), ::testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace ferry
