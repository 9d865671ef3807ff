#pragma once
// Buffers for bodies, taken only while bytes move and given back for the next transfer. Not thread-safe: one per I/O
// thread.

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace ferry {

class BufferPool {
 public:
  static constexpr std::size_t kBytesMin = 4 * 1024;
  static constexpr std::size_t kBytesMax = 256 * 1024;

  /// On loan; returns by itself. The pool must outlive it.
  class Buffer {
   public:
    Buffer(BufferPool* pool, std::unique_ptr<char[]> memory, std::size_t size)
        : pool_(pool), memory_(std::move(memory)), size_(size) {}
    Buffer(Buffer&& other) noexcept = default;
    Buffer& operator=(Buffer&&) = delete;
    ~Buffer() {
      if (memory_) pool_->give_back(std::move(memory_), size_);
    }
    [[nodiscard]] std::span<char> bytes() { return {memory_.get(), size_}; }

   private:
    BufferPool* pool_;
    std::unique_ptr<char[]> memory_;
    std::size_t size_;
  };

  /// At least `bytes`, rounded up to a power of two between kBytesMin and kBytesMax (asserted).
  [[nodiscard]] Buffer take(std::size_t bytes);

 private:
  void give_back(std::unique_ptr<char[]> memory, std::size_t size);

  static constexpr std::size_t kClasses = 7;  // 4 KiB … 256 KiB
  std::array<std::vector<std::unique_ptr<char[]>>, kClasses> idle_;
};

}  // namespace ferry
