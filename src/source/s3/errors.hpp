#pragma once
// What S3 says when it refuses, and what that means for the caller. Two questions are answered apart: can the request
// be repaired and sent again at once (another region, fresh credentials, a corrected clock), and if not, which Error is
// it.

#include <optional>
#include <string>
#include <string_view>

#include "kit/async/clock.hpp"
#include "kit/base/error.hpp"
#include "kit/base/time.hpp"
#include "kit/net/http.hpp"
#include "source/s3/xml.hpp"

namespace ferry::s3 {

inline constexpr std::size_t kErrorBodyMax = 64 * 1024;

/// A refusal, read from status, headers and (if there was one) body.
struct Failure {
  int status = 0;
  std::string code;     ///< "NoSuchKey"; empty where no body told it
  std::string message;  ///< the server's words
  std::string region;   ///< its hint where the bucket lives; unchecked
  std::string request_id;
  std::optional<Seconds> date;  ///< the server's clock
  std::optional<Milliseconds> retry_after;
};

/// `now`: to understand a Retry-After that is a date. `body` may be anything.
[[nodiscard]] Failure read_failure(const net::ResponseHead& head, std::string body, Seconds now);
/// The same from a document that came with status 200 (its root is <Error>).
[[nodiscard]] Failure read_failure(const net::ResponseHead& head, const Xml& document, Seconds now);
[[nodiscard]] bool is_error_document(const Xml& document);

enum class Repair { kNone, kRegion, kCredentials, kClock, kCustomerKey };
inline constexpr std::size_t kRepairs = 5;
/// What would have to change before the same request can succeed (but for kCustomerKey, which depends on the call).
/// `now` is our clock as it was signed.
[[nodiscard]] Repair repair_for(const Failure& failure, Seconds now);

/// A number of seconds or an HTTP date, between now and an hour from now; nothing if it is neither.
[[nodiscard]] std::optional<Milliseconds> parse_retry_after(std::string_view text, Seconds now);

/// One line: place, status, code, the server's words, remedy, request id. `place`: "GET s3://bucket/key", printable.
[[nodiscard]] Error to_error(const Failure& failure, std::string_view place);

}  // namespace ferry::s3
