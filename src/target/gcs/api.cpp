#include "target/gcs/api.hpp"

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::gcs {
namespace {

constexpr int kUnauthorized = 401;

net::Origin default_origin() {
  net::Origin origin;
  origin.host = "storage.googleapis.com";
  return origin;
}

}  // namespace

Api::Api(Options options, std::shared_ptr<TokenProvider> tokens, net::HttpClient* http, Clock* clock, Rng* rng)
    : options_(std::move(options)),
      origin_(options_.endpoint.value_or(default_origin())),
      tokens_(std::move(tokens)),
      http_(http),
      clock_(clock),
      rng_(rng),
      brake_(clock, rng),
      list_target_("/storage/v1/b/" + options_.bucket.str() + "/o"),
      upload_target_("/upload" + list_target_) {}

Task<Result<Sending>> Api::open(std::string method, std::string target, net::Headers headers,
                                std::uint64_t body_length) {
  if (!brake_.open()) {
    if (auto turn = co_await brake_.turn(); !turn) co_return fail(std::move(turn).error());
  }
  auto token = co_await tokens_->token();
  if (!token) co_return fail(std::move(token).error());
  if (*token) headers.add("Authorization", "Bearer " + **token);
  net::RequestHead head{std::move(method), std::move(target), std::move(headers)};
  auto exchange = co_await http_->open(origin_, std::move(head), body_length);
  if (!exchange) {
    brake_.refused(exchange.error().what);
    co_return fail(std::move(exchange).error());
  }
  ++requests_;
  Sending sending;
  sending.exchange = *std::move(exchange);
  sending.token = *std::move(token);
  co_return sending;
}

Task<Result<Reply>> Api::reply_to(net::HttpExchange* exchange, std::size_t body_limit) {
  auto reply = co_await read_reply(exchange, body_limit);
  take_note(reply);
  co_return reply;
}

void Api::take_note(const Result<Reply>& reply) {
  if (!reply) {
    brake_.refused(reply.error().what);
  } else if (refuses_everybody(reply->status)) {
    brake_.refused("status " + std::to_string(reply->status));
  } else {
    brake_.answered();
  }
}

Task<Result<Reply>> Api::read_reply(net::HttpExchange* exchange, std::size_t body_limit) {
  auto head = co_await exchange->response();
  if (!head) co_return fail(std::move(head).error());
  Reply reply;
  reply.status = head->status;
  reply.headers = std::move(head->headers);
  auto body = co_await exchange->read_all(reply.ok() ? body_limit : kErrorReplyMax);
  if (body) {
    reply.body = *std::move(body);
  } else if (reply.ok()) {
    co_return fail(std::move(body).error());
  }  // else the status alone says enough
  co_return reply;
}

Task<Result<Reply>> Api::call(std::string method, std::string target, net::Headers headers, net::Buffers body,
                              std::size_t body_limit) {
  for (bool again = true;; again = false) {
    auto sending = co_await open(method, target, headers, body.size());
    if (!sending) co_return fail(std::move(sending).error());
    if (body.size() > 0) {
      auto sent = co_await sending->exchange->write(body);
      if (!sent) co_return fail(std::move(sent).error());
    }
    auto reply = co_await reply_to(sending->exchange.get(), body_limit);
    if (!reply || reply->status != kUnauthorized || !again || !sending->token) co_return reply;
    distrust(sending->token);
  }
}

void Api::distrust(const std::optional<std::string>& token) {
  if (token) tokens_->refused(*token);
}

Task<bool> Api::back_off(int attempt, std::optional<Milliseconds> wish) {
  const auto wait = options_.backoff.after(attempt, rng_->unit(), wish);
  if (!wait) co_return false;
  co_await clock_->sleep(*wait);
  co_return true;
}

std::string Api::object_target(const ObjectKey& key) const { return list_target_ + "/" + percent_encode(key.str()); }

std::string Api::upload_target(std::string_view type, Generation expected) const {
  std::string target = upload_target_;
  target.append("?uploadType=").append(type);
  target.append("&ifGenerationMatch=").append(std::to_string(expected.value));
  if (options_.kms_key) target.append("&kmsKeyName=").append(percent_encode(*options_.kms_key));
  target.append("&fields=name,generation,size,md5Hash,crc32c");
  return target;
}

std::string Api::place(const ObjectKey& key) const { return bucket_place() + "/" + printable(key.str()); }

Result<std::string> Api::session_target(std::string_view uri) const {
  if (uri.starts_with('/') && !uri.starts_with("//")) return std::string{uri};
  const auto scheme = uri.find("://");
  const auto path = scheme == std::string_view::npos ? scheme : uri.find('/', scheme + 3);
  if (path == std::string_view::npos) {
    return fail(ErrorKind::kInvalid,
                bucket_place() + ": the server sent an upload address that is not an absolute URL");
  }
  const auto origin = net::Origin::parse(uri.substr(0, path));
  if (!origin || *origin != origin_) {
    return fail(ErrorKind::kInvalid,
                bucket_place() + ": the upload session is at " +
                    printable(origin ? origin->url() : std::string{"an address that can't be read"}) +
                    ", not at the configured endpoint " + origin_.url() + ": refused");
  }
  return std::string{uri.substr(path)};
}

std::string Api::random_boundary() {
  std::string bytes = big_endian(rng_->next());
  bytes += big_endian(rng_->next());
  return hex(bytes);
}

}  // namespace ferry::gcs
