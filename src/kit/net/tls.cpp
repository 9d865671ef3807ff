#include "kit/net/tls.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <cstring>

namespace ferry::net {
namespace {

SslContext make_context(const SSL_METHOD* method) {
  SslContext context{SSL_CTX_new(method)};
  if (!context) return context;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  return context;
}

bool is_address(const std::string& host) {
  in6_addr address;
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

tl::unexpected<Error> refuse(const std::string& what) {
  return fail(ErrorKind::kInvalid, what + ": " + ssl_error_text(nullptr));
}

}  // namespace

Result<SslContext> make_client_context(const std::optional<std::string>& ca_file) {
  ERR_clear_error();
  auto context = make_context(TLS_client_method());
  if (!context) return refuse("TLS can't be set up");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_set_default_verify_paths(context.get()) != 1)
    return refuse("the system's root certificates can't be loaded");
  if (ca_file && SSL_CTX_load_verify_locations(context.get(), ca_file->c_str(), nullptr) != 1) {
    return refuse("root certificates in '" + *ca_file + "' can't be read");
  }
  static constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), kProtocols, sizeof(kProtocols) - 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  return context;
}

Result<SslContext> make_server_context(const std::string& certificate_file, const std::string& key_file) {
  ERR_clear_error();
  auto context = make_context(TLS_server_method());
  if (!context) return refuse("TLS can't be set up");
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    return refuse("certificate '" + certificate_file + "' can't be read");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return refuse("private key '" + key_file + "' can't be read or doesn't belong to '" + certificate_file + "'");
  }
  return context;
}

SslHandle make_client_handle(SSL_CTX* context, const std::string& host) {
  SslHandle session{SSL_new(context)};
  if (!session) return session;
  if (is_address(host)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host.c_str()) != 1) return nullptr;
  } else {
    SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(session.get(), host.c_str()) != 1) return nullptr;
    if (SSL_set_tlsext_host_name(session.get(), host.c_str()) != 1) return nullptr;
  }
  SSL_set_connect_state(session.get());
  return session;
}

std::string ssl_error_text(SSL* session) {
  const auto verdict = session ? SSL_get_verify_result(session) : X509_V_OK;
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (verdict != X509_V_OK) return std::string("certificate refused: ") + X509_verify_cert_error_string(verdict);
  if (ERR_SYSTEM_ERROR(code)) return std::string(std::strerror(static_cast<int>(ERR_GET_REASON(code))));
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "connection closed";
}

void ignore_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace ferry::net
