#include "admin/event_feed.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <utility>
#include <vector>

#include "admin/answer.hpp"
#include "admin/describe.hpp"

namespace ferry::admin {
namespace {

namespace json = boost::json;

constexpr std::string_view kReconnect = "retry: 2000\n\n";  // milliseconds

/// Serialised JSON has no line breaks, so one data line is one event.
std::string event_text(std::string_view name, std::string_view data) {
  return "event: " + std::string(name) + "\ndata: " + std::string(data) + "\n\n";
}

/// Until the end of a scope.
class Counted {
 public:
  explicit Counted(std::size_t* count) : count_(count) { ++*count_; }
  ~Counted() { --*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t* count_;
};

class Listed {
 public:
  Listed(std::set<Wake*>* list, Wake* wake) : list_(list), wake_(wake) { list_->insert(wake_); }
  ~Listed() { list_->erase(wake_); }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

 private:
  std::set<Wake*>* list_;
  Wake* wake_;
};

}  // namespace

EventFeed::EventFeed(Executor executor, Operator* service, Clock* clock, std::size_t watchers_max)
    : service_(service), clock_(clock), watchers_max_(watchers_max), ticking_(executor) {}

Task<> EventFeed::serve(net::ServerExchange* exchange) {
  if (closed_ || watchers_ >= watchers_max_) {
    net::Headers wait{{"Retry-After", "5"}};
    co_return co_await answer_refusal(exchange, 503, "too many watchers of events", std::move(wait));
  }
  const Counted watcher{&watchers_};
  const bool streams = exchange->request().method != "HEAD";
  auto begun = co_await exchange->begin(200, headers_for("text/event-stream"), std::nullopt);
  if (begun && streams) co_await stream(exchange);
  if (begun) co_await exchange->finish();
}

Task<> EventFeed::stream(net::ServerExchange* exchange) {
  const auto greeting = std::string(kReconnect) + event_text("history", history_text());
  if (auto sent = co_await exchange->write(std::string_view(greeting)); !sent) co_return;
  // While others watch, the newest event is not older than a tick; after a break it may be.
  std::uint64_t seen = asking_ && ticks_ > 0 ? ticks_ - 1 : ticks_;
  if (!std::exchange(asking_, true)) ticking_.spawn(tick(this));
  while (const auto text = co_await next(&seen)) {
    if (auto sent = co_await exchange->write(std::string_view(*text)); !sent) co_return;
  }
}

/// The newest event that this watcher hasn't seen; nothing: closed.
Task<EventFeed::Text> EventFeed::next(std::uint64_t* seen) {
  while (!closed_ && *seen == ticks_) {
    Wake wake;
    const Listed listed{&waiting_, &wake};
    co_await wake.wait();
  }
  *seen = ticks_;
  co_return closed_ ? nullptr : latest_;
}

Task<> EventFeed::tick(EventFeed* feed) {
  while (feed->watchers_ > 0 && !feed->closed_) {
    co_await feed->ask();
    co_await feed->clock_->sleep(kTick);
  }
  feed->asking_ = false;
}

Task<> EventFeed::ask() {
  auto status = co_await service_->status();
  if (status) {
    remember(*status);
    latest_ = std::make_shared<const std::string>(event_text("status", json::serialize(describe(*status))));
  } else {
    const auto error = error_text(status_of(status.error().kind), status.error().what);
    latest_ = std::make_shared<const std::string>(event_text("trouble", error));
  }
  ++ticks_;
  const std::vector<Wake*> wakes(waiting_.begin(), waiting_.end());
  Wake::set_all(wakes);
}

void EventFeed::remember(const ServiceStatus& status) {
  history_.push_back(
      {status.now.time_since_epoch().count(), status.bytes_per_second, status.objects_per_second, status.backlog});
  if (history_.size() > kHistoryMax) history_.pop_front();
}

/// [[second, bytes/s, objects/s, backlog], …]
std::string EventFeed::history_text() const {
  json::array list;
  for (const auto& sample : history_) {
    if (!std::isfinite(sample.bytes_per_second) || !std::isfinite(sample.objects_per_second)) continue;
    list.emplace_back(json::array{sample.second, sample.bytes_per_second, sample.objects_per_second, sample.backlog});
  }
  return json::serialize(list);
}

void EventFeed::close() {
  closed_ = true;
  ticking_.cancel();
  const std::vector<Wake*> wakes(waiting_.begin(), waiting_.end());
  Wake::set_all(wakes);
}

}  // namespace ferry::admin
