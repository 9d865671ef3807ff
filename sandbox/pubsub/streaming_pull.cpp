#include "sandbox/pubsub/streaming_pull.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "sandbox/pubsub/rules.hpp"

namespace ferry::sandbox::pubsub {
namespace {

constexpr int kMessagesPerResponse = 100;  // small enough that streams share a backlog
constexpr std::chrono::seconds kPullPatience{10};

grpc::Status unauthenticated() { return {grpc::StatusCode::UNAUTHENTICATED, "no valid access token"}; }

grpc::Status status_of(int code, const std::string& why) {
  return code == 0 ? grpc::Status::OK : grpc::Status(static_cast<grpc::StatusCode>(code), why);
}

class Stream final : public grpc::ServerBidiReactor<pb::StreamingPullRequest, pb::StreamingPullResponse>,
                     public Broker::Outlet,
                     public std::enable_shared_from_this<Stream> {
 public:
  Stream(Broker* broker, Watcher* watcher, bool admitted) : broker_(broker), watcher_(watcher), admitted_(admitted) {}

  void start() {
    self_ = shared_from_this();
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return end(grpc::Status::OK);  // the client has said all it wanted, or is gone
    auto status = session_ ? hear() : begin();
    if (!status.ok()) return end(std::move(status));
    StartRead(&request_);
  }

  void OnWriteDone(bool ok) override {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      again_ = false;
      if (end_) return finish();
    }
    if (ok) pump();
  }

  void OnCancel() override { end(grpc::Status::CANCELLED); }

  void OnDone() override {
    if (session_) broker_->close(session_);
    self_.reset();
  }

  /// Whoever sets writing_ fills the response; who comes meanwhile makes it look once more.
  void pump() override {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (end_) return;
        if (std::exchange(writing_, true)) {
          again_ = true;
          return;
        }
      }
      response_.Clear();
      const bool found = broker_->take(session_, kMessagesPerResponse, response_.mutable_received_messages());
      const std::lock_guard lock(mutex_);
      if (found && !end_) return StartWrite(&response_);
      writing_ = false;
      if (end_) return finish();
      if (!std::exchange(again_, false)) return;
    }
  }

  void end(grpc::Status status) override {
    const std::lock_guard lock(mutex_);
    if (end_) return;
    end_ = std::move(status);
    if (!writing_) finish();
  }

 private:
  grpc::Status begin() {
    const auto& name = request_.subscription();
    const auto fault = watcher_->fault("StreamingPull", name);
    auto status = !admitted_             ? unauthenticated()
                  : fault && fault->code ? status_of(*fault->code, "instructed")
                                         : open();
    watcher_->happened({"StreamOpened", name, status.error_code(), 0, 0, fault ? fault->text : std::string_view()});
    return status;
  }

  grpc::Status open() {
    if (request_.stream_ack_deadline_seconds() < kLeaseMin || request_.stream_ack_deadline_seconds() > kLeaseMax) {
      return invalid("stream_ack_deadline_seconds: 10 to 600");
    }
    auto session = std::make_shared<Broker::Session>();
    session->outlet = weak_from_this();
    session->lease = std::chrono::seconds(request_.stream_ack_deadline_seconds());
    session->messages_max = request_.max_outstanding_messages();
    session->bytes_max = request_.max_outstanding_bytes();
    session->is_stream = true;
    name_ = request_.subscription();
    session_ = session;  // the broker pumps at once
    StartSendInitialMetadata();
    return broker_->open(name_, std::move(session));
  }

  /// Every message after the first.
  grpc::Status hear() {
    if (!request_.subscription().empty() || request_.max_outstanding_messages() != 0 ||
        request_.max_outstanding_bytes() != 0) {
      return invalid("only the first request of a stream says what it is about");
    }
    if (request_.modify_deadline_seconds_size() != request_.modify_deadline_ack_ids_size()) {
      return invalid("modify_deadline_seconds and modify_deadline_ack_ids differ in length");
    }
    watcher_->happened({"StreamingPull", name_, 0, static_cast<std::uint64_t>(request_.ack_ids_size()), 0, {}});
    if (const auto lease = request_.stream_ack_deadline_seconds(); lease != 0) {
      if (lease < kLeaseMin || lease > kLeaseMax) return invalid("stream_ack_deadline_seconds: 10 to 600");
      broker_->set_lease(session_, std::chrono::seconds(lease));
    }
    if (!request_.ack_ids().empty()) {
      const auto fault = watcher_->fault("Acknowledge", name_);
      if (fault && fault->swallow) return grpc::Status::OK;
      if (auto status = broker_->acknowledge(name_, request_.ack_ids()); !status.ok()) return status;
    }
    for (int i = 0; i < request_.modify_deadline_ack_ids_size(); ++i) {
      AckIds one;
      one.Add(std::string(request_.modify_deadline_ack_ids(i)));
      if (auto status = broker_->modify(name_, one, request_.modify_deadline_seconds(i)); !status.ok()) return status;
    }
    return grpc::Status::OK;
  }

  /// With the lock.
  void finish() {
    watcher_->happened({"StreamEnded", {}, end_->error_code(), 0, 0, {}});
    Finish(*end_);
  }

  Broker* const broker_;
  Watcher* const watcher_;
  const bool admitted_;
  std::shared_ptr<Stream> self_;
  Broker::SessionPtr session_;
  std::string name_;
  pb::StreamingPullRequest request_;
  pb::StreamingPullResponse response_;
  std::mutex mutex_;
  bool writing_ = false, again_ = false;
  std::optional<grpc::Status> end_;  ///< once nothing is being written, the call is finished with it
};

class WaitingPull final : public grpc::ServerUnaryReactor,
                          public Broker::Outlet,
                          public std::enable_shared_from_this<WaitingPull> {
 public:
  WaitingPull(Broker* broker, Watcher* watcher, const pb::PullRequest* request, pb::PullResponse* response)
      : broker_(broker), watcher_(watcher), request_(request), response_(response) {}

  void start(Clock* clock, bool admitted) {
    self_ = shared_from_this();
    if (!admitted) return end(unauthenticated());
    const auto fault = watcher_->fault("Pull", request_->subscription());
    if (fault) fault_ = fault->text;
    if (fault && fault->code) return end(status_of(*fault->code, "instructed"));
    if (request_->max_messages() <= 0) return end(invalid("max_messages must be positive"));
    session_ = std::make_shared<Broker::Session>();
    session_->outlet = weak_from_this();
    session_->gives_up = clock->now() + kPullPatience;
    if (auto opened = broker_->open(request_->subscription(), session_); !opened.ok()) return end(std::move(opened));
    if (request_->return_immediately()) end(grpc::Status::OK);
  }

  void pump() override {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (finished_) return;
        if (std::exchange(taking_, true)) {
          again_ = true;
          return;
        }
      }
      constexpr int kMost = 1'000;
      const int most = std::min(request_->max_messages(), kMost);
      const bool found = broker_->take(session_, most, response_->mutable_received_messages());
      const std::lock_guard lock(mutex_);
      taking_ = false;
      if (found) return finish(grpc::Status::OK);
      if (end_) return finish(*end_);
      if (!std::exchange(again_, false)) return;
    }
  }

  void end(grpc::Status status) override {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    if (taking_) {
      end_ = std::move(status);
    } else {
      finish(std::move(status));
    }
  }

  void OnCancel() override { end(grpc::Status::CANCELLED); }
  void OnDone() override {
    if (session_) broker_->close(session_);
    self_.reset();
  }

 private:
  void finish(grpc::Status status) {
    finished_ = true;
    const auto count = static_cast<std::uint64_t>(response_->received_messages_size());
    watcher_->happened({"Pull", request_->subscription(), status.error_code(), count, 0, fault_});
    Finish(std::move(status));
  }

  Broker* const broker_;
  Watcher* const watcher_;
  const pb::PullRequest* const request_;
  pb::PullResponse* const response_;
  std::shared_ptr<WaitingPull> self_;
  Broker::SessionPtr session_;
  std::string fault_;
  std::mutex mutex_;
  bool taking_ = false, again_ = false, finished_ = false;
  std::optional<grpc::Status> end_;
};

}  // namespace

grpc::ServerBidiReactor<pb::StreamingPullRequest, pb::StreamingPullResponse>* make_stream(Broker* broker,
                                                                                          Watcher* watcher,
                                                                                          bool admitted) {
  const auto stream = std::make_shared<Stream>(broker, watcher, admitted);
  stream->start();
  return stream.get();
}

grpc::ServerUnaryReactor* make_pull(Broker* broker, Watcher* watcher, Clock* clock, const pb::PullRequest* request,
                                    pb::PullResponse* response, bool admitted) {
  const auto pull = std::make_shared<WaitingPull>(broker, watcher, request, response);
  pull->start(clock, admitted);
  return pull.get();
}

}  // namespace ferry::sandbox::pubsub
