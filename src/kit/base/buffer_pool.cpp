#include "kit/base/buffer_pool.hpp"

#include <bit>
#include <cassert>

namespace ferry {
namespace {

constexpr std::size_t kIdleBytesMax = 32 << 20;  // per class: beyond that, memory goes back to the system

std::size_t class_of(std::size_t size) {
  return static_cast<std::size_t>(std::countr_zero(size / BufferPool::kBytesMin));
}

}  // namespace

BufferPool::Buffer BufferPool::take(std::size_t bytes) {
  assert(bytes <= kBytesMax);
  const std::size_t size = std::bit_ceil(std::max(bytes, kBytesMin));
  auto& idle = idle_[class_of(size)];
  if (idle.empty()) return {this, std::make_unique_for_overwrite<char[]>(size), size};
  Buffer buffer{this, std::move(idle.back()), size};
  idle.pop_back();
  return buffer;
}

void BufferPool::give_back(std::unique_ptr<char[]> memory, std::size_t size) {
  auto& idle = idle_[class_of(size)];
  if ((idle.size() + 1) * size <= kIdleBytesMax) idle.push_back(std::move(memory));
}

}  // namespace ferry
