#pragma once
// TLS 1.2 and 1.3 by OpenSSL, straight on the socket: no copies through memory buffers.

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "kit/base/error.hpp"

namespace ferry::net {

struct SslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(SSL_SESSION* ticket) const { SSL_SESSION_free(ticket); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslFree>;
using SslHandle = std::unique_ptr<SSL, SslFree>;
using SslTicket = std::unique_ptr<SSL_SESSION, SslFree>;

/// Verifies peers against the system's roots and those of `ca_file` (PEM). @error kInvalid names the file.
[[nodiscard]] Result<SslContext> make_client_context(const std::optional<std::string>& ca_file);
/// @error kInvalid names the file that can't be read, or says that key and certificate don't match.
[[nodiscard]] Result<SslContext> make_server_context(const std::string& certificate_file, const std::string& key_file);

/// A client's side of a connection to `host`: its name is asked for (SNI) and must be the one that the certificate
/// proves.
[[nodiscard]] SslHandle make_client_handle(SSL_CTX* context, const std::string& host);

/// What OpenSSL has to say about the failure that just happened, in one line; takes it off OpenSSL's queue.
[[nodiscard]] std::string ssl_error_text(SSL* session);

/// Writing to a closed connection is an error to handle, not a signal to die of; OpenSSL can't ask for that per write.
void ignore_broken_pipes();

}  // namespace ferry::net
