#include "testing/base/fake_http.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstring>
#include <stdexcept>

#include "kit/base/text.hpp"

namespace ferry::testing {
namespace {

Task<> suspend() {
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, use_task);
}

bool unsafe(std::string_view text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) != std::string_view::npos;
}

bool unsafe(const net::RequestHead& head) {
  return unsafe(head.method) || unsafe(head.target) ||
         std::any_of(head.headers.begin(), head.headers.end(),
                     [](const auto& field) { return unsafe(field.first) || unsafe(field.second); });
}

}  // namespace

std::string FakeRequest::path() const { return head.target.substr(0, head.target.find('?')); }

std::optional<std::string> FakeRequest::query(std::string_view name) const {
  const auto mark = head.target.find('?');
  if (mark == std::string::npos) return std::nullopt;
  std::string_view rest{head.target};
  rest.remove_prefix(mark + 1);
  while (!rest.empty()) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (percent_decode(pair.substr(0, equals)) != name) continue;
    return equals == std::string_view::npos ? std::string{} : percent_decode(pair.substr(equals + 1));
  }
  return std::nullopt;
}

std::optional<std::string> FakeRequest::header(std::string_view name) const {
  const auto value = head.headers.find(name);
  return value ? std::optional<std::string>{*value} : std::nullopt;
}

FakeReply::FakeReply(int status, net::Headers headers, std::string body)
    : status_(status), headers_(std::move(headers)), body_(std::move(body)), length_(body_.size()) {
  if (const auto stated = headers_.find("content-length")) length_ = parse_u64(*stated);
}

FakeReply FakeReply::connect_error() {
  FakeReply reply{0};
  reply.fault_ = Fault::kConnect;
  return reply;
}

FakeReply FakeReply::reset() {
  FakeReply reply{0};
  reply.fault_ = Fault::kReset;
  return reply;
}

FakeReply FakeReply::cut_after(std::size_t bytes) && {
  cut_ = bytes;
  return std::move(*this);
}

FakeReply FakeReply::without_length() && {
  length_.reset();
  return std::move(*this);
}

FakeReply FakeReply::announcing(std::uint64_t length) && {
  length_ = length;
  return std::move(*this);
}

FakeReply FakeReply::early_after(std::uint64_t bytes) && {
  early_ = bytes;
  return std::move(*this);
}

FakeReply FakeReply::when_read(std::size_t offset, std::function<void()> action) && {
  action_at_ = offset;
  action_ = std::move(action);
  return std::move(*this);
}

class FakeExchange final : public net::HttpExchange {
 public:
  FakeExchange(FakeHttp* client, net::Origin origin, net::RequestHead head, std::uint64_t body_length)
      : client_(client), origin_(std::move(origin)), head_(std::move(head)), body_length_(body_length) {}

  Task<Status> write(net::Buffers bytes) override {
    co_await suspend();
    send_head();
    for (const auto piece : bytes.pieces()) {
      if (early_arrived()) break;
      const auto room = reply_ && reply_->early_ ? *reply_->early_ - request_->body.size() : piece.size();
      request_->body.append(piece.data(), std::min<std::uint64_t>(piece.size(), room));
      client_->stats_.bytes_sent += piece.size();
    }
    if (request_->body.size() > body_length_) throw std::logic_error("more body bytes written than announced");
    if (early_arrived() && reply_->fault_ != FakeReply::Fault::kNone)
      co_return broken("connection reset while sending");
    co_return Unit{};
  }

  bool reply_pending() const override { return early_arrived(); }

  Task<Result<net::ResponseHead>> response() override {
    co_await suspend();
    send_head();
    if (!early_arrived()) {
      if (request_->body.size() != body_length_) throw std::logic_error("response() before the whole body was written");
      if (!reply_) reply_ = client_->reply_to(*request_);
    }
    if (reply_->fault_ == FakeReply::Fault::kConnect) co_return broken("connect: refused");
    if (reply_->fault_ == FakeReply::Fault::kReset) co_return broken("connection reset before the reply");
    net::ResponseHead head;
    head.status = reply_->status_;
    head.headers = reply_->headers_;
    head.content_length = reply_->length_;
    if (reply_->length_ && !head.headers.find("content-length")) {
      head.headers.add("Content-Length", std::to_string(*reply_->length_));
    }
    co_return head;
  }

  Task<Result<std::size_t>> read(std::span<char> into) override {
    co_await suspend();
    if (!reply_) throw std::logic_error("read() before response()");
    if (reply_->action_ && position_ >= reply_->action_at_) std::exchange(reply_->action_, nullptr)();
    const bool bodiless = request_->head.method == "HEAD";
    const auto stated = static_cast<std::size_t>(bodiless ? 0 : reply_->length_.value_or(reply_->body_.size()));
    const auto end = std::min({reply_->body_.size(), reply_->cut_, stated});
    if (position_ == end) {
      const bool cut = position_ < stated || (reply_->cut_ <= reply_->body_.size() && !reply_->length_);
      if (cut) co_return broken("connection closed in the middle of the body");
      co_return 0;
    }
    auto count = std::min({into.size(), end - position_, client_->read_max_});
    if (reply_->action_) count = std::min(count, std::max<std::size_t>(1, reply_->action_at_ - position_));
    std::memcpy(into.data(), reply_->body_.data() + position_, count);
    position_ += count;
    client_->stats_.bytes_received += count;
    co_return count;
  }

  Task<Result<std::string>> read_all(std::size_t limit) override {
    std::string all;
    std::string piece(4096, '\0');
    for (;;) {
      auto got = co_await read(piece);
      if (!got) co_return fail(std::move(got).error());
      if (*got == 0) co_return all;
      all.append(piece, 0, *got);
      if (all.size() > limit) {
        co_return fail(ErrorKind::kCorrupt, origin_.url() + ": reply body exceeds " + std::to_string(limit) + " bytes");
      }
    }
  }

 private:
  void send_head() {
    if (request_) return;
    request_ = client_->sent(origin_, head_, body_length_);
    if (body_length_ > 0) reply_ = client_->early_reply(*request_);
  }
  bool early_arrived() const { return reply_ && reply_->early_ && request_->body.size() >= *reply_->early_; }
  tl::unexpected<Error> broken(std::string what) const {
    return fail(ErrorKind::kUnavailable, origin_.url() + ": " + what);
  }

  FakeHttp* client_;
  net::Origin origin_;
  net::RequestHead head_;
  std::uint64_t body_length_;
  FakeRequest* request_ = nullptr;
  std::optional<FakeReply> reply_;
  std::size_t position_ = 0;
};

Task<Result<std::unique_ptr<net::HttpExchange>>> FakeHttp::open(net::Origin origin, net::RequestHead head,
                                                                std::uint64_t body_length) {
  co_await suspend();
  if (unsafe(head)) co_return fail(ErrorKind::kInvalid, origin.url() + ": CR, LF or NUL in a request head");
  if (!queue_.empty() && queue_.front().fault_ == FakeReply::Fault::kConnect) {
    queue_.pop_front();
    co_return fail(ErrorKind::kUnavailable, origin.url() + ": connect: refused");
  }
  co_return std::make_unique<FakeExchange>(this, std::move(origin), std::move(head), body_length);
}

FakeRequest* FakeHttp::sent(net::Origin origin, net::RequestHead head, std::uint64_t body_length) {
  ++stats_.requests;
  return &requests_.emplace_back(FakeRequest{std::move(origin), std::move(head), body_length, {}});
}

std::optional<FakeReply> FakeHttp::early_reply(const FakeRequest& request) {
  if (!queue_.empty()) {
    if (!queue_.front().early_) return std::nullopt;
    std::optional<FakeReply> reply{std::move(queue_.front())};
    queue_.pop_front();
    return reply;
  }
  return head_handler_ ? head_handler_(request) : std::nullopt;
}

FakeReply FakeHttp::reply_to(const FakeRequest& request) {
  if (!queue_.empty()) {
    auto reply = std::move(queue_.front());
    queue_.pop_front();
    return reply;
  }
  if (!handler_) throw std::logic_error("no reply for " + request.head.method + " " + request.head.target);
  return handler_(request);
}

}  // namespace ferry::testing
