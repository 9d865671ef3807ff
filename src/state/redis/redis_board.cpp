#include <utility>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "state/redis/job_space.hpp"
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
      : client_(std::move(client)), space_(client_.get(), job.id(), "board", 0), rng_(rng) {}

  Task<Result<std::optional<std::uint64_t>>> hold_lease(std::string name, std::string holder,
                                                        Milliseconds ttl) override {
    Commands commands;
    commands.call(scripts::hold_lease(), 2, 2).arg(space_.key("lease:", name)).arg(space_.key("fence:", name));
    commands.arg(holder).arg(std::max<std::int64_t>(ttl.count(), 1));
    auto replies = co_await space_.ask(std::move(commands));
    if (!replies) co_return fail(std::move(replies).error());
    const auto fence = replies->front().view().integer();
    if (!fence) co_return std::nullopt;
    co_return static_cast<std::uint64_t>(*fence);
  }

  Task<Status> drop_lease(std::string name, std::string holder) override {
    Commands commands;
    commands.call(scripts::drop_lease(), 1, 1).arg(space_.key("lease:", name)).arg(holder);
    return space_.tell(std::move(commands));
  }

  Task<Status> post(std::string topic, std::string name, std::string text, Milliseconds ttl) override {
    Commands commands;
    commands.call(scripts::post_note(), 1, 3).arg(space_.key("notes:", topic)).arg(name).arg(text);
    commands.arg(std::int64_t{ttl.count()});
    return space_.tell(std::move(commands));
  }

  Task<Result<std::map<std::string, std::string>>> read(std::string topic) override {
    Commands commands;
    commands.call(scripts::read_notes(), 1, 0).arg(space_.key("notes:", topic));
    auto replies = co_await space_.ask(std::move(commands));
    if (!replies) co_return fail(std::move(replies).error());
    std::map<std::string, std::string> notes;
    const auto found = replies->front().view();
    for (std::size_t i = 0; i + 1 < found.size(); i += 2) {
      notes.emplace(found.at(i).text().value_or(""), found.at(i + 1).text().value_or(""));
    }
    co_return notes;
  }

  Task<Status> add(std::string topic, std::map<std::string, std::int64_t> amounts) override {
    if (amounts.empty()) return space_.tell({});
    Commands commands;
    const auto mark = hex(big_endian(rng_->next()) + big_endian(rng_->next()));
    commands.call(scripts::add_totals(), 2, 1 + 2 * amounts.size()).arg(space_.key("totals:", topic));
    commands.arg(space_.key("added:", mark)).arg(kMarkMilliseconds);
    for (const auto& [name, amount] : amounts) commands.arg(name).arg(amount);
    return space_.tell(std::move(commands));
  }

  Task<Result<std::map<std::string, std::int64_t>>> totals(std::string topic) override {
    Commands commands;
    commands.command("HGETALL", 2).arg(space_.key("totals:", topic));
    auto replies = co_await space_.ask(std::move(commands));
    if (!replies) co_return fail(std::move(replies).error());
    std::map<std::string, std::int64_t> totals;
    const auto found = replies->front().view();
    for (std::size_t i = 0; i + 1 < found.size(); i += 2) {
      const auto amount = parse_i64(found.at(i + 1).text().value_or(""));
      if (amount) totals.emplace(found.at(i).text().value_or(""), *amount);
    }
    co_return totals;
  }

 private:
  const std::shared_ptr<Client> client_;
  JobSpace space_;
  Rng* const rng_;
};

}  // namespace

std::unique_ptr<SharedBoard> open_board(std::shared_ptr<Client> client, const Job& job, Rng* rng) {
  return std::make_unique<RedisBoard>(std::move(client), job, rng);
}

}  // namespace ferry::redis
