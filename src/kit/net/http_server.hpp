#pragma once
// HTTP/1.1 server, one per io_context thread (several may share a port). Used by the admin API and by the sandbox.
// Strict in what it reads (RFC 9112): two lengths, length and chunked, bare LF, folded headers, space before the colon,
// bad chunk ends → 400 and close; no second request is taken from such a body.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kit/async/clock.hpp"
#include "kit/net/http.hpp"

namespace ferry::net {

struct ServerRequest {
  std::string method;
  std::string target;  ///< exact bytes of the request line, never normalised
  Headers headers;
  std::optional<std::uint64_t> content_length;  ///< nothing: chunked; 0: no body
  std::string peer;                             ///< address of the client
};

/// One request being answered. Returning from the handler without an answer sends 500; an unread request body is
/// drained up to a limit, else the connection is closed.
class ServerExchange {
 public:
  virtual ~ServerExchange() = default;
  [[nodiscard]] virtual const ServerRequest& request() const = 0;
  /// Request body. "Expect: 100-continue" is answered by the first read. 0 = complete.
  virtual Task<Result<std::size_t>> read(std::span<char> into) = 0;
  virtual Task<Result<std::string>> read_all(std::size_t limit) = 0;
  /// A whole answer in one system call. Date is added unless given, and Content-Length (but not for 204 and 304).
  /// @error kInvalid: a header that can't be sent (line break), or one that says where the body ends
  virtual Task<Status> respond(int status, Headers headers, std::string body) = 0;
  /// A streamed answer: begin, write…, finish. No length: chunked. For HEAD: begin and finish only.
  virtual Task<Status> begin(int status, Headers headers, std::optional<std::uint64_t> length) = 0;
  virtual Task<Status> write(Buffers bytes) = 0;
  virtual Task<Status> finish() = 0;
  /// Bytes straight to the socket, outside of all framing; the connection is closed after the handler. For fault tests.
  virtual Task<Status> write_raw(Buffers bytes) = 0;
  /// Closes the connection now; with `reset` the peer sees RST instead of FIN.
  virtual void abort(bool reset) = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one
  bool reuse_port = false;
  std::optional<std::string> certificate_file, key_file;  ///< PEM; both: TLS
  Milliseconds head_timeout{15'000};                      ///< from the first byte of a request to its last header byte
  Milliseconds idle_timeout{75'000};                      ///< between requests
  Milliseconds body_timeout{30'000};                      ///< without progress, either direction
  std::size_t head_bytes_max = 32 * 1024;
  /// One more takes the place of the one that has been without a request for longest, if there is one.
  std::size_t connections_max = 10'000;
  /// Headers and body of answers that are the server's own: 400, 431 and 500. Nothing: both empty.
  std::function<std::pair<Headers, std::string>(int status)> own_answer;
};

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;  ///< bound and listening from construction on
  virtual Task<> run() = 0;                              ///< until stop() or cancellation; all exchanges end first
  virtual void stop() = 0;                               ///< on the server's thread
};

/// The handler lives as long as the server. It is called once per request; requests of one connection come one by one.
using Handler = std::function<Task<>(ServerExchange*)>;

/// @error kInvalid: address or port can't be bound, certificate can't be read; names them.
[[nodiscard]] Result<std::unique_ptr<HttpServer>> make_http_server(Executor executor, ServerOptions options,
                                                                   Handler handler, Clock* clock);

}  // namespace ferry::net
