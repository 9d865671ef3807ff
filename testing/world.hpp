#pragma once
// The embedded mode on memory rooms and simulated time: tests run the code that ships, without sockets, threads or
// sleep.
//
//   World world;
//   world.source->put("logs/a.gz", "hello");
//   ASSERT_TRUE(world.copy());
//   EXPECT_EQ(world.target->text(ObjectKey{"logs/a.gz"}), "hello");

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "migrate/migrator.hpp"
#include "observe/tally.hpp"
#include "publish/publisher.hpp"
#include "queue/memory/memory_queue.hpp"
#include "source/memory/memory_source.hpp"
#include "state/memory/memory_state.hpp"
#include "target/memory/memory_target.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::testing {

/// Remembers every outcome.
class RecordingSink final : public OutcomeSink {
 public:
  void copied(const Receipt& receipt) override { receipts.push_back(receipt); }
  void superseded(const ObjectKey& key, std::string_view why) override { gone.emplace_back(key, why); }
  void failed(const Failure& failure) override { failures.push_back(failure); }
  void skipped(const ObjectKey& key, std::string_view why) override { left_out.emplace_back(key, why); }
  void refused(std::string_view why) override { refusals.emplace_back(why); }
  void adopted(const Receipt& receipt) override { adoptions.push_back(receipt); }

  std::vector<Receipt> receipts, adoptions;
  std::vector<std::pair<ObjectKey, std::string>> gone, left_out;
  std::vector<Failure> failures;
  std::vector<std::string> refusals;
};

class World {
 public:
  explicit World(Job j = {BucketName{"src"}, "", BucketName{"dst"}, ""});
  ~World();

  /// One whole `bucketferry copy`: scan and transfers side by side, until everything is settled. Counters start anew.
  Status copy();
  /// Only the scan: what it planned.
  Result<std::vector<TransferPlan>> plan();
  /// Only the transfers, `workers` migrators side by side: of these messages, in this order.
  Status deliver(std::vector<TransferPlan> plans, int workers = 1);

  [[nodiscard]] std::string text(const std::string& key) const { return target->text(ObjectKey{key}); }
  [[nodiscard]] bool has(const std::string& key) const { return target->object(ObjectKey{key}).has_value(); }
  [[nodiscard]] std::vector<Failure> ledger();
  /// Lets time pass, so that a new put has another LastModified.
  void wait(std::chrono::seconds duration) { clock.advance(duration); }
  /// design §1.1: nothing is skipped in silence.
  [[nodiscard]] bool books_balance() const;

  Job job;
  SimulatedClock clock;
  SeededRng rng;
  asio::io_context context{1};
  std::shared_ptr<MemoryBucket> source = std::make_shared<MemoryBucket>(&clock);
  std::shared_ptr<memory::TargetBucket> target = std::make_shared<memory::TargetBucket>();
  std::unique_ptr<memory::MemoryState> state = memory::make_state();
  std::unique_ptr<Tally> tally = std::make_unique<Tally>();
  RecordingSink sink;
  ScanOptions scan_options;
  MigratorOptions migrator_options;
  memory::TargetOptions target_options;
  std::size_t queue_capacity = 1000;

 private:
  void reset();
};

}  // namespace ferry::testing
