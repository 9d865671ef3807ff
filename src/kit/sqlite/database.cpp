#include "kit/sqlite/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>

#include "kit/async/thread.hpp"
#include "kit/base/text.hpp"

namespace ferry::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMs = 100;             // for somebody who only looks at the file; a holder holds it for good
constexpr std::size_t kGroupMax = 1000;  // operations per transaction: bounds how long the first one waits
// Small transactions cost more in system calls and page writes than the work in them. So where many callers are at it,
// the next transaction waits for some of them: so long, or for so many.
constexpr std::chrono::milliseconds kGatherTime{2};
constexpr std::size_t kGatherMax = 64;
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

std::string name_of(const fs::path& file) { return "database " + printable(file.native()); }

tl::unexpected<Error> refuse(const fs::path& file, std::string_view why) {
  return fail(ErrorKind::kInvalid, name_of(file) + ": " + std::string{why});
}

std::string errno_text() { return std::system_category().message(errno); }

fs::path beside(const fs::path& file, const char* suffix) { return file.native() + suffix; }

/// Takes access away from everybody but the owner. The files beside it hold the same data.
Status restrict_access(const fs::path& file, std::vector<std::string>* warnings) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info{};
    const auto path = beside(file, suffix);
    if (::stat(path.c_str(), &info) != 0 || (info.st_mode & kOthers) == 0) continue;
    if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) {
      return refuse(file, "others have access to " + printable(path.native()) + " and it can't be taken away (" +
                              errno_text() + "): give the file to the user that runs this program");
    }
    if (warnings) warnings->push_back(name_of(path) + ": others had access to it; now only its owner has");
  }
  return Unit{};
}

void warn_of_open_folder(const fs::path& file, std::vector<std::string>* warnings) {
  struct stat info{};
  const auto folder = file.parent_path();
  if (!warnings || ::stat(folder.c_str(), &info) != 0) return;
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (info.st_mode & S_ISVTX) == 0) {
    warnings->push_back(name_of(file) + ": others may replace it, its folder is writable for them: use chmod go-w on " +
                        printable(folder.native()));
  }
}

/// SQLite would create the file with the umask's mode.
Status prepare_file(const fs::path& file, std::vector<std::string>* warnings) {
  const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (made >= 0) {
    ::close(made);
  } else if (errno != EEXIST) {
    return refuse(file,
                  "can't be created (" + errno_text() + "): choose a place that exists and that you can write to");
  } else {
    struct stat info{};
    if (::stat(file.c_str(), &info) != 0) return refuse(file, "can't be used (" + errno_text() + ")");
    if (!S_ISREG(info.st_mode)) return refuse(file, "isn't a regular file: choose another name");
    if (auto done = restrict_access(file, warnings); !done) return done;
  }
  warn_of_open_folder(file, warnings);
  return Unit{};
}

/// A clean close removes the write-ahead log.
bool was_killed(const fs::path& file) {
  std::error_code none;
  const auto bytes = fs::file_size(beside(file, "-wal"), none);
  return !none && bytes > 0;
}

std::int64_t pragma(SQLite::Database& connection, const char* name) {
  return connection.execAndGet(std::string{"PRAGMA "} + name).getInt64();
}

/// In exclusive mode a lock once taken is kept until the connection is closed or the process ends.
void lock_for_this_process(SQLite::Database& connection) {
  connection.exec("PRAGMA locking_mode=EXCLUSIVE");
  connection.exec("PRAGMA cell_size_check=ON");  // meets damage before it is acted upon
  connection.exec("BEGIN EXCLUSIVE");
  connection.exec("COMMIT");
}

void configure(SQLite::Database& connection) {
  connection.exec("PRAGMA journal_mode=WAL");
  connection.exec("PRAGMA synchronous=NORMAL");
  connection.exec("PRAGMA cache_size=-16384");
  connection.exec("PRAGMA trusted_schema=OFF");
}

bool is_empty(SQLite::Database& connection) {
  return connection.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
}

void create_tables(SQLite::Database& connection, const Schema& schema) {
  connection.exec("BEGIN IMMEDIATE");
  connection.exec(schema.sql);
  connection.exec("PRAGMA application_id=" + std::to_string(schema.application_id));
  connection.exec("PRAGMA user_version=" + std::to_string(schema.version));
  connection.exec("COMMIT");
}

/// An empty file is fine; anything else must be ours, and of a version that we know.
Status check_kind(SQLite::Database& connection, const fs::path& file, const Schema& schema) {
  if (is_empty(connection)) return Unit{};
  if (pragma(connection, "application_id") != schema.application_id) {
    return refuse(file, "was made by another program and is left as it is: choose another file");
  }
  const auto version = pragma(connection, "user_version");
  if (version > schema.version) {
    return refuse(file, "was written by a newer release (schema " + std::to_string(version) + ", this one knows " +
                            std::to_string(schema.version) + "): use that release, or " + schema.rebuild_hint);
  }
  if (version < schema.version) {
    return refuse(
        file, "has a schema that this release doesn't read (" + std::to_string(version) + "): " + schema.rebuild_hint);
  }
  return Unit{};
}

Status check_for_damage(SQLite::Database& connection, const fs::path& file, const Schema& schema) {
  const auto verdict = connection.execAndGet("PRAGMA quick_check(1)").getString();
  if (verdict == "ok") return Unit{};
  return refuse(file, "is damaged (" + printable(verdict) + "): " + schema.rebuild_hint);
}

Status bring_up(SQLite::Database& connection, const fs::path& file, const Schema& schema, bool suspicious) {
  lock_for_this_process(connection);
  if (auto ours = check_kind(connection, file, schema); !ours) return ours;
  configure(connection);
  if (suspicious) {
    if (auto sound = check_for_damage(connection, file, schema); !sound) return sound;
  }
  if (is_empty(connection)) create_tables(connection, schema);
  return Unit{};
}

Error explain(const fs::path& file, const Schema& schema, const SQLite::Exception& failure) {
  const auto text = [&](std::string_view what, std::string_view remedy) {
    return name_of(file) + ": " + std::string{what} + " (" + failure.what() + "): " + std::string{remedy};
  };
  switch (failure.getErrorCode()) {
    case SQLITE_FULL: return {ErrorKind::kUnavailable, text("the disk is full", "free some space")};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {ErrorKind::kUnavailable,
              text("another process is using it", "wait until that has ended, or use another file")};
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
      return {ErrorKind::kUnavailable, text("can't be read or written for now", "check the disk and its free space")};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {ErrorKind::kInvalid, text("is damaged, or isn't a database", schema.rebuild_hint)};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return {ErrorKind::kInvalid,
              text("can't be opened for writing", "check the permissions of the file and its folder")};
    default: return {ErrorKind::kInvalid, text("can't be used", schema.rebuild_hint)};
  }
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const fs::path& file, Schema schema,
                                                 std::vector<std::string>* warnings) {
  // Absolute: a relative name could look like a URI ("file:…?mode=ro").
  const auto path = fs::absolute(file);
  if (auto prepared = prepare_file(path, warnings); !prepared) return fail(std::move(prepared).error());
  const bool suspicious = was_killed(path);
  try {
    SQLite::Database connection{path.native(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, kBusyMs};
    if (auto up = bring_up(connection, path, schema, suspicious); !up) return fail(std::move(up).error());
    return std::unique_ptr<Database>{new Database(path, std::move(schema), std::move(connection))};
  } catch (const SQLite::Exception& failure) {
    auto error = explain(path, schema, failure);
    error.kind = ErrorKind::kInvalid;
    return fail(std::move(error));
  }
}

Database::Database(fs::path file, Schema schema, SQLite::Database connection)
    : file_(std::move(file)),
      schema_(std::move(schema)),
      connection_(std::move(connection)),
      begin_read_(connection_, "BEGIN"),
      begin_write_(connection_, "BEGIN IMMEDIATE"),
      commit_(connection_, "COMMIT"),
      rollback_(connection_, "ROLLBACK"),
      thread_(start_thread([this] { serve(); })) {}

Database::~Database() { stop(); }

void Database::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Error Database::describe(const SQLite::Exception& failure) const { return explain(file_, schema_, failure); }

void Database::submit(std::shared_ptr<Operation> operation) {
  bool awaited = false;
  {
    const std::lock_guard lock{mutex_};
    assert(!stopping_ && "no work after stop()");
    waiting_.push_back(std::move(operation));
    awaited = waiting_.size() == 1 || waiting_.size() == kGatherMax;
  }
  if (awaited) arrived_.notify_one();
}

void Database::serve() {
  Operations group;
  while (take_waiting(&group)) {
    for (std::span<const std::shared_ptr<Operation>> rest{group}; !rest.empty();) {
      const auto together = rest.first(std::min(rest.size(), kGroupMax));
      rest = rest.subspan(together.size());
      run_all(together);
      wake(together);
    }
    group.clear();
  }
}

void Database::wake(std::span<const std::shared_ptr<Operation>> operations) {
  std::vector<Wake*> callers;
  callers.reserve(operations.size());
  for (const auto& operation : operations) callers.push_back(&operation->done);
  Wake::set_all(callers);
}

bool Database::take_waiting(Operations* into) {
  std::unique_lock lock{mutex_};
  arrived_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  if (many_at_once_)
    arrived_.wait_for(lock, kGatherTime, [this] { return stopping_ || waiting_.size() >= kGatherMax; });
  many_at_once_ = waiting_.size() > 1;
  std::swap(*into, waiting_);
  return !into->empty();
}

/// Together, if that works: one commit for all. Else each by itself, so that none fails for another's reason.
void Database::run_all(std::span<const std::shared_ptr<Operation>> operations) {
  auto failure = transact(operations);
  if (!failure) return;
  if (operations.size() == 1) {
    operations.front()->error = std::move(failure);
    return;
  }
  for (std::size_t i = 0; i < operations.size(); ++i) operations[i]->error = transact(operations.subspan(i, 1));
}

std::optional<Error> Database::transact(std::span<const std::shared_ptr<Operation>> operations) {
  bool writes = false;
  for (const auto& operation : operations) writes |= operation->writes;
  const auto execute = [](SQLite::Statement& statement) {
    statement.tryReset();
    statement.exec();
    statement.tryReset();
  };
  try {
    execute(writes ? begin_write_ : begin_read_);
    for (const auto& operation : operations) operation->run(connection_);
    execute(commit_);
    return std::nullopt;
  } catch (const SQLite::Exception& failure) {
    auto error = describe(failure);
    commit_.tryReset();
    if (sqlite3_get_autocommit(connection_.getHandle()) == 0) {  // else SQLite has rolled back by itself
      rollback_.tryReset();
      rollback_.tryExecuteStep();
      rollback_.tryReset();
    }
    return error;
  }
}

}  // namespace ferry::sqlite
