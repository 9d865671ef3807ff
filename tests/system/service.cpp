#include "tests/system/service.hpp"

#include <csignal>

#include "kit/base/hash.hpp"

namespace ferry::system_test {

void Service::start_service(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--pubsub", "0"});
  start(std::move(arguments));
  redis_.emplace();
}

void Service::start_synthetic_service(std::uint64_t count, std::uint64_t size, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--pubsub", "0"});
  start_synthetic(count, size, std::move(arguments));
  redis_.emplace();
}

Environment Service::service_environment() const {
  return {{"PUBSUB_EMULATOR_HOST", boost::json::value_to<std::string>(sandbox_->ready().at("pubsub"))},
          {"REDIS_ADDRESS", redis_->address()},
          {"SYSTEM_ADMIN_USERNAME", kUser},
          {"SYSTEM_ADMIN_PASSWORD", kPassword},
          {"FERRY_STATE_SECRET", kStateSecret},
          {"no_proxy", "127.0.0.1"}};
}

std::unique_ptr<Process> Service::start_role(const std::string& role, std::vector<std::string> options,
                                             const Environment& changes) {
  std::vector<std::string> words{role, "s3://" + kSource, "gs://" + kTarget, "--listen", "127.0.0.1:0"};
  words.insert(words.end(), options.begin(), options.end());
  auto environment = service_environment();
  for (const auto& [name, value] : changes) environment[name] = value;
  return start_ferry(std::move(words), environment);
}

Process* Service::start_migrator(std::vector<std::string> options, const Environment& changes) {
  return migrators_.emplace_back(start_role("migrator", std::move(options), changes)).get();
}

void Service::start_publisher(std::vector<std::string> options, const Environment& changes) {
  publisher_ = start_role("publisher", std::move(options), changes);
  api_ = origin_of(*publisher_);
}

std::string Service::port_of(const Process& process) {
  std::string port;
  const auto found = [&] {
    const auto log = process.err();
    const auto at = log.find("\"port\":");
    if (at != std::string::npos) port = log.substr(at + 7, log.find_first_of(",}", at + 7) - at - 7);
    return !port.empty() || !process.running();
  };
  EXPECT_TRUE(eventually(found, Duration{20}));
  EXPECT_FALSE(port.empty()) << process.err();
  return port;
}

bool Service::said(const Process& process, const std::string& what) {
  return process.err().find(what) != std::string::npos;
}

void Service::await_migrators() {
  for (const auto& migrator : migrators_) {
    EXPECT_TRUE(eventually([&] { return said(*migrator, "migrator.ready"); }, Duration{20})) << migrator->err();
  }
}

Reply Service::api(const std::string& method, const std::string& path, const std::string& body) {
  net::Headers headers{{"Authorization", "Basic " + base64(std::string{kUser} + ":" + kPassword)},
                       {"X-Ferry-Request", "test"}};
  if (!body.empty()) headers.add("Content-Type", "application/json");
  return http_->send(api_, method, path, std::move(headers), body);
}

boost::json::object Service::api_json(const std::string& method, const std::string& path, const std::string& body) {
  const auto reply = api(method, path, body);
  EXPECT_EQ(reply.status / 100, 2) << path << ": " << reply.body;
  return boost::json::parse(reply.body).as_object();
}

Reply Service::curl(std::vector<std::string> words, const std::string& user, const std::string& password) {
  words.insert(words.begin(), {"-sS", "-w", "%{http_code}", "-u", user + ":" + password});
  auto out = run({"curl", std::move(words), {{"no_proxy", "127.0.0.1"}}}, folder(), "curl", Duration{120}).out;
  constexpr std::size_t kStatusDigits = 3;
  Reply reply;
  if (out.size() < kStatusDigits) return reply;
  reply.status = std::stoi(out.substr(out.size() - kStatusDigits));
  reply.body = out.substr(0, out.size() - kStatusDigits);
  return reply;
}

void Service::scan() { EXPECT_EQ(api("POST", "/scan").status / 100, 2); }

std::uint64_t Service::backlog() { return api_json("GET", "/status").at("backlog").to_number<std::uint64_t>(); }

std::uint64_t Service::active() {
  std::uint64_t all = 0;
  const auto status = api_json("GET", "/status");
  for (const auto& worker : status.at("workers").as_array()) {
    all += worker.at("active").to_number<std::uint64_t>();
  }
  return all;
}

std::uint64_t Service::broker_holds() {
  std::uint64_t all = 0;
  for (const auto& one : sandbox_->broker_holdings()) {
    for (const char* what : {"waiting", "delayed", "on_loan"}) all += one.at(what).to_number<std::uint64_t>();
  }
  return all;
}

bool Service::is_ready(const std::string& origin) { return http_->send(origin, "GET", "/readyz").status == 200; }

std::string Service::redis(std::vector<std::string> words) {
  words.insert(words.begin(), {"-p", std::to_string(redis_->port())});
  auto said = run({"redis-cli", std::move(words), {}}, folder(), "redis-cli", Duration{20}).out;
  if (said.ends_with('\n')) said.pop_back();
  return said;
}

void Service::hold_redis_writes() { EXPECT_EQ(redis({"CLIENT", "PAUSE", "600000", "WRITE"}), "OK"); }
void Service::drop_held_writes() { redis({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}); }
void Service::redis_writes_again() { EXPECT_EQ(redis({"CLIENT", "UNPAUSE"}), "OK"); }

void Service::expect_all_there(double seconds) {
  EXPECT_TRUE(eventually([&] { return all_there(); }, Duration{seconds})) << verify().describe() << said_by_all();
}

std::string Service::said_by_all() const {
  std::string all = publisher_ ? "\npublisher:\n" + publisher_->err() : "";
  for (const auto& migrator : migrators_) all += "\nmigrator:\n" + migrator->err();
  return all;
}

std::map<std::string, int> Service::commits_by_key() {
  std::map<std::string, int> counts;
  for (const auto& event : sandbox_->events()) {
    if (event.is_commit("gcs")) ++counts[event.key()];
  }
  return counts;
}

void Service::expect_one_commit_each() {
  for (const auto& [key, count] : commits_by_key()) EXPECT_EQ(count, 1) << key;
}

std::uint64_t Service::copied_by(const Ended& ended) {
  constexpr std::string_view kLine = "\"event\":\"migrator.ended\",\"copied\":";
  const auto at = ended.err.rfind(kLine);
  EXPECT_NE(at, std::string::npos) << ended.err;
  return at == std::string::npos ? 0 : std::stoull(ended.err.substr(at + kLine.size()));
}

Ended Service::stop(Process* process) {
  process->signal(SIGTERM);
  auto ended = process->wait(Duration{40});
  EXPECT_EQ(ended.code, 0) << ended.err;
  return ended;
}

void Service::put_many(int count, const std::string& prefix) {
  for (int i = 0; i < count; ++i) source_->put(prefix + std::to_string(i), "bytes of " + std::to_string(i));
}

}  // namespace ferry::system_test
