// Resumable sessions (protocol-facts 3.4): POST uploadType=resumable gives a session; PUTs fill it chunk by chunk; a
// PUT without bytes asks what it holds; the PUT of the tail, with our CRC32C in a header, commits.

#include <algorithm>
#include <cassert>
#include <utility>

#include "kit/base/text.hpp"
#include "target/gcs/api.hpp"

namespace ferry::gcs {
namespace {

constexpr int kContinue = 308;
constexpr std::size_t kSessionUriMax = 8 << 10;

/// How many bytes a 308 says are held: no Range header means none. Nothing: it can't be read.
std::optional<std::uint64_t> held_bytes(const Reply& reply) {
  const auto range = reply.headers.find("Range");
  if (!range) return 0;
  constexpr std::string_view kPrefix = "bytes=0-";
  if (!range->starts_with(kPrefix)) return std::nullopt;
  const auto last = parse_u64(range->substr(kPrefix.size()));
  if (!last || *last == UINT64_MAX) return std::nullopt;
  return *last + 1;
}

bool says_session_gone(const Reply& reply) { return reply.status == 404 || reply.status == 410 || reply.status == 499; }

class SessionUpload final : public Upload {
 public:
  SessionUpload(std::shared_ptr<Api> api, UploadSpec spec)
      : api_(std::move(api)), spec_(std::move(spec)), tail_begin_(streamed_tail_begin(spec_.size)) {}

  std::uint64_t offset() const override { return offset_; }
  std::uint64_t tail_begin() const override { return tail_begin_; }
  std::uint64_t durable() const override { return durable_; }
  std::optional<UploadSession> session() const override { return UploadSession{secret_}; }

  Task<Status> start();
  Status take_up(UploadSession session);
  Task<Status> ask();
  [[nodiscard]] bool dead() const { return dead_; }

  [[nodiscard]] std::uint64_t piece_end() const override { return chunk_ ? chunk_last_ : next_chunk_last(); }
  Task<Status> write(std::span<const char> bytes) override;
  Task<Status> recover() override;
  Task<Result<TargetObject>> commit(std::span<const char> tail, std::uint32_t crc32c) override;

 private:
  std::string action() const { return "upload " + api_->place(spec_.key); }
  std::string content_range(std::uint64_t first, std::uint64_t last) const {
    return "bytes " + std::to_string(first) + "-" + std::to_string(last - 1) + "/" + std::to_string(spec_.size);
  }

  [[nodiscard]] std::uint64_t next_chunk_last() const {
    return std::min(offset_ + api_->options().chunk_bytes, tail_begin_);
  }
  Task<Status> open_chunk();
  Task<Status> end_chunk();
  Task<Status> put_tail(std::span<const char> tail, std::uint32_t crc32c);
  Status understand(const Reply& reply);
  void understand_held(const Reply& reply);
  Task<Error> first_401_or(Reply reply);
  tl::unexpected<Error> lose(Error error);
  tl::unexpected<Error> lose(std::string why) {
    return lose(Error{ErrorKind::kUnavailable, action() + ": " + std::move(why)});
  }

  std::shared_ptr<Api> api_;
  UploadSpec spec_;
  std::uint64_t tail_begin_;
  std::string secret_;  // the session's URI
  std::string target_;  // its path and query

  std::uint64_t offset_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t reached_ = 0;     // the furthest byte that was ever sent into this session
  std::uint64_t chunk_last_ = 0;  // where the chunk under way ends
  std::optional<Sending> chunk_;
  bool lost_ = false;  // recover() first
  bool dead_ = false;  // the session is of no more use
  bool token_refused_ = false;
  int stalls_ = 0;                    // recoveries in a row that brought nothing forward
  std::optional<Milliseconds> wish_;  // how long the server asked us to wait
  std::optional<TargetObject> done_;  // what the session says it has become
};

// ---- the session
// ------------------------------------------------------------------------------------------------------

/// One try to open a new, empty session.
Task<Status> SessionUpload::start() {
  const auto json = resource_json(spec_, std::nullopt);
  net::Headers headers;
  headers.add("Content-Type", "application/json; charset=UTF-8");
  headers.add("X-Upload-Content-Type", std::string{media_type(spec_.content)});
  headers.add("X-Upload-Content-Length", std::to_string(spec_.size));
  auto reply = co_await api_->call("POST", api_->upload_target("resumable", spec_.expected), std::move(headers),
                                   std::string_view{json}, kObjectReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during(action()));
  if (!reply->ok()) co_return fail(api_->refused(*reply, action(), Subject::kBucket));
  const auto location = reply->headers.find("Location");
  if (!location || location->empty() || location->size() > kSessionUriMax) {
    co_return fail(ErrorKind::kCorrupt, action() + ": the reply to a new session has no usable Location");
  }
  auto taken = take_up(UploadSession{std::string{*location}});
  if (!taken) co_return fail(std::move(taken).error().during(action()));
  offset_ = durable_ = reached_ = 0;
  dead_ = lost_ = false;
  done_.reset();
  co_return Unit{};
}

Status SessionUpload::take_up(UploadSession session) {
  auto target = api_->session_target(session.secret);
  if (!target) return fail(std::move(target).error());
  target_ = *std::move(target);
  secret_ = std::move(session.secret);
  reached_ = spec_.size;  // another process may have sent anything
  return Unit{};
}

/// One status query. Sets done_ or dead_, or moves offset_ to what the session holds.
Task<Status> SessionUpload::ask() {
  net::Headers headers;
  headers.add("Content-Range", "bytes */" + std::to_string(spec_.size));
  auto reply = co_await api_->call("PUT", target_, std::move(headers), std::string_view{}, kObjectReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during(action()));
  co_return understand(*reply);
}

/// A reply from the session, whatever was asked.
Status SessionUpload::understand(const Reply& reply) {
  if (reply.ok()) {
    auto object = parse_object(reply.body);
    if (!object) return fail(std::move(object).error().during(action()));
    done_ = *std::move(object);
    offset_ = std::max(offset_, tail_begin_);
    return Unit{};
  }
  if (reply.status == kContinue) {
    understand_held(reply);
    return Unit{};
  }
  if (says_session_gone(reply) && !says_bucket_missing(reply)) {
    dead_ = true;
    return Unit{};
  }
  return fail(api_->refused(reply, action(), Subject::kObject));
}

/// More than was sent, or less than was acknowledged before, is a session that can't be trusted with bytes.
void SessionUpload::understand_held(const Reply& reply) {
  const auto held = held_bytes(reply);
  if (!held || *held > reached_ || *held < durable_) {
    dead_ = true;
    return;
  }
  durable_ = std::min(*held / kGranuleBytes * kGranuleBytes, tail_begin_);
  offset_ = durable_;
}

// ---- bytes
// ------------------------------------------------------------------------------------------------------------

Task<Status> SessionUpload::write(std::span<const char> bytes) {
  assert(bytes.size() <= tail_begin_ - offset_ || done_);
  while (!bytes.empty() && !done_) {
    if (lost_) co_return fail(ErrorKind::kUnavailable, action() + ": the connection is lost: recover() first");
    if (!chunk_) {
      auto opened = co_await open_chunk();
      if (!opened) co_return opened;
    }
    const auto part = bytes.first(std::min<std::uint64_t>(bytes.size(), chunk_last_ - offset_));
    auto sent = co_await chunk_->exchange->write(part);
    if (!sent) co_return lose(std::move(sent).error().during(action()));
    offset_ += part.size();
    reached_ = std::max(reached_, offset_);
    bytes = bytes.subspan(part.size());
    if (offset_ < chunk_last_ && !chunk_->exchange->reply_pending()) continue;
    auto ended = co_await end_chunk();
    if (!ended) co_return ended;
  }
  co_return Unit{};
}

Task<Status> SessionUpload::open_chunk() {
  chunk_last_ = next_chunk_last();
  net::Headers headers;
  headers.add("Content-Range", content_range(offset_, chunk_last_));
  auto opened = co_await api_->open("PUT", target_, std::move(headers), chunk_last_ - offset_);
  if (!opened) co_return lose(std::move(opened).error().during(action()));
  chunk_ = *std::move(opened);
  co_return Unit{};
}

/// Reads the answer to a chunk: all of it is held, or recover() has to find out what is.
Task<Status> SessionUpload::end_chunk() {
  const auto sent = offset_;
  auto reply = co_await api_->reply_to(chunk_->exchange.get(), kObjectReplyMax);
  if (!reply) co_return lose(std::move(reply).error().during(action()));
  if (reply->status == 401) co_return lose(co_await first_401_or(*std::move(reply)));
  chunk_.reset();
  auto understood = understand(*reply);
  if (!understood) co_return lose(std::move(understood).error());
  if (dead_) co_return lose("the session is gone or contradicts itself; a new one is needed");
  if (done_ && done_->size != spec_.size) {  // complete before its last byte
    auto refused = co_await api_->accept(&spec_, *done_, 0);
    co_return lose(std::move(refused).error());
  }
  if (done_ || (durable_ == sent && sent == chunk_last_)) {
    token_refused_ = false;
    co_return Unit{};
  }
  const auto held = durable_;
  offset_ = sent;  // recover() moves it, so that the caller sees the step back in one place
  co_return lose("the target holds " + std::to_string(held) + " bytes of " + std::to_string(sent) + " that were sent");
}

/// The first 401 only costs another try, with a new token; the session goes on.
Task<Error> SessionUpload::first_401_or(Reply reply) {
  if (token_refused_) co_return api_->refused(reply, action(), Subject::kObject);
  token_refused_ = true;
  api_->distrust(chunk_->token);
  co_return Error{ErrorKind::kUnavailable, action() + ": HTTP 401, the access token was refused"};
}

tl::unexpected<Error> SessionUpload::lose(Error error) {
  chunk_.reset();
  lost_ = true;
  wish_ = error.retry_after;
  return fail(std::move(error));
}

Task<Status> SessionUpload::recover() {
  chunk_.reset();
  const auto before = durable_;
  if (stalls_ > 0 || wish_) {
    const int patience = std::max(1, api_->options().backoff.attempts_max - 1);
    co_await api_->back_off(std::clamp(stalls_, 1, patience), std::exchange(wish_, std::nullopt));
  }
  for (int attempt = 1;; ++attempt) {
    auto asked = dead_ ? co_await start() : co_await ask();
    if (asked && !dead_) break;
    if (asked) continue;  // dead by now: open a new one
    if (!worth_retrying(asked.error().kind, Idempotency::kIdempotent)) co_return asked;
    const bool again = co_await api_->back_off(attempt, asked.error().retry_after);
    if (!again)
      co_return fail(std::move(asked).error().during("gave up after " + std::to_string(attempt) + " attempts"));
  }
  lost_ = false;
  stalls_ = durable_ > before ? 0 : stalls_ + 1;
  co_return Unit{};
}

// ---- commit
// -----------------------------------------------------------------------------------------------------------

Task<Result<TargetObject>> SessionUpload::commit(std::span<const char> tail, std::uint32_t crc32c) {
  assert(offset_ == tail_begin_ && tail.size() == spec_.size - tail_begin_);
  for (int attempt = 1; !done_; ++attempt) {
    auto sent = co_await put_tail(tail, crc32c);
    if (done_) break;
    if (!sent && sent.error().kind != ErrorKind::kUnavailable) co_return fail(std::move(sent).error());
    Error unknown = sent ? Error{ErrorKind::kUnavailable, action() + ": the session ended before it was complete"}
                         : std::move(sent).error();
    const bool again = !dead_ && co_await api_->back_off(attempt, unknown.retry_after);
    if (!again) co_return co_await api_->find_out(&spec_, crc32c, std::move(unknown));

    auto asked = co_await ask();
    if (!asked && asked.error().kind != ErrorKind::kUnavailable) co_return fail(std::move(asked).error());
    if (dead_) co_return co_await api_->find_out(&spec_, crc32c, std::move(unknown));
    if (offset_ < tail_begin_) co_return lose("the target holds only " + std::to_string(offset_) + " bytes");
  }
  co_return co_await api_->accept(&spec_, *done_, crc32c);
}

/// One try to send the last bytes. On success done_ or dead_ is set, or the session says what it holds.
Task<Status> SessionUpload::put_tail(std::span<const char> tail, std::uint32_t crc32c) {
  net::Headers headers;
  headers.add("Content-Range", spec_.size == 0 ? "bytes */0" : content_range(tail_begin_, spec_.size));
  headers.add("X-Goog-Hash", "crc32c=" + base64(big_endian(crc32c)));
  reached_ = spec_.size;
  auto reply = co_await api_->call("PUT", target_, std::move(headers), tail, kObjectReplyMax);
  if (!reply) co_return fail(std::move(reply).error().during(action()));
  co_return understand(*reply);
}

}  // namespace

Task<Result<std::unique_ptr<Upload>>> begin_session(std::shared_ptr<Api> api, UploadSpec spec) {
  auto upload = std::make_unique<SessionUpload>(api, std::move(spec));
  const auto once = [&upload] { return upload->start(); };
  auto started = co_await api->repeat(once);
  if (!started) co_return fail(std::move(started).error());
  co_return std::unique_ptr<Upload>{std::move(upload)};
}

Task<Result<std::unique_ptr<Upload>>> resume_session(std::shared_ptr<Api> api, UploadSpec spec, UploadSession session) {
  const auto place = api->place(spec.key);
  auto upload = std::make_unique<SessionUpload>(api, std::move(spec));
  auto taken = upload->take_up(std::move(session));
  if (!taken) co_return fail(std::move(taken).error().during("resume " + place));
  const auto once = [&upload] { return upload->ask(); };
  auto asked = co_await api->repeat(once);
  if (!asked) co_return fail(std::move(asked).error().during("resume"));
  if (upload->dead()) co_return fail(ErrorKind::kGone, "resume " + place + ": the target has no such session any more");
  co_return std::unique_ptr<Upload>{std::move(upload)};
}

}  // namespace ferry::gcs
