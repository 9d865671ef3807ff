#pragma once
// An HttpClient without a network: records what is sent and answers from a queue or from a function. Every call really
// suspends, so lifetimes are tested, too. It keeps the client's promises: a CR, LF or NUL in a head is kInvalid, the
// whole body is written before response() (else std::logic_error), an early end of a body is kUnavailable.

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kit/net/http.hpp"

namespace ferry::testing {

/// What went over the wire. `body` grows while it is written.
struct FakeRequest {
  net::Origin origin;
  net::RequestHead head;
  std::uint64_t body_length = 0;  ///< as announced
  std::string body;

  [[nodiscard]] std::string path() const;  ///< the target up to "?", still encoded
  /// A query parameter, percent-decoded; nothing when absent, empty for a bare name.
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;  ///< first of that name, any case
};

/// What comes back. Content-Length is that of the body, unless a header or one of the calls below says otherwise.
class FakeReply {
 public:
  explicit FakeReply(int status, net::Headers headers = {}, std::string body = {});
  [[nodiscard]] static FakeReply connect_error();  ///< open() fails (from a handler: write() or response() does)
  [[nodiscard]] static FakeReply reset();          ///< the connection dies where the head of the reply should come

  FakeReply cut_after(std::size_t bytes) &&;      ///< the body ends there, shorter than promised
  FakeReply without_length() &&;                  ///< chunked: no Content-Length
  FakeReply announcing(std::uint64_t length) &&;  ///< Content-Length says this; a shorter body is a cut
  /// Comes after that many request body bytes, before the rest was sent. With reset(): write() fails there.
  FakeReply early_after(std::uint64_t bytes) &&;
  FakeReply when_read(std::size_t offset,
                      std::function<void()> action) &&;  ///< runs before body byte `offset` is given

 private:
  friend class FakeHttp;
  friend class FakeExchange;
  enum class Fault { kNone, kConnect, kReset };
  int status_;
  net::Headers headers_;
  std::string body_;
  Fault fault_ = Fault::kNone;
  std::size_t cut_ = std::numeric_limits<std::size_t>::max();
  std::optional<std::uint64_t> length_;
  std::optional<std::uint64_t> early_;
  std::size_t action_at_ = 0;
  std::function<void()> action_;
};

class FakeHttp final : public net::HttpClient {
 public:
  using Handler = std::function<FakeReply(const FakeRequest&)>;
  using HeadHandler = std::function<std::optional<FakeReply>(const FakeRequest&)>;

  /// The next reply, in the order in which requests are completed. Comes before any handler.
  void push(FakeReply reply) { queue_.push_back(std::move(reply)); }
  /// Answers whole requests that find the queue empty. Without one, such a request is a std::logic_error.
  void on_request(Handler handler) { handler_ = std::move(handler); }
  /// Asked when a head goes out: a reply with early_after() for a request with a body, or nothing.
  void on_head(HeadHandler handler) { head_handler_ = std::move(handler); }
  /// read() gives at most this many bytes at a time.
  void read_at_most(std::size_t bytes) { read_max_ = bytes; }

  /// Every request whose head went out, in that order; references stay valid.
  [[nodiscard]] const std::deque<FakeRequest>& requests() const { return requests_; }
  [[nodiscard]] std::size_t unanswered() const { return queue_.size(); }  ///< replies still in the queue

  Task<Result<std::unique_ptr<net::HttpExchange>>> open(net::Origin origin, net::RequestHead head,
                                                        std::uint64_t body_length) override;
  [[nodiscard]] net::HttpStats stats() const override { return stats_; }

 private:
  friend class FakeExchange;
  FakeRequest* sent(net::Origin origin, net::RequestHead head, std::uint64_t body_length);
  std::optional<FakeReply> early_reply(const FakeRequest& request);
  FakeReply reply_to(const FakeRequest& request);

  std::deque<FakeReply> queue_;
  Handler handler_;
  HeadHandler head_handler_;
  std::size_t read_max_ = std::numeric_limits<std::size_t>::max();
  std::deque<FakeRequest> requests_;
  net::HttpStats stats_;
};

}  // namespace ferry::testing
