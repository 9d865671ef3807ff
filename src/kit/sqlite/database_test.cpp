#include "kit/sqlite/database.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <array>
#include <future>
#include <optional>

#include "kit/async/task_group.hpp"
#include "kit/sqlite/query.hpp"
#include "testing/base/simulated_clock.hpp"
#include "testing/base/temporary_folder.hpp"

namespace ferry::sqlite {
namespace {

using ::testing::HasSubstr;

class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = open().value();
    insert_ = std::make_unique<SQLite::Statement>(database_->connection(), "INSERT INTO item VALUES (?)");
  }
  void TearDown() override {
    database_->stop();
    insert_.reset();
  }

  Result<std::unique_ptr<Database>> open() {
    return Database::open(folder_.path() / "test.db",
                          {1234, 1, "CREATE TABLE item (name BLOB PRIMARY KEY)", "move it away"}, nullptr);
  }
  Task<Status> insert(std::string name) {
    return database_->write([this, name = std::move(name)](SQLite::Database&) {
      Query query{insert_.get()};
      query.bind(name).run();
      return Unit{};
    });
  }
  Task<Result<int>> count() {
    return database_->read(
        [](SQLite::Database& connection) { return connection.execAndGet("SELECT count(*) FROM item").getInt(); });
  }
  Task<Result<int>> pragma(std::string text) {
    return database_->read([text = std::move(text)](SQLite::Database& connection) {
      return connection.execAndGet("PRAGMA " + text).getInt();
    });
  }
  static Task<> keep(Task<Status> task, std::optional<Status>* into) { *into = co_await std::move(task); }

  testing::TemporaryFolder folder_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<SQLite::Statement> insert_;
};

TEST_F(DatabaseTest, ReturnsWhatTheWorkReturns) {
  ASSERT_TRUE(testing::run(insert("a")));
  EXPECT_EQ(testing::run(count()), 1);
}

TEST_F(DatabaseTest, SharesATransactionAmongWorkThatArrivesTogether) {
  // The first work blocks the thread until all others wait: they must then be committed by one transaction.
  constexpr int kOthers = 100;
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  std::promise<void> all_wait;
  int commits = 0;
  sqlite3_commit_hook(
      database_->connection().getHandle(), [](void* counter) { return ++*static_cast<int*>(counter), 0; }, &commits);
  std::optional<Status> first;
  group.spawn(keep(database_->write([&all_wait](SQLite::Database&) {
    all_wait.get_future().wait();
    return Unit{};
  }),
                   &first));
  std::vector<std::optional<Status>> others(kOthers);
  for (int i = 0; i < kOthers; ++i) group.spawn(keep(insert(std::to_string(i)), &others[static_cast<std::size_t>(i)]));
  context.poll();
  all_wait.set_value();
  testing::run(context, group.join());
  for (const auto& other : others) EXPECT_TRUE(other && *other);
  EXPECT_LE(commits, 2 + 1) << "the first, perhaps some that arrived with it, and all others";
  EXPECT_EQ(testing::run(count()), kOthers);
}

TEST_F(DatabaseTest, WorkThatFailsDoesNotFailItsNeighbours) {
  ASSERT_TRUE(testing::run(insert("twice")));
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  std::array<std::optional<Status>, 3> results;
  group.spawn(keep(insert("a"), &results[0]));
  group.spawn(keep(insert("twice"), &results[1]));
  group.spawn(keep(insert("b"), &results[2]));
  testing::run(context, group.join());
  EXPECT_TRUE(results[0]->has_value());
  EXPECT_FALSE(results[1]->has_value());
  EXPECT_TRUE(results[2]->has_value());
  EXPECT_EQ(testing::run(count()), 3);
}

TEST_F(DatabaseTest, FailedWorkLeavesNothingHalfDone) {
  auto half_done = database_->write([this](SQLite::Database& connection) {
    Query{insert_.get()}.bind("half").run();
    connection.exec("INSERT INTO no_such_table VALUES (1)");
    return Unit{};
  });
  EXPECT_FALSE(testing::run(std::move(half_done)));
  EXPECT_EQ(testing::run(count()), 0);
}

TEST_F(DatabaseTest, SaysThatTheDiskIsFullAndGoesOnWhenThereIsSpace_F116) {
  const auto pages = testing::run(pragma("page_count")).value();
  ASSERT_TRUE(testing::run(pragma("max_page_count=" + std::to_string(pages + 2))));
  Status last = Unit{};
  int inserted = 0;
  while (last && inserted < 10'000) {
    last = testing::run(insert(std::to_string(inserted) + std::string(1000, 'x')));
    if (last) ++inserted;
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(last.error().what, HasSubstr("the disk is full"));
  EXPECT_EQ(testing::run(count()), inserted);
  ASSERT_TRUE(testing::run(pragma("max_page_count=1000000")));
  EXPECT_TRUE(testing::run(insert("fits")));
}

TEST_F(DatabaseTest, DoesWhatWasHandedOverBeforeItStops) {
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  std::array<std::optional<Status>, 50> results;
  for (std::size_t i = 0; i < results.size(); ++i) group.spawn(keep(insert(std::to_string(i)), &results[i]));
  context.poll();
  database_->stop();
  testing::run(context, group.join());
  for (const auto& result : results) EXPECT_TRUE(result && *result);
}

TEST_F(DatabaseTest, ACancelledCallerDoesNotWait) {
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  std::promise<void> go_on;
  std::optional<Status> result;
  group.spawn(keep(database_->write([wait = go_on.get_future().share()](SQLite::Database&) {
    wait.wait();
    return Unit{};
  }),
                   &result));
  context.poll();
  group.cancel();
  testing::run(context, group.join());
  EXPECT_FALSE(result) << "it has ended while its work still runs";
  go_on.set_value();
  EXPECT_TRUE(testing::run(insert("after")));
}

}  // namespace
}  // namespace ferry::sqlite
