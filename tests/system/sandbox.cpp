#include "tests/system/sandbox.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>

namespace ferry::system_test {
namespace {

constexpr Duration kStopMax{60};

Command command(const std::filesystem::path& log_file, const std::filesystem::path& key_file,
                std::vector<std::string> arguments) {
  std::vector<std::string> all{
      "--s3", "0", "--gcs", "0", "--event-log", log_file.string(), "--service-account", key_file.string()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return {FERRY_SANDBOX_PROGRAM, std::move(all), {}};
}

}  // namespace

Sandbox::Sandbox(Http* http, const std::filesystem::path& folder, std::vector<std::string> arguments)
    : http_(http),
      log_file_(folder / "events.jsonl"),
      key_file_(folder / "service-account.json"),
      process_(command(log_file_, key_file_, std::move(arguments)), folder, "sandbox") {
  const auto ready = [&] { return process_.out().find('\n') != std::string::npos || !process_.running(); };
  if (!eventually(ready, kStartMax) || !process_.running()) {
    throw std::runtime_error("bucketferry-sandbox didn't start: " + process_.err());
  }
  const auto out = process_.out();
  ready_ = boost::json::parse(std::string_view{out}.substr(0, out.find('\n'))).as_object();
  s3_ = boost::json::value_to<std::string>(ready_.at("s3"));
  gcs_ = boost::json::value_to<std::string>(ready_.at("gcs"));
}

S3Account Sandbox::account() const {
  const auto text = [this](const char* name) { return boost::json::value_to<std::string>(ready_.at(name)); };
  return {s3_, text("access_key_id"), text("secret_access_key"), text("region")};
}

Environment Sandbox::environment() const {
  const auto keys = account();
  return {{"AWS_ACCESS_KEY_ID", keys.access_key},
          {"AWS_SECRET_ACCESS_KEY", keys.secret_key},
          {"AWS_ENDPOINT_URL_S3", s3_},
          {"STORAGE_EMULATOR_HOST", gcs_}};
}

std::string Sandbox::control(const std::string& method, const std::string& path, const std::string& body) {
  auto reply = http_->send(s3_, method, "/_sandbox/" + path, {}, body);
  if (reply.status >= 300) throw std::runtime_error("sandbox control " + path + ": " + reply.body);
  return std::move(reply.body);
}

void Sandbox::fault(const boost::json::object& instruction) {
  control("POST", "faults", boost::json::serialize(instruction));
}

void Sandbox::clear_faults() { control("DELETE", "faults"); }

std::vector<Event> Sandbox::events() {
  std::vector<Event> all;
  std::uint64_t last = 0;
  for (;;) {
    auto page = parse_events(control("GET", "events?after=" + std::to_string(last)));
    if (page.empty()) return all;
    last = page.back().number("n");
    all.insert(all.end(), std::make_move_iterator(page.begin()), std::make_move_iterator(page.end()));
  }
}

boost::json::object Sandbox::counters() { return boost::json::parse(control("GET", "counters")).as_object(); }

std::uint64_t Sandbox::requests(std::string_view service, std::string_view operation) {
  const auto all = counters();
  const auto* of_service = all.if_contains(service);
  if (!of_service) return 0;
  std::uint64_t total = 0;
  for (const auto& [name, counter] : of_service->as_object()) {
    if (operation.empty() || name == operation) total += counter.at("requests").to_number<std::uint64_t>();
  }
  return total;
}

void Sandbox::forget() { control("POST", "reset"); }

void Sandbox::stop() {
  process_.signal(SIGTERM);
  const auto ended = process_.wait(kStopMax);
  EXPECT_EQ(ended.code, 0) << "bucketferry-sandbox: " << ended.err;
}

std::vector<Event> Sandbox::log() const { return parse_events(read_file(log_file_)); }

}  // namespace ferry::system_test
