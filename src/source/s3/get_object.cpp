#include "source/s3/get_object.hpp"

#include <algorithm>
#include <cassert>

#include "kit/base/text.hpp"
#include "kit/resilience/retry.hpp"
#include "source/s3/head_object.hpp"
#include "source/s3/object_headers.hpp"

namespace ferry::s3 {
namespace {

struct Opened {
  std::unique_ptr<net::HttpExchange> exchange;
  ObjectMeta meta;
};

tl::unexpected<Error> bad_reply(std::string what) { return fail(ErrorKind::kCorrupt, "bad reply: " + std::move(what)); }

/// Which object is meant.
struct Wanted {
  ObjectKey key;
  std::optional<VersionId> version;
};

Call call_of(const Wanted& wanted, const std::optional<ETag>& expected, std::uint64_t offset) {
  Call call{"GET", wanted.key};
  call.version = wanted.version;
  call.of_content = true;
  if (expected) call.headers.add("If-Match", expected->str());
  if (offset > 0) call.headers.add("Range", "bytes=" + std::to_string(offset) + "-");
  call.headers.add("x-amz-checksum-mode", "ENABLED");
  call.headers.add("Accept-Encoding", "identity");
  return call;
}

/// The object's size, from a reply to a request from `offset` on. Nothing: the reply has no length at all.
/// A server that ignores the range must not make us count the first bytes twice.
Result<std::optional<std::uint64_t>> size_of(const net::ResponseHead& head, std::uint64_t offset) {
  if (offset == 0) {
    if (head.status != 200) return bad_reply("status " + std::to_string(head.status) + " to a request without Range");
    return head.content_length;
  }
  if (head.status != 206) return bad_reply("status " + std::to_string(head.status) + " to a request with Range");
  const auto text = head.headers.find("content-range").value_or("");
  const auto range = parse_content_range(text);
  const bool fits = range && range->first == offset && range->last == range->total - 1 &&
                    head.content_length.value_or(range->total - offset) == range->total - offset;
  if (!fits) {
    return bad_reply("Content-Range '" + printable(text.substr(0, 100)) + "' to a request from byte " +
                     std::to_string(offset));
  }
  return range->total;
}

/// Everything of the reply but a size that it doesn't have.
Result<ObjectMeta> meta_of(const net::ResponseHead& head, const std::optional<ETag>& expected, std::uint64_t offset,
                           bool* has_size) {
  auto meta = parse_object_headers(head.headers, offset == 0);
  if (!meta) return meta;
  if (expected && meta->version.etag != *expected) {
    return bad_reply("ETag " + printable(meta->version.etag.str()) + ", asked for " + printable(expected->str()));
  }
  const auto size = size_of(head, offset);
  if (!size) return fail(size.error());
  *has_size = size->has_value();
  meta->size = size->value_or(0);
  return meta;
}

/// Status 200 without a tag is no object; it may be an error that came too late for the status.
Task<Error> explain(Api* api, Reply* reply, const Error* otherwise) {
  if (reply->head.headers.find("etag")) co_return *otherwise;
  auto body = co_await reply->exchange->read_all(kErrorBodyMax);
  if (!body) co_return *otherwise;
  const auto document = Xml::parse(*std::move(body));
  if (!document || !is_error_document(*document)) co_return *otherwise;
  co_return to_error(read_failure(reply->head, *document, api->now()), "an error instead of the object");
}

/// One request, no retry.
Task<Result<Opened>> open_once(Api* api, const Wanted* wanted, const std::optional<ETag>* expected,
                               std::uint64_t offset) {
  auto call = call_of(*wanted, *expected, offset);
  auto reply = co_await api->send(call);
  if (!reply) co_return fail(std::move(reply).error());
  bool has_size = false;
  auto meta = meta_of(reply->head, *expected, offset, &has_size);
  if (!meta) {
    auto why = co_await explain(api, &*reply, &meta.error());
    co_return fail(std::move(why).during(api->place(call)));
  }
  if (!has_size) {  // chunked: somebody between us and S3 does that
    const std::optional<ETag> pinned{meta->version.etag};
    const auto told = co_await head_object_once(api, &wanted->key, &pinned, &wanted->version);
    if (!told) co_return fail(Error{told.error()}.during(api->place(call) + ": size unknown"));
    meta->size = told->size;
  }
  Opened opened{std::move(reply->exchange), *std::move(meta)};
  co_return opened;
}

class Reader final : public ObjectReader {
 public:
  Reader(std::shared_ptr<Api> api, Wanted wanted, std::uint64_t offset, Opened opened)
      : api_(std::move(api)),
        wanted_(std::move(wanted)),
        position_(offset),
        exchange_(std::move(opened.exchange)),
        meta_(std::move(opened.meta)),
        pinned_(meta_.version.etag) {}

  const ObjectMeta& meta() const override { return meta_; }

  Task<Result<std::size_t>> read(std::span<char> into) override {
    assert(!into.empty());
    for (;;) {
      auto got = co_await read_once(into);
      if (got) {
        attempt_ = 0;
        co_return got;
      }
      exchange_.reset();
      if (!worth_retrying(got.error().kind, Idempotency::kIdempotent)) co_return got;
      const auto wait = api_->options().backoff.after(++attempt_, api_->rng()->unit(), got.error().retry_after);
      if (!wait)
        co_return fail(std::move(got).error().during("gave up after " + std::to_string(attempt_) + " attempts"));
      co_await api_->clock()->sleep(*wait);
    }
  }

  /// Takes the end of the body, if all bytes are here: what follows them would be a lie about the size.
  Task<Status> finish() {
    if (position_ < meta_.size || !exchange_) co_return Unit{};
    char extra = 0;
    auto got = co_await exchange_->read(std::span{&extra, 1});
    exchange_.reset();
    if (got && *got > 0) co_return fail(bad("more bytes than the object's " + std::to_string(meta_.size)));
    if (!got && got.error().kind == ErrorKind::kCorrupt) co_return fail(std::move(got).error().during(place()));
    co_return Unit{};
  }

 private:
  Task<Result<std::size_t>> read_once(std::span<char> into) {
    if (position_ == meta_.size) co_return 0;
    if (!exchange_) {
      auto reopened = co_await reopen();
      if (!reopened) co_return fail(std::move(reopened).error());
    }
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), meta_.size - position_));
    auto got = co_await exchange_->read(into.first(wanted));
    if (!got) co_return fail(std::move(got).error().during(place()));
    if (*got == 0) co_return fail(ErrorKind::kUnavailable, place() + ": ended at byte " + std::to_string(position_));
    position_ += *got;
    auto finished = co_await finish();
    if (!finished) co_return fail(std::move(finished).error());
    co_return got;
  }

  /// The same version, from where we are: 412 and 404 say that it is no longer there.
  Task<Status> reopen() {
    auto opened = co_await open_once(api_.get(), &wanted_, &pinned_, position_);
    if (!opened) co_return fail(std::move(opened).error());
    if (opened->meta.size != meta_.size) co_return fail(bad("another size under the same ETag"));
    exchange_ = std::move(opened->exchange);
    co_return Unit{};
  }

  std::string place() const { return api_->place(Call{"GET", wanted_.key}); }
  Error bad(std::string what) const { return {ErrorKind::kCorrupt, place() + ": bad reply: " + std::move(what)}; }

  std::shared_ptr<Api> api_;
  Wanted wanted_;
  std::uint64_t position_;
  std::unique_ptr<net::HttpExchange> exchange_;  // none: to be opened again
  ObjectMeta meta_;
  std::optional<ETag> pinned_;
  int attempt_ = 0;  // failures since the last byte
};

}  // namespace

Task<Result<std::unique_ptr<ObjectReader>>> get_object(std::shared_ptr<Api> api, ObjectKey key,
                                                       std::optional<ETag> expected, std::uint64_t offset,
                                                       std::optional<VersionId> version) {
  if (expected) {
    auto tag = parse_etag(expected->str());
    if (!tag) co_return fail(ErrorKind::kInvalid, "'" + printable(expected->str()) + "' can't be an ETag");
    expected = *std::move(tag);
  }
  Wanted wanted{std::move(key), std::move(version)};
  const auto once = [&] { return open_once(api.get(), &wanted, &expected, offset); };
  auto opened = co_await retry(api->options().backoff, api->clock(), api->rng(), Idempotency::kIdempotent, once);
  if (!opened) co_return fail(std::move(opened).error());
  auto reader = std::make_unique<Reader>(std::move(api), std::move(wanted), offset, *std::move(opened));
  auto finished = co_await reader->finish();  // of an empty object
  if (!finished) co_return fail(std::move(finished).error());
  co_return reader;
}

}  // namespace ferry::s3
