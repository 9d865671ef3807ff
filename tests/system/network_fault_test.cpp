// The network itself: names that don't resolve, lost packets, and each dependency cut off while the others work.

#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <limits>
#include <sstream>
#include <system_error>

#include "testing/net/wire_relay.hpp"
#include "tests/system/service.hpp"

namespace ferry::system_test {
namespace {

std::uint16_t port_in(const std::string& origin) {
  return static_cast<std::uint16_t>(std::stoi(origin.substr(origin.rfind(':') + 1)));
}

/// Seconds of CPU that a process has had so far.
double cpu_seconds(const Process& process) {
  std::istringstream line{read_file("/proc/" + std::to_string(process.pid()) + "/stat")};
  line.ignore(std::numeric_limits<std::streamsize>::max(), ')');
  constexpr int kUserTime = 14, kFirst = 3;  // proc(5): the fields after the name
  std::string skipped;
  for (int field = kFirst; field < kUserTime; ++field) line >> skipped;
  double user = 0, system = 0;
  line >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// A service that reaches each of its dependencies over a wire of its own.
class ServiceNetwork : public Service {
 protected:
  void start_wired() {
    start_service();
    s3_.emplace(port_in(sandbox_->s3()));
    gcs_.emplace(port_in(sandbox_->gcs()));
    pubsub_.emplace(port_in(service_environment().at("PUBSUB_EMULATOR_HOST")));
    redis_wire_.emplace(redis_->port());
    put_many(kObjects, "before/");
    start_migrator(kWork, wires());
    await_migrators();
    start_publisher({}, wires());
    expect_all_there();
  }

  [[nodiscard]] Environment wires() const {
    return {{"AWS_ENDPOINT_URL_S3", s3_->origin()},
            {"STORAGE_EMULATOR_HOST", gcs_->origin()},
            {"PUBSUB_EMULATOR_HOST", pubsub_->address()},
            {"REDIS_ADDRESS", redis_wire_->address()}};
  }

  /// New objects arrive while `wire` is cut; they are there soon after it is mended, and nobody ran hot meanwhile.
  void cut_and_mend(testing::WireRelay* wire, const std::string& name) {
    const auto published = cpu_seconds(*publisher_), migrated = cpu_seconds(*migrators_.front());
    wire->cut();
    put_many(kObjects, name + "/");
    (void)api("POST", "/scan");  // may well be refused just now
    EXPECT_FALSE(eventually([&] { return !publisher_->running() || !migrators_.front()->running(); }, kOutage)) << name;
    const double share = kOutage.count() / 2;
    EXPECT_LT(cpu_seconds(*publisher_) - published, share) << name << " is asked in a busy loop by the publisher";
    EXPECT_LT(cpu_seconds(*migrators_.front()) - migrated, share) << name << " is asked in a busy loop by the migrator";
    wire->mend();
    EXPECT_TRUE(eventually([&] { return api("POST", "/scan").status / 100 == 2; }, Duration{30})) << name;
    expect_all_there();
  }

  static constexpr int kObjects = 50;
  static constexpr Duration kOutage{4};
  const std::vector<std::string> kWork{"--transfers", "16"};
  std::optional<testing::WireRelay> s3_, gcs_, pubsub_, redis_wire_;
};

TEST_F(ServiceNetwork, EachDependencyMayBeCutOffWhileTheOthersWork_F081) {
  start_wired();
  cut_and_mend(&*redis_wire_, "redis");
  cut_and_mend(&*pubsub_, "pubsub");
  cut_and_mend(&*s3_, "s3");
  cut_and_mend(&*gcs_, "gcs");
  expect_one_commit_each();
}

class Network : public SystemTest {
 protected:
  /// Below its own mount namespace, where /etc/hosts is a file of the test's.
  std::unique_ptr<Process> start_with_own_hosts(std::vector<std::string> arguments, const Environment& changes) {
    auto command = copy_command(std::move(arguments), changes);
    std::vector<std::string> words{"--mount",    "sh",           "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\"",
                                   hosts_file(), command.program};
    words.insert(words.end(), command.arguments.begin(), command.arguments.end());
    return std::make_unique<Process>(Command{"unshare", std::move(words), command.environment}, folder(), "unshared");
  }
  /// In place: what is mounted elsewhere is this very file.
  void write_hosts(const std::string& lines) const { std::ofstream{hosts_file()} << lines; }
  [[nodiscard]] std::string hosts_file() const { return (folder() / "hosts").string(); }
};

TEST_F(Network, NamesMayFailForAWhileAndChangeTheirAddress_F078) {
  start();
  constexpr int kObjects = 200;
  for (int i = 0; i < kObjects; ++i) source_->put("k" + std::to_string(i), "body " + std::to_string(i));
  const auto server = port_in(sandbox_->s3());
  std::optional<testing::WireRelay> first;
  first.emplace(server, "127.0.0.2");
  testing::WireRelay second{server, "127.0.0.3", first->port()};
  const Environment by_name{{"AWS_ENDPOINT_URL_S3", "http://s3.ferry.test:" + std::to_string(first->port())}};

  write_hosts("");
  const auto refused = read_outcome(start_with_own_hosts({}, by_name)->wait(Duration{60}));
  EXPECT_EQ(refused.code(), 3) << refused.describe();
  EXPECT_NE(refused.ended.err.find("s3.ferry.test"), std::string::npos) << refused.describe();
  EXPECT_NE(refused.ended.err.find("resolved"), std::string::npos) << refused.describe();

  write_hosts("127.0.0.2 s3.ferry.test\n");
  sandbox_->fault({{"service", "s3"}, {"op", "GetObject"}, {"action", {{"delay_ms", 50}}}});
  const auto running = start_with_own_hosts({"--transfers", "4"}, by_name);
  EXPECT_TRUE(eventually([&] { return sandbox_->requests("s3", "GetObject") > 10; }, Duration{30}));
  write_hosts("");
  first.reset();  // nobody listens there any more
  const auto had = sandbox_->requests("s3", "GetObject");
  EXPECT_LT(had, kObjects);
  EXPECT_FALSE(eventually([&] { return !running->running(); }, Duration{2})) << running->err();
  write_hosts("127.0.0.3 s3.ferry.test\n");
  const auto outcome = read_outcome(running->wait(Duration{60}));
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), kObjects);
  EXPECT_GT(second.connections(), 0);
}

/// Takes a place without ever answering a call: its queue of callers is full, and further ones hear nothing.
class Abyss {
 public:
  explicit Abyss(const std::string& address) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &place.sin_addr);
    socklen_t size = sizeof place;
    if (::bind(fds_[0], reinterpret_cast<const sockaddr*>(&place), size) != 0 || ::listen(fds_[0], 0) != 0 ||
        ::getsockname(fds_[0], reinterpret_cast<sockaddr*>(&place), &size) != 0) {
      throw std::system_error(errno, std::generic_category(), address);
    }
    port_ = ntohs(place.sin_port);
    for (std::size_t i = 1; i < fds_.size(); ++i) ::connect(fds_[i], reinterpret_cast<const sockaddr*>(&place), size);
  }
  ~Abyss() {
    for (const int fd : fds_) ::close(fd);
  }
  Abyss(const Abyss&) = delete;
  Abyss& operator=(const Abyss&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  static int open_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }
  std::array<int, 4> fds_{open_socket(), open_socket(), open_socket(), open_socket()};
  std::uint16_t port_ = 0;
};

/// One after the other, each would have to wait for the whole time that connecting may take, and fail.
TEST_F(Network, AnAddressThatNeverAnswersDoesNotKeepTheNextOneFromBeingTried_F072) {
  start();
  source_->put("key", "bytes");
  const Abyss first{"127.0.0.2"};
  testing::WireRelay second{port_in(sandbox_->s3()), "127.0.0.3", first.port()};
  write_hosts("127.0.0.2 s3.ferry.test\n127.0.0.3 s3.ferry.test\n");
  const Environment by_name{{"AWS_ENDPOINT_URL_S3", "http://s3.ferry.test:" + std::to_string(first.port())}};
  const auto outcome = read_outcome(start_with_own_hosts({}, by_name)->wait(kCopyMax));
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  expect_same({"key"});
}

/// The whole test moves into a network namespace of its own: its loopback loses packets, and nobody else's does.
TEST_F(Network, LossDelayAndSmallPacketsOnlyTakeTime_F080) {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "wants to be root";
  const auto shell = [this](const std::string& line) {
    const auto ended = run({"sh", {"-c", line}, {}}, folder(), "sh", Duration{10});
    ASSERT_EQ(ended.code, 0) << line << ": " << ended.err;
  };
  shell("ip link set lo up && ip link set lo mtu 576");
  start();
  source_->put("large", noise(4 * kMiB, 1));
  std::vector<std::string> keys{"large"};
  for (int i = 0; i < 40; ++i) {
    keys.push_back("k" + std::to_string(i));
    source_->put(keys.back(), "body " + std::to_string(i));
  }
  for (const char* service : {"s3", "gcs"}) {
    sandbox_->fault({{"service", service}, {"action", {{"delay_ms", 200}}}});
  }
  shell("iptables -I INPUT -i lo -m statistic --mode random --probability 0.1 -j DROP");
  const auto outcome = copy();
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  EXPECT_EQ(outcome.number("copied"), keys.size());
  shell("iptables -F INPUT");
  sandbox_->clear_faults();
  expect_same(keys);
}

}  // namespace
}  // namespace ferry::system_test
