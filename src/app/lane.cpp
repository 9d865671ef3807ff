#include "app/lane.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "app/unexpected.hpp"
#include "kit/async/thread.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kThreadsByDefault = 2;  ///< by default; more only where a person knows why

std::size_t threads_of(const Settings& settings) {
  if (settings.dry_run) return 1;
  const auto fitting = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kThreadsByDefault);
  return std::min<std::size_t>(settings.threads.value_or(fitting), settings.transfers);
}

}  // namespace

void Lane::start(Task<> last, Over over) {
  context_.restart();
  auto error = std::make_shared<std::exception_ptr>();
  asio::co_spawn(context_, std::move(last), [this, error](std::exception_ptr thrown) {
    *error = std::move(thrown);
    context_.stop();  // pooled connections and their timers are no reason to stay
  });
  thread_ = start_thread([this, error, over = std::move(over)] {
    context_.run();
    over(*error ? std::optional{unexpected(*error)} : std::nullopt);
  });
}

void Lane::join() {
  if (thread_.joinable()) thread_.join();
}

Result<std::vector<std::unique_ptr<TransferLane>>> make_lanes(const Settings& settings,
                                                              const MakeClients& make_clients) {
  const std::size_t threads = threads_of(settings);
  std::vector<std::unique_ptr<TransferLane>> lanes;
  for (std::size_t i = 0; i < threads; ++i) {
    auto lane = std::make_unique<TransferLane>();
    auto clients = make_clients(lane->io.executor(), Patience::kWork);
    if (!clients) return fail(std::move(clients).error());
    lane->clients = *std::move(clients);
    lane->transfers = settings.transfers / threads + (i < settings.transfers % threads ? 1 : 0);
    lanes.push_back(std::move(lane));
  }
  return lanes;
}

PruneOptions prune_options(const Settings& settings) {
  PruneOptions options;
  options.filter = settings.filter;
  options.limit = settings.prune_limit;
  options.allow_empty_source = settings.allow_empty_source;
  return options;
}

MigratorOptions migrator_options(const Settings& settings, const TransferLane& lane) {
  MigratorOptions options;
  options.policy = {settings.on_foreign, settings.adopt, settings.restore_days.has_value()};
  options.choices = {settings.integrity, settings.metadata};
  if (settings.restore_days) options.choices.restore.emplace(settings.restore_days, settings.restore_tier);
  options.transfers = lane.transfers;
  return options;
}

}  // namespace ferry::app
