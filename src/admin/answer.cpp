#include "admin/answer.hpp"

#include <algorithm>

#include "admin/describe.hpp"

namespace ferry::admin {
namespace {
constexpr Milliseconds kRetryAfter{5'000};
}

net::Headers headers_for(std::string_view content_type, std::string_view cache_control) {
  return {{"Content-Type", std::string(content_type)},
          {"Cache-Control", std::string(cache_control)},
          {"Content-Security-Policy",
           "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Referrer-Policy", "no-referrer"},
          {"X-Content-Type-Options", "nosniff"},
          {"X-Frame-Options", "DENY"}};
}

Task<> answer_json(net::ServerExchange* exchange, int status, std::string body) {
  co_await exchange->respond(status, headers_for(kJsonType), std::move(body));
}

Task<> answer_refusal(net::ServerExchange* exchange, int status, std::string message, net::Headers more) {
  auto headers = headers_for(kJsonType);
  for (const auto& [name, value] : more) headers.add(name, value);
  co_await exchange->respond(status, std::move(headers), error_text(status, message));
}

Task<> answer_error(net::ServerExchange* exchange, Error error) {
  const int status = status_of(error.kind);
  net::Headers more;
  if (status == 503) more.add("Retry-After", retry_after(error.retry_after.value_or(kRetryAfter)));
  co_await answer_refusal(exchange, status, std::move(error.what), std::move(more));
}

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kGone: return 404;
    case ErrorKind::kChanged:
    case ErrorKind::kConflict: return 409;
    case ErrorKind::kDenied: return 502;
    case ErrorKind::kUnavailable:
    case ErrorKind::kCancelled: return 503;
    case ErrorKind::kArchived:
    case ErrorKind::kLimit:
    case ErrorKind::kInvalid:
    case ErrorKind::kCorrupt: return 500;
  }
  return 500;
}

std::string retry_after(Milliseconds wait) {
  return std::to_string(std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(wait).count()));
}

}  // namespace ferry::admin
