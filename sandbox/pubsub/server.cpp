#include "sandbox/pubsub/server.hpp"

#include <grpcpp/grpcpp.h>
#include <pubsub.grpc.pb.h>

#include <thread>
#include <utility>

#include "sandbox/pubsub/broker.hpp"
#include "sandbox/pubsub/streaming_pull.hpp"

namespace ferry::sandbox::pubsub {
namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;
using Empty = google::protobuf::Empty;

/// What a call is about, for fault instructions and the event log.
struct About {
  std::string_view operation;
  const std::string& resource;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

bool admitted(const Context* context, Watcher* watcher) {
  const auto& metadata = context->client_metadata();
  const auto found = metadata.find("authorization");
  return watcher->admits(found == metadata.end() ? std::string_view()
                                                 : std::string_view(found->second.data(), found->second.size()));
}

/// Answers a call at once, with what `work` says or with what a fault instruction wants.
template <class Work>
Reactor* answer(Context* context, Watcher* watcher, const About& about, const Work& work) {
  const auto fault = watcher->fault(about.operation, about.resource);
  const auto refusal = [](int code) {
    return code == 0 ? grpc::Status::OK : grpc::Status(static_cast<grpc::StatusCode>(code), "instructed");
  };
  grpc::Status status;
  if (!admitted(context, watcher)) {
    status = {grpc::StatusCode::UNAUTHENTICATED, "no valid access token"};
  } else if (fault && fault->code) {
    status = refusal(*fault->code);
  } else if (!fault || !fault->swallow) {
    status = work();
    if (status.ok() && fault && fault->commit_then) status = refusal(*fault->commit_then);
  }
  watcher->happened({about.operation, about.resource, status.error_code(), about.messages, about.bytes,
                     fault ? std::string_view(fault->text) : std::string_view()});
  auto* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

class PublisherService final : public pb::Publisher::CallbackService {
 public:
  PublisherService(Broker* broker, Watcher* watcher) : broker_(broker), watcher_(watcher) {}

  Reactor* CreateTopic(Context* context, const pb::Topic* in, pb::Topic* out) override {
    return answer(context, watcher_, {"CreateTopic", in->name()}, [&] { return broker_->create_topic(*in, out); });
  }
  Reactor* GetTopic(Context* context, const pb::GetTopicRequest* in, pb::Topic* out) override {
    return answer(context, watcher_, {"GetTopic", in->topic()}, [&] { return broker_->get_topic(in->topic(), out); });
  }
  Reactor* ListTopics(Context* context, const pb::ListTopicsRequest* in, pb::ListTopicsResponse* out) override {
    return answer(context, watcher_, {"ListTopics", in->project()}, [&] { return broker_->list_topics(*in, out); });
  }
  Reactor* DeleteTopic(Context* context, const pb::DeleteTopicRequest* in, Empty*) override {
    return answer(context, watcher_, {"DeleteTopic", in->topic()}, [&] { return broker_->delete_topic(in->topic()); });
  }
  Reactor* Publish(Context* context, const pb::PublishRequest* in, pb::PublishResponse* out) override {
    About about{"Publish", in->topic(), static_cast<std::uint64_t>(in->messages_size())};
    for (const auto& message : in->messages()) about.bytes += message.data().size();
    return answer(context, watcher_, about, [&] { return broker_->publish(*in, out); });
  }

 private:
  Broker* const broker_;
  Watcher* const watcher_;
};

class SubscriberService final : public pb::Subscriber::CallbackService {
 public:
  SubscriberService(Broker* broker, Watcher* watcher, Clock* clock)
      : broker_(broker), watcher_(watcher), clock_(clock) {}

  Reactor* CreateSubscription(Context* context, const pb::Subscription* in, pb::Subscription* out) override {
    return answer(context, watcher_, {"CreateSubscription", in->name()},
                  [&] { return broker_->create_subscription(*in, out); });
  }
  Reactor* GetSubscription(Context* context, const pb::GetSubscriptionRequest* in, pb::Subscription* out) override {
    return answer(context, watcher_, {"GetSubscription", in->subscription()},
                  [&] { return broker_->get_subscription(in->subscription(), out); });
  }
  Reactor* ListSubscriptions(Context* context, const pb::ListSubscriptionsRequest* in,
                             pb::ListSubscriptionsResponse* out) override {
    return answer(context, watcher_, {"ListSubscriptions", in->project()},
                  [&] { return broker_->list_subscriptions(*in, out); });
  }
  Reactor* DeleteSubscription(Context* context, const pb::DeleteSubscriptionRequest* in, Empty*) override {
    return answer(context, watcher_, {"DeleteSubscription", in->subscription()},
                  [&] { return broker_->delete_subscription(in->subscription()); });
  }
  Reactor* Acknowledge(Context* context, const pb::AcknowledgeRequest* in, Empty*) override {
    return answer(context, watcher_,
                  {"Acknowledge", in->subscription(), static_cast<std::uint64_t>(in->ack_ids_size())},
                  [&] { return broker_->acknowledge(in->subscription(), in->ack_ids()); });
  }
  Reactor* ModifyAckDeadline(Context* context, const pb::ModifyAckDeadlineRequest* in, Empty*) override {
    const auto* const name = in->ack_deadline_seconds() == 0 ? "Nack" : "ModifyAckDeadline";
    return answer(context, watcher_, {name, in->subscription(), static_cast<std::uint64_t>(in->ack_ids_size())},
                  [&] { return broker_->modify(in->subscription(), in->ack_ids(), in->ack_deadline_seconds()); });
  }
  Reactor* Pull(Context* context, const pb::PullRequest* in, pb::PullResponse* out) override {
    return make_pull(broker_, watcher_, clock_, in, out, admitted(context, watcher_));
  }
  grpc::ServerBidiReactor<pb::StreamingPullRequest, pb::StreamingPullResponse>* StreamingPull(
      Context* context) override {
    return make_stream(broker_, watcher_, admitted(context, watcher_));
  }

 private:
  Broker* const broker_;
  Watcher* const watcher_;
  Clock* const clock_;
};

class GrpcServer final : public Server {
 public:
  GrpcServer(Watcher* watcher, Clock* clock, Rng* rng)
      : broker_(watcher, clock, rng), publisher_(&broker_, watcher), subscriber_(&broker_, watcher, clock) {}

  ~GrpcServer() override {
    timers_ = {};
    if (!server_) return;
    server_->Shutdown(gpr_inf_past(GPR_CLOCK_MONOTONIC));
    server_->Wait();
  }

  Status start(const ServerOptions& options) {
    grpc::ServerBuilder builder;
    const auto address = options.address + ":" + std::to_string(options.port);
    int port = 0;
    builder.AddListeningPort(address, credentials(options), &port);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(-1);  // the limits are Pub/Sub's
    // Clients that ping every 30 s are welcome.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
    builder.RegisterService(&publisher_);
    builder.RegisterService(&subscriber_);
    server_ = builder.BuildAndStart();
    if (!server_ || port == 0) {
      return fail(ErrorKind::kInvalid, "Pub/Sub on " + address + ": the port is taken, or the certificate is no good");
    }
    port_ = static_cast<std::uint16_t>(port);
    timers_ = std::jthread([this](std::stop_token stop) { broker_.run_timers(std::move(stop)); });
    return {};
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  [[nodiscard]] std::vector<Holdings> holdings() const override { return broker_.holdings(); }
  void expire_leases() override { broker_.expire_leases(); }
  void end_streams(int code) override {
    broker_.end_streams(grpc::Status(static_cast<grpc::StatusCode>(code), "instructed"));
  }
  void forget() override { broker_.forget(); }

 private:
  static std::shared_ptr<grpc::ServerCredentials> credentials(const ServerOptions& options) {
    if (!options.certificate_pem || !options.key_pem) return grpc::InsecureServerCredentials();
    grpc::SslServerCredentialsOptions tls;
    tls.pem_key_cert_pairs.push_back({*options.key_pem, *options.certificate_pem});
    return grpc::SslServerCredentials(tls);
  }

  Broker broker_;
  PublisherService publisher_;
  SubscriberService subscriber_;
  std::unique_ptr<grpc::Server> server_;
  std::uint16_t port_ = 0;
  std::jthread timers_;
};

}  // namespace

Result<std::unique_ptr<Server>> start_server(ServerOptions options, Watcher* watcher, Clock* clock, Rng* rng) {
  auto server = std::make_unique<GrpcServer>(watcher, clock, rng);
  if (auto started = server->start(options); !started) return fail(std::move(started).error());
  return server;
}

std::optional<int> parse_code(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  for (int code = 0; code < static_cast<int>(std::size(kNames)); ++code) {
    if (kNames[code] == name) return code;
  }
  return std::nullopt;
}

}  // namespace ferry::sandbox::pubsub
