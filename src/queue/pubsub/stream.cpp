#include "queue/pubsub/stream.hpp"

#include <utility>

namespace ferry::pubsub {

/// The hold keeps gRPC from finishing while ping() and resume() may still start something.
void Stream::start(pb::StreamingPullRequest first) {
  self_ = shared_from_this();
  calls_->add(context_);
  request_ = std::move(first);
  client_->subscriber()->StreamingPull(context_.get(), this);
  AddHold();
  writing_ = true;
  StartWrite(&request_);
  read();
  StartCall();
}

void Stream::OnReadDone(bool ok) {
  if (!ok) return release();
  const bool go_on = sink_->received(response_);
  const std::lock_guard lock{mutex_};
  brought_ = true;
  paused_ = !go_on && !released_ && !resumed_;
  resumed_ = false;
  if (!paused_) read();
}

void Stream::read() {
  arena_.emplace();
  response_ = google::protobuf::Arena::CreateMessage<pb::StreamingPullResponse>(&*arena_);
  StartRead(response_);
}

void Stream::resume() {
  const std::lock_guard lock{mutex_};
  if (released_) return;
  if (std::exchange(paused_, false)) {
    read();
  } else {
    resumed_ = true;
  }
}

void Stream::ping() {
  const std::lock_guard lock{mutex_};
  if (released_ || finishing_ || std::exchange(writing_, true)) return;
  request_.Clear();
  StartWrite(&request_);
}

void Stream::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock{mutex_};
    writing_ = false;
    if (ok && finishing_) say_goodbye();
  }
  if (!ok) release();
}

void Stream::finish() {
  const std::lock_guard lock{mutex_};
  finishing_ = true;
  if (released_) return;
  if (!writing_) say_goodbye();
  if (std::exchange(paused_, false)) read();  // to hear the answer
}

void Stream::say_goodbye() {
  if (!std::exchange(said_goodbye_, true)) StartWritesDone();
}

void Stream::cancel() {
  context_->TryCancel();
  release();
}

void Stream::release() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(released_, true)) return;
  }
  RemoveHold();
}

void Stream::OnDone(const grpc::Status& status) {
  const auto self = std::move(self_);
  {
    const std::lock_guard lock{mutex_};
    ended_ = status;
  }
  bell_.ring();
  sink_.reset();
  calls_->remove(context_);  // the queue may be gone from here on
}

std::optional<grpc::Status> Stream::ended() const {
  const std::lock_guard lock{mutex_};
  return ended_;
}

bool Stream::brought_anything() const {
  const std::lock_guard lock{mutex_};
  return brought_;
}

}  // namespace ferry::pubsub
