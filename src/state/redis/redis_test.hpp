#pragma once
// What the tests of this room share: a server, a plain client beside ours, and a store on both.

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "state/redis/redis_state.hpp"
#include "testing/base/simulated_clock.hpp"
#include "testing/net/redis_server.hpp"

namespace ferry::redis {

/// A person at redis-cli.
class Cli {
 public:
  explicit Cli(std::uint16_t port) : context_(redisConnect("127.0.0.1", port)) {
    if (!context_ || context_->err) throw std::runtime_error("no connection to the test's Redis");
  }
  ~Cli() { redisFree(context_); }
  Cli(const Cli&) = delete;
  Cli& operator=(const Cli&) = delete;

  /// The reply as text; the elements of an array in lines; an error as it is; "" for nothing.
  std::string run(const std::vector<std::string>& arguments) {
    std::vector<const char*> starts;
    std::vector<std::size_t> lengths;
    for (const auto& argument : arguments) {
      starts.push_back(argument.data());
      lengths.push_back(argument.size());
    }
    auto* reply = static_cast<redisReply*>(
        redisCommandArgv(context_, static_cast<int>(arguments.size()), starts.data(), lengths.data()));
    if (!reply) return "connection lost";
    auto text = text_of(*reply);
    freeReplyObject(reply);
    return text;
  }
  long long number(const std::vector<std::string>& arguments) { return std::stoll(run(arguments)); }
  std::vector<std::string> lines(const std::vector<std::string>& arguments) {
    std::vector<std::string> all;
    const auto text = run(arguments);
    for (std::size_t start = 0; start < text.size();) {
      const auto end = text.find('\n', start);
      all.push_back(text.substr(start, end - start));
      start = end + 1;
    }
    return all;
  }

 private:
  static std::string text_of(const redisReply& reply) {
    switch (reply.type) {
      case REDIS_REPLY_INTEGER: return std::to_string(reply.integer);
      case REDIS_REPLY_NIL: return "";
      case REDIS_REPLY_ARRAY: {
        std::string text;
        for (std::size_t i = 0; i < reply.elements; ++i) text += text_of(*reply.element[i]) + "\n";
        return text;
      }
      default: return {reply.str, reply.len};
    }
  }
  redisContext* context_;
};

inline Job job_of(std::string bucket) { return {BucketName{std::move(bucket)}, "", BucketName{"target"}, ""}; }

/// One server per test program; each store and board on it has a job of its own.
inline testing::RedisServer& shared_server() {
  static testing::RedisServer server;
  return server;
}
inline Job fresh_job() {
  static int count = 0;
  return job_of("source-" + std::to_string(++count));
}

inline ClientOptions options_for(std::string address) {
  ClientOptions options;
  options.address = std::move(address);
  options.command_timeout = Milliseconds{5'000};
  return options;
}
inline std::shared_ptr<Client> client_for(std::string address) {
  return Client::open(options_for(std::move(address)), system_clock(), system_rng()).value();
}
inline StateOptions with_secret() {
  StateOptions options;
  options.secret = "a secret of the deployment";
  return options;
}

inline Version version_of(std::string tag = "\"5d41402abc4b2a76b9719d911017c592\"") {
  return {ETag{std::move(tag)}, Seconds{std::chrono::seconds{1'700'000'000}}, std::nullopt};
}
inline Published published(std::string key) {
  return {ObjectKey{std::move(key)}, version_of(), Seconds{std::chrono::seconds{1'700'000'001}}};
}
inline Receipt receipt(std::string key, std::int64_t generation = 1) {
  return {ObjectKey{std::move(key)},
          version_of(),
          Generation{generation},
          Rung::kMd5,
          42,
          Seconds{std::chrono::seconds{1'700'000'002}}};
}
inline Failure failure(std::string key) {
  return {ObjectKey{std::move(key)}, version_of(), FailureReason::kDenied, "read: 403", 3, Seconds{}};
}
inline Checkpoint checkpoint(std::string key) {
  return {ObjectKey{std::move(key)}, version_of(), "https://upload.example/canary-session", 1, {{"crc32c", "abcd"}}};
}

/// Waits in real time, for what other processes do.
inline void pause(Milliseconds duration) { testing::run(system_clock()->sleep(duration)); }

/// Asks until the answer is yes; gives up after some ten seconds.
template <class Question>
[[nodiscard]] bool eventually(Question question) {
  for (int attempt = 0; attempt < 400; ++attempt) {
    if (question()) return true;
    pause(Milliseconds{25});
  }
  return false;
}

/// A server, a client, a store and a board of a test's own.
class RedisRoom : public ::testing::Test {
 protected:
  explicit RedisRoom(testing::RedisServer::Options options = {}) : server_(std::move(options)) {}

  void connect(ClientOptions options) {
    client_ = Client::open(std::move(options), system_clock(), system_rng()).value();
    store_ = open_state(client_, job_, with_secret(), system_rng());
    board_ = open_board(client_, job_, system_rng());
  }
  void connect() { connect(options_for(server_.address())); }

  template <class T>
  static T run(Task<T> task) {
    return testing::run(std::move(task));
  }
  template <class T>
  static T must(Task<Result<T>> task) {
    auto result = testing::run(std::move(task));
    if (!result) throw std::runtime_error(result.error().what);
    return *std::move(result);
  }
  Record lookup(std::string key) { return must(store_->lookup({ObjectKey{std::move(key)}})).at(0); }
  [[nodiscard]] std::string key(const std::string& name) const { return "ferry:{" + job_.id() + "}:" + name; }
  /// The bucket that holds this object's record.
  std::string bucket_of(Cli* cli, const std::string& object) {
    for (const auto& name : cli->lines({"KEYS", key("o:*")})) {
      if (cli->run({"HEXISTS", name, object}) == "1") return name;
    }
    return "none";
  }

  testing::RedisServer server_;
  Job job_ = job_of("source");
  std::shared_ptr<Client> client_;
  std::unique_ptr<StateStore> store_;
  std::unique_ptr<SharedBoard> board_;
};

}  // namespace ferry::redis
