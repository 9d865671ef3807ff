#include "source/s3/errors.hpp"

#include <algorithm>
#include <chrono>

#include "kit/base/text.hpp"

namespace ferry::s3 {
namespace {

struct Meaning {
  ErrorKind kind;
  std::string_view remedy;  ///< what a person can do; may be empty
};

struct Row {
  std::string_view code;
  Meaning meaning;
};

constexpr std::string_view kRenewCredentials =
    "renew the credentials (access key, secret key, session token) and run it again";
constexpr std::string_view kSetRegion = "set AWS_REGION to the bucket's region";
constexpr std::string_view kNeedsCustomerKey =
    "the object is encrypted with a customer-provided key (SSE-C); name it with --sse-c-key-file, it can't be read "
    "without";

/// Codes whose meaning the status alone doesn't tell. @see Amazon S3 API Reference, "Error Responses";
/// protocol-facts 1.7.
constexpr Row kCodes[] = {
    {"NoSuchKey", {ErrorKind::kGone, ""}},
    {"NoSuchVersion", {ErrorKind::kGone, ""}},
    {"NoSuchBucket", {ErrorKind::kInvalid, "bucket does not exist; check its name and the endpoint"}},
    {"InvalidBucketName", {ErrorKind::kInvalid, "check the bucket's name"}},
    {"PreconditionFailed", {ErrorKind::kChanged, ""}},
    {"InvalidRange", {ErrorKind::kChanged, "the object is shorter than planned"}},
    {"InvalidObjectState", {ErrorKind::kArchived, "archived; restore the object first"}},
    {"RestoreAlreadyInProgress", {ErrorKind::kConflict, ""}},
    {"GlacierExpeditedRetrievalNotAvailable", {ErrorKind::kUnavailable, "choose another --restore-tier"}},
    {"KeyTooLongError", {ErrorKind::kLimit, ""}},
    {"AccessDenied", {ErrorKind::kDenied, "grant s3:GetObject and s3:ListBucket to these credentials"}},
    {"AllAccessDisabled", {ErrorKind::kDenied, "the bucket's owner has disabled access"}},
    {"AccountProblem", {ErrorKind::kDenied, "the account has a problem; ask its owner"}},
    {"InvalidAccessKeyId", {ErrorKind::kDenied, kRenewCredentials}},
    {"SignatureDoesNotMatch", {ErrorKind::kDenied, "check the secret key"}},
    {"ExpiredToken", {ErrorKind::kDenied, kRenewCredentials}},
    {"TokenRefreshRequired", {ErrorKind::kDenied, kRenewCredentials}},
    {"InvalidToken", {ErrorKind::kDenied, kRenewCredentials}},
    {"RequestTimeTooSkewed", {ErrorKind::kDenied, "set this machine's clock"}},
    {"PermanentRedirect", {ErrorKind::kInvalid, kSetRegion}},
    {"TemporaryRedirect", {ErrorKind::kInvalid, kSetRegion}},
    {"Redirect", {ErrorKind::kInvalid, kSetRegion}},
    {"AuthorizationHeaderMalformed", {ErrorKind::kInvalid, kSetRegion}},
    {"IllegalLocationConstraintException", {ErrorKind::kInvalid, kSetRegion}},
    {"OperationAborted", {ErrorKind::kUnavailable, ""}},
    {"RequestTimeout", {ErrorKind::kUnavailable, ""}},
    {"InternalError", {ErrorKind::kUnavailable, ""}},
    {"ServiceUnavailable", {ErrorKind::kUnavailable, ""}},
    {"SlowDown", {ErrorKind::kUnavailable, ""}},
    {"Throttling", {ErrorKind::kUnavailable, ""}},
    {"ThrottlingException", {ErrorKind::kUnavailable, ""}},
    {"ThrottledException", {ErrorKind::kUnavailable, ""}},
    {"RequestThrottled", {ErrorKind::kUnavailable, ""}},
    {"RequestThrottledException", {ErrorKind::kUnavailable, ""}},
    {"TooManyRequestsException", {ErrorKind::kUnavailable, ""}},
    {"BandwidthLimitExceeded", {ErrorKind::kUnavailable, ""}},
    {"RequestLimitExceeded", {ErrorKind::kUnavailable, ""}},
};

bool asks_for_customer_key(const Failure& failure) {
  return failure.status == 400 && (failure.message.find("Server Side Encryption") != std::string::npos ||
                                   failure.message.find("server side encryption") != std::string::npos);
}

bool is_redirect(int status) { return status == 301 || status == 302 || status == 307 || status == 308; }

Meaning meaning_of_status(int status) {
  if (is_redirect(status)) return {ErrorKind::kInvalid, kSetRegion};
  if (status == 401 || status == 403) return {ErrorKind::kDenied, "check credentials and permissions"};
  if (status == 404) return {ErrorKind::kGone, ""};
  if (status == 408 || status == 429 || status >= 500) {
    return {status == 501 ? ErrorKind::kInvalid : ErrorKind::kUnavailable, ""};
  }
  if (status == 412 || status == 416) return {ErrorKind::kChanged, ""};
  // A document that says <Error>, with a code that we don't know, after a status that says "fine": time may cure it.
  if (status >= 200 && status < 300) return {ErrorKind::kUnavailable, ""};
  return {ErrorKind::kInvalid, ""};
}

Meaning meaning_of(const Failure& failure) {
  const auto* const row =
      std::find_if(std::begin(kCodes), std::end(kCodes), [&](const Row& r) { return r.code == failure.code; });
  if (row != std::end(kCodes)) return row->meaning;
  if (asks_for_customer_key(failure)) return {ErrorKind::kDenied, kNeedsCustomerKey};
  return meaning_of_status(failure.status);
}

Failure from_head(const net::ResponseHead& head, Seconds now) {
  Failure failure;
  failure.status = head.status;
  if (const auto id = head.headers.find("x-amz-request-id")) failure.request_id = *id;
  if (const auto region = head.headers.find("x-amz-bucket-region")) failure.region = *region;
  if (const auto date = head.headers.find("date")) failure.date = parse_http_date(*date);
  if (const auto wish = head.headers.find("retry-after")) failure.retry_after = parse_retry_after(*wish, now);
  return failure;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t kMax = 300;
  auto shown = printable(text.substr(0, kMax));
  if (text.size() > kMax) shown += "…";
  return shown;
}

}  // namespace

bool is_error_document(const Xml& document) { return local_name(document.root()) == "Error"; }

Failure read_failure(const net::ResponseHead& head, const Xml& document, Seconds now) {
  auto failure = from_head(head, now);
  if (!is_error_document(document)) return failure;
  const auto root = document.root();
  failure.code = child_text(root, "Code").value_or("");
  failure.message = child_text(root, "Message").value_or("");
  if (failure.region.empty()) failure.region = child_text(root, "Region").value_or("");
  if (failure.request_id.empty()) failure.request_id = child_text(root, "RequestId").value_or("");
  return failure;
}

Failure read_failure(const net::ResponseHead& head, std::string body, Seconds now) {
  if (!body.empty()) {
    if (const auto document = Xml::parse(std::move(body))) return read_failure(head, *document, now);
  }
  return from_head(head, now);
}

Repair repair_for(const Failure& failure, Seconds now) {
  constexpr std::chrono::minutes kSkewMax{10};  // S3 allows 15; a refusal without a body must not be over-interpreted
  const auto& code = failure.code;
  if (is_redirect(failure.status) || code == "AuthorizationHeaderMalformed" ||
      code == "IllegalLocationConstraintException") {
    return Repair::kRegion;
  }
  if (failure.status == 400 && code.empty() && !failure.region.empty()) return Repair::kRegion;
  if (code == "ExpiredToken" || code == "TokenRefreshRequired" || code == "InvalidAccessKeyId" ||
      code == "SignatureDoesNotMatch" || code == "InvalidToken") {
    return Repair::kCredentials;
  }
  const bool skewed = failure.date && std::chrono::abs(*failure.date - now) > kSkewMax;
  if (code == "RequestTimeTooSkewed" && failure.date) return Repair::kClock;
  if (failure.status == 403 && code.empty() && skewed) return Repair::kClock;
  return Repair::kNone;
}

std::optional<Milliseconds> parse_retry_after(std::string_view text, Seconds now) {
  constexpr std::chrono::seconds kMax{3600};
  std::chrono::seconds wish{0};
  if (const auto seconds = parse_u64(trim(text))) {
    wish = std::chrono::seconds{std::min<std::uint64_t>(*seconds, kMax.count())};
  } else if (const auto date = parse_http_date(trim(text))) {
    wish = std::clamp(*date - now, std::chrono::seconds{0}, kMax);
  } else {
    return std::nullopt;
  }
  return Milliseconds{wish};
}

Error to_error(const Failure& failure, std::string_view place) {
  const auto [kind, remedy] = meaning_of(failure);
  std::string what{place};
  what += ": " + std::to_string(failure.status);
  if (!failure.code.empty()) what += " " + shortened(failure.code);
  if (!failure.message.empty()) what += ": " + shortened(failure.message);
  if (!remedy.empty()) what.append(" (").append(remedy).append(")");
  if (remedy == kSetRegion && !failure.region.empty()) what += ", the server names '" + shortened(failure.region) + "'";
  if (!failure.request_id.empty()) what += " [request " + shortened(failure.request_id) + "]";
  return {kind, std::move(what), kind == ErrorKind::kUnavailable ? failure.retry_after : std::nullopt};
}

}  // namespace ferry::s3
