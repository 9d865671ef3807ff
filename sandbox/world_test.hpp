#pragma once
// A sandbox without sockets: requests are handed to it, what it would have sent is looked at.

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <string>

#include "kit/base/time.hpp"
#include "sandbox/sandbox.hpp"
#include "testing/base/simulated_clock.hpp"

namespace ferry::sandbox {

/// One request and what came back.
class FakeExchange final : public net::ServerExchange {
 public:
  FakeExchange(std::string method, std::string target, net::Headers headers, std::string body, bool chunked = false)
      : input_(std::move(body)) {
    request_.method = std::move(method);
    request_.target = std::move(target);
    request_.headers = std::move(headers);
    if (!chunked) request_.content_length = input_.size();
  }
  /// The connection breaks when this much of the body was read.
  void break_after(std::size_t bytes) { break_after_ = bytes; }

  const net::ServerRequest& request() const override { return request_; }
  Task<Result<std::size_t>> read(std::span<char> into) override {
    const auto count = std::min({into.size(), input_.size() - at_, break_after_ - at_});
    if (count == 0 && at_ == break_after_) co_return fail(ErrorKind::kUnavailable, "connection reset");
    std::copy_n(input_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    co_return count;
  }
  Task<Result<std::string>> read_all(std::size_t limit) override {
    if (input_.size() - at_ > limit) co_return fail(ErrorKind::kCorrupt, "body over the limit");
    co_return input_.substr(std::exchange(at_, input_.size()));
  }
  Task<Status> respond(int answer, net::Headers fields, std::string text) override {
    if (aborted) co_return fail(ErrorKind::kUnavailable, "aborted");
    status = answer;
    headers = std::move(fields);
    length = text.size();
    body += text;
    finished = true;
    co_return Status{};
  }
  Task<Status> begin(int answer, net::Headers fields, std::optional<std::uint64_t> size) override {
    status = answer;
    headers = std::move(fields);
    length = size;
    co_return Status{};
  }
  Task<Status> write(net::Buffers bytes) override {
    for (const auto& piece : bytes.pieces()) body.append(piece.data(), piece.size());
    co_return Status{};
  }
  Task<Status> finish() override {
    finished = true;
    co_return Status{};
  }
  Task<Status> write_raw(net::Buffers bytes) override {
    for (const auto& piece : bytes.pieces()) raw.append(piece.data(), piece.size());
    co_return Status{};
  }
  void abort(bool with_reset) override {
    aborted = true;
    reset = with_reset;
  }

  [[nodiscard]] std::string header(std::string_view name) const {
    return std::string(headers.find(name).value_or("(none)"));
  }
  [[nodiscard]] boost::json::object json() const { return boost::json::parse(body).as_object(); }
  /// Text of the first element of that name.
  [[nodiscard]] std::string xml(const std::string& name) const {
    const auto start = body.find("<" + name + ">");
    if (start == std::string::npos) return "(none)";
    const auto from = start + name.size() + 2;
    return body.substr(from, body.find("</" + name + ">", from) - from);
  }

  int status = 0;
  net::Headers headers;
  std::optional<std::uint64_t> length;
  std::string body, raw;
  bool finished = false, aborted = false, reset = false;

 private:
  net::ServerRequest request_;
  std::string input_;
  std::size_t at_ = 0, break_after_ = SIZE_MAX;
};

struct World {
  explicit World(Settings settings = {}) {
    static const auto kAccount = [] {
      testing::SeededRng seeded;
      return std::make_shared<const ServiceAccount>(ServiceAccount::make(&seeded));
    }();
    settings.account = kAccount;
    settings.s3.keys = keys;
    settings.buckets_s3.emplace_back("src");
    settings.buckets_gcs.emplace_back("dst");
    auto made = Sandbox::make(std::move(settings), &clock, &rng);
    if (!made) throw std::runtime_error(made.error().what);
    sandbox = *std::move(made);
    sandbox->token()->set_audience("http://token.test/token");
  }

  /// Signed, unless it carries an Authorization or `sign` is off.
  std::unique_ptr<FakeExchange> s3(std::string method, std::string target, net::Headers headers = {},
                                   std::string body = {}) {
    headers.add("Host", "127.0.0.1:9000");
    headers.add("x-amz-date", amz_date(std::chrono::floor<std::chrono::seconds>(clock.wall())));
    if (!headers.find("x-amz-content-sha256")) headers.add("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    const auto parsed = parse_target(target);
    if (sign && parsed) {
      const auto value = authorization(method, parsed->raw_path, parsed->query, headers, keys, region);
      headers.add("Authorization", value);
    }
    return send(sandbox->s3(), std::make_unique<FakeExchange>(std::move(method), std::move(target), std::move(headers),
                                                              std::move(body)));
  }
  std::unique_ptr<FakeExchange> gcs(std::string method, std::string target, net::Headers headers = {},
                                    std::string body = {}) {
    headers.add("Host", "gcs.test");
    return send(sandbox->gcs(), std::make_unique<FakeExchange>(std::move(method), std::move(target), std::move(headers),
                                                               std::move(body)));
  }
  std::unique_ptr<FakeExchange> send(Service* service, std::unique_ptr<FakeExchange> exchange) {
    testing::run(sandbox->handle(service, exchange.get()), &clock);
    return exchange;
  }

  /// One small object by multipart/related, the way our own client sends it.
  std::unique_ptr<FakeExchange> insert(const std::string& json, const std::string& bytes,
                                       const std::string& query = "") {
    const auto body = "--B\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n" + json +
                      "\r\n--B\r\nContent-Type: text/plain\r\n\r\n" + bytes + "\r\n--B--\r\n";
    return gcs("POST", "/upload/storage/v1/b/dst/o?uploadType=multipart" + query,
               {{"Content-Type", "multipart/related; boundary=B"}}, body);
  }
  /// Path and query of a new session.
  std::string session(const std::string& query = "&name=k", const std::string& json = "", net::Headers headers = {}) {
    const auto started =
        gcs("POST", "/upload/storage/v1/b/dst/o?uploadType=resumable" + query, std::move(headers), json);
    EXPECT_EQ(started->status, 200) << started->body;
    const auto location = started->header("Location");
    return location.substr(std::min(location.size(), location.find("/upload")));
  }
  std::unique_ptr<FakeExchange> put(const std::string& uri, const std::string& range, std::string bytes = {},
                                    net::Headers headers = {}) {
    headers.add("Content-Range", range);
    return gcs("PUT", uri, std::move(headers), std::move(bytes));
  }
  void fault(const std::string& line) {
    const auto added = sandbox->faults().add_lines(line);
    EXPECT_TRUE(added) << added.error().what;
  }

  S3Keys keys{"AKIDSANDBOX", "secret/sandbox", std::nullopt};
  std::string region = "us-east-1";
  bool sign = true;
  testing::SimulatedClock clock;
  testing::SeededRng rng;
  std::unique_ptr<Sandbox> sandbox;
};

}  // namespace ferry::sandbox
