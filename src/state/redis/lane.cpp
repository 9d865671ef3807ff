#include "state/redis/lane.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "kit/base/text.hpp"

namespace ferry::redis {
namespace {

constexpr std::size_t kRoundBytes = 1024 * 1024;  // of requests: bounds how long the first caller waits for the last
constexpr int kDetoursMax = 8;                    // of one round: redirections and scripts to load

Backoff reconnect_policy() {
  Backoff policy;
  policy.first = Milliseconds{50};
  policy.ceiling = Milliseconds{2'000};
  policy.attempts_max = std::numeric_limits<int>::max();
  return policy;
}

bool is_redirection(const ReplyView& reply) { return reply.is_error("MOVED") || reply.is_error("ASK"); }

/// This server is not, or no longer, the one to talk to. A script's error has the code of its cause inside.
bool is_demotion(const ReplyView& reply) {
  if (!reply.is_error()) return false;
  return reply.error().find("READONLY") != std::string_view::npos || reply.is_error("MASTERDOWN") ||
         reply.is_error("CLUSTERDOWN");
}

/// "MOVED 3999 127.0.0.1:6381": no host means the one that said it.
std::optional<net::Origin> redirected(std::string_view error, const net::Origin& from) {
  const auto space = error.rfind(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto place = error.substr(space + 1);
  const auto colon = place.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_u64(place.substr(colon + 1));
  if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  net::Origin server = from;
  if (colon > 0) server.host = to_lower(place.substr(0, colon));
  server.port = static_cast<std::uint16_t>(*port);
  return server;
}

}  // namespace

Status all_well(const Replies& replies) {
  for (const auto& reply : replies) {
    if (reply.view().is_error()) return fail(explain(reply.view().error()));
  }
  return Unit{};
}

Lane::Lane(net::Dialer* dialer, const Address* address, const ClientOptions* options, Clock* clock, Rng* rng)
    : connector_(dialer, address, options), options_(options), clock_(clock), rng_(rng) {}

Task<Result<Replies>> Lane::send(Commands commands) {
  const auto batch = std::make_shared<Batch>(std::move(commands));
  {
    const std::lock_guard lock{mutex_};
    waiting_.push_back(batch);
    if (idle_) std::exchange(idle_, nullptr)->set();
  }
  co_await batch->done.wait();
  if (batch->error) co_return fail(*std::move(batch->error));
  co_return std::move(batch->replies);
}

Task<> Lane::serve() {
  for (;;) {
    const auto round = co_await next_round();
    Items open;
    for (const auto& batch : round) {
      for (std::size_t i = 0; i < batch->commands.size(); ++i) open.push_back({batch.get(), i});
    }
    const auto outcome = co_await perform(&open);
    finish(round, outcome);
    if (outcome) continue;
    // Whoever came meanwhile would wait for the same failure again, one round after the other.
    finish(take_waiting(std::numeric_limits<std::size_t>::max()), outcome);
  }
}

Task<Lane::Batches> Lane::next_round() {
  for (;;) {
    auto batches = take_waiting(kRoundBytes);
    if (!batches.empty()) co_return batches;
    const auto idle = std::make_shared<Wake>();
    {
      const std::lock_guard lock{mutex_};
      if (!waiting_.empty()) continue;
      idle_ = idle;
    }
    co_await idle->wait();
  }
}

Lane::Batches Lane::take_waiting(std::size_t bytes_max) {
  const std::lock_guard lock{mutex_};
  std::size_t bytes = 0;
  auto end = waiting_.begin();
  while (end != waiting_.end() && bytes < bytes_max) bytes += (*end++)->commands.bytes().size();
  Batches taken(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return taken;
}

/// Those whose replies are all there succeed, whatever became of the others.
void Lane::finish(const Batches& batches, const Status& outcome) {
  std::vector<Wake*> callers;
  callers.reserve(batches.size());
  for (const auto& batch : batches) {
    if (!outcome && !std::ranges::all_of(batch->replies, [](const Reply& reply) { return bool{reply}; })) {
      batch->error = outcome.error();
    }
    callers.push_back(&batch->done);
  }
  Wake::set_all(callers);
}

/// Until every item has its reply. A server that stands still is not asked twice: that would only double the wait.
Task<Status> Lane::perform(Items* open) {
  bool repeated = false;
  for (int detours = 0; !open->empty();) {
    if (auto connected = co_await connect(); !connected) co_return connected;
    auto exchanged = co_await exchange(open);
    if (!exchanged) {
      const bool timed_out = link_->timed_out();
      link_.reset();
      if (repeated || timed_out) co_return exchanged;
      repeated = true;
      continue;
    }
    if (open->empty() || ++detours > kDetoursMax) co_return Unit{};
    auto repaired = co_await repair(open);
    if (!repaired) co_return repaired;
  }
  co_return Unit{};
}

Task<Status> Lane::connect() {
  if (link_ && link_->is_quiet()) co_return Unit{};
  link_.reset();
  const auto now = clock_->now();
  if (now < connect_not_before_) {
    co_await clock_->sleep(std::chrono::ceil<Milliseconds>(connect_not_before_ - now));
  }
  LinkOutcome connected{nullptr};
  if (owner_) {
    connected = co_await connector_.connect_to(*owner_);
  } else {
    connected = co_await connector_.connect();
  }
  if (connected) {
    link_ = *std::move(connected);
    co_return Unit{};
  }
  owner_.reset();
  connect_not_before_ =
      clock_->now() + reconnect_policy().after(++failures_, rng_->unit(), std::nullopt).value_or(Milliseconds{});
  co_return fail(std::move(connected).error());
}

/// Sends what is open. Replies that need a repair, and requests without a reply, are what is open afterwards.
Task<Status> Lane::exchange(Items* open) {
  outgoing_.clear();
  for (const auto& item : *open) outgoing_ += item.batch->commands.at(item.index);
  Replies replies;
  replies.reserve(open->size());
  auto done = co_await link_->exchange(outgoing_, open->size(), &replies, options_->command_timeout);
  if (outgoing_.capacity() > 2 * kRoundBytes) outgoing_ = {};
  if (!replies.empty()) failures_ = 0;

  Items left;
  bool demoted = false;
  for (std::size_t i = 0; i < open->size(); ++i) {
    const auto item = (*open)[i];
    if (i >= replies.size()) {
      left.push_back(item);
      continue;
    }
    const auto view = replies[i].view();
    demoted |= is_demotion(view);
    if (view.is_error("NOSCRIPT") || is_redirection(view)) left.push_back(item);
    item.batch->replies[item.index] = std::move(replies[i]);
  }
  *open = std::move(left);
  if (done && demoted) {  // the next round looks for the master again
    link_.reset();
    owner_.reset();
  }
  co_return done;
}

/// Removes the cause of these error replies, so that the requests can be sent again.
Task<Status> Lane::repair(Items* failed) {
  Items missing, again;
  std::optional<net::Origin> moved;
  for (const auto& item : *failed) {
    const auto view = item.batch->replies[item.index].view();
    const auto elsewhere = is_redirection(view) && link_ ? redirected(view.error(), link_->server()) : std::nullopt;
    if (view.is_error("NOSCRIPT")) {
      missing.push_back(item);
    } else if (elsewhere && view.is_error("ASK")) {
      auto asked = co_await ask_elsewhere(item, *elsewhere);
      if (!asked) co_return asked;
      continue;
    } else if (elsewhere) {
      moved = elsewhere;
    } else {
      continue;  // can't be repaired: the error is the answer
    }
    again.push_back(item);
  }
  *failed = std::move(again);
  for (const auto& item : *failed) item.batch->replies[item.index] = {};
  if (moved) {
    owner_ = moved;
    link_.reset();
    co_return Unit{};
  }
  if (missing.empty() || !link_) co_return Unit{};
  co_return co_await load_scripts(&missing);
}

Task<Status> Lane::load_scripts(const Items* missing) {
  std::set<const Script*> scripts;
  for (const auto& item : *missing) scripts.insert(item.batch->commands.script());
  Commands load;
  for (const auto* script : scripts) load.command("SCRIPT", 3).arg("LOAD").arg(script->text);
  Replies replies;
  auto done = co_await link_->exchange(load.bytes(), load.size(), &replies, options_->command_timeout);
  if (!done) {
    link_.reset();
    co_return done;
  }
  auto loaded = all_well(replies);
  if (!loaded) co_return fail(at(link_->server(), std::move(loaded).error()));
  co_return Unit{};
}

/// One key is being moved to another node of the cluster: this once, ask there.
Task<Status> Lane::ask_elsewhere(Item item, net::Origin server) {
  auto link = co_await connector_.connect_to(std::move(server));
  if (!link) co_return fail(std::move(link).error());
  Commands load;
  if (const auto* script = item.batch->commands.script()) load.command("SCRIPT", 3).arg("LOAD").arg(script->text);
  load.command("ASKING");
  Replies replies;
  const auto requests = std::string{load.bytes()} + std::string{item.batch->commands.at(item.index)};
  auto done = co_await (*link)->exchange(requests, load.size() + 1, &replies, options_->command_timeout);
  if (!done) co_return done;
  item.batch->replies[item.index] = std::move(replies.back());
  co_return Unit{};
}

}  // namespace ferry::redis
