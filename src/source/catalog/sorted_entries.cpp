#include "source/catalog/sorted_entries.hpp"

#include <sqlite3.h>
#include <stdlib.h>

#include <cerrno>
#include <system_error>

#include "kit/base/text.hpp"
#include "kit/sqlite/query.hpp"

namespace ferry::catalog {
namespace {

using sqlite::Query;

constexpr const char* kSchema =
    "CREATE TABLE arrived (key BLOB, etag BLOB, modified INTEGER, size INTEGER, class BLOB, version BLOB);"
    "CREATE TABLE sorted (key BLOB PRIMARY KEY, etag BLOB, modified INTEGER, size INTEGER, class BLOB, version BLOB)"
    " WITHOUT ROWID";
constexpr std::int32_t kApplicationId = 0x66657263;
constexpr const char* kArrivedInOrder =
    "SELECT key, etag, modified, size, class, version FROM arrived ORDER BY key, version";

/// A folder of our own below `parent` that goes away, whatever is in it.
class PrivateFolder {
 public:
  explicit PrivateFolder(const std::filesystem::path& parent) : path_((parent / "bucketferry-XXXXXX").native()) {
    made_ = ::mkdtemp(path_.data()) != nullptr;
    if (!made_) why_ = std::generic_category().message(errno);
  }
  ~PrivateFolder() {
    std::error_code ignored;
    if (made_) std::filesystem::remove_all(path_, ignored);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  [[nodiscard]] bool made() const { return made_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] std::filesystem::path file() const { return std::filesystem::path{path_} / "entries"; }

 private:
  std::string path_, why_;
  bool made_ = false;
};

void bind_entry(Query& query, const SourceEntry& entry) {
  const auto& version = entry.version;
  query.bind(entry.key.str()).bind(version.etag.str()).bind(version.modified.time_since_epoch().count());
  query.bind(static_cast<std::int64_t>(entry.size)).bind(entry.storage_class);
  query.bind(version.version_id ? std::string_view{version.version_id->str()} : std::string_view{});
}

SourceEntry entry_at(const Query& row) {
  SourceEntry entry;
  entry.key = ObjectKey{row.blob(0).value_or("")};
  entry.version.etag = ETag{row.blob(1).value_or("")};
  entry.version.modified = Seconds{std::chrono::seconds{row.integer(2).value_or(0)}};
  entry.size = static_cast<std::uint64_t>(row.integer(3).value_or(0));
  entry.storage_class = row.blob(4).value_or("");
  auto version = row.blob(5).value_or("");
  if (!version.empty()) entry.version.version_id = VersionId{std::move(version)};
  return entry;
}

bool same(const SourceEntry& a, const SourceEntry& b) {
  return a.version.etag == b.version.etag && a.version.modified == b.version.modified &&
         a.version.version_id == b.version.version_id && a.size == b.size;
}

}  // namespace

struct SortedEntries::Statements {
  explicit Statements(SQLite::Database& db)
      : add(db, "INSERT INTO arrived VALUES (?, ?, ?, ?, ?, ?)"),
        arrived(db, kArrivedInOrder),
        keep(db, "INSERT INTO sorted VALUES (?, ?, ?, ?, ?, ?)"),
        first(db, "SELECT * FROM sorted ORDER BY key LIMIT ?"),
        next(db, "SELECT * FROM sorted WHERE key > ? ORDER BY key LIMIT ?") {}
  SQLite::Statement add, arrived, keep, first, next;
};

Result<std::unique_ptr<SortedEntries>> SortedEntries::create(const std::filesystem::path& folder) {
  const PrivateFolder own{folder};
  if (!own.made()) {
    return fail(ErrorKind::kInvalid, "no room to sort in: " + printable(folder.native()) + ": " + own.why() +
                                         "; set TMPDIR to a folder with space");
  }
  sqlite::Schema schema{kApplicationId, 1, kSchema, "run it again"};
  auto database = sqlite::Database::open(own.file(), std::move(schema), nullptr);
  if (!database) return fail(std::move(database).error());
  try {
    auto& connection = (*database)->connection();
    for (const char* setting : {"journal_mode=OFF", "synchronous=OFF", "cache_size=-32768", "temp_store=FILE"}) {
      connection.exec(std::string{"PRAGMA "} + setting);
    }
    return std::unique_ptr<SortedEntries>{new SortedEntries{*std::move(database)}};
  } catch (const SQLite::Exception& failure) {
    return fail((*database)->describe(failure));
  }
}

SortedEntries::SortedEntries(std::unique_ptr<sqlite::Database> database)
    : database_(std::move(database)), statements_(std::make_unique<Statements>(database_->connection())) {}

SortedEntries::~SortedEntries() {
  sqlite3_interrupt(database_->connection().getHandle());
  database_->stop();
}

Task<Status> SortedEntries::add(std::vector<SourceEntry> entries) {
  auto work = [this, entries = std::move(entries)](SQLite::Database&) {
    for (const auto& entry : entries) {
      Query query{&statements_->add};
      bind_entry(query, entry);
      query.run();
    }
    return Unit{};
  };
  co_return co_await database_->write(std::move(work));
}

Task<Status> SortedEntries::sort() {
  auto work = [this](SQLite::Database&) -> std::optional<ObjectKey> {
    Query rows{&statements_->arrived};
    std::optional<SourceEntry> last;
    while (rows.next()) {
      auto entry = entry_at(rows);
      if (last && last->key == entry.key) {
        if (!same(*last, entry)) return std::move(entry.key);
        continue;
      }
      Query keep{&statements_->keep};
      bind_entry(keep, entry);
      keep.run();
      last = std::move(entry);
    }
    return std::nullopt;
  };
  auto sorted = co_await database_->write(std::move(work));
  if (!sorted) co_return fail(std::move(sorted).error());
  if (!*sorted) co_return Unit{};
  co_return fail(ErrorKind::kInvalid, "key '" + printable((*sorted)->str()) +
                                          "' is there twice with different versions; the target holds one of each key");
}

Task<Result<std::vector<SourceEntry>>> SortedEntries::page(std::optional<std::string> after, std::size_t limit) {
  auto work = [this, after = std::move(after), limit](SQLite::Database&) {
    Query rows{after ? &statements_->next : &statements_->first};
    if (after) rows.bind(std::string_view{*after});
    rows.bind(static_cast<std::int64_t>(limit));
    std::vector<SourceEntry> entries;
    entries.reserve(limit);
    while (rows.next()) entries.push_back(entry_at(rows));
    return entries;
  };
  co_return co_await database_->read(std::move(work));
}

}  // namespace ferry::catalog
