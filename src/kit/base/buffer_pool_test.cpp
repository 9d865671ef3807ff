#include "kit/base/buffer_pool.hpp"

#include <gtest/gtest.h>

namespace ferry {
namespace {

TEST(BufferPool, RoundsUpToItsClasses) {
  BufferPool pool;
  EXPECT_EQ(pool.take(0).bytes().size(), 4096u);
  EXPECT_EQ(pool.take(4097).bytes().size(), 8192u);
  EXPECT_EQ(pool.take(256 * 1024).bytes().size(), 256u * 1024);
}

TEST(BufferPool, LendsTheSameMemoryAgain) {
  BufferPool pool;
  const char* first = nullptr;
  {
    auto buffer = pool.take(10'000);
    first = buffer.bytes().data();
  }
  auto again = pool.take(10'000);
  auto other = pool.take(10'000);
  EXPECT_EQ(again.bytes().data(), first);
  EXPECT_NE(other.bytes().data(), first);
}

}  // namespace
}  // namespace ferry
