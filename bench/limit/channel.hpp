#pragma once
// A blocking connection, plain or TLS 1.3, and nothing around it. Whatever goes wrong is thrown: this program has
// nobody to go on for.

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ferry::limit {

struct Server {
  bool tls = false;
  std::string address, bucket;
  std::uint16_t port = 0;

  /// From http://127.0.0.1:PORT/BUCKET or https://…
  static Server parse(const std::string& url);
};

struct SslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, SslFree>;

/// TLS 1.3 only; peers must be certified by `ca_file`.
[[nodiscard]] Context make_context(const std::string& ca_file);

class Channel {
 public:
  /// `context` may be null for a server without TLS.
  Channel(const Server& server, SSL_CTX* context);
  Channel(const Channel&) = delete;
  ~Channel();

  void send(std::string_view bytes);
  /// At least one byte, and what else is there and fits.
  std::size_t receive(std::span<char> space);

 private:
  int socket_ = -1;
  std::unique_ptr<SSL, SslFree> session_;
};

}  // namespace ferry::limit
