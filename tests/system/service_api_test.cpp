// The API as strangers meet it, while the service works.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

class ServiceApi : public Service {
 protected:
  ~ServiceApi() override {
    for (const int fd : sockets_) ::close(fd);
  }
  /// Connects and says no more than this.
  void connect_idly(std::uint16_t port, const std::string& bytes) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    sockets_.push_back(fd);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    if (!bytes.empty()) ASSERT_GT(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
  }

  std::vector<int> sockets_;
};

TEST_F(ServiceApi, AnswersInSpiteOfMoreIdleConnectionsThanItTakes_F155) {
  constexpr int kIdle = 10'000;  // it takes a thousand
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GT(limit.rlim_max, kIdle + 200) << "the test itself may not open so many: raise the hard limit (ulimit -Hn)";
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  start_synthetic_service(2'000, kKiB, {"--latency", "5"});
  start_publisher();
  start_migrator();
  const auto port = static_cast<std::uint16_t>(std::stoi(port_of(*publisher_)));
  for (int i = 0; i < kIdle; ++i) connect_idly(port, i % 2 == 0 ? "" : "GET /status HTTP/1.1\r\nHost: slow");
  const auto reply = curl({"--max-time", "60", api_ + "/status"});
  EXPECT_EQ(reply.status, 200) << reply.body;
  expect_all_there();
  expect_one_commit_each();
}

TEST_F(ServiceApi, SlowsGuessersDownAndLetsOthersIn_F156) {
  start_service();
  start_publisher();
  int refused = 0, shut = 0;
  for (int i = 0; i < 30; ++i) {
    const auto status = curl({api_ + "/status"}, kUser, "guess-number-" + std::to_string(i)).status;
    refused += status == 401 ? 1 : 0;
    shut += status == 429 ? 1 : 0;
  }
  EXPECT_EQ(refused + shut, 30);
  EXPECT_GE(refused, 5);
  EXPECT_GE(shut, 10);
  int rightly = 200;  // on a slow machine the door may just have opened again
  for (int i = 30; i < 60 && rightly != 429; ++i) {
    curl({api_ + "/status"}, kUser, "guess-number-" + std::to_string(i));
    rightly = curl({api_ + "/status"}).status;
  }
  EXPECT_EQ(rightly, 429) << "with the right password, too";
  EXPECT_EQ(curl({"--interface", "127.0.0.2", api_ + "/status"}).status, 200) << "from elsewhere";
  EXPECT_EQ(curl({api_ + "/healthz"}).status, 200);
  EXPECT_FALSE(said(*publisher_, "guess-number"));
}

TEST_F(ServiceApi, AnOldPasswordThatIsSentAgainAndAgainShutsNobodyOut_F156) {
  start_service();
  start_publisher();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(curl({api_ + "/status"}, kUser, "last-year's-password").status, 401);
  EXPECT_EQ(curl({api_ + "/status"}).status, 200);
}

}  // namespace
}  // namespace ferry::system_test
