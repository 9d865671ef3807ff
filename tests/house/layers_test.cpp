// The layer rule (docs/architecture.md): arrows only point down. CMakeLists.txt links by the same table.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "tests/house/tree.hpp"

namespace ferry::house {
namespace {

struct Room {
  std::string path;                ///< as it stands in an #include
  std::vector<std::string> below;  ///< rooms whose headers it may include, besides its own
};

const std::vector<std::string> kKit{"kit/base", "kit/async", "kit/resilience", "kit/net"};
const std::vector<std::string> kContracts{"source", "target", "queue", "state"};

std::vector<std::string> together(std::vector<std::string> rooms, const std::vector<std::vector<std::string>>& more) {
  for (const auto& list : more) rooms.insert(rooms.end(), list.begin(), list.end());
  return rooms;
}

/// Bottom up: a room may only name rooms that stand above it in this list.
const std::vector<Room>& rooms() {
  const std::vector<std::string> contract{"domain", "kit/base", "kit/async"};
  const std::vector<std::string> use_case{"domain", "plan", "observe", "kit/base", "kit/async", "kit/resilience"};
  static const std::vector<Room> table{
      {"kit/base", {}},
      {"kit/async", {"kit/base"}},
      {"kit/resilience", {"kit/base", "kit/async"}},
      {"kit/net", {"kit/base", "kit/async", "kit/resilience"}},
      {"kit/sqlite", {"kit/base", "kit/async"}},
      {"domain", {"kit/base"}},
      {"observe", {"domain", "kit/base"}},
      {"plan", {"domain", "kit/base"}},
      {"source", contract},
      {"target", contract},
      {"queue", contract},
      {"state", contract},
      {"source/s3", together({"source", "domain"}, {kKit})},
      {"source/memory", together({"source"}, {contract})},
      {"source/catalog", together({"source", "kit/sqlite"}, {contract})},
      {"target/gcs", together({"target", "domain"}, {kKit})},
      {"target/memory", together({"target"}, {contract})},
      {"queue/memory", together({"queue"}, {contract})},
      {"queue/pubsub", together({"queue", "kit/resilience"}, {contract})},
      {"state/redis", together({"state", "kit/net", "kit/resilience"}, {contract})},
      {"state/sqlite", together({"state", "kit/sqlite"}, {contract})},
      {"state/memory", together({"state"}, {contract})},
      {"publish", together({"source", "target", "queue", "state"}, {use_case})},
      {"migrate", together({"source", "target", "queue", "state"}, {use_case})},
      {"verify", together({"source", "target"}, {use_case})},
      {"admin", together({"state", "observe", "kit/net"}, {contract})},
      {"app", together({"publish", "migrate", "verify", "admin", "source/s3", "source/catalog", "target/gcs",
                        "queue/memory", "queue/pubsub", "state/sqlite", "state/redis"},
                       {kContracts, use_case, {"kit/net"}})},
      {"sandbox/pubsub", kKit},
      {"sandbox", together({"sandbox/pubsub"}, {kKit})},
      {"testing/base", kKit},
      {"testing/net", together({"testing/base"}, {kKit})},
      {"testing", together({"testing/base", "publish", "migrate", "verify", "source/memory", "target/memory",
                            "queue/memory", "state/memory"},
                           {kContracts, use_case})},
  };
  return table;
}

/// What tests may use besides: the test kit, and rooms that need nothing outside of the process.
const std::vector<std::string> kForTests{"testing",       "testing/base", "testing/net",  "source/memory",
                                         "target/memory", "queue/memory", "state/memory", "sandbox/pubsub"};

/// Packages that one room hides from all others: a prefix of the header, and who may include it.
const std::vector<std::pair<std::string, std::set<std::string>>> kHidden{
    {"spdlog/", {"observe"}},
    {"prometheus/", {"observe"}},
    {"SQLiteCpp/", {"kit/sqlite", "state/sqlite", "source/catalog"}},
    {"sqlite3.h", {"kit/sqlite", "state/sqlite", "source/catalog"}},
    {"pugixml.hpp", {"source/s3", "sandbox"}},
    {"isa-l/", {"kit/base", "sandbox"}},
    {"zlib.h", {"kit/base"}},
    {"CLI/", {"app", "sandbox"}},
    {"yaml-cpp/", {"app"}},
    {"grpc", {"queue/pubsub", "sandbox/pubsub"}},
    {"pubsub.", {"queue/pubsub", "sandbox/pubsub"}},
    {"hiredis/", {"state/redis"}},
    {"boost/beast", {"kit/net"}},
    {"openssl/ssl.h", {"kit/net"}},
};

/// Headers of suspension, time and I/O: pure rooms (kit/base, domain, plan) get along without.
const std::vector<std::string> kImpure{"boost/asio", "coroutine", "thread", "future", "fstream", "sys/socket.h"};
const std::set<std::string> kPure{"kit/base", "domain", "plan"};

std::string without_src(std::string path) { return path.starts_with("src/") ? path.substr(4) : path; }

/// The deepest room that holds this path; empty if there is none.
std::string room_of(std::string_view path) {
  std::string best;
  for (const auto& room : rooms()) {
    if (path.starts_with(room.path + "/") && room.path.size() > best.size()) best = room.path;
  }
  return best;
}

const Room& room_named(const std::string& path) { return *std::ranges::find(rooms(), path, &Room::path); }

struct Include {
  std::string name;
  bool quoted;
};

std::vector<Include> includes_of(const SourceFile& file) {
  static const std::regex kInclude{R"(^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">])", std::regex::multiline};
  std::vector<Include> includes;
  for (std::sregex_iterator found{file.text.begin(), file.text.end(), kInclude}, end; found != end; ++found) {
    includes.push_back({(*found)[2], (*found)[1] == "\""});
  }
  return includes;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::ranges::find(list, item) != list.end();
}

/// What is wrong with this #include; empty if nothing.
std::string objection(const SourceFile& file, const Include& include) {
  const auto here = room_of(without_src(file.path));
  const bool generated = include.name.ends_with(".pb.h");
  if (!include.quoted || generated) {
    for (const auto& [prefix, owners] : kHidden) {
      if (include.name.starts_with(prefix) && !owners.contains(here) && !file.is_test())
        return "hidden in another room";
    }
    for (const auto& prefix : kImpure) {
      if (include.name.starts_with(prefix) && kPure.contains(here) && !file.is_test()) return "a pure room";
    }
    return "";
  }
  const auto there = room_of(include.name);
  if (there.empty()) return "names no room; paths start at src/ or at the top";
  if (there == here || contains(room_named(here).below, there)) return "";
  if (file.is_test() && contains(kForTests, there)) return "";
  return here + " may not include " + there;
}

TEST(House, EveryFileStandsInARoomOfTheTable) {
  for (const auto& file : sources_in({"src", "sandbox", "testing"})) {
    EXPECT_NE(room_of(without_src(file.path)), "") << file.path << ": write its room into the table in " << __FILE__;
  }
}

TEST(House, IncludesOnlyPointDown) {
  std::size_t seen = 0;
  for (const auto& file : sources_in({"src", "sandbox", "testing"})) {
    if (room_of(without_src(file.path)).empty()) continue;
    for (const auto& include : includes_of(file)) {
      EXPECT_EQ(objection(file, include), "") << file.path << " includes " << include.name;
      ++seen;
    }
  }
  EXPECT_GT(seen, 100U) << "the includes were not found";
}

TEST(House, TableOfRoomsHasNoCycle) {
  std::set<std::string> known;
  for (const auto& room : rooms()) {
    for (const auto& below : room.below) EXPECT_TRUE(known.contains(below)) << room.path << " names " << below;
    EXPECT_TRUE(known.insert(room.path).second) << room.path << " stands there twice";
  }
}

TEST(House, LayerRuleRefusesArrowsThatPointUpOrAcross) {
  const auto refused = [](std::string path, std::string name, bool quoted = true) {
    return !objection({std::move(path), "", ""}, {std::move(name), quoted}).empty();
  };
  EXPECT_TRUE(refused("src/plan/decide.cpp", "kit/async/clock.hpp"));
  EXPECT_TRUE(refused("src/plan/decide.cpp", "coroutine", false));
  EXPECT_TRUE(refused("src/source/s3/list.cpp", "target/gcs/gcs_target.hpp"));
  EXPECT_TRUE(refused("src/migrate/migrator.cpp", "source/s3/s3_source.hpp"));
  EXPECT_TRUE(refused("src/migrate/migrator.cpp", "source/memory/memory_source.hpp"));
  EXPECT_TRUE(refused("src/kit/net/http.cpp", "domain/job.hpp"));
  EXPECT_TRUE(refused("src/app/main.cpp", "sandbox/s3.hpp"));
  EXPECT_TRUE(refused("src/app/main.cpp", "../plan/decide.hpp"));
  EXPECT_TRUE(refused("src/migrate/migrator.cpp", "spdlog/spdlog.h", false));
  EXPECT_FALSE(refused("src/migrate/migrator.cpp", "plan/decide.hpp"));
  EXPECT_FALSE(refused("src/migrate/migrator_test.cpp", "testing/world.hpp"));
  EXPECT_FALSE(refused("src/source/s3/list.cpp", "source/object_source.hpp"));
}

}  // namespace
}  // namespace ferry::house
