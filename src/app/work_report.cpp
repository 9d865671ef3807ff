#include "app/work_report.hpp"

#include "app/help.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"

namespace ferry::app {

void WorkLog::copied(const Receipt& receipt) {
  if (troubled_.load(std::memory_order_relaxed)) {
    const std::lock_guard lock{mutex_};
    trouble_.clear();
    troubled_ = false;
  }
  log::debug("object.copied",
             {{"key", receipt.key.str()}, {"bytes", receipt.size}, {"check", to_string(receipt.rung)}});
  for (const Loss loss : receipt.losses.all()) {
    log::info("object.not_whole", {{"key", receipt.key.str()}, {"without", to_string(loss)}});
  }
}

void WorkLog::adopted(const Receipt& receipt) {
  log::debug("object.adopted",
             {{"key", receipt.key.str()}, {"bytes", receipt.size}, {"check", to_string(receipt.rung)}});
}

void WorkLog::superseded(const ObjectKey& key, std::string_view why) {
  log::debug("object.superseded", {{"key", key.str()}, {"why", why}});
}

void WorkLog::failed(const Failure& failure) {
  log::warn("object.failed",
            {{"key", failure.key.str()}, {"reason", to_string(failure.reason)}, {"error", failure.what}});
}

void WorkLog::refused(std::string_view why) {
  const std::lock_guard lock{mutex_};
  if (trouble_ != why) log::error("work.refused", {{"error", why}});
  trouble_ = why;
  troubled_ = true;
}

std::string WorkLog::trouble() const {
  const std::lock_guard lock{mutex_};
  return trouble_;
}

std::map<std::string, std::int64_t> difference(const TallySnapshot& now, const TallySnapshot& before) {
  std::map<std::string, std::int64_t> amounts;
  const auto add = [&amounts](std::string name, std::uint64_t late, std::uint64_t early) {
    if (late != early) amounts.emplace(std::move(name), static_cast<std::int64_t>(late - early));
  };
  add("copied", now.copied, before.copied);
  add("copied_bytes", now.copied_bytes, before.copied_bytes);
  add("already_there", now.unchanged, before.unchanged);
  add("already_there_bytes", now.unchanged_bytes, before.unchanged_bytes);
  add("adopted", now.adopted, before.adopted);
  add("superseded", now.superseded, before.superseded);
  add("superseded_bytes", now.superseded_bytes, before.superseded_bytes);
  add("failed", now.failed, before.failed);
  add("failed_bytes", now.failed_bytes, before.failed_bytes);
  add("retried", now.retried, before.retried);
  for (int rung = 0; rung < kRungs; ++rung) {
    const auto at = static_cast<std::size_t>(rung);
    add("rung." + std::string{to_string(static_cast<Rung>(rung))}, now.rungs[at], before.rungs[at]);
  }
  for (int loss = 0; loss < kLosses; ++loss) {
    const auto at = static_cast<std::size_t>(loss);
    add("loss." + std::string{to_string(static_cast<Loss>(loss))}, now.losses[at], before.losses[at]);
  }
  return amounts;
}

void RateMeter::sample(const TallySnapshot& tally, SteadyTime now) {
  const Sample oldest = samples_[count_ < samples_.size() ? 0 : count_ % samples_.size()];
  const double seconds = count_ == 0 ? 0 : std::chrono::duration<double>(now - oldest.when).count();
  if (seconds > 0) {
    bytes_per_second_ = static_cast<double>(tally.moved_bytes - oldest.bytes) / seconds;
    objects_per_second_ = static_cast<double>(tally.settled() - oldest.objects) / seconds;
  }
  samples_[count_++ % samples_.size()] = {now, tally.moved_bytes, tally.settled()};
}

std::string worker_metrics(const TallySnapshot& tally, std::size_t transfers_max) {
  MetricsPage page;
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  page.gauge("ferry_build_info", "Version of the program", 1, {{"version", program_version()}});
  const std::string objects = "ferry_worker_objects_total", help = "Objects settled by this migrator, by result";
  page.counter(objects, help, number(tally.copied), {{"result", "copied"}});
  page.counter(objects, help, number(tally.unchanged), {{"result", "already_there"}});
  page.counter(objects, help, number(tally.superseded), {{"result", "superseded"}});
  page.counter(objects, help, number(tally.failed), {{"result", "failed"}});
  page.counter("ferry_worker_adopted_objects_total", "Of those already there: brought by another tool",
               number(tally.adopted));
  page.counter("ferry_worker_copied_bytes_total", "Bytes of copied objects", number(tally.copied_bytes));
  page.counter("ferry_worker_read_bytes_total", "Bytes read from the source, repeats included",
               number(tally.moved_bytes));
  page.counter("ferry_worker_retries_total", "Messages given back for another try", number(tally.retried));
  for (int rung = 0; rung < kRungs; ++rung) {
    page.counter("ferry_worker_integrity_checks_total", "Copied objects by the check that held",
                 number(tally.rungs[static_cast<std::size_t>(rung)]),
                 {{"check", std::string{to_string(static_cast<Rung>(rung))}}});
  }
  for (int loss = 0; loss < kLosses; ++loss) {
    page.counter("ferry_worker_losses_total", "Copied objects by what of them did not arrive",
                 number(tally.losses[static_cast<std::size_t>(loss)]),
                 {{"what", std::string{to_string(static_cast<Loss>(loss))}}});
  }
  page.gauge("ferry_worker_transfers_active", "Transfers under way", number(tally.active));
  page.gauge("ferry_worker_transfers_max", "Transfers at once, at most", number(transfers_max));
  page.process();
  return page.text();
}

}  // namespace ferry::app
