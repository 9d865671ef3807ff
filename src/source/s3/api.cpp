#include "source/s3/api.hpp"

#include <array>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::s3 {
namespace {

bool succeeded(int status) { return status == 200 || status == 202 || status == 206; }

/// Asked for by its id, a delete marker is not there for reading; any other 405 is a server that doesn't know the call.
bool is_delete_marker(const Call& call, const Failure& failure) { return call.version && failure.status == 405; }

std::string payload_hash(const std::string& body) {
  if (body.empty()) return std::string{kEmptyPayload};
  const auto hash = make_hash(HashKind::kSha256);
  hash->update(body);
  return hex(hash->digest().bytes);
}

net::Headers headers_of_customer_key(const std::string& key) {
  if (key.empty()) return {};
  const auto md5 = make_hash(HashKind::kMd5);
  md5->update(key);
  return {{"x-amz-server-side-encryption-customer-algorithm", "AES256"},
          {"x-amz-server-side-encryption-customer-key", base64(key)},
          {"x-amz-server-side-encryption-customer-key-MD5", base64(md5->digest().bytes)}};
}

/// Objects with and without such a key stand side by side in a bucket. Each kind refuses what the other wants, with
/// 400; to a HEAD without any word.
bool wants_other_key(const Call& call, const Failure& failure) {
  return call.of_content && failure.status == 400 && (failure.code.empty() || failure.code == "InvalidRequest");
}

Seconds in_seconds(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

Api::Api(Options options, std::shared_ptr<CredentialProvider> credentials, net::HttpClient* http, Clock* clock,
         Rng* rng)
    : options_(std::move(options)),
      credentials_(std::move(credentials)),
      http_(http),
      clock_(clock),
      rng_(rng),
      brake_(clock, rng),
      region_(options_.region),
      address_(address_of(options_, region_)),
      customer_key_(headers_of_customer_key(options_.customer_key)),
      use_customer_key_(!options_.customer_key.empty()) {}

Seconds Api::now() const { return in_seconds(clock_->wall()) + clock_offset_; }

std::string Api::place(const Call& call) const {
  auto text = call.method + " s3://" + printable(options_.bucket.str());
  if (call.key) text += "/" + printable(call.key->str());
  return text;
}

Task<Result<Reply>> Api::send(Call call) {
  std::array<bool, kRepairs> tried{};
  for (;;) {
    auto credentials = co_await credentials_->get();
    if (!credentials) co_return fail(std::move(credentials).error().during(place(call)));
    const Terms terms{*std::move(credentials), region_, now(), call.of_content && use_customer_key_};

    auto reply = co_await attempt(&call, &terms);
    if (!reply) co_return fail(std::move(reply).error().during(place(call)));
    if (succeeded(reply->head.status)) co_return reply;

    const auto failure = co_await refusal(&*reply);
    reply->exchange.reset();
    auto repair = repair_for(failure, terms.now);
    const bool right_place = repair == Repair::kNone || failure.region == terms.region;
    if (right_place && wants_other_key(call, failure) && !options_.customer_key.empty()) repair = Repair::kCustomerKey;
    const bool again = std::exchange(tried[static_cast<std::size_t>(repair)], true);
    if (again) co_return fail(refused(call, failure));
    auto repaired = co_await apply(repair, &failure, &terms);
    if (!repaired) co_return fail(std::move(repaired).error().during(place(call)));
    if (!*repaired) co_return fail(refused(call, failure));
  }
}

Task<Result<Reply>> Api::attempt(const Call* call, const Terms* terms) {
  if (!brake_.open()) {
    if (auto turn = co_await brake_.turn(); !turn) co_return fail(std::move(turn).error());
  }
  auto reply = co_await exchange(call, terms);
  if (!reply) {
    brake_.refused(reply.error().what);
  } else if (refuses_everybody(reply->head.status)) {
    brake_.refused("status " + std::to_string(reply->head.status));
  } else {
    brake_.answered();
  }
  co_return reply;
}

Task<Result<Reply>> Api::exchange(const Call* call, const Terms* terms) {
  auto origin = address_.origin;
  auto head = signed_head(*call, *terms);
  ++requests_;
  auto exchange = co_await http_->open(std::move(origin), std::move(head), call->body.size());
  if (!exchange) co_return fail(std::move(exchange).error());
  if (!call->body.empty()) {
    auto sent = co_await (*exchange)->write(std::string_view{call->body});
    if (!sent) co_return fail(std::move(sent).error());
  }
  auto reply = co_await (*exchange)->response();
  if (!reply) co_return fail(std::move(reply).error());
  co_return Reply{*std::move(exchange), *std::move(reply)};
}

net::RequestHead Api::signed_head(const Call& call, const Terms& terms) {
  auto target = call.key ? address_.path_prefix + percent_encode(call.key->str(), "/") : address_.bucket_path;
  auto query = call.query;
  if (call.version) query.append(query.empty() ? "" : "&").append("versionId=" + percent_encode(call.version->str()));
  if (!query.empty()) target.append("?").append(query);
  net::RequestHead head{call.method, std::move(target), call.headers};
  if (terms.with_customer_key) {
    for (const auto& [name, value] : customer_key_) head.headers.add(name, value);
  }
  if (options_.requester_pays) head.headers.add("x-amz-request-payer", "requester");
  if (terms.credentials) {
    const auto payload = payload_hash(call.body);
    head.headers.add("x-amz-content-sha256", payload);
    signer_.sign(&head, address_.origin.host_header(), *terms.credentials, terms.region, terms.now, payload);
  }
  return head;
}

Task<Failure> Api::refusal(Reply* reply) {
  // A body that is too long, or breaks off, says nothing: the status alone must do.
  auto body = co_await reply->exchange->read_all(kErrorBodyMax);
  co_return read_failure(reply->head, body ? *std::move(body) : std::string{}, now());
}

Task<Result<bool>> Api::apply(Repair repair, const Failure* failure, const Terms* terms) {
  switch (repair) {
    case Repair::kNone: co_return false;
    case Repair::kRegion: co_return move_to(failure->region, *terms);
    case Repair::kCredentials: co_return co_await renew_credentials(terms);
    case Repair::kCustomerKey: use_customer_key_ = !terms->with_customer_key; co_return true;
    case Repair::kClock: clock_offset_ = *failure->date - in_seconds(clock_->wall()); co_return true;
  }
  co_return false;
}

Error Api::refused(const Call& call, const Failure& failure) const {
  auto error = to_error(failure, place(call));
  if (is_delete_marker(call, failure)) error.kind = ErrorKind::kGone;
  return error;
}

/// Follows a hint, but only to a name that can't leave the endpoint.
bool Api::move_to(const std::string& region, const Terms& terms) {
  if (region == terms.region || !is_region(region, !options_.endpoint)) return false;
  region_ = region;
  address_ = address_of(options_, region_);
  return true;
}

/// Worth another try only if there are others by now: got by a parallel request, or by this one.
Task<Result<bool>> Api::renew_credentials(const Terms* terms) {
  if (!terms->credentials) co_return false;
  credentials_->refused(*terms->credentials);
  auto current = co_await credentials_->get();
  if (!current) co_return fail(std::move(current).error());
  co_return *current != terms->credentials;
}

}  // namespace ferry::s3
