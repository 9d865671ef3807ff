#include "testing/net/throwaway_ca.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace ferry::testing {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

std::unique_ptr<std::FILE, Free> create(const std::filesystem::path& path) {
  std::unique_ptr<std::FILE, Free> file{std::fopen(path.c_str(), "w")};
  require(file != nullptr, "file for a certificate");
  return file;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension{X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())};
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "certificate extension");
}

Certificate draft(EVP_PKEY* key, const std::string& common_name, long valid_seconds, long serial) {
  Certificate certificate{X509_new()};
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -86'400);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_seconds);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

struct ThrowawayCa::Keys {
  Key key{EVP_EC_gen("P-256")};
  Certificate certificate;
};

ThrowawayCa::ThrowawayCa() : keys_(std::make_unique<Keys>()) {
  auto pattern = (std::filesystem::temp_directory_path() / "ferry-ca-XXXXXX").string();
  require(::mkdtemp(pattern.data()) != nullptr, "directory for certificates");
  directory_ = pattern;
  keys_->certificate = draft(keys_->key.get(), directory_.filename().string(), 3600, 1);
  auto* certificate = keys_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  require(X509_sign(certificate, keys_->key.get(), EVP_sha256()) > 0, "signature of the CA");
  PEM_write_X509(create(ca_file()).get(), certificate);
}

ThrowawayCa::~ThrowawayCa() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string ThrowawayCa::ca_file() const { return directory_ / "ca.pem"; }

ThrowawayCa::Issued ThrowawayCa::issue(const std::string& name, long valid_seconds) {
  const auto stem = std::to_string(++issued_);
  const Key key{EVP_EC_gen("P-256")};
  const auto certificate = draft(key.get(), "throw-away", valid_seconds, 1 + issued_);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(keys_->certificate.get()));
  extend(certificate.get(), keys_->certificate.get(), NID_subject_alt_name, name);
  require(X509_sign(certificate.get(), keys_->key.get(), EVP_sha256()) > 0, "signature of a certificate");
  Issued issued{directory_ / (stem + ".pem"), directory_ / (stem + ".key")};
  PEM_write_X509(create(issued.certificate_file).get(), certificate.get());
  PEM_write_PrivateKey(create(issued.key_file).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return issued;
}

}  // namespace ferry::testing
