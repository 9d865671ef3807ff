#pragma once
// How answers leave: errors in one form, and what every answer carries for the browser's sake.

#include <optional>
#include <string>
#include <string_view>

#include "kit/net/http_server.hpp"

namespace ferry::admin {

inline constexpr std::string_view kJsonType = "application/json";

/// What the browser must know of every answer: nothing from elsewhere, in no frame, no guessing of types; and
/// `no-store` unless `cache_control` says otherwise.
[[nodiscard]] net::Headers headers_for(std::string_view content_type, std::string_view cache_control = "no-store");

/// These three send a whole answer. A peer that is gone by then is nobody's trouble.
Task<> answer_json(net::ServerExchange* exchange, int status, std::string body);
Task<> answer_refusal(net::ServerExchange* exchange, int status, std::string message, net::Headers more = {});
/// @see status_of
Task<> answer_error(net::ServerExchange* exchange, Error error);

/// 404 for what is gone, 409 for what changed, 502 where somebody refuses us, 503 (with Retry-After) for what time
/// may cure, 500 for the rest.
[[nodiscard]] int status_of(ErrorKind kind);

/// Whole seconds, rounded up, at least 1.
[[nodiscard]] std::string retry_after(Milliseconds wait);

}  // namespace ferry::admin
