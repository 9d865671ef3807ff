#pragma once
// Publisher, migrators, Redis and a broker as processes of their own: one world for all tests of the service.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "testing/net/redis_server.hpp"
#include "tests/system/system_test.hpp"

namespace ferry::system_test {

class Service : public SystemTest {
 protected:
  static constexpr const char* kUser = "operator";
  static constexpr const char* kPassword = "correct-horse-battery";
  static constexpr const char* kStateSecret = "canary-of-the-state-secret";

  /// Sandbox with a broker, buckets, Redis; no role yet.
  void start_service(std::vector<std::string> arguments = {});
  void start_synthetic_service(std::uint64_t count, std::uint64_t size, std::vector<std::string> arguments = {});

  [[nodiscard]] Environment service_environment() const;
  std::unique_ptr<Process> start_role(const std::string& role, std::vector<std::string> options = {},
                                      const Environment& changes = {});
  Process* start_migrator(std::vector<std::string> options = {}, const Environment& changes = {});
  void start_publisher(std::vector<std::string> options = {}, const Environment& changes = {});
  /// Of a role's HTTP server, as soon as there is one.
  static std::string port_of(const Process& process);
  static std::string origin_of(const Process& process) { return "http://127.0.0.1:" + port_of(process); }
  static bool said(const Process& process, const std::string& what);
  /// Waits until each of them has begun to work.
  void await_migrators();

  Reply api(const std::string& method, const std::string& path, const std::string& body = {});
  boost::json::object api_json(const std::string& method, const std::string& path, const std::string& body = {});
  /// curl as a person types it. @return status and body
  Reply curl(std::vector<std::string> words, const std::string& user = kUser, const std::string& password = kPassword);
  void scan();
  std::uint64_t backlog();
  /// Transfers under way in all migrators, as they said last; at most a second old.
  std::uint64_t active();
  /// Messages that the broker still has, in whatever state.
  std::uint64_t broker_holds();
  [[nodiscard]] bool is_ready(const std::string& origin);

  /// What redis-cli prints for one command, without the last line break.
  std::string redis(std::vector<std::string> words);
  /// Reads go on, writes wait until redis_writes_again().
  void hold_redis_writes();
  /// Of everybody: Redis would do the writes of the dead, too, as if they had died later.
  void drop_held_writes();
  void redis_writes_again();

  [[nodiscard]] bool all_there() { return verify({"--quiet"}).code() == 0; }
  void expect_all_there(double seconds = 60);
  [[nodiscard]] std::string said_by_all() const;  ///< for the failure message of a test
  std::map<std::string, int> commits_by_key();
  void expect_one_commit_each();
  static std::uint64_t copied_by(const Ended& ended);
  static Ended stop(Process* process);
  void put_many(int count, const std::string& prefix = "k");

  std::optional<testing::RedisServer> redis_;
  std::unique_ptr<Process> publisher_;
  std::vector<std::unique_ptr<Process>> migrators_;
  std::string api_;
};

}  // namespace ferry::system_test
