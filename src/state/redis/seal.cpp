#include "state/redis/seal.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <stdexcept>

namespace ferry::redis {
namespace {

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, Free>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL lacks AES-256-GCM or scrypt");
}

}  // namespace

Seal::Seal(std::string_view secret, std::string_view salt, Rng* rng) : rng_(rng) {
  constexpr std::uint64_t kN = 16'384, kR = 8, kP = 1, kMemory = 64U * 1024 * 1024;
  require(EVP_PBE_scrypt(secret.data(), secret.size(), bytes_of(salt), salt.size(), kN, kR, kP, kMemory, key_.data(),
                         key_.size()) == 1);
}

Seal::~Seal() { OPENSSL_cleanse(key_.data(), key_.size()); }

std::string Seal::close(std::string_view plain, std::string_view place) const {
  const std::array<std::uint64_t, 2> drawn{rng_->next(), rng_->next()};
  std::string sealed(kNonce + plain.size() + kTag, '\0');
  std::memcpy(sealed.data(), drawn.data(), kNonce);
  auto* body = bytes_of(sealed) + kNonce;
  const Cipher cipher{EVP_CIPHER_CTX_new()};
  int written = 0;
  require(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), bytes_of(sealed)) == 1);
  require(EVP_EncryptUpdate(cipher.get(), nullptr, &written, bytes_of(place), static_cast<int>(place.size())) == 1);
  require(EVP_EncryptUpdate(cipher.get(), body, &written, bytes_of(plain), static_cast<int>(plain.size())) == 1);
  require(EVP_EncryptFinal_ex(cipher.get(), body + plain.size(), &written) == 1);
  require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTag, body + plain.size()) == 1);
  return sealed;
}

std::optional<std::string> Seal::open(std::string_view sealed, std::string_view place) const {
  if (sealed.size() < kNonce + kTag) return std::nullopt;
  const auto body = sealed.substr(kNonce, sealed.size() - kNonce - kTag);
  std::string tag{sealed.substr(sealed.size() - kTag)};
  std::string plain(body.size(), '\0');
  const Cipher cipher{EVP_CIPHER_CTX_new()};
  int written = 0;
  require(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), bytes_of(sealed)) == 1);
  require(EVP_DecryptUpdate(cipher.get(), nullptr, &written, bytes_of(place), static_cast<int>(place.size())) == 1);
  require(EVP_DecryptUpdate(cipher.get(), bytes_of(plain), &written, bytes_of(body), static_cast<int>(body.size())) ==
          1);
  require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(cipher.get(), bytes_of(plain) + plain.size(), &written) != 1) return std::nullopt;
  return plain;
}

}  // namespace ferry::redis
