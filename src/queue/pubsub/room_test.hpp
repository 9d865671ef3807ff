#pragma once
// The room with a home of its own: a thread that runs the queue's coroutines, as an app's would.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include "queue/pubsub/pubsub_queue.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::pubsub {

/// A thread that runs an executor.
class Home {
 public:
  Home() : guard_(context_.get_executor()), thread_([this] { context_.run(); }) {}
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  ~Home() {
    guard_.reset();
    thread_.join();
  }
  [[nodiscard]] Executor executor() { return context_.get_executor(); }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<Executor> guard_;
  std::thread thread_;
};

/// Prepared when it is made, shut down in good order when it goes.
class HomedQueue final : public MessageQueue {
 public:
  explicit HomedQueue(Options options) {
    auto made = make_queue(home_.executor(), std::move(options), system_clock(), system_rng());
    if (!made) throw std::runtime_error(made.error().what);
    queue_ = *std::move(made);
    if (auto prepared = testing::run(queue_->prepare()); !prepared) throw std::runtime_error(prepared.error().what);
  }
  HomedQueue(const HomedQueue&) = delete;
  HomedQueue& operator=(const HomedQueue&) = delete;
  ~HomedQueue() override { shutdown(); }

  void shutdown() {
    asio::co_spawn(home_.executor(), queue_->shutdown(std::chrono::seconds{10}), asio::use_future).get();
  }
  Task<Status> prepare() { return queue_->prepare(); }
  Task<Status> publish(std::vector<TransferPlan> plans) override { return queue_->publish(std::move(plans)); }
  Task<Result<std::vector<Delivery>>> receive(std::size_t max) override { return queue_->receive(max); }
  void close() override { queue_->close(); }
  void abort() override { queue_->abort(); }
  [[nodiscard]] std::size_t waiting() const override { return queue_->waiting(); }

 private:
  Home home_;
  std::unique_ptr<Queue> queue_;
};

/// For brokers on this machine: plaintext, quick to try again, and without a back-off of the broker's own.
inline Options local_options(std::string endpoint, std::string id = "work") {
  Options options;
  options.endpoint = std::move(endpoint);
  options.tls = false;
  options.project = "test";
  options.topic = "topic-" + id;
  options.subscription = "subscription-" + id;
  options.job = "0123456789abcdef";
  options.client_id = "client";
  options.retry_min = options.retry_max = std::chrono::seconds{0};
  options.backoff = {.first = Milliseconds{10}, .ceiling = Milliseconds{50}, .attempts_max = 5};
  return options;
}

}  // namespace ferry::pubsub
