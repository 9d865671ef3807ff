#pragma once
// The exchange as the services see it: counts what passes, keeps the pace, and lets fault instructions spoil it.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "kit/net/http_server.hpp"
#include "sandbox/fault.hpp"

namespace ferry::sandbox {

struct Pace {
  Milliseconds latency{0};             ///< before each answer
  std::uint64_t bytes_per_second = 0;  ///< of bodies, per connection and direction; 0: no limit
};

class Wire final : public net::ServerExchange {
 public:
  Wire(net::ServerExchange* inner, Pace pace, Clock* clock) : inner_(inner), pace_(pace), clock_(clock) {}

  /// Applies `action` from now on. `uploads`: the body that matters is the request's. `mutate` runs the action's
  /// mutation.
  void arm(FaultAction action, bool uploads, std::function<void(const FaultMutation&)> mutate);
  /// Waits where told to, answers where told to. True: the request is answered, the service must not see it.
  Task<bool> intervene();

  const net::ServerRequest& request() const override { return inner_->request(); }
  Task<Result<std::size_t>> read(std::span<char> into) override;
  Task<Result<std::string>> read_all(std::size_t limit) override;
  Task<Status> respond(int status, net::Headers headers, std::string body) override;
  Task<Status> begin(int status, net::Headers headers, std::optional<std::uint64_t> length) override;
  Task<Status> write(net::Buffers bytes) override;
  Task<Status> finish() override;
  Task<Status> write_raw(net::Buffers bytes) override;
  void abort(bool reset) override;

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return inner_->request().headers.find(name);
  }
  [[nodiscard]] const FaultAction* fault() const { return action_.get(); }
  [[nodiscard]] int status() const { return status_; }  ///< 0: nothing was answered
  [[nodiscard]] std::uint64_t bytes_in() const { return in_; }
  [[nodiscard]] std::uint64_t bytes_out() const { return out_; }

 private:
  /// Positions where something happens to one body, and what has happened already.
  [[nodiscard]] bool spoils(bool request) const { return action_ && on_request_ == request; }
  [[nodiscard]] bool plain() const { return !action_ && pace_.bytes_per_second == 0; }
  [[nodiscard]] std::uint64_t until_next(std::uint64_t position, bool request) const;
  Task<Status> reach(std::uint64_t position, bool request);
  [[nodiscard]] std::size_t paced_bytes() const;
  Task<> keep_pace(std::size_t bytes);
  Task<Status> answer(const FaultAnswer* answer, net::Headers headers);
  Task<Status> send(std::span<const char> bytes);
  Task<Status> send_counted(std::span<const char> bytes);
  [[nodiscard]] net::Headers altered(net::Headers headers) const;

  net::ServerExchange* inner_;
  Pace pace_;
  Clock* clock_;
  std::unique_ptr<FaultAction> action_;
  std::function<void(const FaultMutation&)> mutate_;
  bool on_request_ = false;
  bool stalled_ = false, mutated_ = false, broken_ = false;
  bool swallow_ = false;  ///< the real answer is not sent: commit_then has spoken
  int status_ = 0;
  std::uint64_t in_ = 0, out_ = 0;
};

}  // namespace ferry::sandbox
