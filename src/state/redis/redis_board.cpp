#include <array>
#include <utility>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "state/redis/lane.hpp"
#include "state/redis/redis_state.hpp"
#include "state/redis/scripts.hpp"

namespace ferry::redis {
namespace {

/// A call that is sent twice comes within seconds; this is how long its mark is kept.
constexpr std::int64_t kMarkMilliseconds = 600'000;

std::optional<std::int64_t> parse_i64(std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto number = parse_u64(negative ? text.substr(1) : text);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 63;
  if (!number || *number > kMost || (*number == kMost && !negative)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? -*number : *number);
}

class RedisBoard final : public SharedBoard {
 public:
  RedisBoard(std::shared_ptr<Client> client, const Job& job, Rng* rng)
      : client_(std::move(client)), prefix_("ferry:{" + job.id() + "}:"), lane_(client_->lane(job.id())), rng_(rng) {}

  Task<Result<std::optional<std::uint64_t>>> hold_lease(std::string name, std::string holder,
                                                        Milliseconds ttl) override {
    Commands commands;
    commands.call(scripts::hold_lease(), 2, 2).arg(prefix_ + "lease:" + name).arg(prefix_ + "fence:" + name);
    commands.arg(holder).arg(std::max<std::int64_t>(ttl.count(), 1));
    auto reply = co_await ask(std::move(commands));
    if (!reply) co_return fail(std::move(reply).error());
    const auto fence = reply->view().integer();
    if (!fence) co_return std::nullopt;
    co_return static_cast<std::uint64_t>(*fence);
  }

  Task<Status> drop_lease(std::string name, std::string holder) override {
    Commands commands;
    commands.call(scripts::drop_lease(), 1, 1).arg(prefix_ + "lease:" + name).arg(holder);
    return tell(std::move(commands));
  }

  Task<Status> post(std::string topic, std::string name, std::string text, Milliseconds ttl) override {
    Commands commands;
    commands.call(scripts::post_note(), 1, 3).arg(prefix_ + "notes:" + topic).arg(name).arg(text);
    commands.arg(std::int64_t{ttl.count()});
    return tell(std::move(commands));
  }

  Task<Result<std::map<std::string, std::string>>> read(std::string topic) override {
    Commands commands;
    commands.call(scripts::read_notes(), 1, 0).arg(prefix_ + "notes:" + topic);
    auto reply = co_await ask(std::move(commands));
    if (!reply) co_return fail(std::move(reply).error());
    std::map<std::string, std::string> notes;
    const auto found = reply->view();
    for (std::size_t i = 0; i + 1 < found.size(); i += 2) {
      notes.emplace(found.at(i).text().value_or(""), found.at(i + 1).text().value_or(""));
    }
    co_return notes;
  }

  Task<Status> add(std::string topic, std::map<std::string, std::int64_t> amounts) override {
    if (amounts.empty()) return tell({});
    Commands commands;
    const auto mark = hex(big_endian(rng_->next()) + big_endian(rng_->next()));
    commands.call(scripts::add_totals(), 2, 1 + 2 * amounts.size()).arg(prefix_ + "totals:" + topic);
    commands.arg(prefix_ + "added:" + mark).arg(kMarkMilliseconds);
    for (const auto& [name, amount] : amounts) commands.arg(name).arg(amount);
    return tell(std::move(commands));
  }

  Task<Result<std::map<std::string, std::int64_t>>> totals(std::string topic) override {
    Commands commands;
    commands.command("HGETALL", 2).arg(prefix_ + "totals:" + topic);
    auto reply = co_await ask(std::move(commands));
    if (!reply) co_return fail(std::move(reply).error());
    std::map<std::string, std::int64_t> totals;
    const auto found = reply->view();
    for (std::size_t i = 0; i + 1 < found.size(); i += 2) {
      const auto amount = parse_i64(found.at(i + 1).text().value_or(""));
      if (amount) totals.emplace(found.at(i).text().value_or(""), *amount);
    }
    co_return totals;
  }

 private:
  /// The reply to one request; WRONGTYPE is a reply like any other, and says nothing.
  Task<Result<Reply>> ask(Commands commands) {
    auto replies = co_await lane_->send(std::move(commands));
    if (!replies) co_return fail(ErrorKind::kUnavailable, "board in Redis: " + replies.error().what);
    const auto view = replies->front().view();
    if (view.is_error() && !view.is_error("WRONGTYPE")) {
      co_return fail(ErrorKind::kUnavailable,
                     "board in Redis: the Redis at " + client_->name() + " " + explain(view.error()).what);
    }
    co_return std::move(replies->front());
  }

  Task<Status> tell(Commands commands) {
    if (commands.size() == 0) co_return Unit{};
    auto reply = co_await ask(std::move(commands));
    if (!reply) co_return fail(std::move(reply).error());
    co_return Unit{};
  }

  const std::shared_ptr<Client> client_;
  const std::string prefix_;
  Lane* const lane_;
  Rng* const rng_;
};

}  // namespace

std::unique_ptr<SharedBoard> open_board(std::shared_ptr<Client> client, const Job& job, Rng* rng) {
  return std::make_unique<RedisBoard>(std::move(client), job, rng);
}

}  // namespace ferry::redis
