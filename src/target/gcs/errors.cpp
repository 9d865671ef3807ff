// What Cloud Storage says when it says no (protocol-facts 3.8), in terms of what the caller does next.

#include <algorithm>

#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "target/gcs/api.hpp"

namespace ferry::gcs {
namespace {

constexpr std::chrono::seconds kWishMax{600};  // the retry policy caps it further

/// Seconds or a date; negative and unreadable ones are none.
std::optional<Milliseconds> retry_after(const net::Headers& headers, WallTime now) {
  const auto value = headers.find("Retry-After");
  if (!value) return std::nullopt;
  const auto text = trim(*value);
  if (const auto seconds = parse_u64(text)) {
    return std::chrono::seconds{std::min<std::uint64_t>(*seconds, static_cast<std::uint64_t>(kWishMax.count()))};
  }
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  const auto wait = std::chrono::ceil<std::chrono::seconds>(*date - now);
  if (wait.count() < 0) return std::nullopt;
  return std::min(wait, kWishMax);
}

/// "Provided MD5 hash … doesn't match calculated MD5 hash …", also as XML's BadDigest.
bool is_hash_mismatch(const ErrorBody& error) {
  const auto text = to_lower(error.message);
  const auto says = [&text](std::string_view word) { return text.find(word) != std::string::npos; };
  return says("baddigest") || (says("match") && (says("md5") || says("crc32c") || says("hash") || says("checksum")));
}

bool is_rate_limit(const ErrorBody& error) {
  return error.reason == "rateLimitExceeded" || error.reason == "userRateLimitExceeded";
}

bool names_missing_bucket(const ErrorBody& error) {
  const auto text = to_lower(error.message);
  if (text.starts_with("no such object")) return false;
  return text.find("bucket does not exist") != std::string::npos || text.starts_with("no such bucket") ||
         text.starts_with("bucket not found");
}

/// A server that quotes a session's address or a token back at us must not bring it into our logs.
void redact(ErrorBody* error) {
  const auto text = to_lower(error->message);
  const bool secret = text.find("upload_id") != std::string::npos || text.find("bearer ") != std::string::npos;
  if (secret) error->message = "(text withheld: it names a credential)";
}

ErrorKind kind_of(int status, const ErrorBody& error, Subject subject) {
  switch (status) {
    case 400: return is_hash_mismatch(error) ? ErrorKind::kCorrupt : ErrorKind::kInvalid;
    case 403: return is_rate_limit(error) ? ErrorKind::kUnavailable : ErrorKind::kDenied;
    case 404:
      return subject == Subject::kBucket || names_missing_bucket(error) ? ErrorKind::kInvalid : ErrorKind::kGone;
    case 401: return ErrorKind::kDenied;
    case 410: return ErrorKind::kGone;
    case 409:
    case 412: return ErrorKind::kConflict;
    case 413: return ErrorKind::kLimit;
    case 408:
    case 429: return ErrorKind::kUnavailable;
    default: break;
  }
  if (status >= 500) return ErrorKind::kUnavailable;
  return status >= 300 ? ErrorKind::kInvalid : ErrorKind::kCorrupt;
}

std::string_view remedy(int status, ErrorKind kind) {
  if (status == 401) return "; the credentials are not accepted: check the key or the account behind them";
  if (kind == ErrorKind::kDenied) {
    return "; the target forbids it: check the account's permissions (storage.objects.create, .get, .list, and .delete "
           "to "
           "overwrite), the bucket's retention policy and the object's holds";
  }
  if (status == 404 && kind == ErrorKind::kInvalid) return "; bucket does not exist: create it, or correct its name";
  if (status >= 300 && status < 400) return "; redirects are not followed: check the endpoint";
  return "";
}

}  // namespace

bool says_bucket_missing(const Reply& reply) {
  return reply.status == 404 && names_missing_bucket(parse_error(reply.body));
}

Error refusal(const Reply& reply, const std::string& action, Subject subject, WallTime now) {
  auto error = parse_error(reply.body);
  redact(&error);
  const auto kind = kind_of(reply.status, error, subject);
  auto what = action + ": HTTP " + std::to_string(reply.status);
  if (!error.reason.empty()) what += " " + error.reason;
  if (!error.message.empty()) what += ": " + error.message;
  what += remedy(reply.status, kind);
  return Error{kind, std::move(what), retry_after(reply.headers, now)};
}

}  // namespace ferry::gcs
