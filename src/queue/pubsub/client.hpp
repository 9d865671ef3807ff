#pragma once
// The broker's calls as coroutines, and what their answers mean.

#include <grpcpp/grpcpp.h>
#include <pubsub.grpc.pb.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "kit/async/wake.hpp"
#include "kit/base/error.hpp"
#include "queue/pubsub/pubsub_queue.hpp"

namespace ferry::pubsub {

namespace pb = google::pubsub::v1;

/// All calls under way. They are on gRPC's threads, which must be done with them before the channel goes.
class OpenCalls {
 public:
  void add(const std::shared_ptr<grpc::ClientContext>& call);
  [[nodiscard]] bool cancelled() const;
  void remove(const std::shared_ptr<grpc::ClientContext>& call);
  void cancel();  ///< all there are, and whatever comes later
  void wait();    ///< until none is left

 private:
  mutable std::mutex mutex_;
  std::condition_variable none_;
  bool cancelled_ = false;
  std::set<std::shared_ptr<grpc::ClientContext>> calls_;
};

/// A gRPC status as an Error: `action` to the broker, the status's name and its text made safe. `status` is not OK.
[[nodiscard]] Error to_error(const grpc::Status& status, const std::string& action);

/// Any thread. After cancel(), everything fails with kCancelled.
class Client {
 public:
  Client(Executor home, const Options& options, std::shared_ptr<grpc::Channel> channel);
  ~Client();  ///< cancels all calls and waits for them
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  using Empty = google::protobuf::Empty;
  using Publishing = pb::Publisher::StubInterface::async_interface;
  using Subscribing = pb::Subscriber::StubInterface::async_interface;
  Task<Result<pb::Topic>> create_topic(pb::Topic topic);
  Task<Result<pb::Topic>> get_topic(std::string name);
  Task<Result<pb::Subscription>> create_subscription(pb::Subscription subscription);
  Task<Result<pb::Subscription>> get_subscription(std::string name);
  Task<Result<Empty>> delete_subscription(std::string name);
  Task<Result<pb::PublishResponse>> publish(std::shared_ptr<const pb::PublishRequest> request);
  Task<Result<Empty>> acknowledge(std::shared_ptr<const pb::AcknowledgeRequest> request);
  Task<Result<Empty>> modify(std::shared_ptr<const pb::ModifyAckDeadlineRequest> request);

  /// A context for one call of any kind: with routing metadata ("topic=…") and the Authorization header.
  Task<Result<std::shared_ptr<grpc::ClientContext>>> context(std::string routing);
  [[nodiscard]] Subscribing* subscriber() { return subscriber_->async(); }
  /// Tells whoever keeps the token, if that is what it is about. @return whether another try makes sense
  Task<bool> renew_after(grpc::StatusCode code);
  [[nodiscard]] const std::shared_ptr<OpenCalls>& calls() { return calls_; }
  void cancel() { calls_->cancel(); }

 private:
  Task<Result<std::string>> authorization();
  template <class Request, class Response, class Async>
  using Method = void (Async::*)(grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>);

  template <class Response, class Request, class Async>
  Task<Result<Response>> call(const char* name, std::string routing, std::shared_ptr<const Request> request,
                              Method<Request, Response, Async> method, Async* stub);
  template <class Response, class Request, class Async>
  Task<Result<grpc::Status>> attempt(std::string routing, std::shared_ptr<const Request> request, Response* response,
                                     Method<Request, Response, Async> method, Async* stub);

  const Executor home_;
  const std::function<Task<Result<std::string>>()> authorization_;
  const std::function<void()> authorization_refused_;
  const Milliseconds timeout_;
  const std::string endpoint_;
  const std::shared_ptr<OpenCalls> calls_ = std::make_shared<OpenCalls>();
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<pb::Publisher::StubInterface> publisher_;
  const std::unique_ptr<pb::Subscriber::StubInterface> subscriber_;
};

/// @error kInvalid: the CA file can't be read
[[nodiscard]] Result<std::shared_ptr<grpc::Channel>> make_channel(const Options& options);

}  // namespace ferry::pubsub
