#include "testing/world.hpp"

#include <boost/asio/this_coro.hpp>

#include "kit/async/task_group.hpp"

namespace ferry::testing {
namespace {

Task<> keep(Task<Status> work, Status* result) {
  auto outcome = co_await std::move(work);
  if (!outcome) *result = outcome;
}

Task<> scan_then_close(Publisher* publisher, MessageQueue* queue, Status* result) {
  auto scanned = co_await publisher->scan();
  if (scanned) {
    queue->close();
  } else {
    *result = scanned;
    queue->abort();
  }
}

}  // namespace

World::World(Job j) : job(std::move(j)) { clock.advance(std::chrono::seconds{1}); }
World::~World() = default;

void World::reset() {
  tally = std::make_unique<Tally>();
  sink.receipts.clear();
  sink.adoptions.clear();
  sink.gone.clear();
  sink.failures.clear();
}

Status World::copy() {
  reset();
  auto work = [](World* world) -> Task<Status> {
    auto queue = memory::make_queue(world->queue_capacity, &world->clock);
    auto listed = memory_source(world->source);
    auto read = memory_source(world->source);
    auto compared = memory::make_target(world->target, world->target_options);
    auto written = memory::make_target(world->target, world->target_options);
    Publisher publisher{world->job,         world->scan_options, listed.get(), compared.get(), queue.get(),
                        world->state.get(), world->tally.get(),  &world->sink, &world->clock};
    Migrator migrator{world->job,         world->migrator_options, read.get(),   written.get(), queue.get(),
                      world->state.get(), world->tally.get(),      &world->sink, &world->clock, &world->rng};
    TaskGroup group{co_await asio::this_coro::executor};
    Status result = Unit{};
    group.spawn(scan_then_close(&publisher, queue.get(), &result));
    group.spawn(keep(migrator.run(), &result));
    co_await group.join();
    co_return result;
  };
  return run(context, work(this), &clock);
}

Result<std::vector<TransferPlan>> World::plan() {
  reset();
  auto work = [](World* world) -> Task<Result<std::vector<TransferPlan>>> {
    auto queue = memory::make_queue(1'000'000, &world->clock);
    auto listed = memory_source(world->source);
    auto compared = memory::make_target(world->target, world->target_options);
    Publisher publisher{world->job,         world->scan_options, listed.get(), compared.get(), queue.get(),
                        world->state.get(), world->tally.get(),  &world->sink, &world->clock};
    auto scanned = co_await publisher.scan();
    if (!scanned) co_return fail(std::move(scanned).error());
    queue->close();
    std::vector<TransferPlan> plans;
    for (;;) {
      auto batch = co_await queue->receive(1000);
      if (!batch || batch->empty()) co_return plans;
      for (Delivery& delivery : *batch) {
        plans.push_back(delivery.plan());
        std::move(delivery).ack();
      }
    }
  };
  return run(context, work(this), &clock);
}

Status World::deliver(std::vector<TransferPlan> plans, int workers) {
  reset();
  auto work = [](World* world, std::vector<TransferPlan> todo, int count) -> Task<Status> {
    auto queue = memory::make_queue(std::max<std::size_t>(todo.size(), 1), &world->clock);
    auto published = co_await queue->publish(std::move(todo));
    if (!published) co_return published;
    queue->close();
    auto read = memory_source(world->source);
    auto written = memory::make_target(world->target, world->target_options);
    std::vector<std::unique_ptr<Migrator>> migrators;
    TaskGroup group{co_await asio::this_coro::executor};
    Status result = Unit{};
    for (int i = 0; i < count; ++i) {
      migrators.push_back(std::make_unique<Migrator>(world->job, world->migrator_options, read.get(), written.get(),
                                                     queue.get(), world->state.get(), world->tally.get(), &world->sink,
                                                     &world->clock, &world->rng));
      group.spawn(keep(migrators.back()->run(), &result));
    }
    co_await group.join();
    co_return result;
  };
  return run(context, work(this, std::move(plans), workers), &clock);
}

std::vector<Failure> World::ledger() {
  auto page = run(context, state->failures(std::nullopt, 10'000), &clock);
  return page ? std::move(page->failures) : std::vector<Failure>{};
}

bool World::books_balance() const {
  return tally->listed == tally->copied + tally->unchanged + tally->superseded + tally->failed + tally->skipped;
}

}  // namespace ferry::testing
