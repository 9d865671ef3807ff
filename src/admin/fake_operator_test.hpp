#pragma once
// An operator that remembers what it was asked, and fails when told to; and a client for the server in front of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "admin/api_server.hpp"
#include "kit/base/hash.hpp"
#include "testing/net/raw_client.hpp"
#include "testing/net/site.hpp"

namespace ferry::admin {

struct FakeOperator final : Operator {
  std::map<ObjectKey, Record> kept;
  std::map<ObjectKey, Failure> ledger;
  ServiceStatus state;
  std::vector<std::string> asked;
  std::optional<Error> broken;  ///< what everything fails with
  std::size_t pages_until_broken = SIZE_MAX;
  std::size_t records_per_page = SIZE_MAX, records_most = 0;
  std::uint64_t synthetic = 0;  ///< records that records() makes up instead
  std::uint64_t statuses = 0;
  bool is_ready = true;
  ScanRequest scan_answer = ScanRequest::kStarted;

  Record* put(std::string key, bool published = true, bool consumed = true) {
    Record record;
    record.key = ObjectKey{key};
    const Version version{ETag{"\"e\""}, Seconds{std::chrono::seconds{1'700'000'000}}, std::nullopt};
    const Seconds when{std::chrono::seconds{1'700'000'100}};
    if (published) record.published = Published{record.key, version, when};
    if (consumed) record.consumed = Receipt{record.key, version, Generation{17}, Rung::kParts, 5, when};
    return &(kept[record.key] = record);
  }
  void fail_object(std::string key) {
    ledger[ObjectKey{key}] = Failure{ObjectKey{key}, std::nullopt, FailureReason::kDenied, "403", 2, Seconds{}};
  }

  Task<Result<RecordPage>> records(std::optional<std::string> cursor, std::size_t limit) override {
    if (broken || pages_until_broken-- == 0) co_return fail(broken.value_or(Error{ErrorKind::kUnavailable, "away"}));
    limit = std::min(limit, records_per_page);
    records_most = std::max(records_most, limit);
    if (synthetic > 0) co_return made_up(cursor, limit);
    if (cursor && cursor->front() != '>') co_return fail(ErrorKind::kInvalid, "not a cursor of this store");
    RecordPage page;
    auto at = cursor ? kept.upper_bound(ObjectKey{cursor->substr(1)}) : kept.begin();
    for (; at != kept.end() && page.records.size() < limit; ++at) page.records.push_back(at->second);
    if (at != kept.end()) page.next = ">" + page.records.back().key.str();
    co_return page;
  }
  RecordPage made_up(const std::optional<std::string>& cursor, std::size_t limit) {
    RecordPage page;
    auto at = cursor ? std::stoull(*cursor) : 0;
    for (; at < synthetic && page.records.size() < limit; ++at) {
      page.records.push_back(*put("k"));
      page.records.back().key = ObjectKey{"data/" + std::to_string(at)};
    }
    if (at < synthetic) page.next = std::to_string(at);
    return page;
  }
  Task<Result<Record>> record(ObjectKey key) override {
    asked.push_back("record " + key.str());
    if (broken) co_return fail(*broken);
    const auto at = kept.find(key);
    co_return at == kept.end() ? Record{} : at->second;
  }
  Task<Result<std::uint64_t>> forget(Mark mark, ObjectKey key) override {
    asked.push_back((mark == Mark::kPublished ? "forget published " : "forget consumed ") + key.str());
    if (broken) co_return fail(*broken);
    co_return kept.contains(key) ? 1 : 0;
  }
  Task<Result<std::uint64_t>> forget_all(Mark mark) override {
    asked.push_back(mark == Mark::kPublished ? "forget all published" : "forget all consumed");
    if (broken) co_return fail(*broken);
    co_return kept.size();
  }
  Task<Result<ScanRequest>> scan(bool audit) override {
    asked.push_back(audit ? "audit" : "scan");
    if (broken) co_return fail(*broken);
    co_return scan_answer;
  }
  Task<Status> set_paused(bool paused) override {
    asked.push_back(paused ? "pause" : "resume");
    if (broken) co_return fail(*broken);
    co_return Unit{};
  }
  Task<Result<ServiceStatus>> status() override {
    ++statuses;
    if (broken) co_return fail(*broken);
    state.now += std::chrono::seconds{1};
    co_return state;
  }
  Task<Result<FailurePage>> failures(std::optional<ObjectKey> after, std::size_t limit) override {
    if (broken) co_return fail(*broken);
    FailurePage page;
    auto at = after ? ledger.upper_bound(*after) : ledger.begin();
    for (; at != ledger.end() && page.failures.size() < limit; ++at) page.failures.push_back(at->second);
    if (at != ledger.end()) page.next = page.failures.back().key;
    co_return page;
  }
  Task<Result<std::uint64_t>> retry(std::vector<ObjectKey> keys) override {
    std::string line = "retry";
    for (const auto& key : keys) line += " " + key.str();
    asked.push_back(line);
    if (broken) co_return fail(*broken);
    co_return keys.empty() ? ledger.size() : keys.size();
  }
  Task<Result<std::string>> metrics() override {
    if (broken) co_return fail(*broken);
    co_return "ferry_up 1\n";
  }
  [[nodiscard]] bool ready() const override { return is_ready; }
};

struct Reply {
  int status = 0;
  net::Headers headers;
  std::string body;
  [[nodiscard]] boost::json::value json() const { return boost::json::parse(body); }
  [[nodiscard]] std::string header(std::string_view name) const { return std::string(headers.find(name).value_or("")); }
};

inline const std::string kUser = "keeper", kPassword = "lantern-in-the-fog";

[[nodiscard]] inline std::string basic(const std::string& user, const std::string& password) {
  return "Basic " + base64(user + ":" + password);
}

/// The publisher's API on a socket, with its operator and a client that knows the password.
class ApiSite : public testing::Site {
 public:
  explicit ApiSite(Time time = Time::kReal, AdminOptions options = {}) : Site({}, time) {
    options.user = kUser;
    options.password = kPassword;
    api = make_admin_api(context.get_executor(), options, &service, clock()).value();
    group.spawn(api->run());
  }
  ~ApiSite() { run(end(this)); }

  Reply get(std::string target, net::Headers more = {}) { return send("GET", std::move(target), std::move(more)); }
  Reply post(std::string target, std::string body = "{}", net::Headers more = {{"Content-Type", "application/json"}}) {
    return send("POST", std::move(target), std::move(more), std::move(body));
  }
  Reply send(std::string method, std::string target, net::Headers more = {}, std::string body = {}) {
    more.add("Authorization", basic(kUser, kPassword));
    return run(exchange(this, std::move(method), std::move(target), std::move(more), std::move(body)));
  }
  /// Without the password.
  Reply send_as(std::string method, std::string target, net::Headers headers) {
    return run(exchange(this, std::move(method), std::move(target), std::move(headers), {}));
  }
  static Task<Reply> exchange(ApiSite* site, std::string method, std::string target, net::Headers headers,
                              std::string body) {
    const auto length = body.size();
    auto opened =
        co_await site->client->open(testing::plain(site->api->port()),
                                    net::RequestHead(std::move(method), std::move(target), std::move(headers)), length);
    if (length > 0) co_await (*opened)->write(std::string_view(body));
    auto head = co_await (*opened)->response();
    Reply reply;
    if (!head) co_return reply;
    reply.status = head->status;
    reply.headers = head->headers;
    auto text = co_await (*opened)->read_all(1 << 30);
    reply.body = text.value_or("<broken off>");
    co_return reply;
  }

  FakeOperator service;
  std::unique_ptr<AdminServer> api;

 private:
  static Task<> end(ApiSite* site) {
    site->api->stop();
    site->background.cancel();
    co_await site->background.join();
    co_await site->group.join();
  }
};

}  // namespace ferry::admin
