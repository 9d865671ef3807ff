#include "state/sqlite/sqlite_state.hpp"

#include <cassert>
#include <limits>
#include <utility>

#include "kit/sqlite/database.hpp"
#include "kit/sqlite/query.hpp"

namespace ferry::sqlite {
namespace {

// Names of objects and texts from outside are blobs: bytes, compared as bytes. Only our own words are text.
// An entry with a value that can't be (wrong type, unknown word) is treated as absent: state is a cache.
Schema schema() {
  return {0x66657272,  // "ferr"
          1,
          R"sql(
CREATE TABLE job (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description BLOB NOT NULL,
  used_at INTEGER NOT NULL);
CREATE TABLE object (
  job INTEGER, key BLOB,
  published_etag BLOB, published_modified INTEGER, published_version_id BLOB, published_at INTEGER,
  consumed_etag BLOB, consumed_modified INTEGER, consumed_version_id BLOB, consumed_at INTEGER,
  generation INTEGER, rung TEXT, size INTEGER,
  PRIMARY KEY (job, key)) WITHOUT ROWID;
CREATE TABLE failure (
  job INTEGER, key BLOB,
  etag BLOB, modified INTEGER, version_id BLOB,
  reason TEXT, what BLOB, attempts INTEGER, failed_at INTEGER,
  PRIMARY KEY (job, key)) WITHOUT ROWID;
CREATE TABLE checkpoint (
  job INTEGER, key BLOB,
  etag BLOB, modified INTEGER, version_id BLOB,
  session BLOB, "offset" INTEGER, hashes BLOB,
  PRIMARY KEY (job, key)) WITHOUT ROWID;
)sql",
          "move it away; nothing is lost, the next run rebuilds it from the target"};
}

constexpr const char* kMarkPublished = R"sql(
INSERT INTO object (job, key, published_etag, published_modified, published_version_id, published_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET (published_etag, published_modified, published_version_id, published_at) =
  (excluded.published_etag, excluded.published_modified, excluded.published_version_id, excluded.published_at))sql";

// The fence: a lower generation never replaces a higher one. A generation that is no number fences nothing.
constexpr const char* kRecordConsumed = R"sql(
INSERT INTO object (job, key, consumed_etag, consumed_modified, consumed_version_id, consumed_at, generation, rung, size)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET (consumed_etag, consumed_modified, consumed_version_id, consumed_at, generation, rung, size) =
  (excluded.consumed_etag, excluded.consumed_modified, excluded.consumed_version_id, excluded.consumed_at,
   excluded.generation, excluded.rung, excluded.size)
WHERE typeof(generation) <> 'integer' OR generation <= excluded.generation)sql";

constexpr const char* kRecordColumns =
    "SELECT key, published_etag, published_modified, published_version_id, published_at, consumed_etag, "
    "consumed_modified,"
    " consumed_version_id, consumed_at, generation, rung, size FROM object ";
constexpr const char* kFailureColumns =
    "SELECT key, etag, modified, version_id, reason, what, attempts, failed_at FROM failure ";
constexpr const char* kCheckpointColumns =
    "SELECT key, etag, modified, version_id, session, \"offset\", hashes FROM checkpoint ";
constexpr const char* kOne = "WHERE job = ? AND key = ?";
constexpr const char* kPage = "WHERE job = ? AND key > ? ORDER BY key LIMIT ?";

constexpr const char* kForgetPublished =
    "UPDATE object SET published_etag = NULL, published_modified = NULL, published_version_id = NULL,"
    " published_at = NULL WHERE published_etag IS NOT NULL AND job = ?";
constexpr const char* kForgetConsumed =
    "UPDATE object SET consumed_etag = NULL, consumed_modified = NULL, consumed_version_id = NULL,"
    " consumed_at = NULL, generation = NULL, rung = NULL, size = NULL WHERE consumed_etag IS NOT NULL AND job = ?";

struct Statements {
  explicit Statements(SQLite::Database& db)
      : mark_published(db, kMarkPublished),
        record_consumed(db, kRecordConsumed),
        lookup(db, std::string{kRecordColumns} + kOne),
        list(db, std::string{kRecordColumns} + kPage),
        forget_published(db, std::string{kForgetPublished} + " AND key = ?"),
        forget_consumed(db, std::string{kForgetConsumed} + " AND key = ?"),
        forget_all_published(db, kForgetPublished),
        forget_all_consumed(db, kForgetConsumed),
        record_failure(db,
                       "INSERT OR REPLACE INTO failure (job, key, etag, modified, version_id, reason, what, attempts,"
                       " failed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        clear_failure(db, std::string{"DELETE FROM failure "} + kOne),
        failures(db, std::string{kFailureColumns} + kPage),
        count_failures(db, "SELECT count(*) FROM failure WHERE job = ?"),
        save_checkpoint(db,
                        "INSERT OR REPLACE INTO checkpoint (job, key, etag, modified, version_id, session, \"offset\","
                        " hashes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
        load_checkpoint(db, std::string{kCheckpointColumns} + kOne),
        drop_checkpoint(db, std::string{"DELETE FROM checkpoint "} + kOne),
        checkpoints(db, std::string{kCheckpointColumns} + "WHERE job = ? ORDER BY key") {}

  SQLite::Statement mark_published, record_consumed, lookup, list;
  SQLite::Statement forget_published, forget_consumed, forget_all_published, forget_all_consumed;
  SQLite::Statement record_failure, clear_failure, failures, count_failures;
  SQLite::Statement save_checkpoint, load_checkpoint, drop_checkpoint, checkpoints;
};

// ---- values in and out

/// Cursors of record pages are keys here.
std::optional<ObjectKey> key_of(std::optional<std::string> cursor) {
  return cursor ? std::optional{ObjectKey{*std::move(cursor)}} : std::nullopt;
}
std::optional<std::string> cursor_of(const std::optional<ObjectKey>& next) {
  return next ? std::optional{next->str()} : std::nullopt;
}

std::int64_t to_number(Seconds time) { return time.time_since_epoch().count(); }

void bind_version(Query& query, const Version& version) {
  query.bind(version.etag.str()).bind(to_number(version.modified));
  if (version.version_id) {
    query.bind(version.version_id->str());
  } else {
    query.bind_null();
  }
}

std::optional<Seconds> time_at(const Query& row, int column) {
  const auto number = row.integer(column);
  if (!number) return std::nullopt;
  return Seconds{std::chrono::seconds{*number}};
}

std::optional<std::uint64_t> size_at(const Query& row, int column) {
  const auto number = row.integer(column);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

/// Three columns from `first` on: etag, modified, version id.
std::optional<Version> version_at(const Query& row, int first) {
  auto etag = row.blob(first);
  const auto modified = time_at(row, first + 1);
  auto id = row.blob(first + 2);
  if (!etag || !modified || (!id && !row.is_null(first + 2))) return std::nullopt;
  Version version{ETag{*std::move(etag)}, *modified, std::nullopt};
  if (id) version.version_id = VersionId{*std::move(id)};
  return version;
}

std::optional<Published> published_at(const Query& row, const ObjectKey& key) {
  auto version = version_at(row, 1);
  const auto when = time_at(row, 4);
  if (!version || !when) return std::nullopt;
  return Published{key, *std::move(version), *when};
}

std::optional<Receipt> consumed_at(const Query& row, const ObjectKey& key) {
  auto version = version_at(row, 5);
  const auto when = time_at(row, 8);
  const auto generation = row.integer(9);
  const auto word = row.text(10);
  const auto rung = word ? parse_rung(*word) : std::nullopt;
  const auto size = size_at(row, 11);
  if (!version || !when || !generation || !rung || !size) return std::nullopt;
  return Receipt{key, *std::move(version), Generation{*generation}, *rung, *size, *when};
}

Record record_at(const Query& row, ObjectKey key) {
  Record record{std::move(key), std::nullopt, std::nullopt};
  record.published = published_at(row, record.key);
  record.consumed = consumed_at(row, record.key);
  return record;
}

std::optional<Failure> failure_at(const Query& row, ObjectKey key) {
  const bool versioned = !row.is_null(1) || !row.is_null(2) || !row.is_null(3);
  auto version = version_at(row, 1);
  const auto word = row.text(4);
  const auto reason = word ? parse_failure_reason(*word) : std::nullopt;
  auto what = row.blob(5);
  const auto attempts = size_at(row, 6);
  const auto when = time_at(row, 7);
  if ((versioned && !version) || !reason || !what || !when) return std::nullopt;
  if (!attempts || *attempts > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return Failure{std::move(key), std::move(version), *reason, *std::move(what), static_cast<std::uint32_t>(*attempts),
                 *when};
}

// Hash states: for each its name and its bytes, both after a length of four bytes, little end first.

void append_sized(std::string* to, std::string_view bytes) {
  for (int shift = 0; shift < 32; shift += 8) to->push_back(static_cast<char>((bytes.size() >> shift) & 0xff));
  to->append(bytes);
}

std::optional<std::string> take_sized(std::string_view* from) {
  if (from->size() < 4) return std::nullopt;
  std::size_t length = 0;
  for (int i = 0; i < 4; ++i)
    length |= std::size_t{static_cast<unsigned char>((*from)[static_cast<std::size_t>(i)])} << (8 * i);
  from->remove_prefix(4);
  if (from->size() < length) return std::nullopt;
  std::string bytes{from->substr(0, length)};
  from->remove_prefix(length);
  return bytes;
}

std::string pack_hashes(const std::map<std::string, std::string>& hashes) {
  std::string packed;
  for (const auto& [name, state] : hashes) {
    append_sized(&packed, name);
    append_sized(&packed, state);
  }
  return packed;
}

std::optional<std::map<std::string, std::string>> unpack_hashes(std::string_view packed) {
  std::map<std::string, std::string> hashes;
  while (!packed.empty()) {
    auto name = take_sized(&packed);
    auto state = name ? take_sized(&packed) : std::nullopt;
    if (!state) return std::nullopt;
    hashes.insert_or_assign(*std::move(name), *std::move(state));
  }
  return hashes;
}

std::optional<Checkpoint> checkpoint_at(const Query& row, ObjectKey key) {
  auto version = version_at(row, 1);
  auto session = row.blob(4);
  const auto offset = size_at(row, 5);
  const auto packed = row.blob(6);
  auto hashes = packed ? unpack_hashes(*packed) : std::nullopt;
  if (!version || !session || !offset || !hashes) return std::nullopt;
  return Checkpoint{std::move(key), *std::move(version), *std::move(session), *offset, *std::move(hashes)};
}

// ---- the store

class SqliteState final : public StateStore {
 public:
  /// Throws SQLite::Exception.
  SqliteState(std::shared_ptr<Database> database, const Job& job, Clock* clock)
      : database_(std::move(database)),
        job_(enter(job, clock)),
        failures_known_(any_of("failure")),
        checkpoints_known_(any_of("checkpoint")),
        statements_(database_->connection()) {}
  ~SqliteState() override { database_->stop(); }

  Task<Status> mark_published(std::vector<Published> published) override {
    return database_->write([this, published = std::move(published)](SQLite::Database&) {
      for (const auto& one : published) {
        Query insert{&statements_.mark_published};
        insert.bind(job_).bind(one.key.str());
        bind_version(insert, one.version);
        insert.bind(to_number(one.when)).run();
      }
      return Unit{};
    });
  }

  Task<Result<std::vector<Record>>> lookup(std::vector<ObjectKey> keys) override {
    return database_->read([this, keys = std::move(keys)](SQLite::Database&) {
      std::vector<Record> records;
      records.reserve(keys.size());
      for (const auto& key : keys) {
        Query find{&statements_.lookup};
        find.bind(job_).bind(key.str());
        records.push_back(find.next() ? record_at(find, key) : Record{key, std::nullopt, std::nullopt});
      }
      return records;
    });
  }

  Task<Status> record_consumed(Receipt receipt) override {
    return database_->write([this, receipt = std::move(receipt)](SQLite::Database&) {
      Query insert{&statements_.record_consumed};
      insert.bind(job_).bind(receipt.key.str());
      bind_version(insert, receipt.version);
      insert.bind(to_number(receipt.when)).bind(receipt.generation.value);
      insert.bind_text(to_string(receipt.rung)).bind(static_cast<std::int64_t>(receipt.size));
      const bool fenced = insert.run() == 0;
      if (fenced) return Unit{};
      if (failures_known_) remove(&statements_.clear_failure, receipt.key);
      if (checkpoints_known_) remove(&statements_.drop_checkpoint, receipt.key);
      return Unit{};
    });
  }

  Task<Result<RecordPage>> list(std::optional<std::string> cursor, std::size_t limit) override {
    auto after = key_of(std::move(cursor));
    return database_->read([this, after = std::move(after), limit](SQLite::Database&) {
      RecordPage page;
      page.next = cursor_of(read_page(&statements_.list, after, limit, [&page](const Query& row, ObjectKey key) {
        auto record = record_at(row, std::move(key));
        if (record.published || record.consumed) page.records.push_back(std::move(record));
      }));
      return page;
    });
  }

  Task<Result<std::uint64_t>> forget(Mark mark, std::vector<ObjectKey> keys) override {
    return database_->write([this, mark, keys = std::move(keys)](SQLite::Database&) {
      std::uint64_t count = 0;
      for (const auto& key : keys) {
        Query query{mark == Mark::kPublished ? &statements_.forget_published : &statements_.forget_consumed};
        count += static_cast<std::uint64_t>(query.bind(job_).bind(key.str()).run());
      }
      return count;
    });
  }

  Task<Result<std::uint64_t>> forget_all(Mark mark) override {
    return database_->write([this, mark](SQLite::Database&) {
      Query query{mark == Mark::kPublished ? &statements_.forget_all_published : &statements_.forget_all_consumed};
      return static_cast<std::uint64_t>(query.bind(job_).run());
    });
  }

  Task<Status> record_failures(std::vector<Failure> failures) override {
    return database_->write([this, failures = std::move(failures)](SQLite::Database&) {
      failures_known_ = true;
      for (const auto& failure : failures) insert_failure(failure);
      return Unit{};
    });
  }

  Task<Status> clear_failures(std::vector<ObjectKey> keys) override {
    return database_->write([this, keys = std::move(keys)](SQLite::Database&) {
      for (const auto& key : keys) remove(&statements_.clear_failure, key);
      return Unit{};
    });
  }

  Task<Result<FailurePage>> failures(std::optional<ObjectKey> after, std::size_t limit) override {
    return database_->read([this, after = std::move(after), limit](SQLite::Database&) {
      FailurePage page;
      page.next = read_page(&statements_.failures, after, limit, [&page](const Query& row, ObjectKey key) {
        if (auto failure = failure_at(row, std::move(key))) page.failures.push_back(*std::move(failure));
      });
      return page;
    });
  }

  Task<Result<std::uint64_t>> failure_count() override {
    return database_->read([this](SQLite::Database&) {
      Query select{&statements_.count_failures};
      const bool found = select.bind(job_).next();
      return found ? size_at(select, 0).value_or(0) : std::uint64_t{0};
    });
  }

  Task<Status> save_checkpoint(Checkpoint checkpoint) override {
    return database_->write([this, checkpoint = std::move(checkpoint)](SQLite::Database&) {
      checkpoints_known_ = true;
      const auto hashes = pack_hashes(checkpoint.hashes);
      Query insert{&statements_.save_checkpoint};
      insert.bind(job_).bind(checkpoint.key.str());
      bind_version(insert, checkpoint.version);
      insert.bind(checkpoint.session).bind(static_cast<std::int64_t>(checkpoint.offset)).bind(hashes).run();
      return Unit{};
    });
  }

  Task<Result<std::optional<Checkpoint>>> load_checkpoint(ObjectKey key) override {
    return database_->read([this, key = std::move(key)](SQLite::Database&) {
      Query find{&statements_.load_checkpoint};
      find.bind(job_).bind(key.str());
      return find.next() ? checkpoint_at(find, key) : std::nullopt;
    });
  }

  Task<Status> drop_checkpoint(ObjectKey key) override {
    return database_->write([this, key = std::move(key)](SQLite::Database&) {
      remove(&statements_.drop_checkpoint, key);
      return Unit{};
    });
  }

  Task<Result<std::vector<Checkpoint>>> checkpoints() override {
    return database_->read([this](SQLite::Database&) {
      std::vector<Checkpoint> all;
      Query rows{&statements_.checkpoints};
      rows.bind(job_);
      while (rows.next()) {
        auto key = rows.blob(0);
        if (!key) continue;
        if (auto checkpoint = checkpoint_at(rows, ObjectKey{*std::move(key)})) all.push_back(*std::move(checkpoint));
      }
      return all;
    });
  }

 private:
  /// The job's number in this file: short, so that it costs each row one byte.
  std::int64_t enter(const Job& job, Clock* clock) {
    const auto name = job.id();
    const auto description = job.describe();
    SQLite::Statement insert{database_->connection(),
                             "INSERT INTO job (name, description, used_at) VALUES (?, ?, ?)"
                             " ON CONFLICT (name) DO UPDATE SET used_at = excluded.used_at RETURNING id"};
    Query query{&insert};
    query.bind_text(name).bind(description);
    query.bind(to_number(std::chrono::floor<std::chrono::seconds>(clock->wall())));
    query.next();
    const auto id = query.integer(0);
    query.next();  // to the end: only then is it committed
    return id.value_or(0);
  }

  bool any_of(const char* table) {
    SQLite::Statement select{database_->connection(), std::string{"SELECT 1 FROM "} + table + " WHERE job = ? LIMIT 1"};
    Query query{&select};
    return query.bind(job_).next();
  }

  void insert_failure(const Failure& failure) {
    Query insert{&statements_.record_failure};
    insert.bind(job_).bind(failure.key.str());
    if (failure.version) {
      bind_version(insert, *failure.version);
    } else {
      insert.bind_null().bind_null().bind_null();
    }
    insert.bind_text(to_string(failure.reason)).bind(failure.what);
    insert.bind(std::int64_t{failure.attempts}).bind(to_number(failure.when)).run();
  }

  void remove(SQLite::Statement* statement, const ObjectKey& key) {
    Query query{statement};
    query.bind(job_).bind(key.str()).run();
  }

  /// Calls `add` for up to `limit` rows after `after`, and tells from where to go on. A row whose key is no blob sorts
  /// before all others and is never reached.
  template <class Add>
  std::optional<ObjectKey> read_page(SQLite::Statement* statement, const std::optional<ObjectKey>& after,
                                     std::size_t limit, Add add) {
    assert(limit > 0);
    const std::string start = after ? after->str() : std::string{};
    Query rows{statement};
    rows.bind(job_).bind(start).bind(static_cast<std::int64_t>(limit) + 1);
    std::optional<ObjectKey> last;
    for (std::size_t count = 0; rows.next(); ++count) {
      if (count == limit) return last;
      last = ObjectKey{rows.blob(0).value_or(std::string{})};
      add(rows, *last);
    }
    return std::nullopt;
  }

  const std::shared_ptr<Database> database_;
  const std::int64_t job_;
  bool failures_known_;     ///< false: the ledger is empty, nothing to clear. Database thread only
  bool checkpoints_known_;  ///< likewise
  Statements statements_;
};

}  // namespace

Result<std::unique_ptr<StateStore>> open_state(std::filesystem::path file, const Job& job, Clock* clock,
                                               std::vector<std::string>* warnings) {
  auto opened = Database::open(file, schema(), warnings);
  if (!opened) return fail(std::move(opened).error().during("state"));
  const std::shared_ptr<Database> database = *std::move(opened);
  try {
    return std::make_unique<SqliteState>(database, job, clock);
  } catch (const SQLite::Exception& failure) {
    auto error = database->describe(failure);
    error.kind = ErrorKind::kInvalid;
    return fail(std::move(error).during("state"));
  }
}

}  // namespace ferry::sqlite
