// The coroutines of the receiving side.

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <limits>
#include <utility>

#include "kit/resilience/retry.hpp"
#include "queue/pubsub/core.hpp"

namespace ferry::pubsub {
namespace {

constexpr Milliseconds kLongestWait = std::chrono::hours{24};
constexpr std::chrono::seconds kPing{30};     // brokers want to hear something once a minute
constexpr std::chrono::seconds kHealthy{10};  // a stream that lived so long ended as all streams do
constexpr Milliseconds kGoodbye{250};         // for the broker to end a stream that we are done with
constexpr Milliseconds kBatch{10};            // how long an ack waits for company

/// The subscription is gone, and its leases with it; or we are.
bool goes_without_saying(const Error& error) {
  return error.kind == ErrorKind::kGone || error.kind == ErrorKind::kCancelled;
}

}  // namespace

/// How a stream came to its end.
struct Core::PullEnd {
  PullEnd(Error e, bool h) : error(std::move(e)), was_healthy(h) {}
  Error error;
  bool was_healthy;
};

/// A stream on the list, cancelled when its coroutine goes.
class Core::StreamEntry {
 public:
  StreamEntry(Core* core, std::shared_ptr<Stream> stream) : core_(core) {
    const std::lock_guard lock{core_->mutex_};
    place_ = core_->streams_.insert(core_->streams_.end(), std::move(stream));
  }
  StreamEntry(const StreamEntry&) = delete;
  StreamEntry& operator=(const StreamEntry&) = delete;
  ~StreamEntry() {
    std::shared_ptr<Stream> stream;
    {
      const std::lock_guard lock{core_->mutex_};
      stream = std::move(*place_);
      core_->streams_.erase(place_);
      if (core_->phase_ != Phase::kOpen && core_->streams_.empty()) core_->books_.nack_idle();
    }
    core_->news_.ring();
    core_->told_.ring();
    stream->cancel();
  }
  [[nodiscard]] Stream* operator->() const { return place_->get(); }

 private:
  Core* core_;
  std::list<std::shared_ptr<Stream>>::iterator place_;
};

/// One request with acks or nacks under way.
class Core::Sending {
 public:
  explicit Sending(Core* core) : core_(core) {}
  Sending(const Sending&) = delete;
  Sending& operator=(const Sending&) = delete;
  ~Sending() {
    {
      const std::lock_guard lock{core_->mutex_};
      --core_->sending_;
    }
    core_->told_.ring();
  }

 private:
  Core* core_;
};

void Core::spawn(Task<> task) {
  const auto signal = tasks_.emplace(tasks_.end());
  auto ended = [self = shared_from_this(), signal](std::exception_ptr) {
    self->tasks_.erase(signal);
    if (self->tasks_.empty()) self->idle_.ring();
  };
  asio::co_spawn(home_, std::move(task), asio::bind_cancellation_slot(signal->slot(), std::move(ended)));
}

void Core::start_pulling() {
  {
    const std::lock_guard lock{mutex_};
    if (phase_ != Phase::kOpen || std::exchange(pulling_, true)) return;
  }
  asio::post(home_, [self = shared_from_this()] { self->start_upkeep(); });
}

void Core::start_upkeep() {
  if (stopping_) return;
  const auto self = shared_from_this();
  for (unsigned i = 0; i < options_.streams; ++i) spawn(pull(self));
  spawn(keep_leases(self));
  spawn(keep_delays(self));
  spawn(tell_broker(self));
}

/// Keeps one stream open until pulling ends.
Task<> Core::pull(std::shared_ptr<Core> self) {
  int failures = 0;
  while (self->open() && !self->stopping_) {
    auto end = co_await self->pull_once();
    if (!self->open() || self->stopping_) co_return;
    failures = end.was_healthy ? 1 : failures + 1;
    co_await self->recover(std::move(end), &failures);
  }
}

Task<Core::PullEnd> Core::pull_once() {
  auto context = co_await client_.context("subscription=" + topology_.subscription());
  if (!context) co_return PullEnd{std::move(context).error(), false};
  const auto share = [this](std::size_t limit) {
    return static_cast<std::int64_t>((limit + options_.streams - 1) / options_.streams);
  };
  pb::StreamingPullRequest first;
  first.set_subscription(topology_.subscription());
  first.set_stream_ack_deadline_seconds(static_cast<int>(options_.lease.count()));
  first.set_client_id(options_.client_id);
  first.set_max_outstanding_messages(share(options_.loan_messages_max));
  first.set_max_outstanding_bytes(share(options_.loan_bytes_max));

  const auto begun = clock_->now();
  auto stream = std::make_shared<Stream>(&client_, *std::move(context), shared_from_this());
  stream->start(std::move(first));
  const StreamEntry entry{this, std::move(stream)};
  while (!entry->ended() && open()) {
    co_await entry->bell().wait_at_most(clock_, kPing);
    entry->ping();
  }
  if (!entry->ended()) {
    entry->finish();
    co_await entry->bell().wait_at_most(clock_, kGoodbye);
  }
  if (!entry->ended()) co_return PullEnd{Error{ErrorKind::kCancelled, "pulling has ended"}, true};
  const auto status = *entry->ended();
  co_await client_.renew_after(status.error_code());
  const bool healthy = entry->brought_anything() || clock_->now() - begun >= kHealthy;
  co_return PullEnd{to_error(status, "pull from " + topology_.subscription() + " at " + options_.endpoint), healthy};
}

Task<> Core::recover(PullEnd end, int* failures) {
  // Streams end all the time. It is worth a word when the next one fails, too, and then more and more seldom.
  const bool permanent = end.error.kind == ErrorKind::kDenied || end.error.kind == ErrorKind::kInvalid;
  const bool power_of_two = (*failures & (*failures - 1)) == 0;
  if (power_of_two && (*failures > 1 || permanent)) warn(end.error.what + "; trying again");
  if (end.error.kind == ErrorKind::kGone) {
    const auto prepared = co_await topology_.prepare();
    if (!prepared) warn(prepared.error().what);
  }
  auto patience = options_.backoff;
  patience.attempts_max = std::numeric_limits<int>::max();
  co_await clock_->sleep(patience.after(*failures, rng_->unit(), end.error.retry_after).value());
}

/// Each round extends what has had its lease for a while; what is younger has time until the next round, which comes
/// before nine tenths of its lease are over. Rounds are drawn at random, so that replicas don't come together.
Task<> Core::keep_leases(std::shared_ptr<Core> self) {
  const auto lease = std::chrono::duration_cast<Milliseconds>(self->options_.lease);
  while (!self->stopping_) {
    const auto pause = 0.4 + 0.3 * self->rng_->unit();
    co_await self->clock_->sleep(std::chrono::duration_cast<Milliseconds>(lease * pause));
    std::vector<LoanPtr> loans;
    {
      const std::lock_guard lock{self->mutex_};
      loans = self->books_.granted_before(self->clock_->now() - lease / 5);
    }
    if (!loans.empty()) self->spawn(extend(self, std::move(loans)));
  }
}

Task<> Core::extend(std::shared_ptr<Core> self, std::vector<LoanPtr> loans) {
  Ids ids;
  ids.reserve(loans.size());
  const auto now = self->clock_->now();
  {
    const std::lock_guard lock{self->mutex_};
    for (const auto& loan : loans) {
      if (loan->settled) continue;
      loan->granted = now;
      ids.push_back(loan->ack_id);
    }
  }
  for (auto& portion : portions(std::move(ids))) {
    co_await modify(self, std::move(portion), self->options_.lease, "extend leases");
  }
}

/// Gives back what was nacked with a delay, when it is due.
Task<> Core::keep_delays(std::shared_ptr<Core> self) {
  while (!self->stopping_) {
    std::optional<SteadyTime> due;
    {
      const std::lock_guard lock{self->mutex_};
      self->books_.nack_due(self->clock_->now());
      due = self->books_.next_due();
    }
    self->news_.ring();
    if (due) {
      const auto wait = std::chrono::ceil<Milliseconds>(*due - self->clock_->now());
      co_await self->due_.wait_at_most(self->clock_, std::clamp(wait, Milliseconds{1}, kLongestWait));
    } else {
      co_await self->due_.wait();
    }
  }
}

Task<> Core::tell_broker(std::shared_ptr<Core> self) {
  while (!self->stopping_) {
    co_await self->news_.wait();
    if (!self->hurry_) co_await self->hurry_bell_.wait_at_most(self->clock_, kBatch);
    self->send_news();
  }
}

void Core::send_news() {
  std::vector<Ids> acks, nacks;
  {
    const std::lock_guard lock{mutex_};
    acks = portions(books_.take_acks());
    nacks = portions(books_.take_nacks());
    sending_ += acks.size() + nacks.size();
  }
  for (auto& ids : acks) spawn(acknowledge(shared_from_this(), std::move(ids)));
  for (auto& ids : nacks) {
    spawn([](std::shared_ptr<Core> self, Ids back) -> Task<> {
      const Sending sending{self.get()};
      co_await modify(self, std::move(back), std::chrono::seconds{0}, "give messages back");
    }(shared_from_this(), std::move(ids)));
  }
  told_.ring();
}

/// An ack that is lost costs one redelivery, and that finds the object done.
Task<> Core::acknowledge(std::shared_ptr<Core> self, Ids ids) {
  const Sending sending{self.get()};
  auto request = std::make_shared<pb::AcknowledgeRequest>();
  request->set_subscription(self->topology_.subscription());
  request->mutable_ack_ids()->Reserve(static_cast<int>(ids.size()));
  for (auto& id : ids) request->add_ack_ids(std::move(id));
  auto once = [client = &self->client_, request] { return client->acknowledge(request); };
  const auto told = co_await retry(self->options_.backoff, self->clock_, self->rng_, Idempotency::kIdempotent, once);
  if (!told && !goes_without_saying(told.error())) self->warn("messages will be delivered again: " + told.error().what);
}

Task<> Core::modify(std::shared_ptr<Core> self, Ids ids, std::chrono::seconds lease, const char* what) {
  auto request = std::make_shared<pb::ModifyAckDeadlineRequest>();
  request->set_subscription(self->topology_.subscription());
  request->set_ack_deadline_seconds(static_cast<int>(lease.count()));
  request->mutable_ack_ids()->Reserve(static_cast<int>(ids.size()));
  for (auto& id : ids) request->add_ack_ids(std::move(id));
  auto once = [client = &self->client_, request] { return client->modify(request); };
  const auto told = co_await retry(self->options_.backoff, self->clock_, self->rng_, Idempotency::kIdempotent, once);
  if (!told && !goes_without_saying(told.error())) self->warn(std::string(what) + ": " + told.error().what);
}

bool Core::all_told() const {
  const std::lock_guard lock{mutex_};
  return !books_.has_news() && sending_ == 0;
}

bool Core::pulling_ended() const {
  const std::lock_guard lock{mutex_};
  return streams_.empty();
}

Task<> Core::shutdown(Milliseconds grace) {
  co_await shield();
  abort();
  hurry_ = true;
  hurry_bell_.ring();
  const auto end = clock_->now() + grace;
  while (!tasks_.empty() && !pulling_ended() && clock_->now() < end) {
    co_await told_.wait_at_most(clock_, std::chrono::ceil<Milliseconds>(end - clock_->now()));
  }
  {
    const std::lock_guard lock{mutex_};
    books_.nack_all();
  }
  news_.ring();
  while (!tasks_.empty() && !all_told() && clock_->now() < end) {
    co_await told_.wait_at_most(clock_, std::chrono::ceil<Milliseconds>(end - clock_->now()));
  }
  stopping_ = true;
  client_.cancel();
  for (auto task = tasks_.begin(); task != tasks_.end();) (task++)->emit(asio::cancellation_type::terminal);
  while (!tasks_.empty()) co_await idle_.wait();
}

void Core::stop() {
  stopping_ = true;
  abort();
  client_.cancel();
  client_.calls()->wait();
  // None of them may sleep on in a Wake that only they keep alive: if home never runs again, it drops what is posted.
  for (Bell* bell : {&news_, &hurry_bell_, &due_, &told_}) bell->ring();
  asio::post(home_, [self = shared_from_this()] {
    for (auto task = self->tasks_.begin(); task != self->tasks_.end();) {
      (task++)->emit(asio::cancellation_type::terminal);
    }
  });
}

}  // namespace ferry::pubsub
