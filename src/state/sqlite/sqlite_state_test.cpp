#include "state/sqlite/sqlite_state.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "state/state_store_contract.hpp"
#include "testing/base/temporary_folder.hpp"

namespace ferry {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

Job job_of(std::string bucket) { return {BucketName{std::move(bucket)}, "", BucketName{"target"}, ""}; }

struct FileAndStore {
  testing::TemporaryFolder folder;
  std::unique_ptr<StateStore> store;
};

std::shared_ptr<StateStore> fresh_store(Clock* clock) {
  auto both = std::make_shared<FileAndStore>();
  both->store = sqlite::open_state(both->folder.path() / "state.db", job_of("source"), clock).value();
  return {both, both->store.get()};
}

INSTANTIATE_TEST_SUITE_P(SqliteState, StateStoreContract, ::testing::Values(StateRoom{&fresh_store}),
                         [](const auto&) { return "Sqlite"; });

class SqliteState : public ::testing::Test {
 protected:
  using Opened = Result<std::unique_ptr<StateStore>>;

  Opened open(std::string bucket = "source", std::vector<std::string>* warnings = nullptr) {
    return sqlite::open_state(file_, job_of(std::move(bucket)), &clock_, warnings);
  }
  std::unique_ptr<StateStore> must_open(std::string bucket = "source") { return open(std::move(bucket)).value(); }

  static Receipt receipt(std::string key, std::int64_t generation = 1) {
    return {ObjectKey{std::move(key)},
            {ETag{"\"tag\""}, Seconds{}, std::nullopt},
            Generation{generation},
            Rung::kMd5,
            42,
            Seconds{}};
  }
  static Status record(StateStore& store, Receipt one) { return testing::run(store.record_consumed(std::move(one))); }
  static Record lookup(StateStore& store, std::string key) {
    return testing::run(store.lookup({ObjectKey{std::move(key)}})).value().at(0);
  }

  /// Changes the file behind the store's back, while it is closed.
  void execute(const std::string& sql) { SQLite::Database{file_.native(), SQLite::OPEN_READWRITE}.exec(sql); }
  std::string integrity() {
    SQLite::Database database{file_.native(), SQLite::OPEN_READWRITE};
    return database.execAndGet("PRAGMA integrity_check").getString();
  }
  void fill(int count) {
    const auto store = must_open();
    asio::io_context context{1};
    TaskGroup group{context.get_executor()};
    for (int i = 0; i < count; ++i) group.spawn(record_one(store.get(), receipt("key-" + std::to_string(i))));
    testing::run(context, group.join());
  }
  static Task<> record_one(StateStore* store, Receipt one) {
    const auto recorded = co_await store->record_consumed(std::move(one));
    EXPECT_TRUE(recorded);
  }
  static mode_t mode_of(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }

  testing::TemporaryFolder folder_;
  fs::path file_ = folder_.path() / "state.db";
  testing::SimulatedClock clock_;
};

TEST_F(SqliteState, RemembersBetweenRuns) {
  ASSERT_TRUE(record(*must_open(), receipt("a", 7)));
  EXPECT_EQ(lookup(*must_open(), "a").consumed->generation.value, 7);
  EXPECT_FALSE(fs::exists(file_.native() + "-wal")) << "a clean close leaves one file";
}

TEST_F(SqliteState, TwoJobsInOneFileDoNotSeeEachOther_F113) {
  const Failure failure{ObjectKey{"k"}, std::nullopt, FailureReason::kDenied, "what", 1, Seconds{}};
  const Checkpoint checkpoint{ObjectKey{"k"}, {ETag{"t"}, Seconds{}, std::nullopt}, "session", 1, {}};
  {
    const auto first = must_open("first");
    ASSERT_TRUE(record(*first, receipt("k", 5)));
    ASSERT_TRUE(testing::run(first->record_failures({failure})));
    ASSERT_TRUE(testing::run(first->save_checkpoint(checkpoint)));
  }
  {
    const auto second = must_open("second");
    EXPECT_FALSE(lookup(*second, "k").consumed);
    EXPECT_TRUE(testing::run(second->list(std::nullopt, 10))->records.empty());
    EXPECT_TRUE(testing::run(second->failures(std::nullopt, 10))->failures.empty());
    EXPECT_TRUE(testing::run(second->checkpoints())->empty());
    ASSERT_TRUE(testing::run(second->clear_failures({ObjectKey{"k"}})));
    ASSERT_TRUE(testing::run(second->drop_checkpoint(ObjectKey{"k"})));
    ASSERT_TRUE(testing::run(second->record_failures({failure})));
    ASSERT_TRUE(testing::run(second->save_checkpoint(checkpoint)));
    ASSERT_TRUE(record(*second, receipt("k", 4))) << "fenced by its own generations only";
    EXPECT_EQ(lookup(*second, "k").consumed->generation.value, 4);
  }
  const auto first = must_open("first");
  EXPECT_EQ(lookup(*first, "k").consumed->generation.value, 5);
  EXPECT_EQ(testing::run(first->failures(std::nullopt, 10))->failures.size(), 1u);
  EXPECT_EQ(testing::run(first->checkpoints())->size(), 1u);
}

// ---- damaged entries

struct Damage {
  const char* name;
  const char* sql;
};

class SqliteStateDamagedEntry : public SqliteState, public ::testing::WithParamInterface<Damage> {};

TEST_P(SqliteStateDamagedEntry, IsTreatedAsAbsentAndRewritten_F112) {
  {
    const auto store = must_open();
    for (const char* key : {"a", "b", "c"}) {
      ASSERT_TRUE(record(*store, receipt(key, 5)));
      ASSERT_TRUE(
          testing::run(store->mark_published({{ObjectKey{key}, {ETag{"t"}, Seconds{}, std::nullopt}, Seconds{}}})));
      ASSERT_TRUE(testing::run(
          store->record_failures({{ObjectKey{key}, std::nullopt, FailureReason::kDenied, "w", 1, Seconds{}}})));
      ASSERT_TRUE(testing::run(
          store->save_checkpoint({ObjectKey{key}, {ETag{"t"}, Seconds{}, std::nullopt}, "s", 1, {{"crc32c", "x"}}})));
    }
  }
  execute(std::string{GetParam().sql} + " WHERE key = x'62'");

  const auto store = must_open();
  const auto damaged = lookup(*store, "b");
  const auto records = testing::run(store->list(std::nullopt, 10));
  const auto failures = testing::run(store->failures(std::nullopt, 10));
  const auto checkpoints = testing::run(store->checkpoints());
  ASSERT_TRUE(records && failures && checkpoints) << "the listing as a whole does not fail";
  std::size_t whole = 0;
  for (const auto& one : records->records) whole += one.consumed.has_value() + one.published.has_value();
  EXPECT_EQ(whole + failures->failures.size() + checkpoints->size(), 3u * 4 - 1) << "just the damaged entry is missing";

  const bool consumed_was_hit = !damaged.consumed;
  ASSERT_TRUE(record(*store, receipt("b", consumed_was_hit ? 5 : 6)));
  EXPECT_TRUE(lookup(*store, "b").consumed);
}

INSTANTIATE_TEST_SUITE_P(Values, SqliteStateDamagedEntry,
                         ::testing::Values(Damage{"RungUnknown", "UPDATE object SET rung = 'sha0'"},
                                           Damage{"RungMissing", "UPDATE object SET rung = NULL"},
                                           Damage{"GenerationIsText", "UPDATE object SET generation = 'garbage'"},
                                           Damage{"GenerationMissing", "UPDATE object SET generation = NULL"},
                                           Damage{"SizeNegative", "UPDATE object SET size = -1"},
                                           Damage{"EtagIsNumber", "UPDATE object SET consumed_etag = 5"},
                                           Damage{"TimeIsBlob", "UPDATE object SET consumed_at = x'00'"},
                                           Damage{"PublishedEtagMissing", "UPDATE object SET published_etag = NULL"},
                                           Damage{"PublishedTimeIsText",
                                                  "UPDATE object SET published_at = 'yesterday'"},
                                           Damage{"VersionIdIsNumber", "UPDATE object SET published_version_id = 1.5"},
                                           Damage{"ReasonUnknown", "UPDATE failure SET reason = 'bad luck'"},
                                           Damage{"HalfAVersion", "UPDATE failure SET etag = x'00'"},
                                           Damage{"AttemptsHuge", "UPDATE failure SET attempts = 9999999999"},
                                           Damage{"HashesCutOff", "UPDATE checkpoint SET hashes = x'0600000063726333'"},
                                           Damage{"HashesWithoutState", "UPDATE checkpoint SET hashes = x'0100000063'"},
                                           Damage{"SessionMissing", "UPDATE checkpoint SET session = NULL"},
                                           Damage{"OffsetNegative", "UPDATE checkpoint SET \"offset\" = -5"}),
                         [](const auto& info) { return info.param.name; });

TEST_F(SqliteState, APageOfDamagedEntriesIsNotTheEndOfTheListing_F112) {
  {
    const auto store = must_open();
    for (const char* key : {"a", "b", "c", "d"}) ASSERT_TRUE(record(*store, receipt(key)));
  }
  execute("UPDATE object SET rung = 7 WHERE key < x'63'");
  const auto store = must_open();
  std::vector<std::string> seen;
  std::optional<std::string> after;
  do {
    const auto page = testing::run(store->list(after, 2)).value();
    for (const auto& one : page.records) seen.push_back(one.key.str());
    after = page.next;
  } while (after);
  EXPECT_EQ(seen, (std::vector<std::string>{"c", "d"}));
}

// ---- the file

TEST_F(SqliteState, RefusesAFileThatAnotherProcessHolds_F118) {
  std::array<int, 2> ready{}, finish{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  ASSERT_EQ(::pipe(finish.data()), 0);
  const pid_t holder = ::fork();
  ASSERT_GE(holder, 0);
  if (holder == 0) {
    const auto store = open();
    const char sign = store ? '+' : '-';
    char end = 0;
    if (::write(ready[1], &sign, 1) == 1 && ::read(finish[0], &end, 1) < 0) ::_exit(2);
    ::_exit(1);  // not reached: killed while it waits
  }
  char sign = 0;
  ASSERT_EQ(::read(ready[0], &sign, 1), 1);
  ASSERT_EQ(sign, '+');

  const auto second = open();
  EXPECT_FALSE(second);
  if (!second) {
    EXPECT_EQ(second.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(second.error().what, AllOf(HasSubstr(file_.native()), HasSubstr("another process is using it")));
  }

  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  EXPECT_TRUE(open()) << "a killed holder leaves no lock behind";
  for (int fd : {ready[0], ready[1], finish[0], finish[1]}) ::close(fd);
}

TEST_F(SqliteState, RefusesASecondStoreInTheSameProcess_F118) {
  const auto first = must_open();
  ASSERT_FALSE(open("other"));
  EXPECT_TRUE(record(*first, receipt("a"))) << "the holder isn't disturbed";
  EXPECT_FALSE(open("other")) << "and still holds it";
}

TEST_F(SqliteState, RefusesANewerSchema_F119) {
  fill(1);
  execute("PRAGMA user_version = 99");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(opened.error().what,
              AllOf(HasSubstr("newer"), HasSubstr("99"), HasSubstr("move it away; nothing is lost")));
  execute("PRAGMA user_version = 1");
  EXPECT_TRUE(lookup(*must_open(), "key-0").consumed) << "it was left as it was";
}

TEST_F(SqliteState, RefusesAFileThatIsNoDatabase_F119) {
  std::ofstream{file_} << std::string(5000, 'x');
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(opened.error().what, AllOf(HasSubstr(file_.native()), HasSubstr("move it away; nothing is lost")));
  EXPECT_EQ(fs::file_size(file_), 5000u);
}

TEST_F(SqliteState, LeavesADatabaseOfAnotherProgramAlone_F119) {
  SQLite::Database{file_.native(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE}.exec(
      "CREATE TABLE theirs (x); PRAGMA user_version=1");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(opened.error().what, HasSubstr("another program"));
  SQLite::Database database{file_.native()};
  EXPECT_EQ(database.execAndGet("SELECT count(*) FROM sqlite_master").getInt(), 1);
  EXPECT_EQ(database.execAndGet("PRAGMA journal_mode").getString(), "delete");
}

TEST_F(SqliteState, RefusesATruncatedFile_F119) {
  fill(2000);
  fs::resize_file(file_, fs::file_size(file_) / 2);
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(opened.error().what, AllOf(HasSubstr("damaged"), HasSubstr("move it away; nothing is lost")));
  fs::rename(file_, folder_.path() / "moved-away");
  EXPECT_FALSE(lookup(*must_open(), "key-0").consumed) << "the remedy works";
}

TEST_F(SqliteState, TellsOfOverwrittenPagesAndNeverGuesses_F119) {
  fill(2000);
  {
    std::fstream file{file_, std::ios::in | std::ios::out | std::ios::binary};
    const auto bytes = fs::file_size(file_);
    for (std::uintmax_t page = 6; page * 4096 < bytes; page += 2) {
      file.seekp(static_cast<std::streamoff>(page * 4096));
      file << std::string(4096, '\x55');
    }
  }
  const auto opened = open();
  if (!opened) {
    EXPECT_THAT(opened.error().what, HasSubstr("move it away; nothing is lost"));
    return;
  }
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto found = testing::run((*opened)->lookup({ObjectKey{"key-" + std::to_string(i)}}));
    if (found) {
      EXPECT_EQ(found->at(0).consumed->version.etag.str(), "\"tag\"") << "an answer is right, or it isn't given";
      continue;
    }
    ++refused;
    EXPECT_EQ(found.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(found.error().what, AllOf(HasSubstr("damaged"), HasSubstr("move it away; nothing is lost")));
  }
  EXPECT_GT(refused, 0);
}

TEST_F(SqliteState, IsForItsOwnerOnly_F120) {
  const auto before = ::umask(0);
  const auto store = must_open();
  ASSERT_TRUE(record(*store, receipt("a")));
  ::umask(before);
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_EQ(mode_of(entry.path()), 0600u) << entry.path();
  }
  EXPECT_TRUE(fs::exists(file_.native() + "-wal")) << "the log was looked at, too";
}

TEST_F(SqliteState, TakesAccessAwayFromOthersAndSaysSo_F120) {
  fill(1);
  ::chmod(file_.c_str(), 0644);
  std::vector<std::string> warnings;
  ASSERT_TRUE(open("source", &warnings));
  EXPECT_EQ(mode_of(file_), 0600u);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], AllOf(HasSubstr(file_.native()), HasSubstr("others had access")));
  warnings.clear();
  ASSERT_TRUE(open("source", &warnings));
  EXPECT_TRUE(warnings.empty());
}

TEST_F(SqliteState, WarnsOfAFolderInWhichOthersMayReplaceTheFile_F120) {
  ::chmod(folder_.path().c_str(), 0777);
  std::vector<std::string> warnings;
  ASSERT_TRUE(open("source", &warnings));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("chmod go-w"));
}

TEST_F(SqliteState, SaysWhatToDoWhenTheFileCanNotBeCreated) {
  const auto nowhere = sqlite::open_state(folder_.path() / "no-such-folder" / "state.db", job_of("source"), &clock_);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(nowhere.error().what, AllOf(HasSubstr("no-such-folder"), HasSubstr("choose a place")));
  const auto folder = sqlite::open_state(folder_.path(), job_of("source"), &clock_);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(folder.error().what, HasSubstr("regular file"));
}

// ---- a full disk

/// No file of this process grows beyond a limit while this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  rlimit before_{};
  void (*signal_)(int);
};

TEST_F(SqliteState, PausesWhileTheDiskIsFullAndGoesOnWhenSpaceIsBack_F116) {
  const auto store = must_open();
  int recorded = 0;
  Status last = Unit{};
  {
    const FileSizeLimit limit{256 * 1024};
    while (last && recorded < 100'000) {
      last = record(*store, receipt("key-" + std::to_string(recorded)));
      if (last) ++recorded;
    }
    ASSERT_FALSE(last) << "the limit was never met";
    EXPECT_EQ(last.error().kind, ErrorKind::kUnavailable) << last.error().what;
    EXPECT_FALSE(record(*store, receipt("more"))) << "still full";
    EXPECT_TRUE(lookup(*store, "key-0").consumed) << "reading goes on";
    EXPECT_FALSE(lookup(*store, "more").consumed) << "what was refused isn't there";
  }
  EXPECT_TRUE(record(*store, receipt("more"))) << "space is back";
  for (int i = 0; i < recorded; ++i) ASSERT_TRUE(lookup(*store, "key-" + std::to_string(i)).consumed) << i;
  EXPECT_TRUE(lookup(*store, "more").consumed);
}

TEST_F(SqliteState, IsIntactAfterTheDiskWasFull_F116) {
  {
    const auto store = must_open();
    const FileSizeLimit limit{256 * 1024};
    int recorded = 0;
    while (record(*store, receipt("key-" + std::to_string(recorded)))) ASSERT_LT(++recorded, 100'000);
  }
  EXPECT_EQ(integrity(), "ok");
}

}  // namespace
}  // namespace ferry
