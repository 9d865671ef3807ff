#include "state/memory/memory_board.hpp"

#include <mutex>
#include <utility>

namespace ferry::memory {
namespace {

class Board final : public MemoryBoard {
 public:
  explicit Board(Clock* clock) : clock_(clock) {}

  void fail(bool failing) override {
    const std::lock_guard lock{mutex_};
    failing_ = failing;
  }

  Task<Result<std::optional<std::uint64_t>>> hold_lease(std::string name, std::string holder,
                                                        Milliseconds ttl) override {
    const std::lock_guard lock{mutex_};
    if (failing_) co_return outage();
    auto& lease = leases_[std::move(name)];
    const auto now = clock_->now();
    const bool held = now < lease.until;
    if (held && lease.holder != holder) co_return std::nullopt;
    if (!held) ++lease.fence;
    lease.holder = std::move(holder);
    lease.until = now + ttl;
    co_return lease.fence;
  }

  Task<Status> drop_lease(std::string name, std::string holder) override {
    const std::lock_guard lock{mutex_};
    if (failing_) co_return outage();
    auto& lease = leases_[std::move(name)];
    if (lease.holder == holder) lease.until = {};
    co_return Unit{};
  }

  Task<Status> post(std::string topic, std::string name, std::string text, Milliseconds ttl) override {
    const std::lock_guard lock{mutex_};
    if (failing_) co_return outage();
    auto& notes = notes_[std::move(topic)];
    if (text.empty()) {
      notes.erase(name);
    } else {
      const auto until = ttl == Milliseconds{0} ? SteadyTime::max() : clock_->now() + ttl;
      notes.insert_or_assign(std::move(name), Note{std::move(text), until});
    }
    co_return Unit{};
  }

  Task<Result<std::map<std::string, std::string>>> read(std::string topic) override {
    const std::lock_guard lock{mutex_};
    if (failing_) co_return outage();
    auto& notes = notes_[std::move(topic)];
    std::erase_if(notes, [now = clock_->now()](const auto& note) { return note.second.until <= now; });
    std::map<std::string, std::string> living;
    for (const auto& [name, note] : notes) living.emplace(name, note.text);
    co_return living;
  }

  Task<Status> add(std::string topic, std::map<std::string, std::int64_t> amounts) override {
    const std::lock_guard lock{mutex_};
    if (failing_) co_return outage();
    auto& totals = totals_[std::move(topic)];
    for (const auto& [name, amount] : amounts) totals[name] += amount;
    co_return Unit{};
  }

  Task<Result<std::map<std::string, std::int64_t>>> totals(std::string topic) override {
    const std::lock_guard lock{mutex_};
    if (failing_) co_return outage();
    co_return totals_[std::move(topic)];
  }

 private:
  struct Lease {
    std::string holder;
    SteadyTime until{};
    std::uint64_t fence = 0;
  };
  struct Note {
    std::string text;
    SteadyTime until;
  };

  static tl::unexpected<Error> outage() {
    return ferry::fail(ErrorKind::kUnavailable, "board in memory: planned failure");
  }

  Clock* clock_;
  std::mutex mutex_;
  bool failing_ = false;
  std::map<std::string, Lease> leases_;
  std::map<std::string, std::map<std::string, Note>> notes_;
  std::map<std::string, std::map<std::string, std::int64_t>> totals_;
};

}  // namespace

std::unique_ptr<MemoryBoard> make_board(Clock* clock) { return std::make_unique<Board>(clock); }

}  // namespace ferry::memory
