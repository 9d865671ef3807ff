#include "state/redis/job_space.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <optional>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::redis {
namespace {

constexpr std::size_t kCompactKey = 64;     // longer fields make Redis store their whole hash as a table
constexpr std::uint64_t kPerBucket = 64;    // objects, if there are as many as expected
constexpr std::uint64_t kBucketsMin = 256;  // scripts.cpp knows both limits, too
constexpr std::uint64_t kBucketsMax = 4'194'304;

std::uint64_t buckets_for(std::uint64_t objects) {
  return std::clamp(std::bit_ceil(objects / kPerBucket), kBucketsMin, kBucketsMax);
}

}  // namespace

JobSpace::JobSpace(Client* client, const std::string& job, std::string_view role, std::uint64_t expected_objects)
    : client_(client),
      lane_(client->lane(job)),
      role_(std::string{role} + " in Redis"),
      prefix_("ferry:{" + job + "}:"),
      layout_key_(prefix_ + "layout"),
      buckets_(buckets_for(expected_objects)) {}

std::string JobSpace::key(std::string_view kind, std::string_view name) const {
  std::string text;
  text.reserve(prefix_.size() + kind.size() + name.size());
  return text.append(prefix_).append(kind).append(name);
}

std::string JobSpace::bucket(std::uint64_t number) const {
  std::array<char, 16> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return key("o:", {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

std::string JobSpace::bucket(const ObjectKey& key, std::uint64_t buckets) const {
  const auto number = crc32c(0, key.str()) & (buckets - 1);
  return bucket(key.str().size() > kCompactKey ? buckets + number : number);
}

Task<Result<Replies>> JobSpace::ask(Commands commands) {
  auto replies = co_await lane_->send(std::move(commands));
  if (!replies) co_return fail(ErrorKind::kUnavailable, role_ + ": " + replies.error().what);
  for (const auto& reply : *replies) {
    const auto view = reply.view();
    if (!view.is_error() || view.is_error("WRONGTYPE")) continue;
    co_return fail(ErrorKind::kUnavailable,
                   role_ + ": the Redis at " + client_->name() + " " + explain(view.error()).what);
  }
  co_return replies;
}

Task<Status> JobSpace::tell(Commands commands) {
  if (commands.size() == 0) co_return Unit{};
  auto replies = co_await ask(std::move(commands));
  if (!replies) co_return fail(std::move(replies).error());
  co_return Unit{};
}

Task<Status> JobSpace::learn_layout() {
  const auto make = [this](std::uint64_t) {
    Commands question;
    question.command("GET", 2).arg(layout_key_);
    return question;
  };
  auto learnt = co_await by_layout(&make, kFirst);
  if (!learnt) co_return fail(std::move(learnt).error());
  co_return Unit{};
}

bool JobSpace::adopt(const ReplyView& reply) {
  const auto text = reply.text();
  const auto named = text && text->starts_with("1:") ? parse_u64(text->substr(2)) : std::nullopt;
  if (!named || *named < kBucketsMin || *named > kBucketsMax || !std::has_single_bit(*named)) return false;
  return buckets_.exchange(*named) != *named;
}

}  // namespace ferry::redis
