// The state file under sudden death: of the process, at every single write, and of the machine, with writes that were
// never synchronised lost, torn or reordered. Each run is a child process that dies; its parent looks at what is left.

#include <SQLiteCpp/Database.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "kit/async/task_group.hpp"
#include "state/sqlite/sqlite_state.hpp"
#include "testing/base/simulated_clock.hpp"
#include "testing/base/temporary_folder.hpp"

namespace ferry {
namespace {

namespace fs = std::filesystem;

enum class Death {
  kProcess,      ///< what was written stays, as the page cache keeps it
  kTornWrite,    ///< likewise, but the last write is cut in half
  kPowerFailure  ///< what was not synchronised since is there, half there, or not there
};

// ---- a file system that dies

struct Change {
  bool truncates = false;
  std::size_t offset = 0;
  std::string bytes;
};

/// What one file holds for certain, and what was written since.
struct TrackedFile {
  std::string synced;
  std::vector<Change> pending;
};

void make_change(const Change& change, std::string* content) {
  if (change.truncates) {
    content->resize(change.offset);
    return;
  }
  if (content->size() < change.offset + change.bytes.size()) content->resize(change.offset + change.bytes.size());
  content->replace(change.offset, change.bytes.size(), change.bytes);
}

/// Only ever made in a child process: SQLite knows its file systems by global registration.
struct DyingDisk {
  sqlite3_vfs* real = nullptr;
  Death death = Death::kProcess;
  int operations_left = 0;
  std::mt19937 chance;
  std::map<std::string, TrackedFile> files;
};
DyingDisk* disk = nullptr;

struct DiskFile {
  sqlite3_file base;
  TrackedFile* tracked;
  sqlite3_file* real;  ///< right behind this struct
};

DiskFile* of(sqlite3_file* file) { return reinterpret_cast<DiskFile*>(file); }

[[noreturn]] void die() {
  if (disk->death == Death::kPowerFailure) {
    for (const auto& [path, file] : disk->files) {
      auto content = file.synced;
      for (auto change : file.pending) {
        const auto fate = disk->chance() % 3;
        if (fate == 0) continue;
        if (fate == 1 && !change.truncates) change.bytes.resize(change.bytes.size() / 512 / 2 * 512);
        if (change.truncates || !change.bytes.empty()) make_change(change, &content);
      }
      std::ofstream{path, std::ios::binary | std::ios::trunc} << content;
    }
  }
  ::raise(SIGKILL);
  std::abort();
}

bool is_last() { return --disk->operations_left == 0; }

int disk_write(sqlite3_file* file, const void* bytes, int amount, sqlite3_int64 offset) {
  auto* self = of(file);
  const bool last = is_last();
  const int written = last && disk->death == Death::kTornWrite ? amount / 2 : amount;
  const int result = self->real->pMethods->xWrite(self->real, bytes, written, offset);
  self->tracked->pending.push_back(
      {false, static_cast<std::size_t>(offset), {static_cast<const char*>(bytes), static_cast<std::size_t>(amount)}});
  if (last) die();
  return result;
}

int disk_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (is_last()) die();
  of(file)->tracked->pending.push_back({true, static_cast<std::size_t>(size), {}});
  return of(file)->real->pMethods->xTruncate(of(file)->real, size);
}

int disk_sync(sqlite3_file* file, int) {
  if (is_last()) die();
  auto* tracked = of(file)->tracked;
  for (const auto& change : tracked->pending) make_change(change, &tracked->synced);
  tracked->pending.clear();
  return SQLITE_OK;  // the children's real files need not reach a real disk
}

template <auto Method, class... Arguments>
int forward(sqlite3_file* file, Arguments... arguments) {
  return (of(file)->real->pMethods->*Method)(of(file)->real, arguments...);
}

int disk_open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  static const sqlite3_io_methods methods{1,
                                          &forward<&sqlite3_io_methods::xClose>,
                                          &forward<&sqlite3_io_methods::xRead, void*, int, sqlite3_int64>,
                                          &disk_write,
                                          &disk_truncate,
                                          &disk_sync,
                                          &forward<&sqlite3_io_methods::xFileSize, sqlite3_int64*>,
                                          &forward<&sqlite3_io_methods::xLock, int>,
                                          &forward<&sqlite3_io_methods::xUnlock, int>,
                                          &forward<&sqlite3_io_methods::xCheckReservedLock, int*>,
                                          &forward<&sqlite3_io_methods::xFileControl, int, void*>,
                                          &forward<&sqlite3_io_methods::xSectorSize>,
                                          &forward<&sqlite3_io_methods::xDeviceCharacteristics>};
  auto* self = of(file);
  self->real = reinterpret_cast<sqlite3_file*>(self + 1);
  const int result = disk->real->xOpen(disk->real, name, self->real, flags, out_flags);
  self->base.pMethods = self->real->pMethods ? &methods : nullptr;
  if (result == SQLITE_OK) self->tracked = &disk->files[name];
  return result;
}

int disk_delete(sqlite3_vfs*, const char* name, int sync_folder) {
  if (is_last()) die();
  disk->files.erase(name);
  return disk->real->xDelete(disk->real, name, sync_folder);
}

/// From now on this process dies at the given operation on a file.
void die_at(int operation, Death death) {
  static DyingDisk the_disk;
  static sqlite3_vfs system;
  disk = &the_disk;
  disk->real = sqlite3_vfs_find(nullptr);
  disk->death = death;
  disk->operations_left = operation;
  disk->chance.seed(static_cast<unsigned>(operation));
  system = *disk->real;
  system.zName = "dying";
  system.szOsFile = static_cast<int>(sizeof(DiskFile)) + disk->real->szOsFile;
  system.xOpen = &disk_open;
  system.xDelete = &disk_delete;
  sqlite3_vfs_register(&system, 1);
}

// ---- what the children do

Job job() { return {BucketName{"source"}, "", BucketName{"target"}, ""}; }

Receipt receipt(int number) {
  return {ObjectKey{"key-" + std::to_string(number)},
          {ETag{"tag-" + std::to_string(number)}, Seconds{}, std::nullopt},
          Generation{number + 1},
          Rung::kMd5,
          42,
          Seconds{}};
}

/// Records receipts and tells of each one that was acknowledged, in the pipe.
Task<> record_and_tell(StateStore* store, int number, int pipe) {
  const auto recorded = co_await store->record_consumed(receipt(number));
  if (recorded && ::write(pipe, &number, sizeof number) != sizeof number) std::abort();
}

/// A life of a state file: opened, written in every table, closed.
void live(const fs::path& file, int receipts, int pipe) {
  testing::SimulatedClock clock;
  const auto store = sqlite::open_state(file, job(), &clock);
  if (!store) return;
  for (int number = 0; number < receipts; ++number) {
    const ObjectKey key{"key-" + std::to_string(number)};
    const Version version{ETag{"tag-" + std::to_string(number)}, Seconds{}, std::nullopt};
    if (!testing::run((*store)->mark_published({{key, version, Seconds{}}}))) return;
    if (!testing::run((*store)->save_checkpoint({key, version, std::string(3000, 's'), 1, {}}))) return;
    testing::run(record_and_tell(store->get(), number, pipe));
  }
}

class SqliteStateCrash : public ::testing::Test {
 protected:
  struct Child {
    pid_t id;
    int told;  ///< the end of the pipe at which the numbers of acknowledged receipts arrive
  };

  /// Starts a child process that does `what(pipe)` and ends.
  static Child start(const std::function<void(int pipe)>& what) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    ::fcntl(ends[1], F_SETPIPE_SZ, 4096);  // a child that nobody listens to waits
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      what(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    return {child, ends[0]};
  }
  static std::optional<int> next_told(const Child& child) {
    int number = 0;
    if (::read(child.told, &number, sizeof number) != sizeof number) return std::nullopt;
    return number;
  }
  /// What it has told to its end.
  static std::set<int> all_told(const Child& child) {
    std::set<int> numbers;
    while (auto number = next_told(child)) numbers.insert(*number);
    ::close(child.told);
    return numbers;
  }
  /// True: it was killed.
  static bool wait_for(const Child& child) {
    int status = 0;
    EXPECT_EQ(::waitpid(child.id, &status, 0), child.id);
    EXPECT_TRUE(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL) << status;
    return WIFSIGNALED(status);
  }

  /// Opens what is left, and compares. If `durable`, every acknowledged receipt must be there.
  void expect_sound(const fs::path& file, const std::set<int>& acknowledged, bool durable) {
    {
      testing::SimulatedClock clock;
      const auto store = sqlite::open_state(file, job(), &clock);
      ASSERT_TRUE(store) << store.error().what;
      std::set<int> found;
      const auto page = testing::run((*store)->list(std::nullopt, 1'000'000));
      ASSERT_TRUE(page);
      for (const auto& record : page->records) {
        if (!record.consumed) continue;
        const int number = static_cast<int>(record.consumed->generation.value) - 1;
        EXPECT_EQ(record.key, receipt(number).key) << "nothing is there that was not written";
        EXPECT_EQ(record.consumed->version.etag, receipt(number).version.etag);
        found.insert(number);
      }
      if (durable) {
        for (int number : acknowledged) EXPECT_TRUE(found.contains(number)) << number << " was acknowledged";
      }
      EXPECT_TRUE(testing::run((*store)->record_consumed(receipt(1'000'000'000)))) << "and work goes on";
    }
    EXPECT_EQ(SQLite::Database{file.native()}.execAndGet("PRAGMA integrity_check").getString(), "ok");
  }

  /// Lets children die at their first, second, … operation on a file, until one lives to its end. Returns how many
  /// died.
  int die_everywhere(Death death, int receipts, bool durable) {
    for (int operation = 1;; ++operation) {
      SCOPED_TRACE("died at operation " + std::to_string(operation));
      const testing::TemporaryFolder folder;
      const auto file = folder.path() / "state.db";
      const auto child = start([&](int pipe) {
        die_at(operation, death);
        live(file, receipts, pipe);
      });
      const auto acknowledged = all_told(child);
      const bool killed = wait_for(child);
      expect_sound(file, acknowledged, durable || !killed);
      if (!killed) {
        EXPECT_EQ(acknowledged.size(), static_cast<std::size_t>(receipts));
        return operation - 1;
      }
      if (HasFailure()) return operation;
    }
  }
};

TEST_F(SqliteStateCrash, SurvivesBeingKilledAtEveryWrite_F117) {
  EXPECT_GT(die_everywhere(Death::kProcess, 3, true), 40);
}

TEST_F(SqliteStateCrash, SurvivesEveryTornWrite_F117) { EXPECT_GT(die_everywhere(Death::kTornWrite, 3, true), 40); }

TEST_F(SqliteStateCrash, SurvivesLostAndReorderedWritesOfAPowerFailure_F117) {
  EXPECT_GT(die_everywhere(Death::kPowerFailure, 3, false), 40);
}

Task<> record_endlessly(StateStore* store, int first, int step, int pipe) {
  for (int number = first;; number += step) co_await record_and_tell(store, number, pipe);
}

TEST_F(SqliteStateCrash, KeepsEveryAcknowledgedReceiptWhenKilledUnderLoad_F117) {
  // A hundred receipts at once, so that transactions are shared; killed after a number of acknowledgements drawn by
  // lot.
  constexpr int kAtOnce = 100;
  const testing::TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  std::set<int> acknowledged;
  testing::SeededRng chance;
  for (int round = 0; round < 6; ++round) {
    const auto child = start([&](int pipe) {
      const auto store = sqlite::open_state(file, job(), system_clock()).value();
      asio::io_context context{1};
      TaskGroup group{context.get_executor()};
      const int first = round * 1'000'000;
      for (int i = 0; i < kAtOnce; ++i) group.spawn(record_endlessly(store.get(), first + i, kAtOnce, pipe));
      context.run();
    });
    for (auto patience = 1 + chance.next() % 1000; patience > 0; --patience) {
      const auto number = next_told(child);
      ASSERT_TRUE(number);
      acknowledged.insert(*number);
    }
    ::kill(child.id, SIGKILL);
    acknowledged.merge(all_told(child));
    EXPECT_TRUE(wait_for(child)) << "it was at work";
    expect_sound(file, acknowledged, true);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace ferry
