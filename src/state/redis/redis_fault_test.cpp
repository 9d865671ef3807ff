// What goes wrong between us and one Redis, and what must then happen.

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <functional>
#include <mutex>
#include <thread>

#include "kit/async/task_group.hpp"
#include "kit/async/wake.hpp"
#include "state/redis/redis_test.hpp"
#include "testing/net/scripted_peer.hpp"

namespace ferry::redis {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// ---- a relay that spoils one reply

class FaultyRelay {
 public:
  enum class Fault { kNone, kError, kCut, kGarbage };

  explicit FaultyRelay(std::uint16_t server)
      : server_(asio::ip::address_v4::loopback(), server),
        acceptor_(context_, Tcp::endpoint{asio::ip::address_v4::loopback(), 0}) {
    asio::co_spawn(context_, run(), [](std::exception_ptr) {});
    thread_ = std::thread{[this] { context_.run(); }};
  }
  ~FaultyRelay() {
    stop_.set();
    thread_.join();
  }
  FaultyRelay(const FaultyRelay&) = delete;
  FaultyRelay& operator=(const FaultyRelay&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  /// The nth reply from now on meets with this; the others pass.
  void plan(int nth, Fault fault) {
    const std::lock_guard lock{mutex_};
    countdown_ = nth;
    fault_ = fault;
    replies_ = 0;
  }
  [[nodiscard]] int replies() {
    const std::lock_guard lock{mutex_};
    return replies_;
  }

 private:
  using Tcp = asio::ip::tcp;
  using Socket = asio::basic_stream_socket<Tcp, Executor>;
  struct Pair {
    explicit Pair(Socket accepted) : client(std::move(accepted)), server(client.get_executor()) {}
    void close() {
      boost::system::error_code ignored;
      client.close(ignored);
      server.close(ignored);
    }
    Socket client, server;
  };

  Task<> run() {
    group_.spawn(accept());
    co_await stop_.wait();
    group_.cancel();
    co_await group_.join();
  }
  Task<> accept() {
    for (;;) {
      auto pair = std::make_shared<Pair>(co_await acceptor_.async_accept(use_task));
      boost::system::error_code code;
      co_await pair->server.async_connect(server_, asio::redirect_error(use_task, code));
      group_.spawn(pass_requests(pair));
      group_.spawn(pass_replies(pair));
    }
  }
  Task<> pass_requests(std::shared_ptr<Pair> pair) {
    std::string piece(64 * 1024, '\0');
    for (;;) {
      boost::system::error_code code;
      const auto got = co_await pair->client.async_read_some(asio::buffer(piece), asio::redirect_error(use_task, code));
      if (!code)
        co_await asio::async_write(pair->server, asio::buffer(piece, got), asio::redirect_error(use_task, code));
      if (code) break;
    }
    pair->close();
  }
  Task<> pass_replies(std::shared_ptr<Pair> pair) {
    std::string piece(64 * 1024, '\0'), unread;
    boost::system::error_code code;
    while (!code) {
      const auto got = co_await pair->server.async_read_some(asio::buffer(piece), asio::redirect_error(use_task, code));
      unread.append(piece, 0, got);
      for (std::size_t end = 0; !code && (end = reply_end(unread, 0)) != std::string::npos;) {
        const auto fault = count_reply();
        if (fault == Fault::kCut) code = asio::error::connection_reset;
        std::string reply = unread.substr(0, end);
        if (fault == Fault::kError) reply = "-ERR planned failure\r\n";
        if (fault == Fault::kGarbage) reply = "garbage\r\n";
        unread.erase(0, end);
        if (!code) co_await asio::async_write(pair->client, asio::buffer(reply), asio::redirect_error(use_task, code));
      }
    }
    pair->close();
  }
  Fault count_reply() {
    const std::lock_guard lock{mutex_};
    ++replies_;
    return --countdown_ == 0 ? fault_ : Fault::kNone;
  }
  /// Where the reply that begins at `at` ends; npos: not yet.
  static std::size_t reply_end(const std::string& bytes, std::size_t at) {
    const auto line = bytes.find("\r\n", at);
    if (line == std::string::npos) return line;
    auto end = line + 2;
    const long long count = bytes[at] == '$' || bytes[at] == '*' ? std::stoll(bytes.substr(at + 1, line - at - 1)) : 0;
    if (bytes[at] == '$' && count >= 0) end += static_cast<std::size_t>(count) + 2;
    if (bytes[at] == '*') {
      for (long long i = 0; i < count && end != std::string::npos; ++i) end = reply_end(bytes, end);
    }
    return end == std::string::npos || end > bytes.size() ? std::string::npos : end;
  }

  asio::io_context context_{1};
  Tcp::endpoint server_;
  asio::basic_socket_acceptor<Tcp, Executor> acceptor_;
  TaskGroup group_{context_.get_executor()};
  Wake stop_;
  std::mutex mutex_;
  int countdown_ = 0, replies_ = 0;
  Fault fault_ = Fault::kNone;
  std::thread thread_;
};

// ---- everything that can be asked, step by step

class RedisFault : public RedisRoom {
 protected:
  using Step = std::function<Status()>;

  template <class T>
  static Status status(Result<T> result) {
    if (!result) return fail(std::move(result).error());
    return Unit{};
  }
  std::vector<Step> all_steps() {
    auto& s = store_;
    auto& b = board_;
    return {
        [&] { return run(s->mark_published({published("a"), published("b"), published("c")})); },
        [&] { return status(run(s->lookup({ObjectKey{"a"}, ObjectKey{"b"}}))); },
        [&] { return run(s->save_checkpoint(checkpoint("a"))); },
        [&] { return run(s->record_failures({failure("a"), failure("b")})); },
        [&] { return run(s->record_consumed(receipt("a", 5))); },
        [&] { return status(run(s->list(std::nullopt, 10))); },
        [&] { return status(run(s->failures(std::nullopt, 10))); },
        [&] { return run(s->clear_failures({ObjectKey{"b"}})); },
        [&] { return run(s->save_checkpoint(checkpoint("c"))); },
        [&] { return status(run(s->load_checkpoint(ObjectKey{"c"}))); },
        [&] { return status(run(s->checkpoints())); },
        [&] { return run(s->drop_checkpoint(ObjectKey{"c"})); },
        [&] { return status(run(s->forget(Mark::kPublished, {ObjectKey{"b"}}))); },
        [&] { return status(run(b->hold_lease("scan", "me", Milliseconds{60'000}))); },
        [&] { return run(b->post("workers", "me", "text", Milliseconds{0})); },
        [&] { return status(run(b->read("workers"))); },
        [&] { return run(b->add("done", {{"n", 1}, {"m", 2}})); },
        [&] { return status(run(b->totals("done"))); },
        [&] { return run(b->drop_lease("scan", "me")); },
        [&] { return run(s->record_consumed(receipt("c", 6))); },
    };
  }
  void expect_all_done() {
    EXPECT_EQ(lookup("a").consumed->generation.value, 5);
    EXPECT_TRUE(lookup("a").published);
    EXPECT_FALSE(lookup("b").published);
    EXPECT_EQ(lookup("c").consumed->generation.value, 6);
    EXPECT_TRUE(must(store_->failures(std::nullopt, 10)).failures.empty());
    EXPECT_TRUE(must(store_->checkpoints()).empty());
    EXPECT_EQ(must(board_->read("workers")).size(), 1u);
    EXPECT_TRUE(must(board_->hold_lease("scan", "another", Milliseconds{1})));
  }
  void connect_small(std::string address) {
    connect(options_for(std::move(address)));
    StateOptions small = with_secret();
    small.expected_objects = 1;  // few buckets: few replies to spoil in a listing
    store_ = open_state(client_, job_, small, system_rng());
  }
  /// Plays all steps once for each reply, and looks at the end of each round what they came to.
  void spoil_each_reply(
      FaultyRelay::Fault fault, const std::function<Status(const Step&)>& play,
      const std::function<void()>& check = [] {}) {
    FaultyRelay relay{server_.port()};
    connect_small(relay.address());
    for (const auto& step : all_steps()) ASSERT_TRUE(step());  // loads the scripts
    cli_.run({"FLUSHALL"});
    relay.plan(0, FaultyRelay::Fault::kNone);
    for (const auto& step : all_steps()) ASSERT_TRUE(step());
    const int replies = relay.replies();
    ASSERT_GE(replies, 20);
    for (int nth = 1; nth <= replies; ++nth) {
      SCOPED_TRACE("reply " + std::to_string(nth));
      cli_.run({"FLUSHALL"});
      relay.plan(nth, fault);
      for (const auto& step : all_steps()) EXPECT_TRUE(play(step));
      expect_all_done();
      check();
      if (HasFailure()) return;
    }
  }

  Cli cli_{server_.port()};
};

TEST_F(RedisFault, WaitsForARedisThatIsNotThereYet_F102) {
  server_.kill();
  connect();
  const auto refused = run(store_->mark_published({published("a")}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(refused.error().what, AllOf(HasSubstr(server_.address()), HasSubstr("can't be reached")));
  EXPECT_FALSE(run(client_->check()));
  EXPECT_FALSE(run(board_->totals("t")));
  server_.start();
  EXPECT_TRUE(eventually([&] { return bool{run(store_->mark_published({published("a")}))}; }));
  EXPECT_TRUE(lookup("a").published);
}

TEST_F(RedisFault, EachRequestThatFailsIsSaidToHaveFailedAndSucceedsLater_F103) {
  int failed = 0, rounds = 0;
  spoil_each_reply(FaultyRelay::Fault::kError, [&](const Step& step) {
    ++rounds;
    const auto outcome = step();
    if (outcome) return outcome;
    ++failed;
    EXPECT_EQ(outcome.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(outcome.error().what, HasSubstr("planned failure"));
    return step();
  });
  EXPECT_EQ(failed, rounds / static_cast<int>(all_steps().size())) << "one in each round, none unnoticed";
}

TEST_F(RedisFault, ALostReplyIsMadeGoodByAnIdempotentRepeat_F104) {
  spoil_each_reply(
      FaultyRelay::Fault::kCut, [&](const Step& step) { return step(); },
      [&] {
        const std::map<std::string, std::int64_t> once{{"m", 2}, {"n", 1}};
        EXPECT_EQ(must(board_->totals("done")), once);
      });
}

TEST_F(RedisFault, GarbageInPlaceOfAReplyEndsTheConnectionAndIsRepeated_F104) {
  spoil_each_reply(FaultyRelay::Fault::kGarbage, [&](const Step& step) { return step(); });
}

TEST_F(RedisFault, IsFullAndSaysSoAndGoesOnReading_F107) {
  connect();
  must(store_->mark_published({published("a")}));
  cli_.run({"CONFIG", "SET", "maxmemory", "1"});
  for (const auto& outcome : {run(store_->mark_published({published("b")})), run(store_->record_consumed(receipt("a"))),
                              run(store_->record_failures({failure("a")})),
                              run(store_->save_checkpoint(checkpoint("a"))), run(board_->add("t", {{"n", 1}}))}) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(outcome.error().what, HasSubstr("raise its maxmemory"));
  }
  EXPECT_TRUE(lookup("a").published);
  EXPECT_EQ(must(store_->list(std::nullopt, 10)).records.size(), 1u);
  cli_.run({"CONFIG", "SET", "maxmemory", "0"});
  must(store_->record_consumed(receipt("a")));
  must(board_->add("t", {{"n", 1}}));
  EXPECT_EQ(must(board_->totals("t")).at("n"), 1);
}

TEST_F(RedisFault, WarnsOfAPolicyThatDropsKeys_F108) {
  connect();
  EXPECT_TRUE(must(client_->check()).empty());
  cli_.run({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  const auto warnings = must(client_->check());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], AllOf(HasSubstr("allkeys-lru"), HasSubstr("set noeviction"), HasSubstr(server_.address())));
}

TEST_F(RedisFault, WhatWasEvictedIsAbsent_F108) {
  connect();
  must(store_->mark_published({published("a"), published("b")}));
  cli_.run({"DEL", bucket_of(&cli_, "a")});
  EXPECT_FALSE(lookup("a").published);
  EXPECT_TRUE(lookup("b").published);
  cli_.run({"DEL", key("layout")});
  must(store_->mark_published({published("a")}));
  EXPECT_TRUE(lookup("a").published);
  EXPECT_TRUE(lookup("b").published) << "the same layout is written again";
}

TEST_F(RedisFault, WaitsWhileItMayNotWriteAndGoesOnAfterwards_F109) {
  connect();
  const auto refused = [&](const char* sign) {
    const auto outcome = run(store_->record_consumed(receipt("a")));
    ASSERT_FALSE(outcome) << sign;
    EXPECT_EQ(outcome.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(outcome.error().what, HasSubstr(sign));
  };
  cli_.run({"REPLICAOF", "127.0.0.1", "1"});
  refused("is a replica now");
  cli_.run({"REPLICAOF", "NO", "ONE"});
  must(store_->record_consumed(receipt("a")));
  cli_.run({"CONFIG", "SET", "min-replicas-to-write", "1"});
  refused("too few replicas");
  cli_.run({"CONFIG", "SET", "min-replicas-to-write", "0"});
  must(store_->record_consumed(receipt("a")));
}

TEST_F(RedisFault, StandsStillAndNobodyElseDoes_F111) {
  auto options = options_for(server_.address());
  options.command_timeout = Milliseconds{200};
  connect(options);
  must(store_->mark_published({published("a")}));
  server_.signal(SIGSTOP);

  asio::io_context context{1};
  TaskGroup others{context.get_executor()};
  int ticks = 0;
  auto tick = [](int* count) -> Task<> {
    for (;; ++*count) co_await system_clock()->sleep(Milliseconds{10});
  };
  others.spawn(tick(&ticks));
  const auto outcome = testing::run(context, store_->lookup({ObjectKey{"a"}}));
  EXPECT_GE(ticks, 10) << "whoever shares the thread goes on";
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(outcome.error().what, HasSubstr("does not answer"));
  server_.signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return bool{run(store_->lookup({ObjectKey{"a"}}))}; }));
  EXPECT_TRUE(lookup("a").published);
  auto stop = [](TaskGroup* group) -> Task<> {
    group->cancel();
    co_await group->join();
  };
  testing::run(context, stop(&others));
}

TEST_F(RedisFault, LoadsScriptsAgainThatWereLost_F115) {
  connect();
  for (const auto& step : all_steps()) {
    cli_.run({"SCRIPT", "FLUSH"});
    EXPECT_TRUE(step());
  }
  expect_all_done();
}

TEST_F(RedisFault, ConnectionsKilledAndScriptsLostInThePipelineCostARepeat_F115) {
  connect();
  constexpr int kCount = 2000;
  auto record = [](StateStore* store, int number) -> Task<> {
    for (int attempt = 0; attempt < 100; ++attempt) {
      const auto recorded = co_await store->record_consumed(receipt("key-" + std::to_string(number)));
      if (recorded) co_return;
      EXPECT_EQ(recorded.error().kind, ErrorKind::kUnavailable);
    }
    ADD_FAILURE() << "never recorded";
  };
  std::atomic<bool> over = false;
  int kills = 0;
  std::thread saboteur{[&] {
    Cli cli{server_.port()};
    while (!over) {
      cli.run({"SCRIPT", "FLUSH"});
      kills += static_cast<int>(cli.number({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}));
      pause(Milliseconds{3});
    }
  }};
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  auto all = [](TaskGroup* tasks, StateStore* store, decltype(record) one) -> Task<> {
    for (int i = 0; i < kCount; ++i) {
      co_await tasks->below(64);
      tasks->spawn(one(store, i));
    }
    co_await tasks->join();
  };
  testing::run(context, all(&group, store_.get(), record));
  over = true;
  saboteur.join();
  EXPECT_GT(kills, 0);
  EXPECT_EQ(must(store_->list(std::nullopt, 10'000)).records.size(), std::size_t{kCount});
}

TEST_F(RedisFault, RestartedEmptyItIsUsedAgainAtOnce_F105) {
  connect();
  must(store_->mark_published({published("a")}));
  server_.kill();
  EXPECT_FALSE(run(store_->lookup({ObjectKey{"a"}})));
  server_.start();
  EXPECT_TRUE(eventually([&] { return bool{run(store_->lookup({ObjectKey{"a"}}))}; }));
  EXPECT_FALSE(lookup("a").published);
}

TEST_F(RedisFault, AConnectionThatWasClosedWhileIdleCostsNobodyAnError) {
  connect();
  for (int i = 0; i < 5; ++i) {
    must(store_->mark_published({published("a")}));
    cli_.run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
  }
  EXPECT_TRUE(lookup("a").published);
}

TEST_F(RedisFault, ManyCallersAtOnceGetTheirOwnAnswers) {
  connect();
  auto both = [](StateStore* store, int number) -> Task<> {
    const auto name = "key-" + std::to_string(number);
    const auto recorded = co_await store->record_consumed(receipt(name, number + 1));
    EXPECT_TRUE(recorded);
    std::vector<ObjectKey> keys{ObjectKey{name}};
    const auto found = co_await store->lookup(std::move(keys));
    EXPECT_EQ(found->at(0).consumed->generation.value, number + 1);
  };
  asio::io_context context{1};
  TaskGroup group{context.get_executor()};
  for (int i = 0; i < 500; ++i) group.spawn(both(store_.get(), i));
  testing::run(context, group.join());
}

// ---- servers that a real one would not be

class RedisStranger : public ::testing::Test {
 protected:
  using Script = testing::ScriptedPeer::Script;

  /// What a lookup, which is two requests, comes to when the nth connection is answered with the nth script.
  Status lookup(std::vector<Script> scripts, ClientOptions options = {}) {
    peer_ = std::make_unique<testing::ScriptedPeer>(context_.get_executor(), std::move(scripts));
    options.address = "127.0.0.1:" + std::to_string(peer_->port());
    const auto store =
        open_state(Client::open(options, system_clock(), system_rng()).value(), job_of("source"), {}, system_rng());
    TaskGroup group{context_.get_executor()};
    group.spawn(peer_->run());
    const auto found = testing::run(context_, store->lookup({ObjectKey{"a"}}));
    auto stop = [](TaskGroup* tasks) -> Task<> {
      tasks->cancel();
      co_await tasks->join();
    };
    testing::run(context_, stop(&group));
    if (!found) return fail(found.error());
    return Unit{};
  }

  asio::io_context context_{1};
  std::unique_ptr<testing::ScriptedPeer> peer_;
};

TEST_F(RedisStranger, IsNoRedis) {
  const auto outcome =
      lookup({{testing::await_bytes(1), testing::send("HTTP/1.1 400 Bad Request\r\n\r\n"), testing::hold()}});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(outcome.error().what, HasSubstr("is it a Redis?"));
  EXPECT_EQ(peer_->connections(), 2) << "repeated once, on a new connection";
}

TEST_F(RedisStranger, SendsAReplyWithoutEnd) {
  ClientOptions options;
  options.reply_bytes_max = 10'000;
  const auto outcome =
      lookup({{testing::await_bytes(1), testing::send("$1000000000\r\n" + std::string(40'000, 'x')), testing::hold()}},
             options);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().what, HasSubstr("more than"));
}

TEST_F(RedisStranger, IsLoading_F109) {
  const std::string loading = "-LOADING Redis is loading the dataset in memory\r\n";
  const auto outcome = lookup({{testing::await_bytes(1), testing::send(loading + loading), testing::hold()}});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(outcome.error().what, HasSubstr("is loading its data"));
}

TEST_F(RedisStranger, FromBeforeRedisSixIsLoggedInToByAuth_F110) {
  ClientOptions options;
  options.password = "canary";
  const auto outcome =
      lookup({{testing::await_bytes(1),
               testing::send_sliced("-ERR unknown command `HELLO`, with args beginning with: `canary`\r\n"),
               testing::send("+OK\r\n"), testing::send("$-1\r\n$-1\r\n"), testing::hold()}},
             options);
  EXPECT_TRUE(outcome);
  EXPECT_THAT(peer_->received(), HasSubstr("*2\r\n$4\r\nAUTH\r\n$6\r\ncanary\r\n"));
}

TEST_F(RedisStranger, QuotesOurPasswordAndWeDoNot_F110) {
  ClientOptions options;
  options.username = "user";
  options.password = "canary";
  const auto outcome =
      lookup({{testing::await_bytes(1), testing::send("-ERR unknown command `HELLO`, with args: `canary`\r\n"),
               testing::send("-ERR wrong number of arguments for 'auth' command\r\n"), testing::hold()}},
             options);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(outcome.error().what, Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace ferry::redis
