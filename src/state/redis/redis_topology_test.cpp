// Users and passwords, TLS, sentinels, clusters: against real servers.

#include <gmock/gmock.h>

#include "state/redis/redis_test.hpp"
#include "testing/net/throwaway_ca.hpp"

namespace ferry::redis {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

testing::RedisServer::Options with_lines(std::vector<std::string> lines) {
  testing::RedisServer::Options options;
  options.lines = std::move(lines);
  return options;
}

// ---- users

class RedisUsers : public RedisRoom {
 protected:
  RedisUsers()
      : RedisRoom(with_lines({"requirepass the-right-one", "user app on >app-password ~ferry:* +@all -@dangerous",
                              "user reader on >reader-password ~ferry:* +@read +@connection +evalsha +script|load"})) {}

  void connect_as(std::string user, std::string password) {
    auto options = options_for(server_.address());
    options.username = std::move(user);
    options.password = std::move(password);
    connect(std::move(options));
  }
};

TEST_F(RedisUsers, LogsInWithAPasswordAlone) {
  connect_as("", "the-right-one");
  EXPECT_TRUE(must(client_->check()).empty());
  must(store_->mark_published({published("a")}));
}

TEST_F(RedisUsers, LogsInAsAUserWhoMayDoLittle) {
  connect_as("app", "app-password");
  EXPECT_TRUE(must(client_->check()).empty()) << "INFO and CONFIG are refused, which is no fault";
  must(store_->mark_published({published("a")}));
  must(store_->record_consumed(receipt("a")));
  must(store_->record_failures({failure("a")}));
  must(store_->save_checkpoint(checkpoint("a")));
  EXPECT_EQ(must(store_->list(std::nullopt, 10)).records.size(), 1u);
  must(board_->add("t", {{"n", 1}}));
  must(board_->post("t", "n", "text", Milliseconds{0}));
  EXPECT_EQ(must(board_->read("t")).size(), 1u);
  EXPECT_TRUE(must(board_->hold_lease("scan", "a", Milliseconds{1'000})));
}

TEST_F(RedisUsers, AWrongPasswordIsSaidClearlyAndNotShown_F110) {
  connect_as("app", "canary");
  const auto checked = run(client_->check());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().kind, ErrorKind::kDenied);
  EXPECT_THAT(checked.error().what, AllOf(HasSubstr("refuses our user or password"), HasSubstr(server_.address())));
  EXPECT_THAT(checked.error().what, Not(HasSubstr("canary")));
  const auto looked = run(store_->lookup({ObjectKey{"a"}}));
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().kind, ErrorKind::kUnavailable) << "to a store it is an outage: work waits, nothing is acked";
  EXPECT_THAT(looked.error().what, AllOf(HasSubstr("refuses our user or password"), Not(HasSubstr("canary"))));
}

TEST_F(RedisUsers, AMissingPasswordIsSaidClearly_F110) {
  connect();
  const auto checked = run(client_->check());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().kind, ErrorKind::kDenied);
  EXPECT_THAT(checked.error().what, HasSubstr("wants a password"));
}

TEST_F(RedisUsers, AMissingPermissionIsSaidClearly_F110) {
  connect_as("reader", "reader-password");
  EXPECT_FALSE(must(store_->lookup({ObjectKey{"a"}})).at(0).published);
  const auto marked = run(store_->mark_published({published("a")}));
  ASSERT_FALSE(marked);
  EXPECT_EQ(marked.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(marked.error().what, AllOf(HasSubstr("lacks a permission"), HasSubstr("ACL SETUSER")));
  EXPECT_THAT(marked.error().what, Not(HasSubstr("reader-password")));
}

// ---- TLS

class RedisTls : public ::testing::Test {
 protected:
  RedisTls() {
    const auto issued = ca_.issue("IP:127.0.0.1");
    testing::RedisServer::Options options;
    options.tls = true;
    options.lines = {"tls-cert-file " + issued.certificate_file,
                     "tls-key-file " + issued.key_file,
                     "tls-ca-cert-file " + ca_.ca_file(),
                     "tls-auth-clients no",
                     "user default off",
                     "user app on >p@ss:w/rd ~* +@all"};
    server_ = std::make_unique<testing::RedisServer>(std::move(options));
  }
  [[nodiscard]] ClientOptions options() const {
    ClientOptions options;
    options.address = "rediss://app:p%40ss%3Aw%2Frd@" + server_->address() + "/2";
    options.ca_file = ca_.ca_file();
    return options;
  }

  testing::ThrowawayCa ca_;
  std::unique_ptr<testing::RedisServer> server_;
};

TEST_F(RedisTls, TalksTlsAsAUserInADatabaseOfItsOwn) {
  const auto client = Client::open(options(), system_clock(), system_rng()).value();
  EXPECT_TRUE(testing::run(client->check()));
  const auto store = open_state(client, job_of("source"), {}, system_rng());
  std::vector<Published> many;
  for (int i = 0; i < 5000; ++i) many.push_back(published("key-" + std::to_string(i)));
  ASSERT_TRUE(testing::run(store->mark_published(many)));
  std::vector<ObjectKey> keys;
  for (const auto& one : many) keys.push_back(one.key);
  const auto found = testing::run(store->lookup(std::move(keys))).value();
  EXPECT_TRUE(std::ranges::all_of(found, [](const Record& record) { return record.published.has_value(); }));
}

TEST_F(RedisTls, RefusesAServerThatItCanNotVerify) {
  auto blind = options();
  blind.ca_file.reset();
  const auto client = Client::open(blind, system_clock(), system_rng()).value();
  const auto checked = testing::run(client->check());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(checked.error().what, HasSubstr("TLS handshake"));
  EXPECT_THAT(checked.error().what, Not(HasSubstr("p@ss")));
}

TEST_F(RedisTls, SaysWhichCaFileCanNotBeRead) {
  auto wrong = options();
  wrong.ca_file = "/nowhere/ca.pem";
  const auto client = Client::open(wrong, system_clock(), system_rng());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(client.error().what, HasSubstr("/nowhere/ca.pem"));
}

// ---- sentinels

class RedisSentinels : public RedisRoom {
 protected:
  static testing::RedisServer::Options watching(const testing::RedisServer& master) {
    testing::RedisServer::Options options;
    options.sentinel = true;
    options.lines = {"sentinel monitor mymaster 127.0.0.1 " + std::to_string(master.port()) + " 1"};
    return options;
  }
  /// As after a failover.
  void promote(const testing::RedisServer& master) {
    Cli cli{sentinel_.port()};
    cli.run({"SENTINEL", "REMOVE", "mymaster"});
    EXPECT_EQ(cli.run({"SENTINEL", "MONITOR", "mymaster", "127.0.0.1", std::to_string(master.port()), "1"}), "OK");
  }
  [[nodiscard]] std::string address(const std::string& master = "mymaster") const {
    return "redis-sentinel://127.0.0.1:1," + sentinel_.address() + "/" + master;  // nobody is at the first
  }

  testing::RedisServer sentinel_{watching(server_)};
};

TEST_F(RedisSentinels, LeadToTheMasterAndAfterAFailoverToTheNewOne_F109) {
  connect(options_for(address()));
  must(store_->mark_published({published("a")}));
  EXPECT_NE(bucket_of(std::make_unique<Cli>(server_.port()).get(), "a"), "none");
  const testing::RedisServer other;
  promote(other);
  server_.kill();
  EXPECT_TRUE(eventually([&] { return bool{run(store_->mark_published({published("b")}))}; }));
  EXPECT_NE(bucket_of(std::make_unique<Cli>(other.port()).get(), "b"), "none");
}

TEST_F(RedisSentinels, AMasterThatWasDemotedIsLeftForTheNewOne_F109) {
  connect(options_for(address()));
  must(store_->mark_published({published("a")}));
  const testing::RedisServer other;
  promote(other);
  Cli{server_.port()}.run({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_FALSE(run(store_->mark_published({published("b")}))) << "this one still went to the old master";
  must(store_->mark_published({published("b")}));
  EXPECT_NE(bucket_of(std::make_unique<Cli>(other.port()).get(), "b"), "none");
}

TEST_F(RedisSentinels, TheirMasterMustAgreeThatItIsOne_F109) {
  Cli{server_.port()}.run({"REPLICAOF", "127.0.0.1", "1"});
  connect(options_for(address()));
  const auto refused = run(store_->lookup({ObjectKey{"a"}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(refused.error().what, HasSubstr("not the master"));
  Cli{server_.port()}.run({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(eventually([&] { return bool{run(store_->lookup({ObjectKey{"a"}}))}; }));
}

TEST_F(RedisSentinels, SayWhenTheyKnowNoSuchMaster) {
  connect(options_for(address("nobody")));
  const auto refused = run(store_->lookup({ObjectKey{"a"}}));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().what, AllOf(HasSubstr("knows no master \"nobody\""), HasSubstr(sentinel_.address())));
}

// ---- clusters

class RedisCluster : public RedisRoom {
 protected:
  RedisCluster() : RedisRoom(with_lines({"cluster-enabled yes"})) {}

  static void wait_until_up(Cli* cli) {
    ASSERT_TRUE(
        eventually([&] { return cli->run({"CLUSTER", "INFO"}).find("cluster_state:ok") != std::string::npos; }));
  }
  static std::string cluster_of(const testing::RedisServer& server) { return "redis-cluster://" + server.address(); }
  void try_everything() {
    must(store_->mark_published({published("a"), published("b")}));
    must(store_->record_failures({failure("a")}));
    must(store_->save_checkpoint(checkpoint("a")));
    must(store_->record_consumed(receipt("a", 5)));
    EXPECT_EQ(lookup("a").consumed->generation.value, 5);
    EXPECT_TRUE(lookup("b").published);
    EXPECT_EQ(must(store_->list(std::nullopt, 10)).records.size(), 2u);
    EXPECT_TRUE(must(store_->checkpoints()).empty());
    EXPECT_TRUE(must(board_->hold_lease("scan", "a", Milliseconds{60'000})));
    must(board_->post("t", "n", "text", Milliseconds{0}));
    EXPECT_EQ(must(board_->read("t")).size(), 1u);
    must(board_->add("t", {{"n", 1}}));
  }

  Cli cli_{server_.port()};
};

TEST_F(RedisCluster, OfOneNodeHoldsEveryJobInOneSlot) {
  cli_.run({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"});
  wait_until_up(&cli_);
  connect(options_for(cluster_of(server_)));
  EXPECT_TRUE(must(client_->check()).empty());
  try_everything();
  job_ = job_of("another-source");
  store_ = open_state(client_, job_, with_secret(), system_rng());
  board_ = open_board(client_, job_, system_rng());
  try_everything();
}

class RedisClusterOfTwo : public RedisCluster {
 protected:
  void SetUp() override {
    cli_.run({"CLUSTER", "ADDSLOTSRANGE", "0", "8191"});
    other_cli_.run({"CLUSTER", "ADDSLOTSRANGE", "8192", "16383"});
    cli_.run({"CLUSTER", "MEET", "127.0.0.1", std::to_string(other_.port()),
              other_cli_.run({"CONFIG", "GET", "cluster-port"}).substr(13, 5)});
    wait_until_up(&cli_);
    wait_until_up(&other_cli_);
    for (int i = 0; slot_ < 8192; ++i) {  // a job of the node that we do not name
      job_ = job_of("source-" + std::to_string(i));
      slot_ = cli_.number({"CLUSTER", "KEYSLOT", key("layout")});
    }
    connect(options_for(cluster_of(server_)));
  }

  testing::RedisServer other_{with_lines({"cluster-enabled yes"})};
  Cli other_cli_{other_.port()};
  long long slot_ = 0;
};

TEST_F(RedisClusterOfTwo, LeadsToTheNodeThatHoldsTheJob) {
  try_everything();
  EXPECT_EQ(cli_.number({"DBSIZE"}), 0);
  EXPECT_GT(other_cli_.number({"DBSIZE"}), 0);
}

TEST_F(RedisClusterOfTwo, IsFollowedWhileItMovesTheJobToAnotherNode) {
  must(store_->mark_published({published("a"), published("b")}));
  must(board_->post("t", "n", "text", Milliseconds{0}));
  const auto slot = std::to_string(slot_);
  const auto here = cli_.run({"CLUSTER", "MYID"});
  const auto there = other_cli_.run({"CLUSTER", "MYID"});
  ASSERT_EQ(other_cli_.run({"CLUSTER", "SETSLOT", slot, "MIGRATING", here}), "OK");
  ASSERT_EQ(cli_.run({"CLUSTER", "SETSLOT", slot, "IMPORTING", there}), "OK");
  EXPECT_TRUE(lookup("a").published) << "still at its old place";
  EXPECT_FALSE(lookup("never-there").published) << "asked for at both";
  for (const auto& name : other_cli_.lines({"CLUSTER", "GETKEYSINSLOT", slot, "100"})) {
    ASSERT_EQ(other_cli_.run({"MIGRATE", "127.0.0.1", std::to_string(server_.port()), name, "0", "5000"}), "OK");
  }
  EXPECT_TRUE(lookup("a").published) << "by ASK";
  EXPECT_EQ(must(board_->read("t")).size(), 1u) << "a script by ASK";
  const auto recorded = run(store_->record_consumed(receipt("a", 5)));
  ASSERT_FALSE(recorded) << "Redis runs no script on several keys meanwhile";
  EXPECT_EQ(recorded.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(recorded.error().what, HasSubstr("its cluster is moving our keys"));
  ASSERT_EQ(cli_.run({"CLUSTER", "SETSLOT", slot, "NODE", here}), "OK");
  ASSERT_EQ(other_cli_.run({"CLUSTER", "SETSLOT", slot, "NODE", here}), "OK");
  EXPECT_TRUE(lookup("a").published) << "by MOVED";
  must(store_->record_consumed(receipt("b", 6)));
  other_.kill();
  EXPECT_EQ(lookup("b").consumed->generation.value, 6);
}

}  // namespace
}  // namespace ferry::redis
