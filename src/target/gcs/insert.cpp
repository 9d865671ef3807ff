// POST upload/…/o?uploadType=multipart: metadata and bytes in one request (protocol-facts 3.3). No byte is copied: the
// body goes out as what stands before the bytes, the caller's bytes, and the closing boundary.

#include <cassert>

#include "target/gcs/api.hpp"

namespace ferry::gcs {
namespace {

/// The framing of a multipart/related body with two parts.
struct Envelope {
  std::string content_type, before, after;

  Envelope(const std::string& boundary, const std::string& json, std::string_view media_type)
      : content_type("multipart/related; boundary=" + boundary), after("\r\n--" + boundary + "--\r\n") {
    before.reserve(json.size() + media_type.size() + 2 * boundary.size() + 100);
    before.append("--").append(boundary).append("\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n");
    before.append(json).append("\r\n--").append(boundary);
    before.append("\r\nContent-Type: ").append(media_type).append("\r\n\r\n");
  }
  [[nodiscard]] std::uint64_t size_with(std::uint64_t bytes) const { return before.size() + bytes + after.size(); }
};

net::Headers headers_of(const Envelope& envelope) {
  net::Headers headers;
  headers.add("Content-Type", envelope.content_type);
  return headers;
}

/// What both ways of inserting have in common: neither leaves anything at the target before commit().
class Insert : public Upload {
 public:
  Insert(std::shared_ptr<Api> api, UploadSpec spec) : api_(std::move(api)), spec_(std::move(spec)) {}
  std::uint64_t durable() const override { return 0; }
  std::optional<UploadSession> session() const override { return std::nullopt; }

 protected:
  std::string action() const { return "upload " + api_->place(spec_.key); }

  /// A CRC32C that was given beforehand and turned out wrong needs no request to be refused.
  std::optional<Error> known_mismatch(std::uint32_t crc32c) const {
    const bool given = spec_.hash && spec_.hash->kind == HashKind::kCrc32c;
    if (!given || spec_.hash->bytes == big_endian(crc32c)) return std::nullopt;
    return Error{ErrorKind::kCorrupt, action() + ": the bytes disagree with the crc32c that was given beforehand"};
  }

  Task<Result<TargetObject>> judge(Reply reply, std::uint32_t crc32c) {
    if (!reply.ok()) co_return fail(api_->refused(reply, action(), Subject::kBucket));
    auto stored = parse_object(reply.body);
    if (!stored) co_return fail(std::move(stored).error().during(action()));
    co_return co_await api_->accept(&spec_, *std::move(stored), crc32c);
  }

  std::shared_ptr<Api> api_;
  UploadSpec spec_;
};

class WholeUpload final : public Insert {
 public:
  using Insert::Insert;
  std::uint64_t offset() const override { return 0; }
  std::uint64_t tail_begin() const override { return 0; }
  Task<Status> write(std::span<const char> bytes) override {
    assert(bytes.empty());
    (void)bytes;
    co_return Unit{};
  }
  Task<Status> recover() override { co_return Unit{}; }

  /// Repeating is safe: ifGenerationMatch lets at most one try through, the next one meets 412.
  Task<Result<TargetObject>> commit(std::span<const char> tail, std::uint32_t crc32c) override {
    assert(tail.size() == spec_.size);
    if (auto mismatch = known_mismatch(crc32c)) co_return fail(*std::move(mismatch));
    const Envelope envelope{api_->random_boundary(), resource_json(spec_, crc32c), media_type(spec_.content)};
    const auto once = [this, &envelope, tail] { return send(&envelope, tail); };
    auto reply = co_await api_->repeat(once);
    if (!reply) co_return fail(std::move(reply).error());
    co_return co_await judge(*std::move(reply), crc32c);
  }

 private:
  Task<Result<Reply>> send(const Envelope* envelope, std::span<const char> bytes) {
    const net::Buffers body{envelope->before, bytes, envelope->after};
    auto reply = co_await api_->call("POST", api_->upload_target("multipart", spec_.expected), headers_of(*envelope),
                                     body, kObjectReplyMax);
    if (!reply) co_return fail(std::move(reply).error().during(action()));
    if (!reply->ok()) co_return fail(api_->refused(*reply, action(), Subject::kBucket));
    co_return reply;
  }
};

/// One request whose body is written as the bytes come. Cut off, it starts again at 0.
class StreamedUpload final : public Insert {
 public:
  StreamedUpload(std::shared_ptr<Api> api, UploadSpec spec)
      : Insert(std::move(api), std::move(spec)),
        tail_begin_(streamed_tail_begin(spec_.size)),
        envelope_(api_->random_boundary(), resource_json(spec_, std::nullopt), media_type(spec_.content)) {}

  std::uint64_t offset() const override { return offset_; }
  std::uint64_t tail_begin() const override { return tail_begin_; }

  Task<Status> write(std::span<const char> bytes) override {
    assert(bytes.size() <= tail_begin_ - offset_);
    auto sent = co_await send(bytes, {});
    if (!sent) co_return sent;
    offset_ += bytes.size();
    if (!sending_->exchange->reply_pending()) co_return Unit{};
    auto reply = co_await take_reply();
    if (!reply) co_return fail(std::move(reply).error());
    co_return fail(co_await refused(*std::move(reply)));
  }

  Task<Status> recover() override {
    sending_.reset();
    lost_ = false;
    offset_ = 0;
    co_return Unit{};
  }

  Task<Result<TargetObject>> commit(std::span<const char> tail, std::uint32_t crc32c) override {
    assert(offset_ == tail_begin_ && tail.size() == spec_.size - tail_begin_);
    if (auto mismatch = known_mismatch(crc32c)) {
      sending_.reset();  // without its last bytes the request can't take effect
      co_return fail(*std::move(mismatch));
    }
    auto reply = co_await finish(tail);
    if (reply && reply->ok()) co_return co_await judge(*std::move(reply), crc32c);
    Error error = reply ? co_await refused(*std::move(reply)) : std::move(reply).error();
    if (error.kind != ErrorKind::kUnavailable) co_return fail(std::move(error));
    co_return co_await api_->find_out(&spec_, crc32c, std::move(error));
  }

 private:
  /// Sends `bytes` and `after`, in a new request if none is under way.
  Task<Status> send(std::span<const char> bytes, std::span<const char> after) {
    if (lost_) co_return fail(ErrorKind::kUnavailable, action() + ": the connection is lost: recover() first");
    std::span<const char> before;
    if (!sending_) {
      auto opened = co_await api_->open("POST", api_->upload_target("multipart", spec_.expected), headers_of(envelope_),
                                        envelope_.size_with(spec_.size));
      if (!opened) co_return lost(std::move(opened).error());
      sending_ = *std::move(opened);
      before = envelope_.before;
    }
    const net::Buffers body{before, bytes, after};
    auto sent = co_await sending_->exchange->write(body);
    if (!sent) co_return lost(std::move(sent).error());
    co_return Unit{};
  }

  Task<Result<Reply>> finish(std::span<const char> tail) {
    auto sent = co_await send(tail, envelope_.after);
    if (!sent) co_return fail(std::move(sent).error());
    co_return co_await take_reply();
  }

  Task<Result<Reply>> take_reply() {
    auto reply = co_await api_->reply_to(sending_->exchange.get(), kObjectReplyMax);
    sending_->exchange.reset();
    lost_ = true;
    if (!reply) co_return fail(std::move(reply).error().during(action()));
    co_return reply;
  }

  /// The first 401 only costs another try, with a new token.
  Task<Error> refused(Reply reply) {
    if (reply.status == 401 && !token_refused_) {
      token_refused_ = true;
      api_->distrust(sending_->token);
      co_return Error{ErrorKind::kUnavailable, action() + ": HTTP 401, the access token was refused"};
    }
    if (reply.ok()) {
      co_return Error{ErrorKind::kCorrupt, action() + ": the target answered before it had all bytes"};
    }
    co_return api_->refused(reply, action(), Subject::kBucket);
  }

  tl::unexpected<Error> lost(Error error) {
    sending_.reset();
    lost_ = true;
    return fail(std::move(error).during(action()));
  }

  std::uint64_t tail_begin_;
  Envelope envelope_;
  std::uint64_t offset_ = 0;
  std::optional<Sending> sending_;
  bool lost_ = false;
  bool token_refused_ = false;
};

}  // namespace

std::unique_ptr<Upload> whole_upload(std::shared_ptr<Api> api, UploadSpec spec) {
  return std::make_unique<WholeUpload>(std::move(api), std::move(spec));
}

std::unique_ptr<Upload> streamed_upload(std::shared_ptr<Api> api, UploadSpec spec) {
  return std::make_unique<StreamedUpload>(std::move(api), std::move(spec));
}

}  // namespace ferry::gcs
