// Many objects: migrators that share them, a backlog that nobody works at, a cache of a million entries.

#include <csignal>

#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

class ServiceScale : public Service {
 protected:
  /// Migrators first, so that none has a head start.
  void share(int migrators);
};

void ServiceScale::share(int migrators) {
  constexpr std::uint64_t kObjects = 20'000;
  start_synthetic_service(kObjects, kKiB);
  for (int i = 0; i < migrators; ++i) start_migrator({"--transfers", "32"});
  await_migrators();
  start_publisher();
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("gcs", "InsertMultipart") >= kObjects; }, Duration{120}));
  expect_all_there();
  std::uint64_t all = 0;
  for (const auto& migrator : migrators_) {
    const auto copied = copied_by(stop(migrator.get()));
    EXPECT_GT(copied, kObjects / static_cast<std::uint64_t>(migrators) / 2) << "work is spread over all";
    all += copied;
  }
  EXPECT_EQ(all, kObjects);
  const auto counts = commits_by_key();
  EXPECT_EQ(counts.size(), kObjects);
  for (const auto& [key, count] : counts) EXPECT_EQ(count, 1) << key;
}

TEST_F(ServiceScale, TwoMigratorsShareTheWorkAndCommitEachObjectOnce) { share(2); }
TEST_F(ServiceScale, FourMigratorsShareTheWorkAndCommitEachObjectOnce) { share(4); }

TEST_F(ServiceScale, ALongBacklogIsNotTakenOnLoanAllAtOnce_F100) {
  constexpr std::uint64_t kObjects = 100'000, kTransfers = 16, kLoanMax = 100;
  start_synthetic_service(kObjects, kKiB);
  start_publisher();
  const auto waiting = [&] {
    std::uint64_t most = 0;
    for (const auto& one : sandbox_->broker_holdings())
      most = std::max(most, one.at("waiting").to_number<std::uint64_t>());
    return most;
  };
  EXPECT_TRUE(eventually([&] { return waiting() == kObjects; }, Duration{60})) << waiting();
  auto* const migrator = start_migrator({"--transfers", std::to_string(kTransfers)});
  std::uint64_t on_loan_max = 0;
  const auto has_worked = [&] {
    for (const auto& one : sandbox_->broker_holdings()) {
      on_loan_max = std::max(on_loan_max, one.at("on_loan").to_number<std::uint64_t>());
    }
    return sandbox_->requests("gcs", "InsertMultipart") > 3'000;
  };
  EXPECT_TRUE(eventually(has_worked, Duration{60}));
  EXPECT_GT(on_loan_max, 0u);
  EXPECT_LE(on_loan_max, kLoanMax);
  const auto ended = stop(migrator);
  if (kMemoryIsOurs) EXPECT_LT(ended.peak_kib, 128 * 1024);
  EXPECT_EQ(commits_by_key().size(), copied_by(ended)) << "what was not finished was given back";
}

}  // namespace
}  // namespace ferry::system_test
