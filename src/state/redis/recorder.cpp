#include "state/redis/recorder.hpp"

#include "state/redis/record_code.hpp"
#include "state/redis/scripts.hpp"

namespace ferry::redis {
namespace {
constexpr std::size_t kTogether = 250;  // in one script: bounds how long Redis serves nobody else
}

Recorder::Recorder(std::shared_ptr<JobSpace> space) : space_(std::move(space)) {}

Task<Status> Recorder::record(Receipt receipt) {
  const auto entry = std::make_shared<Entry>(std::move(receipt));
  bool starts = false;
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(entry);
    starts = !std::exchange(at_work_, true);
  }
  if (starts) space_->client()->spawn(work(shared_from_this()));
  co_await entry->done.wait();
  if (entry->error) co_return fail(*std::move(entry->error));
  co_return Unit{};
}

Task<> Recorder::work(std::shared_ptr<Recorder> self) {
  for (auto entries = self->take(); !entries.empty(); entries = self->take()) {
    const auto make = [&](std::uint64_t buckets) { return self->commands_for(entries, buckets); };
    const auto outcome = co_await self->space_->by_layout(&make, JobSpace::kAny);
    std::vector<Wake*> callers;
    callers.reserve(entries.size());
    for (const auto& entry : entries) {
      if (!outcome) entry->error = outcome.error();
      callers.push_back(&entry->done);
    }
    Wake::set_all(callers);
  }
}

Recorder::Entries Recorder::take() {
  const std::lock_guard lock{mutex_};
  at_work_ = !waiting_.empty();
  if (waiting_.size() <= kTogether) return std::exchange(waiting_, {});
  const auto end = waiting_.begin() + kTogether;
  Entries taken(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return taken;
}

Commands Recorder::commands_for(const Entries& entries, std::uint64_t buckets) const {
  Commands commands;
  commands.call(scripts::record_consumed(), 4 + 2 * entries.size(), 1 + 3 * entries.size());
  commands.arg(space_->layout_key()).arg(space_->key("failures")).arg(space_->key("failure-texts"));
  commands.arg(space_->key("checkpoints"));
  for (const auto& entry : entries) {
    commands.arg(space_->bucket(entry->receipt.key, buckets));
    commands.arg(space_->key("checkpoint:", entry->receipt.key.str()));
  }
  commands.arg(JobSpace::layout(buckets));
  for (const auto& entry : entries) {
    commands.arg(entry->receipt.key.str()).arg(encode_tail(entry->receipt)).arg(encode_version(entry->receipt.version));
  }
  return commands;
}

}  // namespace ferry::redis
