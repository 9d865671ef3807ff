#pragma once
// One bucket, request by request: a file per verb. Every request goes to the endpoint's origin and nowhere else, so
// that the access token does, too. Shared by the target and its uploads; belongs to one io_context thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"
#include "kit/resilience/brake.hpp"
#include "kit/resilience/retry.hpp"
#include "target/gcs/gcs_target.hpp"
#include "target/gcs/json.hpp"
#include "target/limits.hpp"
#include "target/object_target.hpp"

namespace ferry::gcs {

/// A reply with its whole body, which is bounded.
struct Reply {
  int status = 0;
  net::Headers headers;
  std::string body;
  [[nodiscard]] bool ok() const { return status == 200 || status == 201; }
};

/// A request under way, and the token that it carries.
struct Sending {
  std::unique_ptr<net::HttpExchange> exchange;
  std::optional<std::string> token;
};

/// What a 404 can be about: of requests that create or list, only the bucket.
enum class Subject { kBucket, kObject };

/// What a reply other than success means (protocol-facts 3.8). `action` says what was tried and where.
[[nodiscard]] Error refusal(const Reply& reply, const std::string& action, Subject subject, WallTime now);
/// True for the 404 that means the bucket, not the object.
[[nodiscard]] bool says_bucket_missing(const Reply& reply);

class Api {
 public:
  Api(Options options, std::shared_ptr<TokenProvider> tokens, net::HttpClient* http, Clock* clock, Rng* rng);

  // ---- requests (api.cpp)

  /// Prepares one request; the token is added. `target` is path and query.
  Task<Result<Sending>> open(std::string method, std::string target, net::Headers headers, std::uint64_t body_length);
  /// The reply to a request whose body is sent, or was cut short by an early reply.
  Task<Result<Reply>> reply_to(net::HttpExchange* exchange, std::size_t body_limit);
  /// One request and its reply. A 401 gets one more try with a new token.
  Task<Result<Reply>> call(std::string method, std::string target, net::Headers headers, net::Buffers body,
                           std::size_t body_limit);
  /// A server refused this token: unless another one is in use by now, the next request gets a new one.
  void distrust(const std::optional<std::string>& token);

  /// `operation` is () -> Task<Result<T>>, safe to repeat.
  template <class Operation>
  auto repeat(Operation operation) {
    return retry(options_.backoff, clock_, rng_, Idempotency::kIdempotent, std::move(operation));
  }
  /// Waits after failed attempt `attempt`; false: give up.
  Task<bool> back_off(int attempt, std::optional<Milliseconds> wish);

  // ---- verbs, repeated within the retry policy

  Task<Result<TargetPage>> list_objects(std::string prefix, std::optional<std::string> token, Detail detail);
  Task<Result<std::optional<TargetObject>>> get_metadata(ObjectKey key);
  Task<Status> remove(ObjectKey key, Generation generation);
  Task<Status> adopt(ObjectKey key, Generation generation, std::int64_t metageneration, Provenance provenance);
  Task<Status> cancel_session(std::string session_target);

  // ---- what became of an upload (outcome.cpp). `spec` outlives the call.

  /// Takes a reply's object as ours, or removes exactly that generation: it holds other bytes than we sent.
  Task<Result<TargetObject>> accept(const UploadSpec* spec, TargetObject stored, std::uint32_t crc32c);
  /// No answer tells: looks at the live object. `unknown` is returned if nothing was committed so far.
  Task<Result<TargetObject>> find_out(const UploadSpec* spec, std::uint32_t crc32c, Error unknown);

  // ---- names

  [[nodiscard]] std::string object_target(const ObjectKey& key) const;  ///< path of one object
  [[nodiscard]] const std::string& list_target() const { return list_target_; }
  /// Path and query that begin an upload which replaces `expected`.
  [[nodiscard]] std::string upload_target(std::string_view type, Generation expected) const;
  [[nodiscard]] std::string place(const ObjectKey& key) const;  ///< "gs://bucket/key", printable
  [[nodiscard]] std::string bucket_place() const { return "gs://" + options_.bucket.str(); }
  /// Path and query of a session URI. @error kInvalid  it names another origin
  [[nodiscard]] Result<std::string> session_target(std::string_view uri) const;

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] Error refused(const Reply& reply, const std::string& action, Subject subject) const {
    return refusal(reply, action, subject, clock_->wall());
  }
  [[nodiscard]] std::string random_boundary();
  [[nodiscard]] std::uint64_t requests() const { return requests_; }

 private:
  void take_note(const Result<Reply>& reply);
  Task<Result<Reply>> read_reply(net::HttpExchange* exchange, std::size_t body_limit);
  Task<Result<Listing>> list_once(std::string action, std::string target, Detail detail);
  Task<Result<std::optional<TargetObject>>> get_metadata_once(ObjectKey key);
  Task<Status> remove_once(ObjectKey key, Generation generation);
  Task<Status> cancel_once(std::string session_target);
  Task<Status> adopt_once(ObjectKey key, std::string target, std::string body);

  Options options_;
  net::Origin origin_;
  std::shared_ptr<TokenProvider> tokens_;
  net::HttpClient* http_;
  Clock* clock_;
  Rng* rng_;
  Brake brake_;
  std::string list_target_, upload_target_;
  std::uint64_t requests_ = 0;
};

inline constexpr std::size_t kObjectReplyMax = 256 << 10;
inline constexpr std::size_t kErrorReplyMax = 64 << 10;

// ---- uploads. `spec` is within the target's limits.

/// Everything in commit(), as one request from memory (insert.cpp).
[[nodiscard]] std::unique_ptr<Upload> whole_upload(std::shared_ptr<Api> api, UploadSpec spec);
/// One request, streamed; spec.hash is known (insert.cpp).
[[nodiscard]] std::unique_ptr<Upload> streamed_upload(std::shared_ptr<Api> api, UploadSpec spec);
/// A new session (resumable.cpp).
[[nodiscard]] Task<Result<std::unique_ptr<Upload>>> begin_session(std::shared_ptr<Api> api, UploadSpec spec);
/// The session of another process. @error kGone
[[nodiscard]] Task<Result<std::unique_ptr<Upload>>> resume_session(std::shared_ptr<Api> api, UploadSpec spec,
                                                                   UploadSession session);

}  // namespace ferry::gcs
