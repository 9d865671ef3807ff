#pragma once
// The sandbox's broker beside a test: what it is told to do wrong, and what it saw.

#include <grpcpp/grpcpp.h>
#include <pubsub.grpc.pb.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kit/async/clock.hpp"
#include "sandbox/pubsub/server.hpp"

namespace ferry::pubsub {

class TestWatcher final : public sandbox::pubsub::Watcher {
 public:
  using Fault = sandbox::pubsub::Fault;
  using Happening = sandbox::pubsub::Happening;

  void script(std::string operation, Fault fault, int times = 1) {
    const std::lock_guard lock{mutex_};
    scripts_.push_back({std::move(operation), std::move(fault), times});
  }
  void admit_only(std::string authorization) {
    const std::lock_guard lock{mutex_};
    admitted_ = std::move(authorization);
  }
  /// Calls, or messages and ack ids, of one operation that came to `code`.
  [[nodiscard]] std::uint64_t calls(const std::string& operation, int code = 0) const {
    const std::lock_guard lock{mutex_};
    return count(calls_, operation, code);
  }
  [[nodiscard]] std::uint64_t messages(const std::string& operation, int code = 0) const {
    const std::lock_guard lock{mutex_};
    return count(messages_, operation, code);
  }
  /// Waits until there were so many; the broker and the queue work on threads of their own meanwhile.
  [[nodiscard]] bool saw_calls(const std::string& operation, std::uint64_t least = 1, int code = 0) const {
    return wait([&] { return count(calls_, operation, code) >= least; });
  }
  [[nodiscard]] bool saw_messages(const std::string& operation, std::uint64_t least, int code = 0) const {
    return wait([&] { return count(messages_, operation, code) >= least; });
  }

  /// However it ended: by the client's last word, or because it was cancelled.
  [[nodiscard]] bool saw_a_stream_end() const {
    constexpr int kCancelled = 1;
    return wait([&] { return count(calls_, "StreamEnded", 0) + count(calls_, "StreamEnded", kCancelled) > 0; });
  }

  std::optional<Fault> fault(std::string_view operation, std::string_view) override {
    const std::lock_guard lock{mutex_};
    for (auto& script : scripts_) {
      if (script.operation != operation || script.times == 0) continue;
      --script.times;
      return script.fault;
    }
    return std::nullopt;
  }
  bool admits(std::string_view authorization) override {
    const std::lock_guard lock{mutex_};
    return !admitted_ || *admitted_ == authorization;
  }
  void happened(const Happening& what) override {
    const std::lock_guard lock{mutex_};
    ++calls_[{std::string(what.operation), what.code}];
    messages_[{std::string(what.operation), what.code}] += what.messages;
    changed_.notify_all();
  }

 private:
  struct Script {
    std::string operation;
    Fault fault;
    int times;
  };
  using Counts = std::map<std::pair<std::string, int>, std::uint64_t>;
  static std::uint64_t count(const Counts& counts, const std::string& operation, int code) {
    const auto found = counts.find({operation, code});
    return found == counts.end() ? 0 : found->second;
  }
  bool wait(const std::function<bool()>& condition) const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{20}, condition);
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::list<Script> scripts_;
  std::optional<std::string> admitted_;
  Counts calls_, messages_;
};

/// A broker, and a plain blocking client for what a test does by hand.
class TestBroker {
 public:
  using Server = sandbox::pubsub::Server;

  TestBroker() { start(0); }
  explicit TestBroker(sandbox::pubsub::ServerOptions options) { start(std::move(options)); }

  void stop() { server_.reset(); }  ///< and everything in it is gone
  void start_again() { start(port_); }
  [[nodiscard]] TestWatcher& watcher() { return watcher_; }
  [[nodiscard]] Server* operator->() { return server_.get(); }
  [[nodiscard]] std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }

  [[nodiscard]] sandbox::pubsub::Holdings holdings() const {
    const auto all = server_->holdings();
    return all.empty() ? sandbox::pubsub::Holdings{} : all.front();
  }
  /// As somebody else would publish it.
  void publish_raw(const std::string& data, const std::map<std::string, std::string>& attributes = {}) {
    const auto stub =
        google::pubsub::v1::Publisher::NewStub(grpc::CreateChannel(endpoint(), grpc::InsecureChannelCredentials()));
    google::pubsub::v1::PublishRequest request;
    google::pubsub::v1::PublishResponse response;
    request.set_topic("projects/test/topics/topic-work");
    auto* message = request.add_messages();
    message->set_data(data);
    for (const auto& [name, value] : attributes) (*message->mutable_attributes())[name] = value;
    grpc::ClientContext context;
    if (const auto status = stub->Publish(&context, request, &response); !status.ok()) {
      throw std::runtime_error(status.error_message());
    }
  }
  void remove(const std::string& topic_or_subscription) {
    const auto channel = grpc::CreateChannel(endpoint(), grpc::InsecureChannelCredentials());
    grpc::ClientContext context;
    google::protobuf::Empty empty;
    grpc::Status status;
    if (topic_or_subscription.find("/topics/") != std::string::npos) {
      google::pubsub::v1::DeleteTopicRequest request;
      request.set_topic(topic_or_subscription);
      status = google::pubsub::v1::Publisher::NewStub(channel)->DeleteTopic(&context, request, &empty);
    } else {
      google::pubsub::v1::DeleteSubscriptionRequest request;
      request.set_subscription(topic_or_subscription);
      status = google::pubsub::v1::Subscriber::NewStub(channel)->DeleteSubscription(&context, request, &empty);
    }
    if (!status.ok()) throw std::runtime_error(status.error_message());
  }

 private:
  void start(std::uint16_t port) {
    sandbox::pubsub::ServerOptions options;
    options.port = port;
    start(std::move(options));
  }
  void start(sandbox::pubsub::ServerOptions options) {
    auto started = sandbox::pubsub::start_server(std::move(options), &watcher_, system_clock(), system_rng());
    if (!started) throw std::runtime_error(started.error().what);
    server_ = *std::move(started);
    port_ = server_->port();
  }

  TestWatcher watcher_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Server> server_;
};

}  // namespace ferry::pubsub
