#include "app/plan_run.hpp"

#include <utility>

#include "app/first_page.hpp"
#include "app/solo_run.hpp"
#include "publish/publisher.hpp"
#include "target/gcs/gcs_target.hpp"

namespace ferry::app {
namespace {

UploadShape shape_of(const gcs::Options& options) {
  return {options.whole_bytes_max, options.single_bytes_max, options.chunk_bytes};
}

class PlanCrew {
 public:
  PlanCrew(const Settings& settings, PlanRooms rooms)
      : settings_(settings),
        rooms_(std::move(rooms)),
        estimate_(settings.job, settings.integrity, settings.metadata, shape_of({})) {}

  Result<PlanEnding> run() {
    const auto started = rooms_.clock->now();
    if (auto built = build(); !built) return fail(std::move(built).error());
    run_.beside().spawn(show_progress(rooms_.progress, [this] { return progress(); }, rooms_.screen, rooms_.clock));
    auto ended = run_.run(publisher_->scan());
    return ending(std::move(ended), std::chrono::duration<double>(rooms_.clock->now() - started).count());
  }

 private:
  [[nodiscard]] bool has_target() const { return !settings_.job.target_bucket.empty(); }

  Status build() {
    auto made = make_both_patiences(rooms_.make_clients, run_.executor(), &clients_, &first_page_);
    if (!made) return made;
    ScanOptions options;
    options.policy.on_foreign = settings_.on_foreign;
    options.filter = settings_.filter;
    options.dry_run = true;
    options.observe = [this](const Sighting& seen) { estimate_.add(*seen.entry, seen.there, *seen.decision); };
    publisher_.emplace(settings_.job, std::move(options), first_page_->source(),
                       has_target() ? first_page_->target() : nullptr, nullptr, nullptr, &tally_, nullptr,
                       rooms_.clock);
    return Unit{};
  }

  Progress progress() const {
    Progress now;
    now.verb = "planning";
    now.listing = !tally_.listing_done;
    now.done = now.total = tally_.listed;
    now.bytes_done = now.bytes_total = tally_.listed_bytes;
    now.troubles = tally_.failed;
    now.trouble = "impossible";
    return now;
  }

  PlanEnding ending(SoloRun::Ending ended, double seconds) const {
    const std::uint64_t source_lists = first_page_->source()->requests();
    // An empty bucket, which is what a plan without a target has in mind, is one request to list.
    const std::uint64_t target_lists = has_target() ? first_page_->target()->requests() : 1;
    return PlanEnding{
        .job = settings_.job,
        .estimate = estimate_,
        .prices = rooms_.prices,
        .cost = cost_of(estimate_, source_lists, target_lists, rooms_.prices),
        .time = time_for(estimate_.to_copy(), settings_.plan.bytes_per_second, settings_.plan.objects_per_second),
        .bytes_per_second = settings_.plan.bytes_per_second,
        .objects_per_second = settings_.plan.objects_per_second,
        .filtered = tally_.filtered,
        .source_lists = source_lists,
        .target_lists = target_lists,
        .seconds = seconds,
        .when = std::chrono::floor<std::chrono::seconds>(rooms_.clock->wall()),
        .broken = std::move(ended.broken),
        .interrupted = ended.interrupted};
  }

  const Settings& settings_;
  PlanRooms rooms_;
  Tally tally_;
  Estimate estimate_;
  SoloRun run_;
  Clients clients_;
  std::unique_ptr<FirstPage> first_page_;
  std::optional<Publisher> publisher_;
};

}  // namespace

ExitCode exit_code_of(const PlanEnding& ending) {
  if (ending.interrupted) return ExitCode::kInterrupted;
  if (ending.broken) return ExitCode::kRefused;
  return ending.estimate.of(Action::kBlocked).objects > 0 || ending.output ? ExitCode::kDifferent : ExitCode::kDone;
}

Result<PlanEnding> run_plan(const Settings& settings, PlanRooms rooms) {
  return PlanCrew{settings, std::move(rooms)}.run();
}

}  // namespace ferry::app
