#pragma once
// Small requests whose whole reply is wanted, such as those for credentials; nothing that moves objects.

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "kit/net/http.hpp"

namespace ferry::net {

struct WholeReply {
  int status = 0;
  Headers headers;
  std::string body;  ///< of a refusal: empty if it could not be read, as the status says enough
};

/// One request, no retry. `limit`: of the reply's body, in bytes; more is kCorrupt.
Task<Result<WholeReply>> exchange_whole(HttpClient* http, Origin origin, RequestHead head, std::string body,
                                        std::size_t limit);

/// The clients of one thread, by where a request goes.
struct Routes {
  HttpClient* far = nullptr;   ///< the internet, through a proxy where one is set
  HttpClient* near = nullptr;  ///< what answers on this machine or beside it: no proxy, little patience
};

/// Origin and path with query of an absolute URL; user names and fragments are none.
struct Url {
  Origin origin;
  std::string target;
  /// @error kInvalid: what is wrong, without the URL, which may hold a secret
  [[nodiscard]] static Result<Url> parse(std::string_view text);
};

/// name=value&…, percent-encoded.
[[nodiscard]] std::string form_encode(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

/// The server's clock, else ours: what an absolute time in the reply is to be compared with.
[[nodiscard]] std::chrono::sys_seconds date_of(const WholeReply& reply, std::chrono::sys_seconds ours);

}  // namespace ferry::net
