#pragma once
// HTTP/1.1 for the data path, as a client. One HttpClient per io_context thread; it pools connections per origin.
// No redirects are followed, no body is decompressed, no path is normalised, no header is invented but Host,
// Content-Length and Connection. RFC 9110, RFC 9112.

#include <array>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/async/task.hpp"
#include "kit/base/error.hpp"

namespace ferry::net {

/// Where a request goes: credentials are meant for one Origin.
struct Origin {
  bool tls = true;
  std::string host;  ///< name or address, lower case, IPv6 without brackets
  std::uint16_t port = 443;

  /// "http://host:port", "https://host"; a path other than "/" is an error here. kInvalid names the text and the fault.
  [[nodiscard]] static Result<Origin> parse(std::string_view url);
  /// What Host says: port only where it is not the scheme's own, IPv6 in brackets.
  [[nodiscard]] std::string host_header() const;
  [[nodiscard]] std::string url() const;  ///< "https://host:port"
  auto operator<=>(const Origin&) const = default;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void reserve(std::size_t fields) { fields_.reserve(fields); }
  /// First value of that name, in any case.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] auto begin() const { return fields_.begin(); }
  [[nodiscard]] auto end() const { return fields_.end(); }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct RequestHead {
  std::string method;
  std::string target;  ///< the exact bytes of the request line: path and query, already encoded
  Headers headers;     ///< Host is added unless given; a CR, LF or NUL anywhere makes open() fail with kInvalid
  RequestHead(std::string m, std::string t, Headers h = {})
      : method(std::move(m)), target(std::move(t)), headers(std::move(h)) {}
};

struct ResponseHead {
  int status = 0;
  Headers headers;
  std::optional<std::uint64_t> content_length;  ///< nothing: chunked, or until close
};

/// Up to four pieces that go out in one system call.
class Buffers {
 public:
  Buffers(std::span<const char> one) : pieces_{one} {}  // NOLINT(google-explicit-constructor)
  Buffers(std::string_view one) : pieces_{std::span<const char>(one.data(), one.size())} {}  // NOLINT
  Buffers(std::span<const char> a, std::span<const char> b, std::span<const char> c = {}, std::span<const char> d = {})
      : pieces_{a, b, c, d} {}
  [[nodiscard]] const std::array<std::span<const char>, 4>& pieces() const { return pieces_; }
  [[nodiscard]] std::size_t size() const {
    return pieces_[0].size() + pieces_[1].size() + pieces_[2].size() + pieces_[3].size();
  }

 private:
  std::array<std::span<const char>, 4> pieces_;
};

/// One request and its reply on one connection. Dropped before the reply was read to its end: the connection is closed;
/// else it goes back to the pool (unless either side said close).
/// Every error is kUnavailable (connect, TLS, reset, stall, early end) or kCorrupt (not HTTP, over a limit, lengths
/// that contradict each other), with origin and phase in the text. Never a secret: targets' queries are left out.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  /// Sends body bytes; the head goes out with the first of them, in one system call. If the peer answered early and
  /// closed, this returns success and the reply is waiting: check reply_pending() to stop early.
  virtual Task<Status> write(Buffers bytes) = 0;
  /// True when the peer answered before the whole body was sent (an error reply, as a rule).
  [[nodiscard]] virtual bool reply_pending() const = 0;
  /// The final reply (1xx are passed over). Sends the head if nothing was written. Asserts that the whole body was
  /// written, unless reply_pending().
  virtual Task<Result<ResponseHead>> response() = 0;
  /// Up to into.size() body bytes; 0 = complete. An early end of a body with known length is kUnavailable.
  virtual Task<Result<std::size_t>> read(std::span<char> into) = 0;
  /// The rest of the body, at most `limit` bytes; more is kCorrupt. For control replies, never for objects.
  virtual Task<Result<std::string>> read_all(std::size_t limit) = 0;
};

struct HttpStats {
  std::uint64_t requests = 0, connects = 0, bytes_sent = 0, bytes_received = 0;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  /// Prepares a request; sends nothing yet. `body_length` is exact; 0 with method POST or PUT sends Content-Length: 0.
  /// A kept-alive connection that died unused costs nothing: it is replaced before anything was sent, and a request
  /// whose body was not started is repeated once on a fresh connection.
  virtual Task<Result<std::unique_ptr<HttpExchange>>> open(Origin origin, RequestHead head,
                                                           std::uint64_t body_length) = 0;
  [[nodiscard]] virtual HttpStats stats() const = 0;
};

}  // namespace ferry::net
