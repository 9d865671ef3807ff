#pragma once
// One SQLite file on a thread of its own. Coroutines hand work over and are resumed on their own executors; work that
// arrives while a transaction runs shares the next one (group commit). Where several are at it the next one also waits
// a moment (2 ms) for more of them; a caller on its own never waits.

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kit/async/task.hpp"
#include "kit/async/wake.hpp"
#include "kit/base/error.hpp"

namespace ferry::sqlite {

/// What kind of file it is. A file of another kind is refused and left as it is.
struct Schema {
  std::int32_t application_id;  ///< tells our files from everybody else's
  int version;                  ///< a file of a higher version is refused
  std::string sql;              ///< makes the tables in an empty file
  std::string rebuild_hint;     ///< what to do with a damaged file: "move it away; …"
};

class Database {
 public:
  /// Opens or creates `file`, readable by its owner only (WAL, synchronous=NORMAL: what was committed survives a killed
  /// process). It is locked for this process until the Database is destroyed or the process ends, however it ends.
  /// A file that was not closed cleanly is checked for damage first.
  /// @param warnings  gets a line for each thing that was put right or that a person should look at
  /// @error kInvalid  held by another process, newer, damaged, not ours, can't be created or written; says what to do
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, Schema schema,
                                                std::vector<std::string>* warnings);
  ~Database();  ///< stops, then closes cleanly
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs `work(connection)` on the database's thread inside of a transaction and returns its value once that is
  /// committed. `work` may throw SQLite::Exception, and may be called twice: when a transaction shared with others
  /// failed, each is tried again by itself. A caller that is cancelled does not wait; its work may still be done.
  /// @error kUnavailable  disk full, I/O error, no memory: nothing of `work` was done; later it may succeed
  /// @error kInvalid      the file is damaged; says what to do
  template <std::invocable<SQLite::Database&> Work>
  auto read(Work work) -> Task<Result<std::invoke_result_t<Work&, SQLite::Database&>>> {
    return perform(std::make_shared<Job<Work>>(false, std::move(work)));
  }
  template <std::invocable<SQLite::Database&> Work>
  auto write(Work work) -> Task<Result<std::invoke_result_t<Work&, SQLite::Database&>>> {
    return perform(std::make_shared<Job<Work>>(true, std::move(work)));
  }

  /// Does what was handed over, then ends the thread. No work may be handed over any more.
  void stop();

  /// The connection, for preparing statements before the first read() or write(), and for dropping them after stop().
  [[nodiscard]] SQLite::Database& connection() { return connection_; }

  [[nodiscard]] Error describe(const SQLite::Exception& failure) const;

 private:
  class Operation {
   public:
    explicit Operation(bool writes_too) : writes(writes_too) {}
    virtual ~Operation() = default;
    virtual void run(SQLite::Database& connection) = 0;

    const bool writes;
    Wake done;
    std::optional<Error> error;
  };

  template <class Work>
  struct Job final : Operation {
    using Value = std::invoke_result_t<Work&, SQLite::Database&>;
    Job(bool writes_too, Work what) : Operation(writes_too), work(std::move(what)) {}
    void run(SQLite::Database& connection) override { value.emplace(work(connection)); }
    Work work;
    std::optional<Value> value;
  };

  template <class Work>
  Task<Result<typename Job<Work>::Value>> perform(std::shared_ptr<Job<Work>> job) {
    submit(job);
    co_await job->done.wait();
    if (job->error) co_return fail(*std::move(job->error));
    co_return *std::move(job->value);
  }

  using Operations = std::vector<std::shared_ptr<Operation>>;

  Database(std::filesystem::path file, Schema schema, SQLite::Database connection);
  void submit(std::shared_ptr<Operation> operation);
  void serve();
  bool take_waiting(Operations* into);
  static void wake(std::span<const std::shared_ptr<Operation>> operations);
  void run_all(std::span<const std::shared_ptr<Operation>> operations);
  std::optional<Error> transact(std::span<const std::shared_ptr<Operation>> operations);

  const std::filesystem::path file_;
  const Schema schema_;
  SQLite::Database connection_;
  SQLite::Statement begin_read_, begin_write_, commit_, rollback_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  Operations waiting_;
  bool stopping_ = false;
  bool many_at_once_ = false;  // the last group had several callers; only the database's thread looks
  std::thread thread_;
};

}  // namespace ferry::sqlite
