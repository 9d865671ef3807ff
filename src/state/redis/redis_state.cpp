#include "state/redis/redis_state.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <utility>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "state/redis/record_code.hpp"
#include "state/redis/recorder.hpp"
#include "state/redis/scripts.hpp"
#include "state/redis/seal.hpp"

namespace ferry::redis {
namespace {

constexpr std::size_t kWriteChunk = 250;  // keys per script: bounds how long Redis serves nobody else
constexpr std::size_t kFailureChunk = 200;
constexpr std::size_t kReadBuckets = 256;   // per request
constexpr std::size_t kReadAtOnce = 1'024;  // entries of one bucket; a bigger one is scanned piece by piece
constexpr std::size_t kScanCount = 512;
constexpr std::size_t kForgetPage = 1'000;
constexpr std::int64_t kCheckpointSeconds = 7 * 24 * 3600;  // as long as an upload session lives

/// Where a listing stands. Inside of a big bucket `scan` is Redis's own cursor.
struct Place {
  std::uint64_t bucket = 0;
  std::uint64_t scan = 0;
  std::string after;  ///< within the piece that begins here; empty: its beginning
};

struct Found {
  Record record;
  std::uint64_t bucket;
  std::uint64_t scan;
};

/// A listing under way: what was found, and where to go on.
struct Walk {
  explicit Walk(std::uint64_t all) : buckets(all) {}
  [[nodiscard]] bool at_end() const { return at.bucket >= 2 * buckets; }

  const std::uint64_t buckets;
  Place at;
  bool inside = false;  ///< of a bucket that must be scanned piece by piece
  std::vector<Found> found;
};

std::string write_cursor(std::uint64_t buckets, const Place& place) {
  return std::to_string(buckets) + "." + std::to_string(place.bucket) + "." + std::to_string(place.scan) + "." +
         hex(place.after);
}

std::optional<Place> parse_cursor(std::string_view text, std::uint64_t buckets) {
  std::array<std::uint64_t, 3> numbers{};
  for (auto& number : numbers) {
    const auto dot = text.find('.');
    const auto parsed = dot == std::string_view::npos ? std::nullopt : parse_u64(text.substr(0, dot));
    if (!parsed) return std::nullopt;
    number = *parsed;
    text.remove_prefix(dot + 1);
  }
  auto after = from_hex(text);
  if (!after || numbers[0] != buckets || numbers[1] >= 2 * buckets) return std::nullopt;
  return Place{numbers[1], numbers[2], *std::move(after)};
}

class RedisState final : public StateStore {
 public:
  RedisState(std::shared_ptr<Client> client, const Job& job, const StateOptions& options, Rng* rng)
      : client_(std::move(client)),
        space_(std::make_shared<JobSpace>(client_.get(), job.id(), "state", options.expected_objects)),
        recorder_(std::make_shared<Recorder>(space_)),
        failure_names_(space_->key("failures")),
        failure_texts_(space_->key("failure-texts")),
        checkpoint_index_(space_->key("checkpoints")) {
    if (!options.secret.empty()) seal_.emplace(options.secret, "ferry checkpoints of " + job.id(), rng);
  }

  Task<Status> mark_published(std::vector<Published> published) override {
    if (published.empty()) co_return Unit{};
    const auto make = [&](std::uint64_t buckets) { return mark_commands(published, buckets); };
    auto marked = co_await space_->by_layout(&make, JobSpace::kAny);
    if (!marked) co_return fail(std::move(marked).error());
    co_return Unit{};
  }

  Task<Result<std::vector<Record>>> lookup(std::vector<ObjectKey> keys) override {
    std::vector<Record> records;
    if (keys.empty()) co_return records;
    const auto make = [&](std::uint64_t buckets) { return lookup_commands(keys, buckets); };
    auto replies = co_await space_->by_layout(&make, JobSpace::kFirst);
    if (!replies) co_return fail(std::move(replies).error());
    records.reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      records.push_back(decode_record(std::move(keys[i]), (*replies)[i + 1].view().text().value_or("")));
    }
    co_return records;
  }

  Task<Status> record_consumed(Receipt receipt) override { return recorder_->record(std::move(receipt)); }

  Task<Result<RecordPage>> list(std::optional<std::string> cursor, std::size_t limit) override {
    assert(limit > 0);
    if (auto learnt = co_await space_->learn_layout(); !learnt) co_return fail(std::move(learnt).error());
    Walk walk{space_->buckets()};
    if (cursor) {
      auto place = parse_cursor(*cursor, walk.buckets);
      if (!place) co_return fail(ErrorKind::kInvalid, "state in Redis: not a cursor of this job's records: list anew");
      walk.at = *std::move(place);
    }
    while (walk.found.size() <= limit && !walk.at_end()) {
      if (auto read = co_await go_on(&walk, limit + 1); !read) co_return fail(std::move(read).error());
    }
    RecordPage page;
    if (walk.found.size() > limit) {
      walk.found.resize(limit);
      const auto& last = walk.found.back();
      page.next = write_cursor(walk.buckets, Place{last.bucket, last.scan, last.record.key.str()});
    }
    for (auto& one : walk.found) page.records.push_back(std::move(one.record));
    co_return page;
  }

  Task<Result<std::uint64_t>> forget(Mark mark, std::vector<ObjectKey> keys) override {
    std::uint64_t count = 0;
    if (keys.empty()) co_return count;
    const auto make = [&](std::uint64_t buckets) { return forget_commands(mark, keys, buckets); };
    auto forgotten = co_await space_->by_layout(&make, JobSpace::kAny);
    if (!forgotten) co_return fail(std::move(forgotten).error());
    for (const auto& reply : *forgotten) count += static_cast<std::uint64_t>(reply.view().integer().value_or(0));
    co_return count;
  }

  Task<Result<std::uint64_t>> forget_all(Mark mark) override {
    std::uint64_t count = 0;
    if (auto learnt = co_await space_->learn_layout(); !learnt) co_return fail(std::move(learnt).error());
    for (Walk walk{space_->buckets()}; !walk.at_end();) {
      if (auto read = co_await go_on(&walk, kForgetPage); !read) co_return fail(std::move(read).error());
      std::vector<ObjectKey> keys;
      for (auto& one : std::exchange(walk.found, {})) {
        const bool has = mark == Mark::kPublished ? one.record.published.has_value() : one.record.consumed.has_value();
        if (has) keys.push_back(std::move(one.record.key));
      }
      auto forgotten = co_await forget(mark, std::move(keys));
      if (!forgotten) co_return fail(std::move(forgotten).error());
      count += *forgotten;
    }
    co_return count;
  }

  Task<Status> record_failures(std::vector<Failure> failures) override {
    Commands commands;
    for (std::size_t first = 0; first < failures.size(); first += kFailureChunk) {
      const auto last = std::min(failures.size(), first + kFailureChunk);
      commands.call(scripts::record_failures(), 2, 2 * (last - first)).arg(failure_names_).arg(failure_texts_);
      for (auto i = first; i < last; ++i) commands.arg(failures[i].key.str()).arg(encode_failure(failures[i]));
    }
    return space_->tell(std::move(commands));
  }

  Task<Status> clear_failures(std::vector<ObjectKey> keys) override {
    Commands commands;
    for (std::size_t first = 0; first < keys.size(); first += kFailureChunk) {
      const auto last = std::min(keys.size(), first + kFailureChunk);
      commands.call(scripts::clear_failures(), 2, last - first).arg(failure_names_).arg(failure_texts_);
      for (auto i = first; i < last; ++i) commands.arg(keys[i].str());
    }
    return space_->tell(std::move(commands));
  }

  Task<Result<FailurePage>> failures(std::optional<ObjectKey> after, std::size_t limit) override {
    assert(limit > 0);
    Commands commands;
    commands.call(scripts::read_failures(), 2, 2).arg(failure_names_).arg(failure_texts_);
    commands.arg(after ? "(" + after->str() : "-").arg(static_cast<std::int64_t>(limit) + 1);
    auto replies = co_await space_->ask(std::move(commands));
    if (!replies) co_return fail(std::move(replies).error());
    FailurePage page;
    const auto found = replies->front().view();
    std::optional<ObjectKey> last;
    for (std::size_t i = 0; i + 1 < found.size(); i += 2) {
      if (i == 2 * limit) {
        page.next = std::move(last);
        break;
      }
      last = ObjectKey{std::string{found.at(i).text().value_or("")}};
      auto failure = decode_failure(*last, found.at(i + 1).text().value_or(""));
      if (failure) page.failures.push_back(*std::move(failure));
    }
    co_return page;
  }

  Task<Result<std::uint64_t>> failure_count() override {
    Commands commands;
    commands.call(scripts::count_failures(), 1, 0).arg(failure_names_);
    auto replies = co_await space_->ask(std::move(commands));
    if (!replies) co_return fail(std::move(replies).error());
    const auto count = replies->front().view().integer().value_or(0);
    co_return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
  }

  Task<Status> save_checkpoint(Checkpoint checkpoint) override {
    Commands commands;
    if (seal_) {
      const auto& key = checkpoint.key.str();
      commands.call(scripts::save_checkpoint(), 2, 3).arg(space_->key("checkpoint:", key)).arg(checkpoint_index_);
      commands.arg(key).arg(seal_->close(encode_checkpoint(checkpoint), key)).arg(kCheckpointSeconds);
    }
    return space_->tell(std::move(commands));
  }

  Task<Result<std::optional<Checkpoint>>> load_checkpoint(ObjectKey key) override {
    if (!seal_) co_return std::nullopt;
    Commands commands;
    commands.command("GET", 2).arg(space_->key("checkpoint:", key.str()));
    auto replies = co_await space_->ask(std::move(commands));
    if (!replies) co_return fail(std::move(replies).error());
    co_return open_checkpoint(std::move(key), replies->front().view());
  }

  Task<Status> drop_checkpoint(ObjectKey key) override {
    Commands commands;
    if (seal_) {
      commands.call(scripts::drop_checkpoint(), 2, 1).arg(space_->key("checkpoint:", key.str())).arg(checkpoint_index_);
      commands.arg(key.str());
    }
    return space_->tell(std::move(commands));
  }

  Task<Result<std::vector<Checkpoint>>> checkpoints() override {
    std::vector<Checkpoint> all;
    if (!seal_) co_return all;
    Commands question;
    question.command("ZRANGE", 4).arg(checkpoint_index_).arg("0").arg("-1");
    auto index = co_await space_->ask(std::move(question));
    if (!index) co_return fail(std::move(index).error());
    std::vector<ObjectKey> keys;
    Commands commands;
    const auto names = index->front().view();
    for (std::size_t i = 0; i < names.size(); ++i) {
      keys.emplace_back(std::string{names.at(i).text().value_or("")});
      commands.command("GET", 2).arg(space_->key("checkpoint:", keys.back().str()));
    }
    if (keys.empty()) co_return all;
    auto replies = co_await space_->ask(std::move(commands));
    if (!replies) co_return fail(std::move(replies).error());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      auto checkpoint = open_checkpoint(std::move(keys[i]), (*replies)[i].view());
      if (checkpoint) all.push_back(*std::move(checkpoint));
    }
    co_return all;
  }

 private:
  // ---- requests

  /// The keys of a chunk's script: the layout, and a bucket for each object.
  template <class Object, class KeyOf>
  void name_buckets(Commands* commands, const std::vector<Object>& objects, std::size_t first, std::size_t last,
                    std::uint64_t buckets, KeyOf key_of) const {
    commands->arg(space_->layout_key());
    for (auto i = first; i < last; ++i) commands->arg(space_->bucket(key_of(objects[i]), buckets));
    commands->arg(JobSpace::layout(buckets));
  }

  [[nodiscard]] Commands lookup_commands(const std::vector<ObjectKey>& keys, std::uint64_t buckets) const {
    Commands commands;
    commands.command("GET", 2).arg(space_->layout_key());
    for (const auto& key : keys) commands.command("HGET", 3).arg(space_->bucket(key, buckets)).arg(key.str());
    return commands;
  }

  [[nodiscard]] Commands mark_commands(const std::vector<Published>& published, std::uint64_t buckets) const {
    Commands commands;
    for (std::size_t first = 0; first < published.size(); first += kWriteChunk) {
      const auto last = std::min(published.size(), first + kWriteChunk);
      commands.call(scripts::mark_published(), 1 + (last - first), 1 + 2 * (last - first));
      name_buckets(&commands, published, first, last, buckets, [](const auto& one) -> auto& { return one.key; });
      for (auto i = first; i < last; ++i) commands.arg(published[i].key.str()).arg(encode_published(published[i]));
    }
    return commands;
  }

  [[nodiscard]] Commands forget_commands(Mark mark, const std::vector<ObjectKey>& keys, std::uint64_t buckets) const {
    Commands commands;
    for (std::size_t first = 0; first < keys.size(); first += kWriteChunk) {
      const auto last = std::min(keys.size(), first + kWriteChunk);
      commands.call(scripts::forget(), 1 + (last - first), 2 + (last - first));
      name_buckets(&commands, keys, first, last, buckets, [](const auto& key) -> auto& { return key; });
      commands.arg(mark == Mark::kPublished ? "p" : "c");
      for (auto i = first; i < last; ++i) commands.arg(keys[i].str());
    }
    return commands;
  }

  // ---- listing

  /// Reads the next piece: some buckets, or a part of a big one.
  Task<Status> go_on(Walk* walk, std::size_t wanted) {
    if (walk->inside || walk->at.scan != 0) return scan_bucket(walk);
    return read_buckets(walk, wanted);
  }

  Task<Status> read_buckets(Walk* walk, std::size_t wanted) {
    const auto first = walk->at.bucket;
    const auto count = std::min<std::uint64_t>(kReadBuckets, 2 * walk->buckets - first);
    Commands commands;
    commands.call(scripts::read_buckets(), count, 2);
    for (auto number = first; number < first + count; ++number) commands.arg(space_->bucket(number));
    commands.arg(static_cast<std::int64_t>(wanted)).arg(static_cast<std::int64_t>(kReadAtOnce));
    auto replies = co_await space_->ask(std::move(commands));
    if (!replies) co_return fail(std::move(replies).error());
    const auto reply = replies->front().view();
    const auto passed = reply.size() > 0 ? reply.at(0).integer().value_or(0) : 0;
    if (passed < 1 || static_cast<std::uint64_t>(passed) > count) {
      co_return fail(ErrorKind::kUnavailable, "state in Redis: an answer that can't be to a listing");
    }
    const auto next = first + static_cast<std::uint64_t>(passed);
    for (std::size_t i = 1; i + 1 < reply.size(); i += 2) {
      const auto number = first + static_cast<std::uint64_t>(reply.at(i).integer().value_or(0));
      if (reply.at(i + 1).is_nil()) {
        if (number != first) walk->at.after.clear();
        walk->at.bucket = number;
        walk->inside = true;
        co_return Unit{};
      }
      add(walk, number, reply.at(i + 1), number == first ? walk->at.after : std::string{});
    }
    walk->at = Place{next, 0, {}};
    co_return Unit{};
  }

  Task<Status> scan_bucket(Walk* walk) {
    Commands commands;
    commands.command("HSCAN", 5).arg(space_->bucket(walk->at.bucket)).arg(std::to_string(walk->at.scan));
    commands.arg("COUNT").arg(static_cast<std::int64_t>(kScanCount));
    auto replies = co_await space_->ask(std::move(commands));
    if (!replies) co_return fail(std::move(replies).error());
    const auto reply = replies->front().view();
    const bool sound = reply.size() == 2 && reply.at(1).is_array();
    if (sound) add(walk, walk->at.bucket, reply.at(1), walk->at.after);
    const auto next = sound ? parse_u64(reply.at(0).text().value_or("")).value_or(0) : 0;
    walk->at = next == 0 ? Place{walk->at.bucket + 1, 0, {}} : Place{walk->at.bucket, next, {}};
    walk->inside = next != 0;
    co_return Unit{};
  }

  /// The records among these fields and values, by key, as far as they come after `after`.
  static void add(Walk* walk, std::uint64_t bucket, const ReplyView& entries, const std::string& after) {
    const auto first = walk->found.size();
    for (std::size_t i = 0; i + 1 < entries.size(); i += 2) {
      const auto key = entries.at(i).text().value_or("");
      if (key.empty() || key <= after) continue;
      auto record = decode_record(ObjectKey{std::string{key}}, entries.at(i + 1).text().value_or(""));
      if (!record.published && !record.consumed) continue;
      walk->found.push_back({std::move(record), bucket, walk->at.bucket == bucket ? walk->at.scan : 0});
    }
    std::sort(walk->found.begin() + static_cast<std::ptrdiff_t>(first), walk->found.end(),
              [](const Found& a, const Found& b) { return a.record.key < b.record.key; });
  }

  // ---- checkpoints

  [[nodiscard]] std::optional<Checkpoint> open_checkpoint(ObjectKey key, const ReplyView& reply) const {
    const auto sealed = reply.text();
    const auto plain = sealed ? seal_->open(*sealed, key.str()) : std::nullopt;
    if (!plain) return std::nullopt;
    return decode_checkpoint(std::move(key), *plain);
  }

  const std::shared_ptr<Client> client_;
  const std::shared_ptr<JobSpace> space_;
  const std::shared_ptr<Recorder> recorder_;
  const std::string failure_names_, failure_texts_, checkpoint_index_;
  std::optional<Seal> seal_;
};

}  // namespace

std::unique_ptr<StateStore> open_state(std::shared_ptr<Client> client, const Job& job, const StateOptions& options,
                                       Rng* rng) {
  return std::make_unique<RedisState>(std::move(client), job, options, rng);
}

}  // namespace ferry::redis
