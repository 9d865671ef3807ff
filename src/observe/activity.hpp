#pragma once
// Which transfers are under way, for people who want to know what a worker is doing.

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "kit/base/time.hpp"

namespace ferry {

struct TransferUnderWay {
  std::string key;
  std::uint64_t size = 0, done = 0;  ///< bytes
  Seconds began{};
};

/// Any thread.
class Activity {
 public:
  /// One transfer, for as long as it lives; its Activity outlives it.
  class Entry {
   public:
    /// `activity` may be null: then nobody wants to know.
    Entry(Activity* activity, std::string key, std::uint64_t size, Seconds began);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    void at(std::uint64_t done);

   private:
    friend class Activity;
    Activity* activity_;
    std::string key_;
    std::uint64_t size_;
    Seconds began_;
    std::atomic<std::uint64_t> done_{0};
    std::list<const Entry*>::iterator place_;
  };

  /// The largest, in descending order of size.
  [[nodiscard]] std::vector<TransferUnderWay> largest(std::size_t count) const;

 private:
  mutable std::mutex mutex_;
  std::list<const Entry*> entries_;
};

}  // namespace ferry
