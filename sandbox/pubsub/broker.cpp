#include "sandbox/pubsub/broker.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "sandbox/pubsub/rules.hpp"

namespace ferry::sandbox::pubsub {

/// A message as one subscription sees it.
struct Broker::Item {
  std::shared_ptr<const pb::PubsubMessage> message;
  std::int64_t bytes = 0;
  int failures = 0;  ///< nacks and expired leases
  bool is_copy = false;
  std::weak_ptr<Session> rather_not;  ///< a copy goes to another outlet, if one has room
};

struct Broker::Lease {
  ItemPtr item;
  SessionPtr session;
  SteadyTime deadline;
};

struct Broker::Subscription {
  pb::Subscription settings;
  std::deque<ItemPtr> backlog;
  std::multimap<SteadyTime, ItemPtr> delayed;
  std::unordered_map<std::uint64_t, Lease> leases;
  std::set<std::pair<SteadyTime, std::uint64_t>> deadlines;
  std::list<SessionPtr> sessions;
};

/// Holds the lock. On its way out it lets go of it and only then tells the outlets.
class Broker::Turn {
 public:
  explicit Turn(const Broker* broker) : lock_(broker->mutex_) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    for (auto* subscription : stirred_) collect(subscription);
    lock_.unlock();
    for (const auto& outlet : pumped_) {
      if (const auto there = outlet.lock()) there->pump();
    }
    for (const auto& [outlet, status] : ended_) {
      if (const auto there = outlet.lock()) there->end(status);
    }
  }
  [[nodiscard]] std::unique_lock<std::mutex>& lock() { return lock_; }
  [[nodiscard]] bool idle() const { return stirred_.empty() && ended_.empty(); }
  void stir(Subscription* subscription) { stirred_.insert(subscription); }
  /// All but this one, which would find the same again, and again.
  void stir_others(Subscription* subscription, const SessionPtr& passes) {
    stirred_.insert(subscription);
    passes_ = passes;
  }
  void end(std::weak_ptr<Outlet> outlet, grpc::Status status) {
    ended_.emplace_back(std::move(outlet), std::move(status));
  }

 private:
  /// Those with room, another one first each time.
  void collect(Subscription* subscription) {
    auto& sessions = subscription->sessions;
    if (subscription->backlog.empty() || sessions.empty()) return;
    sessions.splice(sessions.end(), sessions, sessions.begin());
    for (const auto& session : sessions) {
      if (session != passes_ && session->has_room()) pumped_.push_back(session->outlet);
    }
  }

  std::unique_lock<std::mutex> lock_;
  std::set<Subscription*> stirred_;
  SessionPtr passes_;
  std::vector<std::weak_ptr<Outlet>> pumped_;
  std::vector<std::pair<std::weak_ptr<Outlet>, grpc::Status>> ended_;
};

namespace {

grpc::Status not_found(const std::string& name) {
  return {grpc::StatusCode::NOT_FOUND, "Resource not found (resource=" + name + ")."};
}
grpc::Status exists(const std::string& name) {
  return {grpc::StatusCode::ALREADY_EXISTS, "Resource already exists in the project (resource=" + name + ")."};
}

Milliseconds to_milliseconds(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + Milliseconds(duration.nanos() / 1'000'000);
}

/// 0 where there is no policy.
Milliseconds retry_delay(const pb::Subscription& settings, int failures) {
  if (!settings.has_retry_policy()) return Milliseconds{0};
  const auto least = to_milliseconds(settings.retry_policy().minimum_backoff());
  return std::min(to_milliseconds(settings.retry_policy().maximum_backoff()),
                  least * (1 << std::clamp(failures - 1, 0, 16)));
}

/// One page of what a map holds below `projects/P/`; the token is the last name of the page before.
template <class Map, class Add>
std::string list_page(const Map& map, const std::string& prefix, int page_size, const std::string& token,
                      const Add& add) {
  constexpr int kPageMax = 1'000;
  const int most = page_size > 0 ? std::min(page_size, kPageMax) : kPageMax;
  int added = 0;
  std::string last;
  for (auto at = token.empty() ? map.lower_bound(prefix) : map.upper_bound(token);
       at != map.end() && at->first.starts_with(prefix); ++at) {
    if (added++ == most) return last;
    add(at->second);
    last = at->first;
  }
  return {};
}

grpc::Status parse_ids(const AckIds& ids, std::vector<std::uint64_t>* leases) {
  std::size_t bytes = 0;
  leases->reserve(static_cast<std::size_t>(ids.size()));
  for (const auto& id : ids) {
    bytes += id.size() + 3;
    const auto lease = parse_ack_id(id);
    if (!lease) return invalid("malformed ack id");
    leases->push_back(*lease);
  }
  if (ids.empty()) return invalid("no ack ids");
  if (bytes > kAckRequestBytesMax) return invalid("request above 524288 bytes");
  return grpc::Status::OK;
}

}  // namespace

Broker::Broker(Watcher* watcher, Clock* clock, Rng* rng) : watcher_(watcher), clock_(clock), rng_(rng) {}
Broker::~Broker() = default;

Broker::Subscription* Broker::find(const std::string& name) const {
  const auto found = subscriptions_.find(name);
  return found == subscriptions_.end() ? nullptr : found->second.get();
}

grpc::Status Broker::create_topic(const pb::Topic& topic, pb::Topic* out) {
  if (auto checked = check_topic(topic); !checked.ok()) return checked;
  const Turn turn(this);
  if (!topics_.emplace(topic.name(), topic).second) return exists(topic.name());
  *out = topic;
  return grpc::Status::OK;
}

grpc::Status Broker::get_topic(const std::string& name, pb::Topic* out) const {
  const Turn turn(this);
  const auto found = topics_.find(name);
  if (found == topics_.end()) return not_found(name);
  *out = found->second;
  return grpc::Status::OK;
}

grpc::Status Broker::list_topics(const pb::ListTopicsRequest& request, pb::ListTopicsResponse* out) const {
  const Turn turn(this);
  out->set_next_page_token(list_page(topics_, request.project() + "/topics/", request.page_size(), request.page_token(),
                                     [&](const pb::Topic& topic) { *out->add_topics() = topic; }));
  return grpc::Status::OK;
}

/// Its subscriptions stay, with what they hold, and get nothing new: also when a topic of that name is made again.
grpc::Status Broker::delete_topic(const std::string& name) {
  const Turn turn(this);
  if (topics_.erase(name) == 0) return not_found(name);
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription->settings.topic() == name) subscription->settings.set_topic(kDeletedTopic);
  }
  return grpc::Status::OK;
}

grpc::Status Broker::publish(const pb::PublishRequest& request, pb::PublishResponse* out) {
  if (auto checked = check_publish(request); !checked.ok()) return checked;
  const auto now = clock_->wall().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
  Turn turn(this);
  if (!topics_.contains(request.topic())) return not_found(request.topic());
  for (const auto& message : request.messages()) {
    auto kept = std::make_shared<pb::PubsubMessage>(message);
    kept->set_message_id(std::to_string(++last_id_));
    kept->mutable_publish_time()->set_seconds(seconds.count());
    kept->mutable_publish_time()->set_nanos(
        static_cast<std::int32_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds).count()));
    out->add_message_ids(kept->message_id());
    const auto bytes = static_cast<std::int64_t>(message.data().size());
    for (const auto& [id, subscription] : subscriptions_) {
      if (subscription->settings.topic() != request.topic()) continue;
      accept(&turn, subscription.get(), std::make_shared<Item>(Item{kept, bytes}));
    }
  }
  return grpc::Status::OK;
}

void Broker::accept(Turn* turn, Subscription* to, ItemPtr item) {
  to->backlog.push_back(std::move(item));
  turn->stir(to);
}

grpc::Status Broker::create_subscription(const pb::Subscription& wanted, pb::Subscription* out) {
  *out = wanted;
  if (auto completed = complete_subscription(out); !completed.ok()) return completed;
  const Turn turn(this);
  if (!topics_.contains(out->topic())) return not_found(out->topic());
  if (out->has_dead_letter_policy() && !topics_.contains(out->dead_letter_policy().dead_letter_topic())) {
    return not_found(out->dead_letter_policy().dead_letter_topic());
  }
  auto& place = subscriptions_[out->name()];
  if (place) return exists(out->name());
  place = std::make_unique<Subscription>();
  place->settings = *out;
  return grpc::Status::OK;
}

grpc::Status Broker::get_subscription(const std::string& name, pb::Subscription* out) const {
  const Turn turn(this);
  const auto* found = find(name);
  if (!found) return not_found(name);
  *out = found->settings;
  return grpc::Status::OK;
}

grpc::Status Broker::list_subscriptions(const pb::ListSubscriptionsRequest& request,
                                        pb::ListSubscriptionsResponse* out) const {
  const Turn turn(this);
  out->set_next_page_token(
      list_page(subscriptions_, request.project() + "/subscriptions/", request.page_size(), request.page_token(),
                [&](const auto& subscription) { *out->add_subscriptions() = subscription->settings; }));
  return grpc::Status::OK;
}

grpc::Status Broker::delete_subscription(const std::string& name) {
  Turn turn(this);
  auto* found = find(name);
  if (!found) return not_found(name);
  while (!found->sessions.empty()) end_session(&turn, found->sessions.front(), not_found(name));
  subscriptions_.erase(name);
  return grpc::Status::OK;
}

grpc::Status Broker::acknowledge(const std::string& subscription, const AckIds& ids) {
  std::vector<std::uint64_t> leases;
  if (auto parsed = parse_ids(ids, &leases); !parsed.ok()) return parsed;
  Turn turn(this);
  auto* of = find(subscription);
  if (!of) return not_found(subscription);
  for (const auto lease : leases) settle(&turn, of, lease, true);
  return grpc::Status::OK;
}

grpc::Status Broker::modify(const std::string& subscription, const AckIds& ids, std::int32_t seconds) {
  if (seconds < 0 || seconds > kLeaseMax) return invalid("ack_deadline_seconds: 0 to 600");
  std::vector<std::uint64_t> leases;
  if (auto parsed = parse_ids(ids, &leases); !parsed.ok()) return parsed;
  Turn turn(this);
  auto* of = find(subscription);
  if (!of) return not_found(subscription);
  for (const auto lease : leases) {
    if (seconds == 0) {
      settle(&turn, of, lease, false);
    } else if (of->leases.contains(lease)) {
      set_deadline(of, lease, clock_->now() + std::chrono::seconds(seconds));
    }
  }
  return grpc::Status::OK;
}

grpc::Status Broker::open(const std::string& subscription, SessionPtr session) {
  Turn turn(this);
  auto* of = find(subscription);
  if (!of) return not_found(subscription);
  session->subscription = of;
  if (!session->is_stream) session->lease = std::chrono::seconds(of->settings.ack_deadline_seconds());
  due_at(session->gives_up);
  of->sessions.push_back(std::move(session));
  turn.stir(of);
  return grpc::Status::OK;
}

/// Its leases stay: acks may come over another stream or by a call of their own.
void Broker::close(const SessionPtr& session) {
  const Turn turn(this);
  if (session->subscription) session->subscription->sessions.remove(session);
  session->subscription = nullptr;
}

void Broker::set_lease(const SessionPtr& session, std::chrono::seconds lease) {
  const Turn turn(this);
  session->lease = lease;
}

bool Broker::take(const SessionPtr& session, int max, Received* out) {
  Turn turn(this);
  auto* from = session->subscription;
  if (!from) return false;
  std::uint64_t bytes = 0;
  while (out->size() < max && session->has_room()) {
    auto item = next_for(&turn, session, from);
    if (!item) break;
    bytes += static_cast<std::uint64_t>(item->bytes);
    lend(session, std::move(item), out->Add());
  }
  if (out->empty()) return false;
  watcher_->happened({"Deliver", from->settings.name(), 0, static_cast<std::uint64_t>(out->size()), bytes, {}});
  return true;
}

Broker::ItemPtr Broker::next_for(Turn* turn, const SessionPtr& session, Subscription* from) {
  auto& backlog = from->backlog;
  if (backlog.empty()) return nullptr;
  const bool others = std::ranges::any_of(
      from->sessions, [&](const SessionPtr& other) { return other != session && other->has_room(); });
  const auto rather_not = backlog.front()->rather_not.lock();
  if (others && rather_not == session) {
    turn->stir_others(from, session);
    return nullptr;
  }
  if (rather_not) turn->stir(from);  // whoever passed has his turn again
  const auto fault = watcher_->fault("Deliver", from->settings.name());
  if (fault && fault->shuffle) std::swap(backlog.front(), backlog[rng_->next() % backlog.size()]);
  auto item = std::move(backlog.front());
  backlog.pop_front();
  if (fault && fault->duplicate && !item->is_copy) {
    backlog.push_front(std::make_shared<Item>(Item{item->message, item->bytes, item->failures, true, session}));
    turn->stir(from);
  }
  return item;
}

void Broker::lend(const SessionPtr& session, ItemPtr item, pb::ReceivedMessage* out) {
  auto* from = session->subscription;
  const auto lease = ++last_id_;
  out->set_ack_id(ack_id(lease));
  *out->mutable_message() = *item->message;
  if (from->settings.has_dead_letter_policy()) out->set_delivery_attempt(item->failures + 1);
  ++session->messages;
  session->bytes += item->bytes;
  from->leases.emplace(lease, Lease{std::move(item), session, SteadyTime::min()});
  set_deadline(from, lease, clock_->now() + session->lease);
}

void Broker::set_deadline(Subscription* of, std::uint64_t lease, SteadyTime deadline) {
  auto& place = of->leases.at(lease).deadline;
  of->deadlines.erase({place, lease});
  of->deadlines.emplace(deadline, lease);
  place = deadline;
  due_at(deadline);
}

/// Ends a lease, if there is one: stale and unknown ids are nobody's business.
void Broker::settle(Turn* turn, Subscription* of, std::uint64_t lease, bool done) {
  const auto found = of->leases.find(lease);
  if (found == of->leases.end()) return;
  auto ended = std::move(found->second);
  of->leases.erase(found);
  of->deadlines.erase({ended.deadline, lease});
  --ended.session->messages;
  ended.session->bytes -= ended.item->bytes;
  turn->stir(of);
  if (!done) give_back(turn, of, std::move(ended.item));
}

void Broker::give_back(Turn* turn, Subscription* to, ItemPtr item) {
  ++item->failures;
  item->rather_not.reset();
  if (dead_letter(turn, to, item)) return;
  const auto delay = retry_delay(to->settings, item->failures);
  if (delay.count() == 0) {
    accept(turn, to, std::move(item));
  } else {
    const auto due = clock_->now() + delay;
    to->delayed.emplace(due, std::move(item));
    due_at(due);
  }
}

bool Broker::dead_letter(Turn* turn, Subscription* from, const ItemPtr& item) {
  const auto& policy = from->settings.dead_letter_policy();
  if (!from->settings.has_dead_letter_policy() || item->failures < policy.max_delivery_attempts()) return false;
  if (!topics_.contains(policy.dead_letter_topic())) return false;
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription->settings.topic() != policy.dead_letter_topic()) continue;
    accept(turn, subscription.get(), std::make_shared<Item>(Item{item->message, item->bytes}));
  }
  return true;
}

void Broker::end_session(Turn* turn, const SessionPtr& session, const grpc::Status& status) {
  const auto kept = session;  // the list may hold the last other reference
  turn->end(kept->outlet, status);
  std::exchange(kept->subscription, nullptr)->sessions.remove(kept);
}

void Broker::expire_leases() {
  Turn turn(this);
  for (const auto& [name, subscription] : subscriptions_) {
    while (!subscription->deadlines.empty()) {
      settle(&turn, subscription.get(), subscription->deadlines.begin()->second, false);
    }
  }
}

void Broker::end_streams(const grpc::Status& status) {
  Turn turn(this);
  for (const auto& [name, subscription] : subscriptions_) {
    const auto sessions = subscription->sessions;
    for (const auto& session : sessions) {
      if (session->is_stream) end_session(&turn, session, status);
    }
  }
}

void Broker::forget() {
  Turn turn(this);
  for (const auto& [name, subscription] : subscriptions_) {
    auto& sessions = subscription->sessions;
    while (!sessions.empty()) {
      end_session(&turn, sessions.front(), {grpc::StatusCode::UNAVAILABLE, "the broker restarts"});
    }
  }
  subscriptions_.clear();
  topics_.clear();
}

std::vector<Holdings> Broker::holdings() const {
  const Turn turn(this);
  std::vector<Holdings> all;
  for (const auto& [name, of] : subscriptions_) {
    const auto streams = std::ranges::count_if(of->sessions, [](const SessionPtr& s) { return s->is_stream; });
    all.push_back({name, of->backlog.size(), of->delayed.size(), of->leases.size(), std::uint64_t(streams)});
  }
  return all;
}

void Broker::due_at(SteadyTime time) {
  if (time >= planned_) return;
  planned_ = time;
  sooner_.notify_one();
}

/// Does what is due; returns when the next thing will be.
SteadyTime Broker::tick(Turn* turn) {
  const auto now = clock_->now();
  auto next = SteadyTime::max();
  for (const auto& [name, owned] : subscriptions_) {
    auto* const of = owned.get();
    while (!of->deadlines.empty() && of->deadlines.begin()->first <= now) {
      settle(turn, of, of->deadlines.begin()->second, false);
    }
    while (!of->delayed.empty() && of->delayed.begin()->first <= now) {
      accept(turn, of, of->delayed.extract(of->delayed.begin()).mapped());
    }
    const auto sessions = of->sessions;
    for (const auto& session : sessions) {
      if (session->gives_up <= now) {
        end_session(turn, session, grpc::Status::OK);
      } else {
        next = std::min(next, session->gives_up);
      }
    }
    if (!of->deadlines.empty()) next = std::min(next, of->deadlines.begin()->first);
    if (!of->delayed.empty()) next = std::min(next, of->delayed.begin()->first);
  }
  return next;
}

void Broker::run_due() {
  Turn turn(this);
  tick(&turn);
}

void Broker::run_timers(std::stop_token stop) {
  constexpr Milliseconds kLongest{60'000};
  while (!stop.stop_requested()) {
    Turn turn(this);
    const auto next = tick(&turn);
    planned_ = next;
    const auto now = clock_->now();
    const auto wait = next > now + kLongest ? kLongest : std::chrono::ceil<Milliseconds>(next - now);
    // Whatever the tick stirred must not wait as long as this does.
    if (turn.idle()) sooner_.wait_for(turn.lock(), stop, wait, [&] { return planned_ < next; });
  }
}

}  // namespace ferry::sandbox::pubsub
