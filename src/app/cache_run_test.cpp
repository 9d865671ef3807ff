#include "app/cache_run.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <csignal>

#include "domain/provenance.hpp"
#include "state/memory/memory_state.hpp"
#include "target/memory/memory_target.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::app {
namespace {

using Lines = std::vector<std::string>;
using memory::StateOp;

const Seconds kThen{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}};

/// Never answers; somebody loses patience.
class StuckTarget final : public ObjectTarget {
 public:
  Task<Result<TargetPage>> list(std::string, std::optional<std::string>, Detail) override {
    ::kill(::getpid(), SIGTERM);
    co_await system_clock()->sleep(std::chrono::hours{1});
    co_return refusal();
  }
  Task<Result<std::optional<TargetObject>>> stat(ObjectKey) override { co_return refusal(); }
  Task<Result<std::unique_ptr<Upload>>> begin(UploadSpec) override { co_return refusal(); }
  Task<Result<std::unique_ptr<Upload>>> resume(UploadSpec, UploadSession) override { co_return refusal(); }
  Task<Status> cancel(UploadSession) override { co_return refusal(); }
  Task<Status> remove(ObjectKey, Generation) override { co_return refusal(); }
  Task<Status> adopt(ObjectKey, Generation, std::int64_t, Provenance) override { co_return refusal(); }
  [[nodiscard]] std::uint64_t requests() const override { return 0; }

 private:
  static tl::unexpected<Error> refusal() { return fail(ErrorKind::kUnavailable, "stuck"); }
};

/// `cache` as it ships, around a state and a bucket in memory.
struct Office {
  Office() {
    settings.command = Command::kCache;
    settings.job = Job{BucketName{"src"}, "in/", BucketName{"dst"}, "out/"};
    screen.show = [](const std::string&) {};
    screen.print = [](const std::string&) {};
    screen.width = [] { return std::size_t{80}; };
  }

  CacheEnding run(CacheAction action) {
    settings.cache.action = action;
    CacheRooms rooms;
    rooms.state = state.get();
    rooms.make_clients = [this](Executor, Patience) -> Result<Clients> {
      Clients clients;
      clients.target = stuck ? std::make_unique<StuckTarget>() : memory::make_target(target);
      return clients;
    };
    rooms.print = [this](std::string_view line) { return print(line); };
    rooms.screen = &screen;
    rooms.clock = system_clock();
    auto ended = run_cache(settings, std::move(rooms));
    EXPECT_TRUE(ended) << ended.error().what;
    return ended ? *std::move(ended) : CacheEnding{};
  }
  Status print(std::string_view line) {
    if (lines.size() == lines_max) return fail(ErrorKind::kUnavailable, "stdout can't be written: Broken pipe");
    lines.emplace_back(line);
    return Unit{};
  }

  void publish(const std::string& key) {
    const std::vector<Published> one{{ObjectKey{key}, {ETag{"\"p\""}, kThen, std::nullopt}, kThen}};
    EXPECT_TRUE(testing::run(state->mark_published(one)));
  }
  void consume(const std::string& key, std::int64_t generation = 5) {
    const Receipt receipt{
        ObjectKey{key}, {ETag{"\"c\""}, kThen, VersionId{"v1"}}, Generation{generation}, Rung::kMd5, 17, kThen};
    EXPECT_TRUE(testing::run(state->record_consumed(receipt)));
  }
  void fail_key(const std::string& key) {
    const std::vector<Failure> one{
        {ObjectKey{key}, std::nullopt, FailureReason::kDenied, "read: 403\n: grant s3:GetObject", 3, kThen}};
    EXPECT_TRUE(testing::run(state->record_failures(one)));
  }
  Record known(const std::string& key) { return testing::run(state->lookup({ObjectKey{key}})).value().at(0); }

  /// An object that says it is a copy of `source`, of `size` bytes.
  Generation put(const std::string& key, const std::string& source, std::uint64_t size) {
    const Provenance said{source, {ETag{"\"t\""}, kThen, VersionId{"v2"}}, size, Rung::kCrc32c};
    return target->put(ObjectKey{key}, "body", to_metadata(said));
  }

  std::unique_ptr<memory::MemoryState> state = memory::make_state();
  std::shared_ptr<memory::TargetBucket> target = std::make_shared<memory::TargetBucket>();
  Settings settings;
  Screen screen;
  Lines lines;
  bool stuck = false;
  std::size_t lines_max = 1'000'000;
};

boost::json::object parsed(const std::string& line) { return boost::json::parse(line).as_object(); }

TEST(CacheRun, ListsEachMarkOnALine) {
  Office office;
  office.publish("in/a b");
  office.consume("in/a b");
  office.publish("in/\xff\t\n");
  const auto ending = office.run(CacheAction::kList);
  std::ranges::sort(office.lines);
  EXPECT_EQ(office.lines,
            (Lines{"consumed\t2026-01-02T00:00:00Z\t\"c\"\t2026-01-02T00:00:00Z\t5\tmd5\t17\tin/a b",
                   "published\t2026-01-02T00:00:00Z\t\"p\"\t2026-01-02T00:00:00Z\t-\t-\t-\tin/\\xff\\x09\\x0a",
                   "published\t2026-01-02T00:00:00Z\t\"p\"\t2026-01-02T00:00:00Z\t-\t-\t-\tin/a b"}));
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDone);
  EXPECT_EQ(page_of(ending), "");
  EXPECT_EQ(json_of(ending), "");
}

TEST(CacheRun, ListsJsonLinesThatHoldEveryKey) {
  Office office;
  office.settings.json = true;
  office.publish("in/\xff");
  office.consume("in/\"\n");
  office.run(CacheAction::kList);
  ASSERT_EQ(office.lines.size(), 2u);
  std::ranges::sort(office.lines, {}, [](const std::string& line) { return parsed(line).at("type").as_string(); });
  const auto consumed = parsed(office.lines[0]), published = parsed(office.lines[1]);
  EXPECT_EQ(consumed.at("key"), "in/\"\n");
  EXPECT_EQ(consumed.at("generation"), "5");
  EXPECT_EQ(consumed.at("check"), "md5");
  EXPECT_EQ(consumed.at("bytes"), 17);
  EXPECT_EQ(consumed.at("etag"), "\"c\"");
  EXPECT_EQ(consumed.at("modified"), "2026-01-02T00:00:00Z");
  EXPECT_EQ(consumed.at("version_id"), "v1");
  EXPECT_EQ(consumed.at("when"), "2026-01-02T00:00:00Z");
  EXPECT_EQ(published.at("type"), "published");
  EXPECT_EQ(published.at("key_base64"), "aW4v/w==");
}

TEST(CacheRun, ListsOneTypeOnly) {
  Office office;
  office.publish("in/a");
  office.consume("in/a");
  office.settings.cache.type = Mark::kConsumed;
  office.run(CacheAction::kList);
  ASSERT_EQ(office.lines.size(), 1u);
  EXPECT_TRUE(office.lines.front().starts_with("consumed\t"));
  office.lines.clear();
  office.settings.cache.type = Mark::kPublished;
  office.run(CacheAction::kList);
  ASSERT_EQ(office.lines.size(), 1u);
  EXPECT_TRUE(office.lines.front().starts_with("published\t"));
}

TEST(CacheRun, ListsMoreThanAPage) {
  Office office;
  for (int i = 0; i < 2'500; ++i) office.consume("in/" + std::to_string(i));
  EXPECT_EQ(office.run(CacheAction::kList).lines, 2'500u);
  std::ranges::sort(office.lines);
  EXPECT_EQ(std::ranges::unique(office.lines).size(), 0u);
}

TEST(CacheRun, SaysThatNothingIsRemembered) {
  Office office;
  const auto ending = office.run(CacheAction::kList);
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDone);
  EXPECT_EQ(page_of(ending), "Nothing is remembered of that.\n");
}

TEST(CacheRun, StopsWhenNobodyReads) {
  Office office;
  for (int i = 0; i < 50; ++i) office.consume("in/" + std::to_string(i));
  office.lines_max = 3;
  const auto ending = office.run(CacheAction::kList);
  EXPECT_EQ(office.lines.size(), 3u);
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDifferent);
  EXPECT_EQ(page_of(ending), "bucketferry: stdout can't be written: Broken pipe\n");
}

TEST(CacheRun, ShowsOneKey) {
  Office office;
  office.publish("in/a");
  office.consume("in/a");
  office.consume("in/ab");
  office.settings.cache.keys = {ObjectKey{"in/a"}};
  EXPECT_EQ(exit_code_of(office.run(CacheAction::kShow)), ExitCode::kDone);
  EXPECT_EQ(office.lines.size(), 2u);
  office.settings.cache.keys = {ObjectKey{"in/*"}};
  const auto ending = office.run(CacheAction::kShow);
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDifferent) << "keys are no patterns";
  EXPECT_EQ(page_of(ending), "Nothing is remembered of that.\n");
}

TEST(CacheRun, ForgetsNamedKeysAndNothingElse) {
  Office office;
  for (const auto* key : {"in/*", "in/a", "in/b"}) {
    office.publish(key);
    office.consume(key);
  }
  office.settings.cache.keys = {ObjectKey{"in/*"}, ObjectKey{"in/a"}, ObjectKey{"in/unknown"}};
  office.settings.cache.type = Mark::kPublished;
  auto ending = office.run(CacheAction::kDelete);
  EXPECT_EQ(page_of(ending), "Forgotten: 2 published. The next scan decides anew.\n");
  EXPECT_FALSE(office.known("in/a").published);
  EXPECT_TRUE(office.known("in/a").consumed);

  office.settings.cache.type.reset();
  ending = office.run(CacheAction::kDelete);
  EXPECT_EQ(page_of(ending), "Forgotten: 0 published and 2 consumed. The next scan decides anew.\n");
  EXPECT_FALSE(office.known("in/*").consumed);
  EXPECT_TRUE(office.known("in/b").published && office.known("in/b").consumed);
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDone);
  const auto object = parsed(json_of(ending));
  EXPECT_EQ(object.at("forgotten").at("consumed"), 2);
  EXPECT_EQ(object.at("job").as_string(), office.settings.job.id());
}

TEST(CacheRun, ForgetsAllOfAType) {
  Office office;
  for (int i = 0; i < 30; ++i) {
    office.publish("in/" + std::to_string(i));
    office.consume("in/" + std::to_string(i));
  }
  office.settings.cache.all = office.settings.cache.yes = true;
  office.settings.cache.type = Mark::kConsumed;
  EXPECT_EQ(office.run(CacheAction::kDelete).consumed, 30u);
  EXPECT_TRUE(office.known("in/7").published);
  office.settings.cache.type.reset();
  EXPECT_EQ(office.run(CacheAction::kDelete).published, 30u);
  EXPECT_EQ(office.run(CacheAction::kList).lines, 0u);
}

TEST(CacheRun, ShowsTheLedger) {
  Office office;
  EXPECT_EQ(page_of(office.run(CacheAction::kFailures)), "No failures.\n");
  for (int i = 0; i < 2'500; ++i) office.fail_key("in/" + std::to_string(i));
  EXPECT_EQ(exit_code_of(office.run(CacheAction::kFailures)), ExitCode::kDone);
  ASSERT_EQ(office.lines.size(), 2'500u);
  EXPECT_EQ(office.lines.front(), "denied\t2026-01-02T00:00:00Z\t3\tin/0\tread: 403\\x0a: grant s3:GetObject");
  office.settings.json = true;
  office.run(CacheAction::kFailures);
  const auto object = parsed(office.lines.back());
  EXPECT_EQ(object.at("reason"), "denied");
  EXPECT_EQ(object.at("attempts"), 3);
}

TEST(CacheRun, RebuildsConsumedMarksFromTheTarget) {
  Office office;
  const auto a = office.put("out/a", "s3://src/in/a", 4);
  office.put("out/b", "s3://src/in/b", 5);        // it has 4
  office.put("out/c", "s3://elsewhere/in/c", 4);  // another job's
  office.put("elsewhere", "s3://src/in/d", 4);
  office.target->put(ObjectKey{"out/foreign"}, "body");
  office.publish("in/a");
  office.consume("in/a", 7'000'000);  // of a bucket that was deleted since
  office.consume("in/gone");
  const auto ending = office.run(CacheAction::kRebuild);
  EXPECT_EQ(exit_code_of(ending), ExitCode::kDone);

  const auto known = office.known("in/a");
  ASSERT_TRUE(known.consumed);
  EXPECT_EQ(known.consumed->generation, a);
  EXPECT_EQ(known.consumed->version.etag.str(), "\"t\"");
  EXPECT_EQ(known.consumed->version.version_id, VersionId{"v2"});
  EXPECT_EQ(known.consumed->rung, Rung::kCrc32c);
  EXPECT_EQ(known.consumed->size, 4u);
  EXPECT_TRUE(known.published);
  for (const auto* key : {"in/b", "in/c", "in/d", "in/gone", "in/foreign"}) {
    EXPECT_FALSE(office.known(key).consumed) << key;
  }
  EXPECT_EQ(ending.listed, 4u);
  EXPECT_EQ(ending.recorded, 1u);
  EXPECT_EQ(ending.consumed, 2u);
  EXPECT_NE(page_of(ending).find("left out"), std::string::npos) << page_of(ending);
  const auto object = parsed(json_of(ending));
  EXPECT_EQ(object.at("recorded"), 1);
  EXPECT_EQ(object.at("forgotten").at("consumed"), 2);
}

TEST(CacheRun, RebuildsMoreThanAPage) {
  Office office;
  for (int i = 0; i < 2'500; ++i) {
    const auto name = std::to_string(i);
    office.put("out/" + name, "s3://src/in/" + name, 4);
  }
  EXPECT_EQ(office.run(CacheAction::kRebuild).recorded, 2'500u);
  EXPECT_EQ(office.run(CacheAction::kList).lines, 2'500u);
}

TEST(CacheRun, ForgetsNothingIfTheTargetCanNotBeListed) {
  Office office;
  office.consume("in/a");
  office.target->fail_next(memory::TargetOp::kList, Error{ErrorKind::kDenied, "list: 403"});
  const auto ending = office.run(CacheAction::kRebuild);
  EXPECT_EQ(exit_code_of(ending), ExitCode::kRefused);
  EXPECT_EQ(page_of(ending), "bucketferry: list: 403\n");
  EXPECT_TRUE(office.known("in/a").consumed);
  EXPECT_EQ(parsed(json_of(ending)).at("error"), "list: 403");
}

TEST(CacheRun, ASignalEndsIt) {
  Office office;
  office.stuck = true;
  office.consume("in/a");
  const auto ending = office.run(CacheAction::kRebuild);
  EXPECT_EQ(exit_code_of(ending), ExitCode::kInterrupted);
  EXPECT_EQ(page_of(ending), "Interrupted; the same command does it again.\n");
  EXPECT_EQ(parsed(json_of(ending)).at("interrupted"), true);
  EXPECT_TRUE(office.known("in/a").consumed);
}

TEST(CacheRun, AStateThatIsAwayIsAServiceThatRefusesUs) {
  const std::vector<std::pair<CacheAction, StateOp>> ways{
      {CacheAction::kList, StateOp::kList},         {CacheAction::kShow, StateOp::kLookup},
      {CacheAction::kFailures, StateOp::kFailures}, {CacheAction::kDelete, StateOp::kForget},
      {CacheAction::kRebuild, StateOp::kForget},    {CacheAction::kRebuild, StateOp::kRecordConsumed}};
  for (const auto& [action, operation] : ways) {
    Office office;
    office.put("out/a", "s3://src/in/a", 4);
    office.settings.cache.keys = {ObjectKey{"in/a"}};
    if (action == CacheAction::kRebuild) office.settings.cache.keys.clear();
    office.state->fail_next(operation, ErrorKind::kUnavailable);
    const auto ending = office.run(action);
    EXPECT_EQ(exit_code_of(ending), ExitCode::kRefused) << static_cast<int>(action);
    EXPECT_NE(page_of(ending).find("check the address and the network"), std::string::npos) << page_of(ending);
  }
}

}  // namespace
}  // namespace ferry::app
