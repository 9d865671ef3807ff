#pragma once
// What the HTTP API can ask and command, answered from the state, the board and the queue: any publisher can, whether
// it is the one that scans or not.

#include <functional>
#include <map>
#include <string>

#include "admin/operator.hpp"
#include "domain/job.hpp"
#include "kit/async/clock.hpp"
#include "queue/message_queue.hpp"
#include "state/shared_board.hpp"
#include "state/state_store.hpp"

namespace ferry::app {

struct OperatorRooms {
  StateStore* state = nullptr;
  SharedBoard* board = nullptr;
  MessageQueue* queue = nullptr;
  Clock* clock = nullptr;
  Rng* rng = nullptr;
  std::function<std::string()> trouble;  ///< of this process's own scanning; empty: none
  std::function<bool()> queue_ready;
};

class ServiceOperator final : public admin::Operator {
 public:
  /// What the rooms point to outlives it.
  ServiceOperator(Job job, OperatorRooms rooms);

  Task<Result<RecordPage>> records(std::optional<std::string> cursor, std::size_t limit) override;
  Task<Result<Record>> record(ObjectKey key) override;
  Task<Result<std::uint64_t>> forget(Mark mark, ObjectKey key) override;
  Task<Result<std::uint64_t>> forget_all(Mark mark) override;
  Task<Result<admin::ScanRequest>> scan(bool audit) override;
  Task<Status> set_paused(bool paused) override;
  Task<Result<admin::ServiceStatus>> status() override;
  Task<Result<FailurePage>> failures(std::optional<ObjectKey> after, std::size_t limit) override;
  Task<Result<std::uint64_t>> retry(std::vector<ObjectKey> keys) override;
  Task<Result<std::string>> metrics() override;
  [[nodiscard]] bool ready() const override;

  /// Asks the board, so that ready() knows, and tells it again that work is paused if it forgot; until cancelled.
  Task<> watch();

 private:
  struct Notes;
  Task<Result<Notes>> read_notes();
  Task<> keep_pause(const std::map<std::string, std::string>* control);
  Task<Result<std::uint64_t>> retry_page(const std::vector<Failure>* failures, const std::vector<ObjectKey>* only);

  Job job_;
  OperatorRooms rooms_;
  bool reachable_ = false;
  bool paused_ = false;  ///< as we said or the board last knew
};

}  // namespace ferry::app
