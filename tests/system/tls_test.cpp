// Both sides behind certificates of an authority that only this test knows.

#include "tests/system/system_test.hpp"

namespace ferry::system_test {
namespace {

class Tls : public SystemTest {
 protected:
  void SetUp() override {
    make_authority("ca");
    make_authority("other-ca");
    make_certificate("server", "ca", "IP:127.0.0.1,DNS:localhost");
  }

  void start_with(const std::string& certificate) {
    http_ = std::make_unique<Http>(file("ca.pem"));
    start({"--tls-cert", file(certificate + ".pem"), "--tls-key", file(certificate + ".key")});
  }

  /// Refused by the source before anything was said to it: no request, no header, no signature.
  void expect_silence(const Outcome& outcome, const std::string& word) {
    EXPECT_EQ(outcome.code(), 3) << outcome.describe();
    EXPECT_NE(outcome.ended.err.find(word), std::string::npos) << outcome.describe();
    EXPECT_EQ(sandbox_->requests("s3", "ListObjectsV2"), 0);
  }

  [[nodiscard]] std::string file(const std::string& name) const { return (folder() / name).string(); }

 private:
  void openssl(std::vector<std::string> arguments) {
    const auto ended = run({"openssl", std::move(arguments), {}}, folder(), "openssl", Duration{30});
    ASSERT_EQ(ended.code, 0) << ended.err;
  }
  void make_authority(const std::string& name) {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             file(name + ".key"), "-out", file(name + ".pem"), "-days", "2", "-subj", "/CN=" + name});
  }
  void make_certificate(const std::string& name, const std::string& authority, const std::string& names) {
    openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file(name + ".key"),
             "-out", file(name + ".csr"), "-subj", "/CN=" + name, "-addext", "subjectAltName=" + names});
    openssl({"x509", "-req", "-in", file(name + ".csr"), "-CA", file(authority + ".pem"), "-CAkey",
             file(authority + ".key"), "-CAcreateserial", "-out", file(name + ".pem"), "-days", "2", "-copy_extensions",
             "copy"});
  }
};

TEST_F(Tls, MigratesAndVerifiesThroughATrustedAuthority_F079) {
  start_with("server");
  const auto bytes = noise(20 * kMiB, 1);
  source_->put("small", "bytes");
  source_->put("large", bytes);
  ASSERT_EQ(sandbox_->s3().substr(0, 8), "https://");
  const auto outcome = copy({"--ca-file", file("ca.pem")});
  EXPECT_EQ(outcome.code(), 0) << outcome.describe();
  expect_same({"large", "small"});
  EXPECT_EQ(verify({"--ca-file", file("ca.pem")}).code(), 0);
}

TEST_F(Tls, UnknownAuthorityIsRefusedBeforeACredentialIsSent_F079) {
  start_with("server");
  source_->put("small", "bytes");
  sandbox_->forget();
  expect_silence(copy(), "certificate");
  expect_silence(copy({"--ca-file", file("other-ca.pem")}), "certificate");
  EXPECT_EQ(sandbox_->requests("gcs", "ListObjects"), 0);
}

TEST_F(Tls, CertificateOfAnotherHostIsRefused_F079) {
  // Asked by a name that resolves to the right server, but isn't the one in its certificate.
  start_with("server");
  sandbox_->forget();
  const auto port = sandbox_->s3().substr(sandbox_->s3().rfind(':'));
  expect_silence(copy({"--ca-file", file("ca.pem"), "--s3-endpoint", "https://[::ffff:127.0.0.1]" + port}),
                 "certificate");
}

TEST_F(Tls, PlainAnswerToATlsHelloIsRefused_F079) {
  start();
  source_->put("small", "bytes");
  sandbox_->forget();
  const auto plain_port = sandbox_->s3().substr(sandbox_->s3().rfind(':'));
  expect_silence(copy({"--s3-endpoint", "https://127.0.0.1" + plain_port}), "127.0.0.1" + plain_port);
}

}  // namespace
}  // namespace ferry::system_test
