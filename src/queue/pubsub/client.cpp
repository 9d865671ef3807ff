#include "queue/pubsub/client.hpp"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/base/text.hpp"

namespace ferry::pubsub {
namespace {

std::string_view name_of(grpc::StatusCode code) {
  constexpr std::array<std::string_view, 17> kNames{
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  const auto number = static_cast<std::size_t>(code);
  return number < kNames.size() ? kNames[number] : "status unknown";
}

ErrorKind kind_of(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::NOT_FOUND: return ErrorKind::kGone;
    case grpc::StatusCode::ALREADY_EXISTS: return ErrorKind::kConflict;
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED: return ErrorKind::kDenied;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::UNIMPLEMENTED: return ErrorKind::kInvalid;
    default: return ErrorKind::kUnavailable;  // the codes that Google's own clients retry, and what nobody knows
  }
}

/// One unary call. gRPC's callback and the waiting coroutine share it: either may be the last to need it.
template <class Request, class Response>
struct Call {
  std::shared_ptr<const Request> request;
  Response response;
  grpc::Status status;
  Wake done;
};

/// Something to be done on the home executor, and waited for on another.
struct Errand {
  Result<std::string> header = fail(ErrorKind::kUnavailable, "the authorization ended without an answer");
  Wake done;
};

}  // namespace

void OpenCalls::add(const std::shared_ptr<grpc::ClientContext>& call) {
  {
    const std::lock_guard lock{mutex_};
    calls_.insert(call);
    if (!cancelled_) return;
  }
  call->TryCancel();
}

bool OpenCalls::cancelled() const {
  const std::lock_guard lock{mutex_};
  return cancelled_;
}

void OpenCalls::remove(const std::shared_ptr<grpc::ClientContext>& call) {
  const std::lock_guard lock{mutex_};
  calls_.erase(call);
  if (calls_.empty()) none_.notify_all();
}

/// Outside of the lock: gRPC may call back at once.
void OpenCalls::cancel() {
  std::vector<std::shared_ptr<grpc::ClientContext>> calls;
  {
    const std::lock_guard lock{mutex_};
    cancelled_ = true;
    calls.assign(calls_.begin(), calls_.end());
  }
  for (const auto& call : calls) call->TryCancel();
}

void OpenCalls::wait() {
  std::unique_lock lock{mutex_};
  none_.wait(lock, [this] { return calls_.empty(); });
}

Error to_error(const grpc::Status& status, const std::string& action) {
  constexpr std::size_t kTextMax = 300;
  std::string what = action + ": " + std::string(name_of(status.error_code()));
  if (!status.error_message().empty()) what += ": " + printable(status.error_message().substr(0, kTextMax));
  return {kind_of(status.error_code()), std::move(what)};
}

Client::Client(Executor home, const Options& options, std::shared_ptr<grpc::Channel> channel)
    : home_(home),
      authorization_(options.authorization),
      authorization_refused_(options.authorization_refused),
      timeout_(options.call_timeout),
      endpoint_(options.endpoint),
      channel_(std::move(channel)),
      publisher_(pb::Publisher::NewStub(channel_)),
      subscriber_(pb::Subscriber::NewStub(channel_)) {}

Client::~Client() {
  calls_->cancel();
  calls_->wait();
}

Task<Result<std::shared_ptr<grpc::ClientContext>>> Client::context(std::string routing) {
  auto context = std::make_shared<grpc::ClientContext>();
  context->AddMetadata("x-goog-request-params", std::move(routing));
  if (authorization_) {
    const auto header = co_await authorization();
    if (!header) co_return fail(Error{header.error()}.during("authorize at " + endpoint_));
    context->AddMetadata("authorization", *header);
  }
  co_return context;
}

Task<Result<std::string>> Client::authorization() {
  const auto here = co_await asio::this_coro::executor;
  if (here == home_) co_return co_await authorization_();
  const auto errand = std::make_shared<Errand>();
  auto go = [](std::shared_ptr<Errand> on, Task<Result<std::string>> asked) -> Task<> {
    on->header = co_await std::move(asked);
  };
  asio::co_spawn(home_, go(errand, authorization_()), [errand](std::exception_ptr) { errand->done.set(); });
  co_await errand->done.wait();
  co_return std::move(errand->header);
}

Task<bool> Client::renew_after(grpc::StatusCode code) {
  if (code != grpc::StatusCode::UNAUTHENTICATED || !authorization_refused_) co_return false;
  const auto here = co_await asio::this_coro::executor;
  if (here == home_) {
    authorization_refused_();
    co_return true;
  }
  const auto errand = std::make_shared<Errand>();
  asio::post(home_, [errand, tell = authorization_refused_] {
    tell();
    errand->done.set();
  });
  co_await errand->done.wait();
  co_return true;
}

template <class Response, class Request, class Async>
Task<Result<grpc::Status>> Client::attempt(std::string routing, std::shared_ptr<const Request> request,
                                           Response* response, Method<Request, Response, Async> method, Async* stub) {
  auto made = co_await context(std::move(routing));
  if (!made) co_return fail(std::move(made).error());
  const auto context = *std::move(made);
  context->set_deadline(gpr_time_from_millis(timeout_.count(), GPR_TIMESPAN));
  const auto under_way = std::make_shared<Call<Request, Response>>();
  under_way->request = std::move(request);
  calls_->add(context);
  (stub->*method)(context.get(), under_way->request.get(), &under_way->response,
                  [under_way, context, calls = calls_](grpc::Status status) {
                    under_way->status = std::move(status);
                    under_way->done.set();
                    calls->remove(context);
                  });
  try {
    co_await under_way->done.wait();
  } catch (...) {
    context->TryCancel();
    throw;
  }
  *response = std::move(under_way->response);
  co_return under_way->status;
}

template <class Response, class Request, class Async>
Task<Result<Response>> Client::call(const char* name, std::string routing, std::shared_ptr<const Request> request,
                                    Method<Request, Response, Async> method, Async* stub) {
  const auto ended = [&] { return fail(ErrorKind::kCancelled, std::string(name) + ": the queue is shut down"); };
  for (int attempts = 1;; ++attempts) {
    if (calls_->cancelled()) co_return ended();
    Response response;
    auto status = co_await attempt(routing, request, &response, method, stub);
    if (!status) co_return fail(std::move(status).error());
    if (status->ok()) co_return response;
    if (calls_->cancelled()) co_return ended();
    const bool renewed = co_await renew_after(status->error_code());
    if (renewed && attempts == 1) continue;
    co_return fail(to_error(*status, std::string(name) + " (" + routing + ") at " + endpoint_));
  }
}

Task<Result<pb::Topic>> Client::create_topic(pb::Topic topic) {
  auto routing = "name=" + topic.name();
  auto request = std::make_shared<const pb::Topic>(std::move(topic));
  return call<pb::Topic>("CreateTopic", std::move(routing), std::move(request), &Publishing::CreateTopic,
                         publisher_->async());
}

Task<Result<pb::Topic>> Client::get_topic(std::string name) {
  auto request = std::make_shared<pb::GetTopicRequest>();
  request->set_topic(name);
  return call<pb::Topic, pb::GetTopicRequest>("GetTopic", "topic=" + name, std::move(request), &Publishing::GetTopic,
                                              publisher_->async());
}

Task<Result<pb::Subscription>> Client::create_subscription(pb::Subscription subscription) {
  auto routing = "name=" + subscription.name();
  auto request = std::make_shared<const pb::Subscription>(std::move(subscription));
  return call<pb::Subscription>("CreateSubscription", std::move(routing), std::move(request),
                                &Subscribing::CreateSubscription, subscriber_->async());
}

Task<Result<pb::Subscription>> Client::get_subscription(std::string name) {
  auto request = std::make_shared<pb::GetSubscriptionRequest>();
  request->set_subscription(name);
  return call<pb::Subscription, pb::GetSubscriptionRequest>("GetSubscription", "subscription=" + name,
                                                            std::move(request), &Subscribing::GetSubscription,
                                                            subscriber_->async());
}

Task<Result<Client::Empty>> Client::delete_subscription(std::string name) {
  auto request = std::make_shared<pb::DeleteSubscriptionRequest>();
  request->set_subscription(name);
  return call<Empty, pb::DeleteSubscriptionRequest>("DeleteSubscription", "subscription=" + name, std::move(request),
                                                    &Subscribing::DeleteSubscription, subscriber_->async());
}

Task<Result<pb::PublishResponse>> Client::publish(std::shared_ptr<const pb::PublishRequest> request) {
  auto routing = "topic=" + request->topic();
  return call<pb::PublishResponse>("Publish", std::move(routing), std::move(request), &Publishing::Publish,
                                   publisher_->async());
}

Task<Result<Client::Empty>> Client::acknowledge(std::shared_ptr<const pb::AcknowledgeRequest> request) {
  auto routing = "subscription=" + request->subscription();
  return call<Empty>("Acknowledge", std::move(routing), std::move(request), &Subscribing::Acknowledge,
                     subscriber_->async());
}

Task<Result<Client::Empty>> Client::modify(std::shared_ptr<const pb::ModifyAckDeadlineRequest> request) {
  auto routing = "subscription=" + request->subscription();
  return call<Empty>("ModifyAckDeadline", std::move(routing), std::move(request), &Subscribing::ModifyAckDeadline,
                     subscriber_->async());
}

Result<std::shared_ptr<grpc::Channel>> make_channel(const Options& options) {
  constexpr int kReceiveMax = 32 << 20;  // above what a broker may put into one response
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kReceiveMax);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 4 << 20);
  if (options.tls) {  // an emulator takes pings every half minute for an attack, and hangs up
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  // When the broker is back, we want to know within seconds; the default grows to two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  // A channel of our own: two queues of one process share neither a connection nor its troubles.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetUserAgentPrefix("bucketferry");
  if (!options.tls) {
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // an emulator is next door
    return grpc::CreateCustomChannel(options.endpoint, grpc::InsecureChannelCredentials(), arguments);
  }
  grpc::SslCredentialsOptions trusted;
  if (options.ca_file) {
    std::ifstream file(*options.ca_file, std::ios::binary);
    trusted.pem_root_certs.assign(std::istreambuf_iterator<char>(file), {});
    if (!file || trusted.pem_root_certs.empty()) {
      return fail(ErrorKind::kInvalid, "CA file " + printable(*options.ca_file) + ": can't be read");
    }
  }
  return grpc::CreateCustomChannel(options.endpoint, grpc::SslCredentials(trusted), arguments);
}

}  // namespace ferry::pubsub
