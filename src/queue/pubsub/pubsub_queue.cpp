#include "queue/pubsub/pubsub_queue.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "kit/base/text.hpp"
#include "kit/resilience/retry.hpp"
#include "queue/pubsub/core.hpp"
#include "queue/pubsub/gate.hpp"
#include "queue/pubsub/message.hpp"

namespace ferry::pubsub {
namespace {

constexpr std::size_t kRequestMessagesMax = 1'000;
constexpr std::size_t kRequestBytesMax = 9'000'000;     // Pub/Sub refuses 10,000,000, and counts more than the data
constexpr std::size_t kMessageOverhead = 128;           // attributes and framing
constexpr std::size_t kPublishingBytesMax = 32u << 20;  // under way at a time
constexpr int kRoundsMax = 5;                           // of publishing to a topic that isn't there

class Loaned final : public Settlement {
 public:
  Loaned(std::shared_ptr<Core> core, LoanPtr loan) : core_(std::move(core)), loan_(std::move(loan)) {}
  void ack() override { core_->ack(loan_); }
  void nack(Milliseconds delay) override { core_->nack(loan_, delay); }

 private:
  std::shared_ptr<Core> core_;
  LoanPtr loan_;
};

std::vector<Delivery> deliver(const std::shared_ptr<Core>& core, std::vector<Core::Arrival> arrivals) {
  std::vector<Delivery> deliveries;
  deliveries.reserve(arrivals.size());
  for (auto& arrival : arrivals) {
    const auto attempt = arrival.loan->attempt;
    deliveries.emplace_back(std::move(arrival.plan), attempt, std::make_unique<Loaned>(core, std::move(arrival.loan)),
                            std::move(arrival.defect));
  }
  return deliveries;
}

/// A request in an arena of its own, which makes a message a third cheaper.
class Batch {
 public:
  Batch(const std::string& topic, std::size_t messages) : memory_(std::make_shared<google::protobuf::Arena>()) {
    request_ = google::protobuf::Arena::CreateMessage<pb::PublishRequest>(memory_.get());
    request_->set_topic(topic);
    request_->mutable_messages()->Reserve(static_cast<int>(std::min(messages, kRequestMessagesMax)));
  }
  [[nodiscard]] bool takes(std::size_t more) const {
    return static_cast<std::size_t>(request_->messages_size()) < kRequestMessagesMax &&
           bytes_ + more <= kRequestBytesMax;
  }
  void add(std::string data, const std::string& job) {
    static const std::string kSchemaName{kSchemaAttribute}, kJobName{kJobAttribute}, kVersion{kSchema};
    bytes_ += data.size() + kMessageOverhead;
    auto* message = request_->add_messages();
    message->set_data(std::move(data));
    auto* attributes = message->mutable_attributes();
    (*attributes)[kSchemaName] = kVersion;
    (*attributes)[kJobName] = job;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::shared_ptr<const pb::PublishRequest> request() const { return {memory_, request_}; }

 private:
  std::shared_ptr<google::protobuf::Arena> memory_;
  pb::PublishRequest* request_;
  std::size_t bytes_ = 0;
};

/// Everything is encoded before anything is sent: a plan that can't be is found before it is too late.
Result<std::vector<Batch>> batches(const std::vector<TransferPlan>& plans, const std::string& topic,
                                   const std::string& job) {
  std::vector<Batch> all;
  for (const auto& plan : plans) {
    auto data = encode(plan);
    if (!data) return fail(std::move(data).error().during("publish"));
    if (all.empty() || !all.back().takes(data->size() + kMessageOverhead)) all.emplace_back(topic, plans.size());
    all.back().add(*std::move(data), job);
  }
  return all;
}

class PubsubQueue final : public Queue {
 public:
  explicit PubsubQueue(std::shared_ptr<Core> core) : core_(std::move(core)), gate_(kPublishingBytesMax) {}
  ~PubsubQueue() override { core_->stop(); }

  Task<Status> prepare() override { return core_->topology()->prepare(); }
  Task<Status> look() override { return core_->topology()->look(); }

  Task<Status> publish(std::vector<TransferPlan> plans) override {
    if (!core_->open()) co_return closed();
    auto made = batches(plans, core_->topology()->topic(), core_->options().job);
    if (!made) co_return fail(std::move(made).error());
    for (auto& batch : *made) {
      Gate::Pass pass{&gate_};
      const bool entered = co_await gate_.enter(&pass, batch.bytes());
      if (!entered) co_return closed();
      auto sent = co_await send(batch.request());
      if (!sent && !core_->open()) co_return closed();
      if (!sent) co_return fail(std::move(sent).error());
    }
    co_return Unit{};
  }

  Task<Result<std::vector<Delivery>>> receive(std::size_t max) override {
    assert(max > 0);
    const auto core = core_;
    core->start_pulling();
    for (;;) {
      Core::Receiver receiver{core.get()};
      auto found = core->look(max, &receiver);
      if (found.ended || !found.arrivals.empty()) co_return deliver(core, std::move(found.arrivals));
      co_await receiver.wake.wait();
      receiver.looks_again = true;
    }
  }

  void close() override {
    core_->close();
    gate_.close();
  }
  void abort() override {
    core_->abort();
    gate_.close();
  }
  Task<> shutdown(Milliseconds grace) override {
    gate_.close();
    return core_->shutdown(grace);
  }
  [[nodiscard]] std::size_t waiting() const override { return core_->waiting(); }

 private:
  static tl::unexpected<Error> closed() { return fail(ErrorKind::kCancelled, "publish: the queue is closed"); }

  /// A repeat may publish twice: never too few.
  Task<Status> send(std::shared_ptr<const pb::PublishRequest> request) {
    for (int round = 1;; ++round) {
      auto once = [client = core_->client(), request] { return client->publish(request); };
      auto sent =
          co_await retry(core_->options().backoff, core_->clock(), core_->rng(), Idempotency::kIdempotent, once);
      if (sent) co_return Unit{};
      if (sent.error().kind != ErrorKind::kGone) co_return fail(std::move(sent).error());
      if (round == kRoundsMax) co_return fail(ErrorKind::kUnavailable, std::move(sent).error().what);
      auto prepared = co_await core_->topology()->prepare();
      if (!prepared) co_return prepared;
    }
  }

  const std::shared_ptr<Core> core_;
  Gate gate_;
};

bool is_id(const std::string& text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto legal = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || std::string_view("-_.~+%").find(c) != std::string_view::npos;
  };
  return text.size() >= 3 && text.size() <= 255 && letter(text.front()) && !text.starts_with("goog") &&
         std::ranges::all_of(text, legal);
}

Status check_ids(const Options& options) {
  const auto bad = [](const char* what, const std::string& value) {
    return fail(ErrorKind::kInvalid, std::string("Pub/Sub ") + what + " '" + printable(value) +
                                         "': 3 to 255 letters, digits or -_.~+%, a letter first, not \"goog…\"");
  };
  if (options.project.empty() || options.project.find('/') != std::string::npos) {
    return fail(ErrorKind::kInvalid, "Pub/Sub project '" + printable(options.project) + "': set the project's id");
  }
  if (!is_id(options.topic)) return bad("topic", options.topic);
  if (!is_id(options.subscription)) return bad("subscription", options.subscription);
  if (options.dead_letter_topic && !is_id(*options.dead_letter_topic)) {
    return bad("dead-letter topic", *options.dead_letter_topic);
  }
  return Unit{};
}

Status check(const Options& options) {
  const auto bad = [](std::string what) { return fail(ErrorKind::kInvalid, "Pub/Sub " + std::move(what)); };
  using std::chrono::seconds;
  if (options.endpoint.empty() || options.endpoint.find("://") != std::string::npos) {
    return bad("endpoint '" + printable(options.endpoint) + "': host:port, without a scheme");
  }
  if (!options.tls && options.authorization) return bad("endpoint without TLS: no token is ever sent there");
  if (options.loan_messages_max == 0 || options.loan_bytes_max == 0 || options.streams == 0) {
    return bad("limits and the number of streams must be above 0");
  }
  if (options.lease < seconds{10} || options.lease > seconds{600}) return bad("lease: 10 to 600 seconds");
  if (options.retention < seconds{600} || options.retention > seconds{31 * 86'400}) {
    return bad("retention: 10 minutes to 31 days");
  }
  if (options.retry_min < seconds{0} || options.retry_max > seconds{600} || options.retry_min > options.retry_max) {
    return bad("retry back-off: 0 to 600 seconds, the least not above the most");
  }
  if (options.dead_letter_attempts < 5 || options.dead_letter_attempts > 100)
    return bad("dead-letter attempts: 5 to 100");
  return check_ids(options);
}

}  // namespace

Result<std::unique_ptr<Queue>> make_queue(Executor home, Options options, Clock* clock, Rng* rng) {
  if (auto checked = check(options); !checked) return fail(std::move(checked).error());
  auto channel = make_channel(options);
  if (!channel) return fail(std::move(channel).error());
  return std::make_unique<PubsubQueue>(
      std::make_shared<Core>(home, std::move(options), *std::move(channel), clock, rng));
}

}  // namespace ferry::pubsub
