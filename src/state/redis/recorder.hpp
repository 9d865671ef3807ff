#pragma once
// Receipts on their way to Redis. Those that come while others are being recorded go together in the next script.

#include <memory>
#include <mutex>
#include <vector>

#include "domain/receipt.hpp"
#include "kit/async/wake.hpp"
#include "state/redis/job_space.hpp"

namespace ferry::redis {

class Recorder : public std::enable_shared_from_this<Recorder> {
 public:
  explicit Recorder(std::shared_ptr<JobSpace> space);

  /// StateStore::record_consumed. A caller that is cancelled does not wait; its receipt may still be recorded.
  Task<Status> record(Receipt receipt);

 private:
  struct Entry {
    explicit Entry(Receipt what) : receipt(std::move(what)) {}
    const Receipt receipt;
    std::optional<Error> error;
    Wake done;
  };
  using Entries = std::vector<std::shared_ptr<Entry>>;

  /// On the client's thread, while there is something to record.
  static Task<> work(std::shared_ptr<Recorder> self);
  Entries take();
  [[nodiscard]] Commands commands_for(const Entries& entries, std::uint64_t buckets) const;

  const std::shared_ptr<JobSpace> space_;
  std::mutex mutex_;
  Entries waiting_;
  bool at_work_ = false;
};

}  // namespace ferry::redis
