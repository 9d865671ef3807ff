#include "queue/pubsub/core.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "kit/base/text.hpp"
#include "queue/pubsub/message.hpp"

namespace ferry::pubsub {
namespace {

constexpr Milliseconds kDelayMax = std::chrono::hours{24 * 365};  // keeps sums of times far from overflow
constexpr std::chrono::seconds kParked{600};                      // as long as the longest lease

std::optional<std::string_view> attribute(const pb::PubsubMessage& message, std::string_view name) {
  const auto found = message.attributes().find(std::string(name));
  if (found == message.attributes().end()) return std::nullopt;
  return found->second;
}

}  // namespace

/// A message as it came, read outside of the lock.
struct Core::Incoming {
  pb::ReceivedMessage* message;
  Addressee addressee = Addressee::kUs;
  Decoded decoded;
};

Core::Core(Executor home, Options options, std::shared_ptr<grpc::Channel> channel, Clock* clock, Rng* rng)
    : home_(home),
      options_(std::move(options)),
      clock_(clock),
      rng_(rng),
      client_(home, options_, std::move(channel)),
      topology_(&options_, &client_, clock, rng),
      books_(options_.loan_messages_max, options_.loan_bytes_max) {}

bool Core::received(pb::StreamingPullResponse* response) {
  std::vector<Incoming> incoming;
  incoming.reserve(static_cast<std::size_t>(response->received_messages_size()));
  bool newer_schema = false, other_job = false;
  for (auto& message : *response->mutable_received_messages()) {
    incoming.push_back(read(&message));
    newer_schema |= incoming.back().addressee == Addressee::kNewerSchema;
    other_job |= incoming.back().addressee == Addressee::kOtherJob;
  }
  warn_of_strangers(newer_schema, other_job);

  const auto now = clock_->now();
  bool go_on = true;
  {
    const std::lock_guard lock{mutex_};
    for (auto& one : incoming) take_in(std::move(one), now);
    if (!ready_.empty()) receivers_.wake_one();
    go_on = !books_.full();
    if (!go_on) paused_ = true;
  }
  news_.ring();
  if (newer_schema || other_job) due_.ring();
  return go_on;
}

Core::Incoming Core::read(pb::ReceivedMessage* message) const {
  const auto& content = message->message();
  Incoming incoming{message};
  incoming.addressee = addressee(attribute(content, kSchemaAttribute), attribute(content, kJobAttribute), options_.job);
  if (incoming.addressee == Addressee::kUs) incoming.decoded = decode(content.data(), content.message_id());
  return incoming;
}

void Core::take_in(Incoming incoming, SteadyTime now) {
  const auto& content = incoming.message->message();
  const auto attempt = static_cast<std::uint32_t>(std::max(0, incoming.message->delivery_attempt()));
  auto loan = books_.enter(content.message_id(), std::move(*incoming.message->mutable_ack_id()), content.data().size(),
                           attempt, now);
  if (!loan) return;
  if (incoming.addressee != Addressee::kUs) {
    books_.park(loan, now + kParked);
  } else if (phase_ == Phase::kOpen) {
    ready_.push_back({std::move(loan), std::move(incoming.decoded.plan), std::move(incoming.decoded.defect)});
  }
}

Core::Look Core::look(std::size_t max, Receiver* receiver) {
  const std::lock_guard lock{mutex_};
  Look found;
  const auto count = std::min(max, ready_.size());
  for (std::size_t i = 0; i < count; ++i) {
    books_.lend(ready_.front().loan);
    found.arrivals.push_back(std::move(ready_.front()));
    ready_.pop_front();
  }
  if (!ready_.empty()) receivers_.wake_one();
  if (count > 0) return found;
  found.ended = phase_ == Phase::kAborted || drained();
  if (found.ended) return found;
  receivers_.join(receiver);
  return found;
}

void Core::ack(const LoanPtr& loan) {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    const std::lock_guard lock{mutex_};
    books_.ack(loan);
    if (drained()) receivers_.wake_all();
    streams = streams_to_resume();
  }
  news_.ring();
  for (const auto& stream : streams) stream->resume();
}

/// A delay is kept here, with the lease: brokers have one back-off for all messages, and the emulator has none.
void Core::nack(const LoanPtr& loan, Milliseconds delay) {
  std::vector<std::shared_ptr<Stream>> streams;
  bool held = false;
  {
    const std::lock_guard lock{mutex_};
    held = delay > Milliseconds{0} && phase_ == Phase::kOpen;
    if (held) {
      books_.hold(loan, clock_->now() + std::min(delay, kDelayMax));
    } else if (phase_ != Phase::kOpen && !streams_.empty()) {
      books_.hold(loan, SteadyTime::max());  // until the streams have ended, see end_pulling()
    } else {
      books_.nack(loan);
      streams = streams_to_resume();
    }
    if (drained()) receivers_.wake_all();
  }
  (held ? due_ : news_).ring();
  for (const auto& stream : streams) stream->resume();
}

std::vector<std::shared_ptr<Stream>> Core::streams_to_resume() {
  if (!paused_ || !books_.has_room()) return {};
  paused_ = false;
  return {streams_.begin(), streams_.end()};
}

void Core::close() {
  {
    const std::lock_guard lock{mutex_};
    if (phase_ != Phase::kOpen) return;
    phase_ = Phase::kClosed;
    end_pulling();
  }
  news_.ring();
}

void Core::abort() {
  {
    const std::lock_guard lock{mutex_};
    if (phase_ == Phase::kAborted) return;
    phase_ = Phase::kAborted;
    end_pulling();
    receivers_.wake_all();
  }
  news_.ring();
}

/// What is neither out nor acked goes back: when the last stream has ended, or the broker would send it to us again.
void Core::end_pulling() {
  ready_.clear();
  if (streams_.empty()) books_.nack_idle();
  if (drained()) receivers_.wake_all();
  for (const auto& stream : streams_) stream->bell().ring();
}

bool Core::drained() const { return phase_ == Phase::kClosed && books_.out() == 0; }

std::size_t Core::waiting() const {
  const std::lock_guard lock{mutex_};
  return ready_.size();
}

bool Core::open() const {
  const std::lock_guard lock{mutex_};
  return phase_ == Phase::kOpen;
}

void Core::forget(WaitingLine::Place* receiver) {
  const std::lock_guard lock{mutex_};
  if (receivers_.leave(receiver) && !ready_.empty()) receivers_.wake_one();
}

void Core::warn(const std::string& line) const {
  if (options_.warn) options_.warn(line);
}

/// Once each: they come back for as long as nobody else takes them.
void Core::warn_of_strangers(bool newer_schema, bool other_job) {
  {
    const std::lock_guard lock{mutex_};
    newer_schema = newer_schema && !std::exchange(warned_schema_, true);
    other_job = other_job && !std::exchange(warned_job_, true);
  }
  const auto where = "subscription " + topology_.subscription() + " holds messages of ";
  if (newer_schema) warn(where + "a newer schema, left there: update this program");
  if (other_job) warn(where + "another job, left there: give each job a topic and a subscription of its own");
}

}  // namespace ferry::pubsub
